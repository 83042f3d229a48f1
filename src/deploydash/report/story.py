"""The journal's entries sorted into what a report says; no layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deploydash.core.fleet import Fleet
from deploydash.core.hand_view import said as said_by_hand
from deploydash.core.model import CscId, CscSpec, Phase, Roster, SummaryState, Target
from deploydash.core.records import BeatsChanged, CommandNoticed, Record, StateRecorded
from deploydash.core.run_records import (
    ChoiceAnswered,
    CommandIntended,
    CscsWaived,
    DebtWaived,
    ItemTicked,
    NoteWritten,
    Outcome,
    RunClosed,
    RunHeld,
    RunOpened,
    RunRecord,
    RunReleased,
    RunResumed,
    StepApproved,
    StepSkipped,
    TargetEnded,
    TargetsDispatched,
    WaitExtended,
)
from deploydash.core.run_state import RunState, evolve
from deploydash.core.runbook import Runbook

SAMPLE_S = 10.0
"""Seconds between two samples of the states over time."""

Line = tuple[float, object]
"""UTC unix seconds and a record."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline: UTC unix seconds, who, what."""

    utc: float
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of the table: where it stands, how long it took in seconds if it ended, who let it go."""

    step: str
    title: str
    status: str
    seconds: float | None
    by: str


@dataclass(frozen=True, slots=True)
class Story:
    """Everything a report says. ``states``: UTC and how many CSCs were in each effective state."""

    opened: RunOpened
    opened_utc: float
    last_utc: float
    closed: bool
    steps: tuple[StepLine, ...]
    timeline: tuple[Moment, ...]
    stragglers: tuple[tuple[CscId, str, str], ...]
    broken: tuple[tuple[CscId, str], ...]
    debts: tuple[str, ...]
    commands: int
    states: tuple[tuple[float, Counter[str]], ...]


def tell(lines: Sequence[Line], runbook: Runbook) -> Story:
    """Return the story of a run.

    Raises:
        ValueError: the journal does not begin with the opening of a run.
    """
    state = RunState(runbook)
    approvals: dict[str, str] = {}
    for utc, record in lines:
        if isinstance(record, RunRecord):
            state = evolve(state, record, utc)
        if isinstance(record, StepApproved):
            approvals[record.step] = record.operator
    if state.opened is None:
        raise ValueError("the journal does not begin with the opening of a run")
    moments = [Moment(utc, *said) for utc, record in lines if (said := _said(record)) is not None]
    return Story(
        opened=state.opened,
        opened_utc=state.opened_utc,
        last_utc=lines[-1][0],
        closed=state.closed,
        steps=tuple(_steps(state, approvals)),
        timeline=tuple(moments),
        stragglers=tuple(
            (record.csc, record.outcome.value, record.why)
            for _, record in lines
            if isinstance(record, TargetEnded) and record.outcome is not Outcome.REACHED
        ),
        broken=tuple((csc, waiver.reason) for csc, waiver in state.waived.items()),
        debts=tuple(debt.what for _, debt in state.debts()),
        commands=sum(isinstance(record, CommandIntended) for _, record in lines),
        states=tuple(_states(lines, state.opened)),
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


def _steps(state: RunState, approvals: dict[str, str]) -> Iterable[StepLine]:
    for step in state.runbook.steps():
        progress = state.progress(step.id)
        took = None
        if progress.approved_utc is not None and progress.ended_utc is not None:
            took = progress.ended_utc - progress.approved_utc
        status = state.status(step).value.replace("_", " ")
        if progress.skipped is not None:
            status = f"skipped: {progress.skipped}"
        yield StepLine(step.id, step.title, status, took, approvals.get(step.id, ""))


def _said(record: object) -> tuple[str, str] | None:
    """Return who did what, for the records that are somebody's doing or an end."""
    if by_hand := said_by_hand(record):
        return by_hand
    if isinstance(record, CommandNoticed):
        return record.identity, f"commanded {record.csc} from elsewhere: {record.outcome}"
    if isinstance(record, StepApproved):
        red = f", overriding: {'; '.join(record.overridden)} ({record.reason})" if record.overridden else ""
        return record.operator, f"let {record.step} go{red}"
    if isinstance(record, TargetEnded):
        return (
            None if record.outcome is Outcome.REACHED else ("", f"{record.csc}: {record.outcome.value}, {record.why}")
        )
    if isinstance(record, CscsWaived):
        return record.operator, f"waived {', '.join(map(str, record.cscs))}: {record.reason}"
    if isinstance(record, ItemTicked):
        return record.operator, f"ticked {record.step} as done by {record.by}" + (
            f" ({record.note})" if record.note else ""
        )
    if isinstance(record, TargetsDispatched):
        return record.operator, f"{record.step}: {len(record.cscs)} CSCs may be worked on"
    return _said_of_run(record)


def _said_of_run(record: object) -> tuple[str, str] | None:
    said: dict[type, str] = {
        RunOpened: "opened the run",
        RunResumed: "resumed the run",
        RunReleased: "let the run go on",
        RunClosed: "closed the run",
    }
    if isinstance(record, RunOpened | RunResumed | RunReleased | RunClosed):
        return record.operator, said[type(record)]
    if isinstance(record, RunHeld):
        return record.by, "held everything"
    if isinstance(record, StepSkipped):
        return record.operator, f"skipped {record.step}: {record.reason}"
    if isinstance(record, DebtWaived):
        return record.operator, f"waived the debt {record.debt}: {record.reason}"
    if isinstance(record, ChoiceAnswered):
        return record.operator, f"answered {record.choice}: {record.answer}"
    if isinstance(record, WaitExtended):
        return record.operator, f"extended {record.step} by {record.seconds / 60:.0f} min"
    if isinstance(record, NoteWritten):
        return record.operator, f"noted: {record.text}"
    return None


def _states(lines: Sequence[Line], opened: RunOpened) -> Iterable[tuple[float, Counter[str]]]:
    """Yield how many CSCs were in each effective state, by the fold that the live grid uses."""
    roster = _roster(lines, opened)
    fleet, sampled, at, last = None, 0.0, 0.0, 0.0
    for utc, record in lines:
        if isinstance(record, RunOpened | RunResumed):
            fleet = None
        if not isinstance(record, Record):
            continue
        if fleet is None:
            fleet, sampled = Fleet(roster, record.at, Phase(None)), utc
        elif utc - sampled >= SAMPLE_S:
            yield last, _counted(fleet, at, last)
            sampled = utc
        fleet.apply(record)
        at, last = record.at, utc
    if fleet is not None:
        yield last, _counted(fleet, at, last)


def _counted(fleet: Fleet, at: float, utc: float) -> Counter[str]:
    return Counter(view.effective.value for view in fleet.snapshot(at, utc).cscs)


def _roster(lines: Sequence[Line], opened: RunOpened) -> Roster:
    """Return everybody the journal speaks of: the site's own file may be gone or changed since."""
    anything = Target(SummaryState.STANDBY)
    told = (record.csc for _, record in lines if isinstance(record, StateRecorded | BeatsChanged))
    specs = tuple(CscSpec(csc, "", anything, anything, anything) for csc in dict.fromkeys(told))
    return Roster(opened.site, opened.rehearsal, specs, ("",))
