"""An observer sees what the lead's records say, and nothing of it can act."""

import asyncio
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import pytest

from deploydash.core.fleet.commands import CompareWith
from deploydash.core.fleet.records import BeatsChanged, FeedReported, Record, StandstillNoted, StateRecorded
from deploydash.core.fleet.snapshot import Snapshot
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
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import DIRECT, PERSON, StepId, csc_item, numbered
from deploydash.core.procedure.runbook import Choice, Option
from deploydash.core.run.records import (
    ChoiceAnswered,
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    ItemSignedOff,
    Outcome,
    RunClosed,
    RunHeld,
    RunOpened,
    RunResumed,
    StepApproved,
)
from deploydash.core.run.replica import WRITERS_TIMES, moved
from deploydash.core.run.state import StepStatus
from deploydash.session.follow import AT_ONCE, Follower
from tests.servers.waiting import patient
from tests.support.clock import START_UTC, ManualClock
from tests.support.runs import OFFLINE, OPERATOR, WATCHER, csc_items, small_runbook

STANDBY = Target(SummaryState.STANDBY)
ROSTER = Roster("summit", True, (CscSpec(WATCHER, "Observatory", STANDBY, STANDBY, STANDBY),), ("Observatory",))
OPENED = RunOpened("summit-x", "summit", "full-cycle", "c0045", OPERATOR, rehearsal=True)


@dataclass(frozen=True)
class Line:
    utc: float
    record: object


def beats(csc: CscId, liveness: Liveness, at: float) -> BeatsChanged:
    return BeatsChanged(csc, liveness, listening=False, beat_at=at, at_least=False, has_beaten=True, at=at)


def told(csc: CscId, state: SummaryState, at: float) -> StateRecorded:
    return StateRecorded(csc, state, START_UTC, Source.KAFKA, 7, 1, live=True, current=True, at=at)


@pytest.fixture(name="clock")
def manual() -> ManualClock:
    return ManualClock()


def follower(clock: ManualClock) -> Follower:
    return Follower(ROSTER, small_runbook(), list, clock)


def test_the_grid_and_the_run_are_the_leads(clock: ManualClock) -> None:
    seen = follower(clock)
    seen.take(
        [
            Line(START_UTC - 10, OPENED),
            Line(START_UTC - 10, beats(WATCHER, Liveness.BEATING, 90_000.0)),
            Line(START_UTC - 10, told(WATCHER, SummaryState.ENABLED, 90_000.0)),
            Line(START_UTC - 5, StepApproved(StepId("watcher"), OPERATOR, 3)),
        ]
    )
    snapshot = seen.snapshot()
    assert snapshot.cscs[0].effective.value == "ENABLED"
    assert snapshot.run is not None
    assert {row.step: row.status for row in snapshot.run.rows}[StepId("watcher")] is StepStatus.UNDER_WAY


def test_ages_are_the_leads_whatever_our_own_monotonic_clock_shows(clock: ManualClock) -> None:
    seen = follower(clock)
    seen.take([Line(START_UTC, OPENED), Line(START_UTC, beats(WATCHER, Liveness.BEATING, 90_000.0))])
    clock.advance(30.0)
    seen.take([Line(START_UTC + 30, BeatsChanged(WATCHER, Liveness.SILENT, False, 90_010.0, False, True, 90_030.0))])
    clock.advance(11.0)
    snapshot = seen.snapshot()
    view = snapshot.cscs[0]
    assert view.beat_at is not None
    assert snapshot.at - view.beat_at == pytest.approx(31.0)


@pytest.mark.parametrize("resumed", [False, True])
def test_who_came_up_after_a_ticked_stop_is_lost_if_it_falls_silent_though_all_is_read_at_once(
    clock: ManualClock, resumed: bool
) -> None:
    book = small_runbook()
    stop = StepId("bridges-stop")
    item = Item(numbered(0), "host-a", PERSON, effects=(CscEffect(WATCHER, OFFLINE),))
    steps = tuple(replace(step, items=(item,)) if step.id == stop else step for step in book.phases[0].steps)
    seen = Follower(ROSTER, replace(book, phases=(replace(book.phases[0], steps=steps),)), list, clock)
    tick = Line(START_UTC + 5, ItemSignedOff(stop, numbered(0), "Ana", OPERATOR))
    before = [
        Line(START_UTC, OPENED),
        Line(START_UTC, beats(WATCHER, Liveness.BEATING, 90_000.0)),
        Line(START_UTC, told(WATCHER, SummaryState.ENABLED, 90_000.0)),
        tick,
    ]
    silent = Line(START_UTC + 15, beats(WATCHER, Liveness.SILENT, 90_015.0))
    again = [
        Line(START_UTC + 20, beats(WATCHER, Liveness.BEATING, 90_020.0)),
        Line(START_UTC + 20, told(WATCHER, SummaryState.ENABLED, 90_020.0)),
        Line(START_UTC + 40, beats(WATCHER, Liveness.SILENT, 90_040.0)),
    ]
    resume = [Line(START_UTC + 18, RunResumed(OPERATOR, 8))] if resumed else []
    seen.take([*before, silent])
    assert seen.snapshot().cscs[0].effective is Effective.OFFLINE
    whole = Follower(ROSTER, seen.state.runbook, list, clock)
    whole.take([*before, silent, *resume, *again])
    assert whole.snapshot().cscs[0].effective is Effective.LOST


