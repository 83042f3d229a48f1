"""What dry runs, versions and states of resources mean together. Pure.

A dry run lists only resources of its version: what the model has no more is missing in it, and the two versions have to
be compared. ``agent_down`` ends one at once and says nothing about a resource, though nothing of it would change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deploydash.core.words import counted, first_of
from deploydash.systems.orchestrator.objects import Difference, Resource, agent_of

UNTOLD = frozenset({"agent_down"})
"""The states of a dry run that say nothing of a resource."""

GOOD = frozenset({"deployed", "orphaned"})
WAITING = frozenset({"available", "deploying"})
"""The states of a resource that is not done; any other state than these and the good ones is a failure."""

SHOWN = 6
"""So many changes stand in a sentence."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a dry run shows after an upgrade.

    ``untold``: resources of agents that did not answer. ``unexpected``: changes that neither stood in the dry run
    before nor follow from the difference of the versions. ``own``: those that follow from it; ``known``: those of
    before; ``removed``: resources that the model has no more, which stay on their devices.
    """

    untold: tuple[Difference, ...] = ()
    unexpected: tuple[Difference, ...] = ()
    own: tuple[Difference, ...] = ()
    known: tuple[Difference, ...] = ()
    removed: tuple[Difference, ...] = ()

    def lines(self) -> list[str]:
        """Return every change on a line of its own, the worst first."""
        heads = (
            ("unexpected", self.unexpected),
            ("not told", self.untold),
            ("not in the model any more", self.removed),
            ("of the upgrade", self.own),
            ("as before", self.known),
        )
        return [f"{head}: {one.words()}" for head, found in heads for one in found]


def compared(before: Iterable[Difference], after: Iterable[Difference], versions: Iterable[Difference]) -> Compared:
    """Return what the dry run ``after`` shows beside that of ``before`` and the difference of the two versions."""
    earlier = {one.id: one for one in before if one.differs}
    model = {one.id: one for one in versions}
    found: dict[str, list[Difference]] = {"untold": [], "unexpected": [], "own": [], "known": []}
    for one in after:
        if not one.differs:
            continue
        if one.status in UNTOLD:
            found["untold"].append(one)
        elif _alike(one, earlier.get(one.id)):
            found["known"].append(one)
        elif _explained(one, model.get(one.id), earlier.get(one.id)):
            found["own"].append(one)
        else:
            found["unexpected"].append(one)
    removed = tuple(one for one in model.values() if one.status == "deleted")
    return Compared(removed=removed, **{name: tuple(each) for name, each in found.items()})


def unlike(before: Iterable[Difference], after: Iterable[Difference]) -> tuple[str, ...]:
    """Return what of two dry runs is not the same, a line for each resource; none where both are equal."""
    old = {one.id: one for one in before if one.differs}
    new = {one.id: one for one in after if one.differs}
    lines = [f"now {one.words()}" for name, one in new.items() if not _alike(one, old.get(name))]
    return (*lines, *(f"no more: {one.words()}" for name, one in old.items() if name not in new))


def untold(found: Iterable[Difference]) -> tuple[str, ...]:
    """Return the agents that told a dry run nothing."""
    return tuple(sorted({agent_of(one.id) for one in found if one.status in UNTOLD}))


def changes_words(found: Sequence[Difference]) -> str:
    """Return in words what a dry run found."""
    changing = [one for one in found if one.differs]
    if not changing:
        return f"nothing of {counted(len(found), 'resource')} would change"
    named = first_of([one.id for one in changing], SHOWN)
    return f"{len(changing)} of {counted(len(found), 'resource')} would change: {named}"


def bad(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """Return the resources that are in no good state and wait for nothing."""
    return tuple(one for one in resources if one.status not in GOOD | WAITING)


def _alike(one: Difference, other: Difference | None) -> bool:
    return other is not None and one.status == other.status and _texts(one) == _texts(other)


def _texts(one: Difference) -> dict[str, tuple[str, str]]:
    return {name: (str(old), str(new)) for name, (old, new) in one.changes.items()}


def _explained(one: Difference, model: Difference | None, earlier: Difference | None) -> bool:
    """Say whether a change follows from the model's: the same attributes to the same values, or a new resource."""
    if model is None or model.status == "deleted":
        return False
    if model.status == "added":
        return True
    wanted = {name: new for name, (_, new) in _texts(model).items()}
    drift = _texts(earlier) if earlier is not None else {}
    return one.status == "modified" and all(
        wanted.get(name) == new or drift.get(name) == (old, new) for name, (old, new) in _texts(one).items()
    )
