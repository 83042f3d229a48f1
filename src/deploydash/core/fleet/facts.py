"""Facts that systems report beside heartbeats and states: a Job that exists, a notice that was posted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from deploydash.core.model import CscId

FUSE = "site-fuse/"
"""What the names of the facts begin with that tell whether all that a system reaches is of this site."""

OLD_S = 60.0
"""Seconds after which a fact is old where nobody says otherwise: what was read longer ago is not green."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a system reported. ``name`` is unique among all facts.

    ``about``: its subject, a CSC's name where it concerns one. ``ok``: it is as the procedure wants it; not ``ok``: it
    departs. ``sentence``: how it stands, for a card. ``read_utc``: when it was read (UTC unix seconds). ``version``:
    of what its subject runs, as an image's tag names it, where it runs something.
    """

    system: str
    name: str
    about: str
    ok: bool
    value: str
    sentence: str
    read_utc: float
    version: str = ""

    def same(self, other: Fact) -> bool:
        """Say whether another reading tells nothing new but a later time."""
        return replace(self, read_utc=other.read_utc) == other


def event_fact(csc: CscId, event: str) -> str:
    """Return the name of the fact that an event of a CSC is: ``sal/MTM2/closedLoopControlMode``."""
    return f"sal/{csc}/{event}"


def is_old(fact: Fact, utc: float) -> bool:
    """Say whether a fact was read too long ago to count (``utc`` in unix seconds)."""
    return utc - fact.read_utc > OLD_S


def newest_first(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return facts as they are read: what departs before what is right, then the newest."""
    return tuple(sorted(facts, key=lambda fact: (fact.ok, -fact.read_utc, fact.name)))
