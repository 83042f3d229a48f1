"""Times as a report writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def clock(utc: float) -> str:
    """Return UTC unix seconds as ``21:04:12Z``."""
    return datetime.fromtimestamp(utc, UTC).strftime("%H:%M:%SZ")


def span(seconds: float | None) -> str:
    """Return a duration as ``h:mm:ss``, or nothing for None."""
    if seconds is None:
        return ""
    whole = round(seconds)
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"
