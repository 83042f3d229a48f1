"""What each system did in a run, step by step: how much of it, by whom, when, how long, and what is owed for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId, StepId
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.records import ArrivalsLearned, Reply
from deploydash.core.run.state import UNTOUCHED, ItemStatus, RunState, StepProgress
from deploydash.core.views.record_text import item_name
from deploydash.core.words import and_list, counted, first_of

NAMED = 12
"""So many items of a step are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class SystemLine:
    """One step as far as a system carried it out, or people with it.

    ``what``: the step's title and the names of what was done. ``came``: how many items came to what. ``by``: who
    approved it and who signed off. ``began_utc``, ``seconds``: UTC unix seconds and how long; None where it has not
    ended. ``usual_s``: how long it took in earlier runs of this runbook on this machine, ``runs`` of them. ``owed``:
    what it left to be undone, as far as that is open.
    """

    system: str
    step: str
    what: str
    came: str
    by: str
    began_utc: float | None
    seconds: float | None
    usual_s: float | None
    runs: int
    owed: str


def system_lines(state: RunState, approvals: Mapping[StepId, str]) -> tuple[SystemLine, ...]:
    """Return what every system did, in the order of the runbook; ``approvals``: who approved which step."""
    found: list[SystemLine] = []
    for step in state.runbook.steps():
        progress = state.progress(step.id)
        if progress.approved_utc is None and not progress.items and not progress.sign_offs:
            continue
        every = (*step.items, *(added.item for added in progress.added.values()))
        systems = list(dict.fromkeys(_system(step, item) for item in every)) or [step.system]
        for system in systems:
            ours = [item for item in every if _system(step, item) == system]
            found.append(_line(system, step, ours, state, approvals))
    return tuple(found)


def _system(step: Step, item: Item) -> str:
    """Return who carries an item out; what people do by hand counts as the system that the runbook names for it."""
    return step.system if item.by_person else item.system


def _line(system: str, step: Step, items: list[Item], state: RunState, approvals: Mapping[StepId, str]) -> SystemLine:
    progress = state.progress(step.id)
    began, ended = progress.approved_utc, progress.ended_utc
    earlier = state.learned.get(step.id)
    names = [item_name(state, step.id, item.id) for item in items if _is_done(item.id, progress)]
    what = f"{step.title}: {first_of(names, NAMED)}" if names else step.title
    return SystemLine(
        system,
        step.id,
        what,
        _came(items, state, progress),
        _by(approvals.get(step.id, ""), progress),
        began,
        ended - began if began is not None and ended is not None else None,
        _usual_s(earlier),
        earlier.runs if earlier is not None else 0,
        "; ".join(debt.what for owing, debt in state.debts() if owing == step.id),
    )


def _is_done(name: ItemId, progress: StepProgress) -> bool:
    return progress.items.get(name, UNTOUCHED).status is ItemStatus.REACHED or progress.signed_off(name)


def _came(items: Iterable[Item], state: RunState, progress: StepProgress) -> str:
    """Say how many items came to what; one that was waived, or signed off, counts as that."""
    found: Counter[str] = Counter()
    for item in items:
        status = progress.item(item.id).status
        if status is ItemStatus.REACHED:
            found["done"] += 1
        elif progress.signed_off(item.id):
            own = progress.sign_offs.get(item.id)
            found["waived" if own is not None and own.reply is Reply.WAIVED else "signed off"] += 1
        elif state.is_waived(item):
            found["waived"] += 1
        elif status is ItemStatus.PENDING:
            found["not begun" if progress.ended_utc is None else "nothing to do"] += 1
        else:
            found[status.value.replace("_", " ")] += 1
    return ", ".join(f"{count} {what}" for what, count in found.items())


def _by(approved: str, progress: StepProgress) -> str:
    signed = list(dict.fromkeys(each.by for each in progress.sign_offs.values()))
    parts = [f"approved by {approved}"] if approved else []
    return ", ".join([*parts, *([f"signed off by {and_list(signed)}"] if signed else [])])


def _usual_s(earlier: ArrivalsLearned | None) -> float | None:
    """Return when the last of a step's items was there in earlier runs, each at its median."""
    took = [median(seconds) for _, seconds in earlier.seconds if seconds] if earlier is not None else []
    return float(max(took)) if took else None


def by_system(lines: Iterable[SystemLine]) -> Iterator[tuple[str, list[SystemLine]]]:
    """Yield each system with its lines, in the order in which they first did something."""
    found: dict[str, list[SystemLine]] = {}
    for line in lines:
        found.setdefault(line.system, []).append(line)
    yield from found.items()


def against_earlier(line: SystemLine) -> str:
    """Say how long a step took beside earlier runs: ``4 runs: 0:12:40, 3 min longer now``; empty where none tells."""
    if line.usual_s is None:
        return ""
    runs = f"{counted(line.runs, 'run')}: {span(line.usual_s)}"
    if line.seconds is None:
        return runs
    minutes = round((line.seconds - line.usual_s) / 60)
    if not minutes:
        return f"{runs}, as before"
    return f"{runs}, {abs(minutes)} min {'longer' if minutes > 0 else 'shorter'} now"


def span(seconds: float | None) -> str:
    """Return a duration as ``h:mm:ss``, or nothing for None."""
    if seconds is None:
        return ""
    whole = round(seconds)
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"
