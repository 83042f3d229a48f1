"""Whoever reads a journal sees the same run and the same fleet: resume, observe, replay, timeline and report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploydash.cli.replay import Tape
from deploydash.config.load import load_site
from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.records import BeatsChanged, FeedReported, Record, StateRecorded
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import (
    CscId,
    CscSpec,
    Effective,
    FeedName,
    FeedState,
    Liveness,
    Phase,
    Roster,
    Source,
    SummaryState,
    Target,
    Verdict,
)
from deploydash.core.procedure.csc_work import direct_command
from deploydash.core.procedure.items import CscEffect
from deploydash.core.procedure.names import DIRECT, WHOLE, StepId, csc_item, numbered
from deploydash.core.procedure.runbook import Debt, Runbook
from deploydash.core.run.expectations import comparison, judge
from deploydash.core.run.records import (
    AnswerOffered,
    CscsWaived,
    DebtPaid,
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    ItemSignedOff,
    Outcome,
    QuestionAnswered,
    QuestionAsked,
    RequestIntended,
    RunHeld,
    RunRecord,
    RunReleased,
    RunResumed,
    StepApproved,
    StepDone,
    StepSkipped,
)
from deploydash.core.run.replica import Replica
from deploydash.core.run.state import RunState
from deploydash.core.views.timeline import named_in
from deploydash.journal.line import Entry
from deploydash.journal.read import Cursor, read_on
from deploydash.journal.runs import CODEC, JOURNAL
from deploydash.report.story import story_of
from deploydash.session.follow import Follower
from deploydash.session.history import JournalHistory
from tests.support.clock import START_UTC, ManualClock
from tests.support.command_line import ROOT
from tests.support.runs import (
    EVERYBODY,
    FIRST_ADDED,
    OPERATOR,
    QUEUES,
    SECOND_ADDED,
    csc_items,
    fold,
    opened,
    person,
    script,
    small_runbook,
)

HILL = ROOT / "tests/data/journals/hill"
STANDBY = Target(SummaryState.STANDBY)
ROSTER = Roster("summit", True, tuple(CscSpec(csc, "All", STANDBY, STANDBY, STANDBY) for csc in EVERYBODY), ("All",))
STOP = StepId("bridges-stop")


def book() -> Runbook:
    """The small runbook in two phases with targets of their own; its stop by hand stops two CSCs."""
    small = small_runbook()
    (phase,) = small.phases
    off = Target(SummaryState.OFFLINE)
    items = tuple(person(place, str(csc), effects=(CscEffect(csc, off),)) for place, csc in enumerate(EVERYBODY[:2]))
    steps = tuple(replace(step, items=items) if step.id == STOP else step for step in phase.steps)
    down, up = Phase(off), Phase(STANDBY)
    phases = (replace(phase, wanted=down, steps=steps[:1]), replace(phase, id="rest", wanted=up, steps=steps[1:]))
    return replace(small, phases=phases)


cscs = st.sampled_from(EVERYBODY[:3])
steps = st.sampled_from([StepId("watcher"), StepId("cscs"), STOP])
run_records: st.SearchStrategy[RunRecord] = st.one_of(
    st.builds(StepApproved, steps, st.just(OPERATOR), st.integers(0, 9)),
    st.builds(lambda step, csc: ItemsDispatched(step, csc_items((csc,)), OPERATOR), steps, cscs),
    st.builds(lambda step, csc: RequestIntended(step, csc_item(csc), "exitControl"), steps, cscs),
    st.builds(ItemEnded, steps, cscs.map(csc_item), st.sampled_from(Outcome), st.just("because")),
    st.builds(StepDone, steps),
    st.builds(StepSkipped, steps, st.just(OPERATOR), st.just("because")),
    st.builds(
        lambda item: ItemSignedOff(STOP, item, "Ana", OPERATOR), st.sampled_from((WHOLE, numbered(0), numbered(1)))
    ),
    st.builds(lambda csc: CscsWaived((csc,), OPERATOR, "motor"), cscs),
    st.just(RunHeld("ops2")),
    st.just(RunReleased(OPERATOR)),
    st.builds(
        lambda step, name: ItemAdded(step, replace(script(0, QUEUES[0], "a.py"), id=name), OPERATOR),
        steps,
        st.sampled_from((FIRST_ADDED, SECOND_ADDED)),
    ),
    st.builds(lambda csc, command: ItemAdded(DIRECT, direct_command(csc, command), OPERATOR), cscs,
              st.sampled_from(("disable", "exitControl"))),
    st.builds(lambda step, csc, owes: RequestIntended(step, csc_item(csc), "lower it", owes=owes), steps, cscs,
              st.sampled_from((None, Debt("replicas", "3 replicas", (StepId("bridges-start"),), restore="3")))),
    st.builds(lambda step, csc: QuestionAsked(step, csc_item(csc), "which?", (AnswerOffered("a", "the first"),)),
              steps, cscs),
    st.builds(lambda step, csc: QuestionAnswered(step, csc_item(csc), "which?", "a", OPERATOR), steps, cscs),
    st.builds(DebtPaid, st.just("replicas"), st.just("seen")),
)  # fmt: skip
fleet_records: st.SearchStrategy[Record] = st.one_of(
    st.builds(lambda csc, liveness: BeatsChanged(csc, liveness, False, 0.0, False, True, 0.0), cscs,
              st.sampled_from((Liveness.BEATING, Liveness.LATE, Liveness.SILENT))),
    st.builds(lambda csc, state: StateRecorded(csc, state, 0.0, Source.KAFKA, 7, 1, live=True, current=True, at=0.0),
              cscs, st.sampled_from(SummaryState)),
    st.builds(lambda state: FeedReported(FeedName.KAFKA, state, "", 0.0),
              st.sampled_from((FeedState.UP, FeedState.DOWN))),
)  # fmt: skip
GAPS = st.sampled_from((0.0, 0.2, 3.0))
RESUMED = st.just(RunResumed(OPERATOR, 8))
LINES = st.lists(
    st.sampled_from((run_records, fleet_records, fleet_records, RESUMED)).flatmap(lambda kind: st.tuples(GAPS, kind)),
    min_size=6,
    max_size=40,
)


def journal(told: Sequence[tuple[float, object]]) -> list[Entry]:
    """Number the lines; the monotonic clock of each process began at another time."""
    utc, boot = START_UTC, START_UTC - 90_000.0
    entries = [Entry(1, utc, opened().opened)]
    for number, (after, record) in enumerate(told, 2):
        utc += after
        boot = utc - 12.0 if isinstance(record, RunResumed) else boot
        if isinstance(record, BeatsChanged):
            record = replace(record, at=utc - boot, beat_at=utc - boot)  # noqa: PLW2901 - the time is the line's
        elif isinstance(record, Record):
            record = replace(record, at=utc - boot)  # noqa: PLW2901
        entries.append(Entry(number, utc, record))
    return entries


Shown = dict[CscId, tuple[SummaryState | None, Effective, Liveness, Verdict, Target | None]]


def shown(views: Sequence[CscView]) -> Shown:
    return {view.csc: (view.reported, view.effective, view.liveness, view.verdict, view.target) for view in views}


@dataclass
class Read:
    """What a reader made of a journal. ``cscs``: empty where no process has noticed anything yet."""

    state: RunState
    cscs: Shown


def by_the_lead(entries: Sequence[Entry], runbook: Runbook, roster: Roster) -> Read:
    """The process that wrote it: what it notices is folded as it comes, and judged anew after each of its decisions."""
    own = [(entry.utc, entry.record) for entry in entries if isinstance(entry.record, RunRecord)]
    live, at, utc = Fleet(roster, 0.0, Phase(None)), 0.0, 0.0
    state, begun = fold(runbook, own[:1]), False
    for count, entry in enumerate(entries, 1):
        utc = entry.utc
        if isinstance(entry.record, RunResumed):
            begun = False
        if isinstance(entry.record, RunRecord):
            state = fold(runbook, [(e.utc, e.record) for e in entries[:count] if isinstance(e.record, RunRecord)])
        elif isinstance(entry.record, Record):
            if not begun:
                live, begun = Fleet(roster, entry.record.at, Phase(None)), True
                _judge(live, state)
            live.apply(entry.record)
            at = entry.record.at
        if begun:
            _judge(live, state)
    return Read(state, shown(live.snapshot(at, utc).cscs) if begun else {})


def _judge(fleet: Fleet, state: RunState) -> None:
    fleet.order(comparison(state))
    fleet.order(judge(state))


def by_resume(entries: Sequence[Entry], runbook: Runbook, roster: Roster) -> Read:
    replica = Replica(runbook, roster)
    for entry in entries:
        replica.take(entry.utc, entry.record)
    replica.judge()
    views = replica.fleet.snapshot(replica.at, entries[-1].utc).cscs
    return Read(replica.state, {} if replica.unseen else shown(views))


def by_observe(entries: Sequence[Entry], runbook: Runbook, roster: Roster) -> Read:
    """Another process, whose clock began elsewhere, looks every few lines."""
    clock = ManualClock(5.0, entries[0].utc)
    follower = Follower(roster, runbook, list, clock)
    for start in range(0, len(entries), 3):
        some = entries[start : start + 3]
        clock.advance(some[-1].utc - clock.utc())
        follower.take(some)
        follower.snapshot()
    return Read(follower.state, _noticed(entries, shown(follower.snapshot().cscs)))


def by_replay(entries: Sequence[Entry], runbook: Runbook, roster: Roster) -> Read:
    clock = ManualClock()
    tape = Tape(entries, 60.0, clock)
    follower = Follower(roster, runbook, tape.read_on, tape, ended=tape.ended)
    while not tape.ended():
        follower.take(tape.read_on())
        clock.advance(0.01)
    return Read(follower.state, _noticed(entries, shown(follower.snapshot().cscs)))


def _noticed(entries: Sequence[Entry], cscs: Shown) -> Shown:
    """Leave out what an observer goes on showing while a process that resumed has noticed nothing yet."""
    last = max((place for place, entry in enumerate(entries) if isinstance(entry.record, RunResumed)), default=0)
    return cscs if any(isinstance(entry.record, Record) for entry in entries[last:]) else {}


def by_timeline(entries: Sequence[Entry], runbook: Runbook, roster: Roster) -> tuple[RunState, dict[CscId, Effective]]:
    unread = list(entries)
    history = JournalHistory(runbook, roster, lambda: [unread.pop(0)] if unread else [])
    timeline = history.read_on()
    while unread:
        timeline = history.read_on()
    last = {csc: spells[-1].effective for csc, spells in timeline.spells.items()}
    return timeline.state, {csc: effective for csc, effective in last.items() if effective is not None}


READERS: tuple[Callable[[Sequence[Entry], Runbook, Roster], Read], ...] = (by_resume, by_observe, by_replay)


def check_all(entries: Sequence[Entry], runbook: Runbook, roster: Roster) -> None:
    lead = by_the_lead(entries, runbook, roster)
    for reader in READERS:
        read = reader(entries, runbook, roster)
        assert read.state == lead.state, reader.__name__
        assert read.cscs == lead.cscs, reader.__name__
    state, effective = by_timeline(entries, runbook, roster)
    assert state == lead.state
    assert effective == {csc: told[1] for csc, told in lead.cscs.items()}
    lines = [(entry.utc, entry.record) for entry in entries]
    assert lead.state.opened is not None
    story = story_of(lines, runbook)
    alone = by_the_lead(entries, runbook, named_in(lines, lead.state.opened))
    counts = story.states[-1][1] if story.states else Counter[str]()
    assert +counts == Counter(told[1].value for told in alone.cscs.values())
    assert story.closed == lead.state.closed
    told = {line.step: line.status for line in story.steps}
    for step in runbook.steps():
        if lead.state.progress(step.id).skipped is None and not lead.state.closed:
            assert told[step.id] == lead.state.status(step).value.replace("_", " ")


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_every_reader_of_a_journal_folds_it_to_the_same_run_and_fleet(told: list[tuple[float, object]]) -> None:
    check_all(journal(told), book(), ROSTER)


@pytest.mark.parametrize("until", [40, 90, None])
def test_every_reader_folds_a_real_night_to_the_same_run_and_fleet(until: int | None) -> None:
    entries = read_on(HILL / JOURNAL, CODEC, Cursor())[:until]
    check_all(entries, small_runbook(), load_site(HILL / "hill.yaml").roster)
