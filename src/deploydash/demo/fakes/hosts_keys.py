"""Keys of the hosts, and of whoever may log in to them."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key as OpenSSH writes it: the private one in its file, the public one in a line."""

    private: str
    public: str


def key_pair() -> KeyPair:
    """A new ed25519 key."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.OpenSSH, forms.NoEncryption())
    public = key.public_key().public_bytes(forms.Encoding.OpenSSH, forms.PublicFormat.OpenSSH)
    return KeyPair(private.decode(), public.decode())
