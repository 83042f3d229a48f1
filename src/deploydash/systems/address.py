"""Hosts and URLs as they stand in a site file or in the environment: checked, taken apart, compared, shown."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from deploydash.core.outside_text import visible

_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_CREDENTIALS = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", re.DOTALL)


def is_ip(text: str) -> bool:
    """Whether a host is an IP address, without a zone."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def is_loopback(host: str) -> bool:
    """Whether a host can only be this machine: 127.0.0.0/8, ::1 or localhost."""
    if is_ip(host):
        address = ipaddress.ip_address(host)
        loopback6 = ipaddress.IPv6Address(1)
        return address == loopback6 if isinstance(address, ipaddress.IPv6Address) else address.is_loopback
    return host.lower() == "localhost"


def shown(url: str) -> str:
    """Return an address as it may be shown: without user and password, query and fragment, and harmless to look at.

    All before the last @ goes, for where a password holds a slash nobody can tell where it ends.
    """
    return visible(re.split(r"[?#]", _CREDENTIALS.sub(r"\1", url))[0].rstrip("/"))


def host_name(text: str) -> str:
    """Return a host name or IP address unchanged.

    Raises:
        ValueError: it is neither; its arguments are a sentence and a hint.
    """
    if (_NAME.fullmatch(text) and len(text) <= 253) or is_ip(text):
        return text
    raise ValueError(f"{text!r} is not a host", "write a name or an IP address, without a port")


def bootstrap_hosts(text: str) -> tuple[str, ...]:
    """Return the hosts of a Kafka address: ``host:port``, several with commas between.

    Raises:
        ValueError: it is no such address; its arguments are a sentence and a hint.
    """
    hosts = []
    for server in text.split(","):
        host, colon, port = server.strip().rpartition(":")
        in_brackets = host.startswith("[")
        host = host[1:].removesuffix("]") if in_brackets else host
        if not colon or not _is_port(port) or in_brackets != (":" in host):
            raise ValueError(f"{server.strip()!r} is not host:port", "write for example kafka.example.org:9094")
        hosts.append(host_name(host))
    return tuple(hosts)


def url_host(text: str) -> str:
    """Return the host of an http or https URL.

    Raises:
        ValueError: it is no such URL, or holds credentials; its arguments are a sentence and a hint.
    """
    wrong = ValueError(f"{text!r} is not a URL", "write for example https://host.example.org/path")
    if _ODD.search(text):
        raise wrong
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise wrong from error
    if "@" in parts.netloc:
        raise ValueError("a URL must not hold credentials", "they come from the environment")
    in_brackets = parts.netloc.startswith("[")
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise wrong
    if in_brackets != (":" in parts.hostname):
        raise wrong
    if parts.query or parts.fragment:
        raise ValueError("a URL with ? or # cannot be extended by a path", "leave them away")
    return host_name(parts.hostname)


def same_host(one: str, other: str) -> bool:
    """Whether two host names are one: letter case and a dot at the end do not count."""
    return one.lower().rstrip(".") == other.lower().rstrip(".")


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= 65535
