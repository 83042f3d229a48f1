"""The journal's entries sorted into what a report says; no layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import Runbook, StepId, StepKind
from deploydash.core.run.records import (
    GateClosedSpuriously,
    ItemEnded,
    Outcome,
    RequestIntended,
    RunOpened,
    RunResumed,
    StepApproved,
)
from deploydash.core.run.state import RunState, csc_of
from deploydash.core.views.record_text import Kind
from deploydash.core.views.timeline import Line, Timeline, named_in, sampled
from deploydash.report.scripts import ScriptLine, script_lines
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
    """One step of the table: where it stands, how long it took in seconds if it ended, who let it go."""

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
class Story:
    """Everything a report says. ``states``: UTC and how many CSCs were in each effective state.

    ``kinds``: the moments that a reader looks for, sorted. ``stragglers``: who, how it ended, why.
    """

    opened: RunOpened
    opened_utc: float
    last_utc: float
    closed: bool
    files: tuple[FileLine, ...]
    steps: tuple[StepLine, ...]
    timeline: tuple[Moment, ...]
    kinds: Mapping[Kind, tuple[Moment, ...]]
    stragglers: tuple[tuple[CscId, str, str], ...]
    unknowns: tuple[Unknown, ...]
    broken: tuple[tuple[CscId, str], ...]
    debts: tuple[str, ...]
    scripts: tuple[ScriptLine, ...]
    closures: tuple[GateClosedSpuriously, ...]
    commands: int
    states: tuple[tuple[float, Counter[str]], ...]


def tell(lines: Sequence[Line], runbook: Runbook, now: Mapping[str, str] | None = None) -> Story:
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
    told = [(each.said, Moment(each.utc, each.said.who, each.said.what)) for each in run.happened]
    approvals = {record.step: record.operator for _, record in lines if isinstance(record, StepApproved)}
    return Story(
        opened=opened,
        opened_utc=state.opened_utc,
        last_utc=lines[-1][0],
        closed=state.closed,
        files=_files(lines, opened, now or {}),
        steps=tuple(_steps(state, approvals)),
        timeline=tuple(moment for said, moment in told if said.notable),
        kinds={kind: tuple(moment for said, moment in told if said.kind is kind) for kind in Kind},
        stragglers=tuple(
            (csc, record.outcome.value, record.why)
            for _, record in lines
            if isinstance(record, ItemEnded) and record.outcome is not Outcome.REACHED
            if (csc := csc_of(record.item)) is not None
        ),
        unknowns=unknowns.all(),
        broken=tuple((csc, waiver.reason) for csc, waiver in state.waived.items()),
        debts=tuple(debt.what for _, debt in state.debts()),
        scripts=script_lines(lines, state),
        closures=state.spurious_closures,
        commands=sum(isinstance(record, RequestIntended) and csc_of(record.item) is not None for _, record in lines),
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


def _steps(state: RunState, approvals: Mapping[StepId, str]) -> Iterable[StepLine]:
    for step in state.runbook.steps():
        progress = state.progress(step.id)
        took = None
        if progress.approved_utc is not None and progress.ended_utc is not None:
            took = progress.ended_utc - progress.approved_utc
        status = state.status(step).value.replace("_", " ")
        if progress.skipped is not None:
            status = f"skipped: {progress.skipped}"
        elif step.kind is StepKind.CLOSE and state.closed:
            status = "done"
        yield StepLine(step.id, step.title, status, took, approvals.get(step.id, ""))


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
