"""What the actions of a runbook do to CSCs, whatever system carries them out: their items, each with its place.

The runbook need not be good yet: a step with which something is wrong has no work here, its problem is found elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deploydash.config.runbook_draft import Draft
from deploydash.config.runbook_file import StepEntry
from deploydash.config.runbook_resolve import action_items
from deploydash.config.yaml_lines import Document, Path
from deploydash.core.model import CscId, Target
from deploydash.core.procedure.items import Item


@dataclass(frozen=True, slots=True)
class Work:
    """One item of an action.

    ``turn``: those of a later turn go after it, those of its own side by side. ``at``: where it stands in ``document``,
    which is ``file``; ``name``: the key below that says what it is, if any.
    """

    item: Item
    turn: int
    file: str
    document: Document
    at: Path
    name: Path = ()


@dataclass(frozen=True, slots=True)
class Done:
    """What one item does to one CSC; ``place``: its place among all that the item does."""

    csc: CscId
    target: Target
    work: Work
    place: int

    def before(self, other: Done) -> bool:
        """Say whether it is over before another begins."""
        if self.work is other.work:
            return self.place < other.place
        return self.work.turn < other.work.turn


def steps_and_work(draft: Draft) -> Iterator[tuple[Path, StepEntry, tuple[Work, ...]]]:
    """Yield every step that the site has, with its place and the items of it that a system carries out."""
    for path, step in draft.steps():
        yield path, step, tuple(_work(draft, path, step))


def done_by(work: Sequence[Work]) -> list[Done]:
    """Return everything that is done to CSCs, in the order in which it begins."""
    ordered = sorted(work, key=lambda one: one.turn)
    return [
        Done(effect.csc, effect.target, one, place) for one in ordered for place, effect in enumerate(one.item.effects)
    ]


def downs(work: Sequence[Work]) -> list[Done]:
    """Return what takes a CSC down, in the order in which it begins."""
    return [done for done in done_by(work) if done.target.is_down]


def _work(draft: Draft, path: Path, step: StepEntry) -> Iterator[Work]:
    if not _is_good(draft, step):
        return
    items = action_items(draft, path, step)
    if step.runs_scripts:
        for turn, (item, (suite, at, _)) in enumerate(zip(items, draft.scripts(path, step), strict=True)):
            file, document = (suite.file, suite.document) if suite else (draft.file, draft.document)
            yield Work(item, turn, file, document, at, ("script",))
        return
    place = (*path, "targets") if step.moves else path
    for item in items:
        yield Work(item, item.wave, draft.file, draft.document, place)


def _is_good(draft: Draft, step: StepEntry) -> bool:
    if step.moves or step.runs_scripts:
        return not (step.moves and step.runs_scripts)
    steps = draft.steps_of(step)
    if steps is None or (draft.table[step.system].settings is not None and step.system not in draft.site.sections):
        return False
    return not any(True for _ in steps.problems(draft.entry(step, steps)))
