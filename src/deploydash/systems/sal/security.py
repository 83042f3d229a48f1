"""TLS and SASL as every aiokafka object wants them, for whoever reads from a site's Kafka or commands over it."""

from __future__ import annotations

import ssl
from typing import Any

from deploydash.errors import FeedError
from deploydash.systems.settings import FOREIGN, KafkaSettings

REQUEST_TIMEOUT_MS = 10_000
"""How long a broker may leave any request unanswered before its connection is given up."""


def where(settings: KafkaSettings) -> str:
    """Return the address and where it was configured, as every sentence about this Kafka begins."""
    return f"{settings.bootstrap} ({settings.source}{FOREIGN * settings.foreign})"


def security(settings: KafkaSettings) -> dict[str, Any]:
    """Return the arguments of every aiokafka object that has a connection.

    Raises:
        FeedError: the file of certificate authorities cannot be used.
    """
    arguments: dict[str, Any] = {
        "security_protocol": settings.security_protocol,
        "ssl_context": tls_context(settings),
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
    }
    if settings.security_protocol.startswith("SASL"):
        arguments |= {
            "sasl_mechanism": settings.mechanism,
            "sasl_plain_username": settings.username,
            "sasl_plain_password": settings.password,
        }
    return arguments


def tls_context(settings: KafkaSettings) -> ssl.SSLContext | None:
    """Return what TLS needs, or None where the protocol has none.

    Raises:
        FeedError: the file of certificate authorities cannot be used.
    """
    if not settings.security_protocol.endswith("SSL"):
        return None
    try:
        return ssl.create_default_context(cafile=None if settings.ca_file is None else str(settings.ca_file))
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FeedError(
            "kafka",
            f"{where(settings)}: the file of certificate authorities {settings.ca_file} cannot be used: {reason}",
            hint="name a readable PEM file with the authority that signed the broker's certificate",
        ) from error


def unusable(settings: KafkaSettings, error: Exception) -> FeedError:
    """Return settings that aiokafka itself refuses as an operator's error."""
    return FeedError(
        "kafka",
        f"{where(settings)}: protocol {settings.security_protocol} with mechanism {settings.mechanism} "
        f"cannot be used: {error}",
        hint="the sites use SASL_PLAINTEXT or SASL_SSL with SCRAM-SHA-512",
    )
