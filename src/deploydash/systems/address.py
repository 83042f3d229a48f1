"""Hosts and URLs, before anything is known of the site they belong to."""

from __future__ import annotations

import ipaddress
import re

from deploydash.core.outside_text import visible

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
