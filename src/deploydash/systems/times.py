"""TAI and UTC, both as unix seconds.

SAL stamps are TAI (ts_xml ``topic_info.py``), the Kafka records' and ours UTC. A C++ program on a host whose
kernel lacks the offset writes UTC where TAI is meant and so seems 37 s behind; nothing that decides rests on
a sender's stamp.
"""

from __future__ import annotations

TAI_MINUS_UTC = 37.0
"""Seconds since the leap second of 2017-01-01; announced as unchanged since (IERS Bulletin C)."""

_YEAR_2100 = 4_102_444_800.0


def tai_to_utc(tai: float) -> float:
    """Return UTC unix seconds."""
    return tai - TAI_MINUS_UTC


def utc_to_tai(utc: float) -> float:
    """Return TAI unix seconds."""
    return utc + TAI_MINUS_UTC


def is_a_time(stamp: float) -> bool:
    """Tell whether a stamp lies between 1970 and 2100: not NaN, not infinite, not left at zero."""
    return 0.0 < stamp < _YEAR_2100
