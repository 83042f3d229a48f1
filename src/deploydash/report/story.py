"""The journal's entries sorted into what a report says; no layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deploydash.core.model import CscId
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Debt, Runbook, Step
from deploydash.core.run.records import (
    GateClosedSpuriously,
    ItemEnded,
    Outcome,
    RequestIntended,
    RunOpened,
    RunResumed,
    StepApproved,
)
from deploydash.core.run.state import RunState
from deploydash.core.views.record_text import Kind, csc_called, item_name
from deploydash.core.views.timeline import Line, Timeline, named_in, sampled
from deploydash.report.gate_facts import GateFact, gate_facts
from deploydash.report.items import WorkLine, work_lines
from deploydash.report.systems import SystemLine, system_lines
from deploydash.report.unknowns import Unknown, Unknowns

SAMPLE_S = 10.0
"""Seconds between two samples of the states over time."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline: UTC unix seconds, who, what."""

    utc: float
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of the table: where it stands, how long it took in seconds if it ended, who approved it."""

    step: str
    title: str
    status: str
    seconds: float | None
    by: str


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file that the run went by: its SHA-256 when it was opened, and what became of it since, in words."""

    what: str
    path: str
    sha256: str
    since: str


@dataclass(frozen=True, slots=True)
class DebtLine:
    """A debt that the run made: what is owed, the value to put back if there is one, by which step, how it stands."""

    what: str
    restore: str
    step: str
    stands: str


OPEN = "open"
"""How a debt stands that nobody paid or waived; after it who has taken it, where it was passed on."""


@dataclass(frozen=True, slots=True)
class Story:
    """Everything a report says. ``states``: UTC and how many CSCs were in each effective state.

    ``kinds``: the moments that a reader looks for, sorted. ``stragglers``: which item, how it ended, why. ``debts``:
    those still open first. ``requests``: how many were sent, ``commands`` of them to a CSC on its way to a target.
    """

    opened: RunOpened
    opened_utc: float
    last_utc: float
    closed: bool
    files: tuple[FileLine, ...]
    steps: tuple[StepLine, ...]
    timeline: tuple[Moment, ...]
    kinds: Mapping[Kind, tuple[Moment, ...]]
    stragglers: tuple[tuple[str, str, str], ...]
    unknowns: tuple[Unknown, ...]
    broken: tuple[tuple[CscId, str], ...]
    debts: tuple[DebtLine, ...]
    work: tuple[WorkLine, ...]
    systems: tuple[SystemLine, ...]
    closures: tuple[GateClosedSpuriously, ...]
    gate_facts: tuple[GateFact, ...]
    requests: int
    commands: int
    states: tuple[tuple[float, Counter[str]], ...]


def story_of(lines: Sequence[Line], runbook: Runbook, now: Mapping[str, str] | None = None) -> Story:
    """Return the story of a run. ``now`` gives the SHA-256 of its files as they are today, by path.

    Raises:
        ValueError: the journal does not begin with the opening of a run.
    """
    opened = next((record for _, record in lines[:1] if isinstance(record, RunOpened)), None)
    if opened is None:
        raise ValueError("the journal does not begin with the opening of a run")
    run, unknowns = Timeline(runbook, named_in(lines, opened)), Unknowns()
    run.take(lines, unknowns.changed)
    state = run.state
    moments = [(each.said, Moment(each.utc, each.said.who, each.said.what)) for each in run.happened]
    sent = [record for _, record in lines if isinstance(record, RequestIntended)]
    approvals = {record.step: record.operator for _, record in lines if isinstance(record, StepApproved)}
    return Story(
        opened=opened,
        opened_utc=state.opened_utc,
        last_utc=lines[-1][0],
        closed=state.closed,
        files=_files(lines, opened, now or {}),
        steps=tuple(_steps(state, approvals)),
        timeline=tuple(moment for said, moment in moments if said.notable),
        kinds={kind: tuple(moment for said, moment in moments if said.kind is kind) for kind in Kind},
        stragglers=tuple(
            (_straggler(record, state), record.outcome.value, record.why)
            for _, record in lines
            if isinstance(record, ItemEnded) and record.outcome is not Outcome.REACHED
        ),
        unknowns=unknowns.all(),
        broken=tuple((csc, waiver.reason) for csc, waiver in state.waived.items()),
        debts=tuple(sorted(_debts(state), key=lambda line: not line.stands.startswith(OPEN))),
        work=work_lines(lines, state),
        systems=system_lines(state, approvals),
        closures=state.spurious_closures,
        gate_facts=gate_facts(lines, runbook),
        requests=len(sent),
        commands=sum(csc_called(record.item) is not None for record in sent),
        states=tuple(sampled(run, SAMPLE_S).items()),
    )


