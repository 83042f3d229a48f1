"""A certificate authority for one test server, as a site's own would be."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM: the server's key and chain, its authority, and an authority that did not sign it."""

    keystore: Path
    ca_file: Path
    wrong_ca_file: Path


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _sign(
    subject: str,
    key: rsa.RSAPrivateKey,
    issuer: str,
    issuer_key: rsa.RSAPrivateKey,
    *,
    names: x509.SubjectAlternativeName | None,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def make_certificates(folder: Path) -> Certificates:
    """Write a server certificate for localhost and 127.0.0.1, its authority and a stranger's into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    files = Certificates(folder / "keystore.pem", folder / "ca.pem", folder / "wrong-ca.pem")
    ca_key, key, stranger = (rsa.generate_private_key(65537, 2048) for _ in range(3))
    ca = _sign("test authority", ca_key, "test authority", ca_key, names=None)
    loopback = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    server = _sign("localhost", key, "test authority", ca_key, names=loopback)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files.keystore.write_bytes(key_pem + _pem(server) + _pem(ca))
    files.keystore.chmod(0o600)
    files.ca_file.write_bytes(_pem(ca))
    files.wrong_ca_file.write_bytes(
        _pem(_sign("another authority", stranger, "another authority", stranger, names=None))
    )
    return files
