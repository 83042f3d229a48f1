"""What each CSC was in over a run, told by the records of its journal alone."""

from dataclasses import replace

from deploydash.core.fleet.records import BeatsChanged, ErrorRecorded, FeedReported, StateRecorded
from deploydash.core.model import (
    CscId,
    CscSpec,
    Effective,
    FeedName,
    FeedState,
    Liveness,
    Roster,
    Source,
    SummaryState,
    Target,
)
from deploydash.core.procedure.names import StepId, csc_item
from deploydash.core.run.records import (
    ItemEnded,
    ItemsDispatched,
    Outcome,
    RequestAnswered,
    RequestIntended,
    RunResumed,
    StepApproved,
    StepDone,
)
from deploydash.core.views.timeline import Cell, Line, Spell, StepSpan, Timeline, during, named_in, state_at, strip
from tests.support.runs import EVERYBODY, OPERATOR, WATCHER, csc_items, opened, small_runbook

T0 = 1_794_996_240.0
STANDBY = Target(SummaryState.STANDBY)
ROSTER = Roster("summit", True, tuple(CscSpec(csc, "All", STANDBY, STANDBY, STANDBY) for csc in EVERYBODY), ("All",))
STEP = StepId("watcher")
OPENED = opened().opened
DOME = CscId("MTDome")


def state(csc: CscId, told: SummaryState, at: float) -> StateRecorded:
    return StateRecorded(csc, told, T0 + at, Source.KAFKA, 7, 1, live=True, current=True, at=at)


def beats(csc: CscId, liveness: Liveness, at: float) -> BeatsChanged:
    return BeatsChanged(csc, liveness, listening=False, beat_at=at, at_least=False, has_beaten=True, at=at)


def told(*lines: Line) -> Timeline:
    timeline = Timeline(small_runbook(), ROSTER)
    timeline.take([(T0, OPENED), *lines])
    return timeline


NIGHT: tuple[Line, ...] = (
    (T0 + 1, beats(WATCHER, Liveness.BEATING, 1.0)),
    (T0 + 1, state(WATCHER, SummaryState.ENABLED, 1.0)),
    (T0 + 60, StepApproved(STEP, OPERATOR, 4)),
    (T0 + 60, ItemsDispatched(STEP, csc_items((WATCHER,)), OPERATOR)),
    (T0 + 61, RequestIntended(STEP, csc_item(WATCHER), "lsst.sal.Watcher.command_disable", "5")),
    (T0 + 62, RequestAnswered(STEP, csc_item(WATCHER), True, "done")),
    (T0 + 62, state(WATCHER, SummaryState.DISABLED, 62.0)),
    (T0 + 64, state(WATCHER, SummaryState.FAULT, 64.0)),
    (T0 + 64, ErrorRecorded(WATCHER, 3, "no rules", T0 + 64, live=True, at=64.0)),
    (T0 + 66, state(WATCHER, SummaryState.STANDBY, 66.0)),
    (T0 + 90, state(WATCHER, SummaryState.OFFLINE, 90.0)),
    (T0 + 100, beats(WATCHER, Liveness.SILENT, 100.0)),
    (T0 + 101, ItemEnded(STEP, csc_item(WATCHER), Outcome.REACHED, "seen there")),
    (T0 + 101, StepDone(STEP)),
)


def letters(timeline: Timeline, csc: CscId, width_s: float, cells: int) -> str:
    found = strip(timeline.spells[csc], T0, width_s, cells, timeline.last)
    return "".join(cell.effective.value[0] if cell.effective is not None else "." for cell in found)


def test_a_strip_shows_each_state_in_its_time_and_nothing_before_or_after_the_records() -> None:
    assert letters(told(*NIGHT), WATCHER, 10.0, 13) == "EEEEEEFSSOO.."


def test_a_fault_shows_however_short_it_was_and_else_a_stretch_shows_what_it_ended_in() -> None:
    assert letters(told(*NIGHT), WATCHER, 60.0, 2) == "EF"
    calm = tuple(line for line in NIGHT if getattr(line[1], "state", None) is not SummaryState.FAULT)
    assert letters(told(*calm), WATCHER, 60.0, 2) == "EO"
    assert letters(told(*NIGHT), WATCHER, 2.0, 36)[30:36] == "EDFSSS"


