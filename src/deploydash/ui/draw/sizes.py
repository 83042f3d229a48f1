"""Decisions of the grid's screen that need no screen: which design, what changed, what an empty list means. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from deploydash.core.fleet.snapshot import CscView, Snapshot
from deploydash.core.model import Liveness


class Size(Enum):
    """The three designs of the screen."""

    SMALL = "groups as bars, then what is off target"
    USUAL = "the whole grid"
    WIDE = "the whole grid, and a panel of what is off target"

    @classmethod
    def of(cls, width: int, height: int) -> Size:
        """Return the design for a terminal."""
        if width < 100 or height < 32:
            return cls.SMALL
        return cls.WIDE if width >= 160 and height >= 36 else cls.USUAL


def changed_items(old: Snapshot | None, new: Snapshot) -> list[int] | None:
    """Return which CSCs changed, or None if these are not the CSCs that were there before."""
    if old is None or len(old.cscs) != len(new.cscs):
        return None
    if old.cscs is new.cscs:
        return []
    changed = [item for item, (one, other) in enumerate(zip(old.cscs, new.cscs, strict=True)) if one is not other]
    if any(_is_another(old.cscs[item], new.cscs[item]) for item in changed):
        return None
    return changed


def _is_another(one: CscView, other: CscView) -> bool:
    """Say whether this is another CSC or one that moved to another group; identity first, it is nearly free."""
    return (one.csc is not other.csc and one.csc != other.csc) or (
        one.group is not other.group and one.group != other.group
    )


def calm_sentence(snapshot: Snapshot) -> str:
    """Return what an empty list means."""
    if not snapshot.decided:
        return "listening"
    if snapshot.summary.no_target == snapshot.summary.expected:
        return "this phase wants nothing of any CSC"
    return f"every CSC is at its target ({snapshot.target})"


def departing_title(snapshot: Snapshot, items: Sequence[int]) -> str:
    """Return what the list of these CSCs is called; nobody is called off target while only the feed is down."""
    if items and all(snapshot.cscs[item].liveness is Liveness.FEED_DOWN for item in items):
        return "as last seen"
    return "not at target"
