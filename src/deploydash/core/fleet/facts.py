"""Facts that systems tell beside heartbeats and states: a Job that exists, a notice that was posted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a system told. ``name`` is unique among all facts.

    ``about``: its subject, a CSC's name where it concerns one. ``ok``: it is as the procedure wants it; not ``ok``: it
    departs. ``sentence``: how it stands, for a card. ``read_utc``: when it was read (UTC unix seconds).
    """

    system: str
    name: str
    about: str
    ok: bool
    value: str
    sentence: str
    read_utc: float

    def same(self, other: Fact) -> bool:
        """Say whether another reading tells nothing new but a later time."""
        mine = (self.system, self.name, self.about, self.ok, self.value, self.sentence)
        return mine == (other.system, other.name, other.about, other.ok, other.value, other.sentence)
