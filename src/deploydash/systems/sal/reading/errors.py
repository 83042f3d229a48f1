"""Why a Kafka cannot be used, in words an operator can act on.

aiokafka says "Unable to bootstrap" for every cause and tells the cause to a logger alone, so the connection
is tried once more by hand, step by step.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka.conn import AIOKafkaConnection, collect_hosts
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from deploydash.core.model import FeedName
from deploydash.core.outside_text import visible
from deploydash.errors import FeedError
from deploydash.systems.sal.security import security, where
from deploydash.systems.settings import KafkaSettings

_PATIENCE_MS = 4_000
_PARTING_S = 1.0
_NAMED = 3
_OBSTACLES = (OSError, KafkaError, TimeoutError, EOFError, ValueError, AssertionError)


class _Connection(Protocol):
    async def connect(self) -> object: ...

    async def send(self, request: Any) -> Any: ...

    def close(self) -> asyncio.Future[None]: ...


@dataclass(frozen=True, slots=True)
class Found:
    """What was met on the way to a Kafka.

    ``refusal`` is why nothing of it can be used, None where a broker can be. ``unreachable`` are the brokers that it
    names for itself and that cannot be reached, each with the reason: ``broker-2.example.org:9092: no such host``.
    """

    refusal: FeedError | None
    unreachable: tuple[str, ...] = ()


async def diagnose(settings: KafkaSettings) -> FeedError | None:
    """Try to connect and ask for the brokers; return what stands in the way, or None if one of them can be used.

    The message begins with the address and where it was configured.
    """
    return (await examine(settings)).refusal


async def examine(settings: KafkaSettings) -> Found:
    """Try each address until one answers, then each broker that it names: clients go to those for every record."""
    try:
        arguments = security(settings) | {"request_timeout_ms": _PATIENCE_MS}
    except FeedError as error:
        return Found(error)
    refusals: list[FeedError] = []
    for host, port, _ in collect_hosts(settings.bootstrap):
        answer = await _ask(settings, str(host), int(port), arguments)
        if isinstance(answer, FeedError):
            refusals.append(answer)
            continue
        named = [address for address in answer if address != (str(host), int(port))]
        tried = await asyncio.gather(*(_reach(settings, *address, arguments) for address in named))
        unreachable = tuple(why for why in tried if why)
        none_left = bool(answer) and len(unreachable) == len(answer)
        return Found(unreachable_error(settings, unreachable) if none_left else None, unreachable)
    return Found(refusals[0])


def unreachable_error(settings: KafkaSettings, unreachable: Sequence[str]) -> FeedError:
    """Return in words that a Kafka names brokers for itself that cannot be reached."""
    whom = "a broker" if len(unreachable) == 1 else f"{len(unreachable)} brokers"
    return _feed_error(
        settings,
        f"answers, but names {whom} that cannot be reached from here: {', '.join(unreachable[:_NAMED])}",
        "its advertised.listeners must name hosts that this machine resolves and reaches; check DNS and VPN",
    )


async def _ask(
    settings: KafkaSettings, host: str, port: int, arguments: Mapping[str, Any]
) -> FeedError | list[tuple[str, int]]:
    """Return the hosts and ports of the brokers that the one at this address names, or why it cannot be used."""
    connection: _Connection = AIOKafkaConnection(host, port, client_id="deploydash", **arguments)
    try:
        await connection.connect()
    except _OBSTACLES as error:
        if isinstance(error, KafkaError):
            await _closed(connection)
        return in_words(settings, error)
    try:
        answer = await connection.send(MetadataRequest([], allow_auto_topic_creation=False))
    except KafkaConnectionError:
        return _feed_error(
            settings,
            f"the broker ends the connection when {settings.security_protocol} asks without logging in",
            "this port wants SASL: set LSST_KAFKA_SECURITY_PROTOCOL, and user and password with it",
        )
    except _OBSTACLES as error:
        return in_words(settings, error)
    finally:
        await _closed(connection)
    return [(str(broker[1]), int(broker[2])) for broker in answer.brokers]


async def _reach(settings: KafkaSettings, host: str, port: int, arguments: Mapping[str, Any]) -> str:
    """Return an address with the reason why nobody can be reached there, or nothing."""
    connection: _Connection = AIOKafkaConnection(host, port, client_id="deploydash", **arguments)
    try:
        async with asyncio.timeout(_PATIENCE_MS / 1000):
            await connection.connect()
    except _OBSTACLES as error:
        if isinstance(error, KafkaError):
            await _closed(connection)
        return f"{visible(host)}:{port}: {_sentence(settings, error)[0]}"
    await _closed(connection)
    return ""


async def _closed(connection: _Connection) -> None:
    """Close a connection and wait for TLS to part from the broker, which takes a way there and back."""
    await asyncio.wait({connection.close()}, timeout=_PARTING_S)


def in_words(settings: KafkaSettings, error: BaseException) -> FeedError:
    """Return what aiokafka or the socket raised as a sentence with what to do next."""
    message, hint = _sentence(settings, error)
    return _feed_error(settings, message, hint)


def _feed_error(settings: KafkaSettings, message: str, hint: str) -> FeedError:
    return FeedError(FeedName.KAFKA, f"{where(settings)}: {message}", hint=hint)


def _sentence(settings: KafkaSettings, error: BaseException) -> tuple[str, str]:
    protocol = settings.security_protocol
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"the broker's certificate is not trusted: {error.verify_message}",
                "name the file of the authority that signed it; if it should be trusted, is this the right broker?",
            )
        case ssl.SSLError():
            return (
                f"{protocol} uses TLS, but what answers on this port does not speak it ({error.reason or error})",
                "use the TLS port (9094 outside a site's cluster), or SASL_PLAINTEXT for this one",
            )
        case socket.gaierror():
            return ("no such host", "check the name, and that this machine's DNS or VPN knows the site")
        case ConnectionRefusedError():
            return ("connection refused", "nothing listens there: is the broker running, and is this its port?")
        case TimeoutError():
            return (
                f"no answer within {_PATIENCE_MS // 1000} s",
                "a firewall or VPN may drop the packets, the broker may hang, or the port speaks TLS and we do not",
            )
        case UnsupportedSaslMechanismError():
            return (
                f"the broker does not take the mechanism {settings.mechanism}",
                "set LSST_KAFKA_SECURITY_MECHANISM; the sites use SCRAM-SHA-512",
            )
        case SaslAuthenticationFailed():
            return (
                f"the broker refuses user {settings.username!r} or the password given for it",
                "check LSST_KAFKA_SECURITY_USERNAME and LSST_KAFKA_SECURITY_PASSWORD; it does not tell which is wrong",
            )
        case IllegalSaslStateError():
            return (
                f"{protocol} wants to log in, but this port takes no log-in",
                "use the port of the SASL listener, or another LSST_KAFKA_SECURITY_PROTOCOL",
            )
        case ValueError():
            return (f"protocol {protocol} with mechanism {settings.mechanism} cannot be used: {error}", _USUAL)
        case KafkaConnectionError() | EOFError() | ConnectionError() if protocol.endswith("SSL"):
            return (
                f"the connection is closed while {protocol} begins to talk TLS",
                "most often the port does not speak TLS: use the TLS port (9094 outside a site's cluster)",
            )
        case KafkaConnectionError() | EOFError() | ConnectionError():
            return (
                f"the connection is closed while {protocol} begins to talk",
                "most often the port speaks TLS and we do not, or it belongs to something else than Kafka",
            )
        case OSError():
            return (f"cannot be reached: {error.strerror or error}", "check the network and the address")
        case KafkaError():
            return (f"the broker answers with an error: {error}", "its log says more")
        case _:
            return (f"{type(error).__name__}: {error}", "its log says more")


_USUAL = "the sites use SASL_PLAINTEXT or SASL_SSL with SCRAM-SHA-512"
