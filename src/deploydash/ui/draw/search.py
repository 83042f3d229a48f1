"""What the filter finds. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from deploydash.core.fleet.snapshot import CscView, Snapshot
from deploydash.core.fleet.versions import Compared, compared, running_of
from deploydash.core.words import counted
from deploydash.ui.draw.tiles import group_of, is_departing


def matches(cscs: Sequence[CscView], text: str) -> tuple[int, ...]:
    """Return the CSCs in whose name, group, state, liveness or verdict every word of ``text`` occurs."""
    words = text.lower().split()
    if not words:
        return ()
    return tuple(item for item, view in enumerate(cscs) if all(word in _haystack(view) for word in words))


def departing(cscs: Sequence[CscView]) -> tuple[int, ...]:
    """Return the CSCs that are not where they should be."""
    return tuple(item for item, view in enumerate(cscs) if is_departing(view))


def of_another_version(cscs: Sequence[CscView], wanted: str) -> tuple[dict[int, str], Compared]:
    """Return who runs or reports another version than the rest, and why that is odd, with the whole comparison.

    ``wanted``: the tag of the cycle; without it the most frequent one counts.
    """
    found = compared(running_of(cscs), wanted)
    return {item: found.odd[view.csc] for item, view in enumerate(cscs) if view.csc in found.odd}, found


def same_version_sentence(found: Compared, snapshot: Snapshot) -> str:
    """Return what it means that nobody is of another version."""
    if not snapshot.decided or not (found.tag or found.xml):
        return "no CSC says yet what it runs"
    what = ", ".join([*([f"image {found.tag}"] if found.tag else []), *([f"XML {found.xml}"] if found.xml else [])])
    return f"{counted(found.of, 'CSC')} with heartbeats: none departs from {what}"


def after(items: Sequence[int], here: int | None, way: int) -> int | None:
    """Return the next (``way`` 1) or previous (-1) of ``items``, going round; None if there is none."""
    if not items:
        return None
    if here is None:
        return items[0]
    if way > 0:
        return next((item for item in items if item > here), items[0])
    return next((item for item in reversed(items) if item < here), items[-1])


def _haystack(view: CscView) -> str:
    inferred = "inferred" if view.inferred else ""
    return " ".join(
        (
            str(view.csc),
            group_of(view),
            view.effective.value,
            view.liveness.value.replace("_", " "),
            view.verdict.value.replace("_", " "),
            inferred,
        )
    ).lower()