def test_after_a_resume_the_fleet_is_told_anew_and_the_run_goes_on(clock: ManualClock) -> None:
    seen = follower(clock)
    seen.take(
        [
            Line(START_UTC, OPENED),
            Line(START_UTC, told(WATCHER, SummaryState.ENABLED, 90_000.0)),
            Line(START_UTC + 1, RunHeld("ops2")),
            Line(START_UTC + 60, RunResumed(OPERATOR, 8)),
            Line(START_UTC + 61, beats(WATCHER, Liveness.BEATING, 12.0)),
        ]
    )
    snapshot = seen.snapshot()
    assert snapshot.cscs[0].reported is None
    assert snapshot.run is not None
    assert snapshot.run.held_by == "ops2"


def test_every_monotonic_time_of_every_record_is_put_onto_the_observers_clock() -> None:
    for kind in get_args(Record):
        for field in dataclasses.fields(kind):
            is_time = "float" in str(field.type) and not field.name.endswith(("_utc", "_s"))
            assert is_time == (field.name in (*WRITERS_TIMES, "joined")), f"{kind.__name__}.{field.name}"
    stood = StandstillNoted(5.0, 1.0, "", (), 6.0, ((1.0, 2.0), (3.0, 4.0)))
    assert moved(stood, 10.0) == StandstillNoted(15.0, 1.0, "", (), 16.0, ((11.0, 12.0), (13.0, 14.0)))


def test_a_lead_whose_clock_began_anew_never_moves_the_observers_clock_back(clock: ManualClock) -> None:
    seen = follower(clock)
    seen.take([Line(START_UTC, OPENED), Line(START_UTC, beats(WATCHER, Liveness.BEATING, 90_000.0))])
    before = seen.snapshot().at
    clock.advance(600.0)
    seen.take(
        [Line(START_UTC + 600, RunResumed(OPERATOR, 8)), Line(START_UTC + 600, beats(WATCHER, Liveness.LATE, 3.0))]
    )
    snapshot = seen.snapshot()
    assert snapshot.at - before == pytest.approx(600.0)
    assert snapshot.cscs[0].beat_at == pytest.approx(snapshot.at)


ALIVE = (
    Line(START_UTC, OPENED),
    Line(START_UTC, FeedReported(FeedName.KAFKA, FeedState.UP, "", 90_000.0)),
    Line(START_UTC, beats(WATCHER, Liveness.BEATING, 90_000.0)),
    Line(START_UTC, told(WATCHER, SummaryState.STANDBY, 90_000.0)),
)


def test_a_run_that_no_process_has_open_is_shown_as_last_seen_and_never_as_alive(clock: ManualClock) -> None:
    seen = follower(clock)
    seen.take(ALIVE)
    assert seen.snapshot().cscs[0].liveness is Liveness.BEATING
    clock.advance(40.0)
    seen.note_end("no process has this run open")
    snapshot = seen.snapshot()
    assert snapshot.banner == "no process has this run open; everything is shown as it was at 21:04:12 UTC"
    [view] = snapshot.cscs
    assert view.liveness is Liveness.FEED_DOWN
    assert "last seen STANDBY" in view.reason.text
    assert snapshot.at - next(feed.since for feed in snapshot.feeds if feed.feed is FeedName.KAFKA) == pytest.approx(40)


def test_only_a_resume_makes_it_live_again(clock: ManualClock) -> None:
    seen = follower(clock)
    seen.take(ALIVE)
    seen.note_end("no process has this run open")
    seen.note_end("")
    assert seen.snapshot().banner
    seen.take([Line(START_UTC + 60, RunResumed(OPERATOR, 8)), *ALIVE[1:]])
    snapshot = seen.snapshot()
    assert snapshot.banner == ""
    assert snapshot.cscs[0].liveness is Liveness.BEATING


def test_a_closed_run_says_that_it_is_closed(clock: ManualClock) -> None:
    seen = follower(clock)
    seen.take([*ALIVE, Line(START_UTC + 5, RunClosed(OPERATOR))])
    seen.note_end("no process has this run open")
    assert seen.snapshot().banner == "the run is closed; everything is shown as it was at 21:04:17 UTC"