def broken_notice(story: Story) -> str:
    """Return the message about CSCs left in non-working order, from the waivers; empty if there is none."""
    if not story.broken:
        return ""
    head = f"{story.opened.site} {story.opened.cycle}: left in non-working order after the deployment:"
    lines = [head.replace("  ", " "), *(f"• {csc}: {reason}" for csc, reason in story.broken)]
    if story.opened.rehearsal:
        lines.insert(0, "REHEARSAL, nothing of this is real")
    return "\n".join(lines)


def _straggler(record: ItemEnded, state: RunState) -> str:
    """Name an item: one that is named after its CSC by that, as a later direct command may have its name now."""
    return record.item if csc_called(record.item) is not None else item_name(state, record.step, record.item)


def _debts(state: RunState) -> Iterable[DebtLine]:
    made = {
        debt.id: (step.id, debt)
        for step in state.runbook.steps()
        for debt in step.debts
        if state.progress(step.id).approved_utc is not None
    }
    for step, debt in {**made, **state.incurred}.values():
        yield DebtLine(debt.what, debt.restore, step, _stands(debt, state))


def _stands(debt: Debt, state: RunState) -> str:
    if debt.id in state.paid:
        return f"paid: {state.paid[debt.id]}"
    payer = next((step for step in debt.paid_by if state.progress(step).ended_utc is not None), None)
    if payer is not None:
        return f"paid by {payer}"
    waiver = state.debts_waived.get(debt.id)
    return f"waived by {waiver.operator}: {waiver.reason}" if waiver is not None else _open(debt, state)


def _open(debt: Debt, state: RunState) -> str:
    to = state.passed.get(debt.id)
    return f"{OPEN}, passed on to {to}" if to else OPEN


def _steps(state: RunState, approvals: Mapping[StepId, str]) -> Iterable[StepLine]:
    for step in state.runbook.steps():
        progress = state.progress(step.id)
        took = None
        if progress.approved_utc is not None and progress.ended_utc is not None:
            took = progress.ended_utc - _began(step, progress.approved_utc, state)
        status = state.status(step).value.replace("_", " ")
        if progress.skipped is not None:
            status = f"skipped: {progress.skipped}"
        yield StepLine(step.id, step.title, status, took, approvals.get(step.id, ""))


def _began(step: Step, approved_utc: float, state: RunState) -> float:
    """Return when the work of a step began: that of people is recorded when it is over, and began when it could."""
    if not step.manual:
        return approved_utc
    before = [ended for other in state.runbook.before(step) if (ended := state.progress(other.id).ended_utc)]
    return min(approved_utc, max(before, default=state.opened_utc))


def _files(lines: Sequence[Line], opened: RunOpened, now: Mapping[str, str]) -> tuple[FileLine, ...]:
    changed = [path for _, record in lines if isinstance(record, RunResumed) for path in record.changed]
    named = (
        ("site file", opened.site_file, opened.site_sha256),
        ("runbook", opened.runbook_file, opened.runbook_sha256),
    )
    return tuple(
        FileLine(what, path, sha256, _since(sha256, now.get(path), path in changed))
        for what, path, sha256 in named
        if path
    )


def _since(sha256: str, now: str | None, changed: bool) -> str:
    """Say what became of a file; ``now`` is None where nobody looked, empty where it is gone."""
    during = "it was another when the run was resumed" if changed else ""
    if not sha256:
        return "no hash was written when the run was opened"
    if now is None:
        return during
    today = "it is gone now" if not now else "" if now == sha256 else "it has changed since the run was opened"
    return "; ".join(part for part in (during, today) if part) or "unchanged"
