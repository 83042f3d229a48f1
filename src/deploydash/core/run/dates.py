"""Days and times of day as a tired person types them: ``thu``, ``+1``, ``830``. Pure; the site's local calendar."""

from __future__ import annotations

import datetime as dt
import re

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SHORTEST = 3
"""Fewer letters than this name no weekday."""


def day_of(text: str, today: dt.date) -> str:
    """Return the day that a text means as 2026-12-03, or the text as it is where it means none.

    ``+1`` and ``-1`` count from ``today``; ``thu`` is the next Thursday, never today.
    """
    word = text.strip().lower()
    named = [number for number, day in enumerate(DAYS) if len(word) >= SHORTEST and day.startswith(word)]
    if word in {"today", "tomorrow"}:
        return str(today + dt.timedelta(days=word == "tomorrow"))
    if re.fullmatch(r"[+-]\d{1,3}", word):
        return str(today + dt.timedelta(days=int(word)))
    if named:
        return str(today + dt.timedelta(days=(named[0] - today.weekday() - 1) % 7 + 1))
    return text.strip()


def start_of(text: str) -> str:
    """Return the time of day that a text means as 08:30, or the text as it is where it means none."""
    found = re.fullmatch(r"(\d{1,2})(?::?(\d{2}))?", text.strip())
    if found is None or int(found[1]) > 23 or int(found[2] or 0) > 59:
        return text.strip()
    return f"{int(found[1]):02}:{found[2] or '00'}"


def not_a_day(text: str) -> str:
    """Return why a text is no day, or nothing."""
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return f"{text!r} is no day: write 2026-12-03, a weekday such as thu, or +1 for tomorrow"
    return ""


def not_a_start(text: str) -> str:
    """Return why a text is no time of day, or nothing."""
    return "" if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text) else f"{text!r} is no time: write 08:30 or 830"