def test_what_the_observer_compares_with_stays_until_the_runs_phase_changes(clock: ManualClock) -> None:
    seen = follower(clock)
    seen.take(ALIVE)
    seen.order(CompareWith(Phase()))
    chosen = seen.snapshot().target
    seen.take([Line(START_UTC + 1, RunHeld("ops2"))])
    assert seen.snapshot().target == chosen != str(Phase(None))
    watcher = StepId("watcher")
    sent = ItemsDispatched(watcher, csc_items((CscId("Watcher"),)), OPERATOR)
    seen.take([Line(START_UTC + 2, StepApproved(watcher, OPERATOR, 1)), Line(START_UTC + 2, sent)])
    assert seen.snapshot().target == chosen, "who moves now is no comparison"


async def test_a_last_line_written_before_the_run_was_let_go_is_never_missed(clock: ManualClock) -> None:
    unread = list(ALIVE)
    order: list[str] = []

    def read() -> list[Line]:
        order.append("read")
        lines, unread[:] = list(unread), []
        return lines

    def ended() -> str:
        order.append("asked")
        return "no process has this run open"

    seen = Follower(ROSTER, small_runbook(), read, clock, ended=ended)
    first: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()
    unsubscribe = seen.subscribe(lambda snapshot: None if first.done() else first.set_result(snapshot))
    running = asyncio.create_task(seen.run())
    snapshot = await asyncio.wait_for(first, 10)
    unsubscribe()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert order[:2] == ["asked", "read"]
    assert snapshot.cscs[0].reported is SummaryState.STANDBY
    assert snapshot.banner


def test_an_answer_that_replaces_a_start_up_target_is_what_the_observers_grid_judges_by(clock: ManualClock) -> None:
    stopped = Option("stopped", "it is stopped", startup=((WATCHER, Target(SummaryState.DISABLED)),))
    book = small_runbook()
    phases = tuple(dataclasses.replace(phase, wanted=Phase()) for phase in book.phases)
    choice = Choice("watcher", "Kept or stopped?", (Option("kept", "it is kept"), stopped), StepId("bridges-stop"))
    seen = Follower(ROSTER, dataclasses.replace(book, phases=phases, choices=(choice,)), list, clock)
    seen.take(ALIVE)
    assert seen.snapshot().cscs[0].verdict is Verdict.AT_TARGET
    seen.take([Line(START_UTC + 1, ChoiceAnswered("watcher", "stopped", OPERATOR))])
    shown = seen.snapshot().cscs[0]
    assert (shown.target, shown.verdict) == (Target(SummaryState.DISABLED), Verdict.OFF_TARGET)
    seen.take([Line(START_UTC + 2, RunResumed(OPERATOR, 8)), *ALIVE[1:]])
    assert seen.snapshot().cscs[0].target == Target(SummaryState.DISABLED), "a resume keeps the answer"


async def test_a_long_journal_is_folded_in_several_turns_so_that_keys_are_taken_meanwhile(clock: ManualClock) -> None:
    lines = [Line(START_UTC, OPENED)]
    lines += [Line(START_UTC + second, told(WATCHER, SummaryState.STANDBY, float(second))) for second in range(20_000)]
    seen = Follower(ROSTER, small_runbook(), lambda: lines, clock)
    folded: list[int] = []
    take = seen.take

    def counted(some: Sequence[Line]) -> None:
        folded.append(len(some))
        asyncio.get_running_loop().call_soon(folded.append, 0)
        take(some)

    seen.take = counted  # type: ignore[method-assign, assignment]
    shown = asyncio.Event()
    seen.subscribe(lambda _: shown.set())
    following = asyncio.create_task(seen.run())
    await asyncio.wait_for(shown.wait(), patient(10))
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert folded[:10] == [AT_ONCE, 0, AT_ONCE, 0, AT_ONCE, 0, AT_ONCE, 0, 1, 0]


def test_an_observer_is_shown_the_exact_requests_of_what_may_go(clock: ManualClock) -> None:
    seen = Follower(ROSTER, small_runbook(), list, clock, lines=lambda item: (f"send {item.label}",))
    seen.take(ALIVE)
    run = seen.snapshot().run
    assert run is not None
    assert run.card is not None
    assert [row.plan.lines for row in run.card.rows if row.plan is not None] == [("send Watcher",)]


def test_what_the_lead_commanded_directly_stands_among_the_observers_events(clock: ManualClock) -> None:
    seen = follower(clock)
    seen.take(ALIVE)
    sent = ItemAdded(DIRECT, direct_command(WATCHER, "start"), OPERATOR, seen="STANDBY")
    seen.take([Line(START_UTC + 1, sent)])
    seen.take([Line(START_UTC + 2, ItemEnded(DIRECT, csc_item(WATCHER), Outcome.UNKNOWN, "no answer within 60 s"))])
    snapshot = seen.snapshot()
    told = [(event.subject, event.change) for event in snapshot.events]
    assert ("Watcher", "direct command approved") in told
    assert ("Watcher", "direct UNKNOWN") in told
    assert snapshot.run is not None
    assert [row.sentence for row in snapshot.run.direct] == [
        "direct command start of Watcher: UNKNOWN, no answer within 60 s"
    ]