def test_reading_on_line_by_line_tells_the_same_as_reading_at_once() -> None:
    slow = Timeline(small_runbook(), ROSTER)
    for line in ((T0, OPENED), *NIGHT):
        slow.take([line])
    assert letters(slow, WATCHER, 5.0, 21) == letters(told(*NIGHT), WATCHER, 5.0, 21)
    assert slow.steps() == told(*NIGHT).steps()
    assert slow.told(WATCHER) == told(*NIGHT).told(WATCHER)


def test_nothing_is_told_of_the_time_in_which_no_process_looked() -> None:
    resumed = RunResumed(OPERATOR, 12)
    timeline = told(
        *NIGHT[:3],
        (T0 + 300, resumed),
        (T0 + 302, beats(WATCHER, Liveness.BEATING, 9.0)),
        (T0 + 302, state(WATCHER, SummaryState.ENABLED, 9.0)),
        (T0 + 400, resumed),
    )
    assert state_at(timeline.spells[WATCHER], T0 + 30) == Spell(T0 + 1, Effective.ENABLED)
    assert state_at(timeline.spells[WATCHER], T0 + 200) == Spell(T0 + 61, None)
    assert state_at(timeline.spells[WATCHER], T0 + 302.5) == Spell(T0 + 302, Effective.ENABLED)
    assert state_at(timeline.spells[WATCHER], T0) is None


def test_what_was_only_last_seen_so_is_stale() -> None:
    lost = FeedReported(FeedName.KAFKA, FeedState.DOWN, "no broker", 50.0)
    up = FeedReported(FeedName.KAFKA, FeedState.UP, "", 0.5)
    timeline = told((T0 + 0.5, up), *NIGHT[:2], (T0 + 50, lost), (T0 + 55, StepApproved(STEP, OPERATOR, 4)))
    assert strip(timeline.spells[WATCHER], T0 + 50, 1.0, 1, T0 + 60) == [Cell(Effective.ENABLED, stale=True)]


def test_a_stretch_says_whether_anything_changed_in_it() -> None:
    spells = [Spell(10.0, Effective.ENABLED), Spell(15.0, Effective.DISABLED)]
    assert [cell.changed for cell in strip(spells, 10.0, 5.0, 3, 30.0)] == [False, False, False]
    assert [cell.changed for cell in strip(spells, 8.0, 10.0, 2, 30.0)] == [True, False]


def test_a_step_spans_from_its_approval_to_its_end() -> None:
    assert told(*NIGHT).steps() == [StepSpan(STEP, T0 + 60, T0 + 101)]
    assert told(*NIGHT[:5]).steps() == [StepSpan(STEP, T0 + 60, None)]


def test_what_happened_to_a_csc_is_told_in_order_with_who_did_it() -> None:
    found = during(told(*NIGHT).told(WATCHER), T0 + 60, T0 + 66)
    words = [(each.utc - T0, each.said.who, each.said.what) for each in found]
    assert words == [
        (60.0, OPERATOR, "watcher: 1 CSC may be worked on"),
        (61.0, "", "Watcher, sent: lsst.sal.Watcher.command_disable"),
        (62.0, "", "Watcher, answered: done"),
        (62.0, "", "Watcher says DISABLED"),
        (64.0, "", "Watcher says FAULT"),
        (64.0, "", "Watcher tells error 3: no rules"),
    ]
    assert told(*NIGHT).told(DOME) == ()


def test_the_counts_are_those_of_the_strips() -> None:
    timeline = told(*NIGHT)
    for at in (30.0, 65.0, 95.0):
        (cell,) = strip(timeline.spells[WATCHER], T0 + at, 0.5, 1, timeline.last)
        assert cell.effective is not None
        assert timeline.counts(T0 + at)[cell.effective.value] >= 1


def test_a_journal_alone_names_everybody_it_speaks_of() -> None:
    assert OPENED is not None
    lines: list[Line] = [(T0, OPENED), *NIGHT, (T0 + 200, state(DOME, SummaryState.ENABLED, 200.0))]
    assert [spec.csc for spec in named_in(lines, replace(OPENED)).cscs] == [WATCHER, DOME]
