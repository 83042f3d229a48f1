"""A gate that was shut by what could not be seen, and opened again on the same facts, is counted as shut falsely."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deploydash.core.model import Effective, FeedName, FeedState, Liveness, SummaryState, Verdict
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.preconditions import FeedsUp
from deploydash.core.procedure.runbook import Runbook, Step
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.gate_flaps import Watched, look
from deploydash.core.run.records import (
    ChoiceAnswered,
    GateClosedSpuriously,
    RunHeld,
    RunRecord,
    RunReleased,
    StepApproved,
    StepDone,
)
from deploydash.core.run.state import RunState
from tests.support.runs import OPERATOR, PLAIN, WATCHER, after, down, fleet, opened, small_runbook, view

CSCS = StepId("cscs")
KAFKA = "Kafka is down: what is shown is old"


@dataclass(frozen=True)
class Look:
    """What is seen at one look, and what the run wrote before it."""

    fleet: FleetView
    wrote: tuple[RunRecord, ...] = ()
    armed: bool = False
    card: StepId | None = CSCS


def ready() -> RunState:
    return after(opened(), StepApproved(StepId("watcher"), OPERATOR, 1), StepDone(StepId("watcher")))


def watch(looks: Sequence[Look], state: RunState | None = None) -> list[GateClosedSpuriously]:
    watched, state, found = Watched(), state or ready(), []
    for each in looks:
        state = after(state, *each.wrote)
        step = None if each.card is None else state.runbook.step(each.card)
        watched, ended = look(watched, step, state, each.fleet, armed=each.armed)
        found += [ended] if ended is not None else []
    return found


def seen(at: float, *views: object, kafka: FeedState = FeedState.UP) -> FleetView:
    return fleet(down(WATCHER), *views, kafka=kafka, at=at)  # type: ignore[arg-type]


def test_a_gate_that_a_lost_feed_shut_for_a_while_is_one_false_closure_with_its_cause_and_its_seconds() -> None:
    looks = [
        Look(seen(0.0)),
        Look(seen(10.0, kafka=FeedState.DOWN)),
        Look(seen(12.0, kafka=FeedState.DOWN)),
        Look(seen(14.5)),
        Look(seen(15.0)),
    ]
    assert watch(looks) == [GateClosedSpuriously(CSCS, KAFKA, "kafka down", 4.5)]


def test_each_closure_counts_and_one_that_never_ended_does_not() -> None:
    closing = seen(1.0, kafka=FeedState.CONNECTING)
    looks = [
        Look(seen(0.0)),
        Look(closing),
        Look(seen(2.0)),
        Look(replace(closing, at=3.0)),
        Look(seen(5.0)),
        Look(closing),
    ]
    assert [each.cause for each in watch(looks)] == ["kafka connecting"] * 2
    assert [each.seconds for each in watch(looks)] == [1.0, 2.0]


def test_a_closure_says_whether_the_card_was_armed() -> None:
    looks = [Look(seen(0.0)), Look(seen(1.0, kafka=FeedState.DOWN), armed=True), Look(seen(2.0))]
    assert [each.armed for each in watch(looks)] == [True]


def test_beats_that_could_not_be_read_shut_the_gate_falsely() -> None:
    deaf = replace(view(WATCHER, SummaryState.OFFLINE, Liveness.FEED_DOWN), verdict=Verdict.UNKNOWN)
    unheard = replace(deaf, effective=Effective.UNKNOWN)
    looks = [Look(seen(0.0)), Look(fleet(unheard, at=1.0)), Look(seen(3.0))]
    (found,) = watch(looks)
    assert (found.sentence, found.cause) == ("the Watcher is down first", "heartbeats cannot be read")


def test_a_csc_that_came_up_shut_the_gate_rightly_even_if_it_goes_down_again() -> None:
    looks = [Look(seen(0.0)), Look(fleet(at=1.0)), Look(seen(2.0))]
    assert watch(looks) == []


def test_a_csc_that_changed_while_nobody_could_look_made_the_closure_no_false_one() -> None:
    changed = view(PLAIN[0], SummaryState.FAULT)
    looks = [Look(seen(0.0)), Look(seen(1.0, kafka=FeedState.DOWN)), Look(seen(2.0, changed))]
    assert watch(looks) == []


def test_a_restart_while_nobody_could_look_is_a_change_too() -> None:
    again = replace(view(PLAIN[0]), restarts=1)
    looks = [Look(seen(0.0)), Look(seen(1.0, kafka=FeedState.DOWN)), Look(seen(2.0, again))]
    assert watch(looks) == []


def test_a_hold_shuts_the_gate_rightly() -> None:
    looks = [Look(seen(0.0)), Look(seen(1.0), (RunHeld("ops2"),)), Look(seen(2.0), (RunReleased(OPERATOR),))]
    assert watch(looks) == []


def test_a_gate_that_was_never_open_cannot_be_shut_falsely() -> None:
    looks = [Look(seen(0.0, kafka=FeedState.CONNECTING)), Look(seen(1.0))]
    assert watch(looks) == []


def test_another_card_on_top_forgets_what_was_watched() -> None:
    looks = [
        Look(seen(0.0)),
        Look(seen(1.0, kafka=FeedState.DOWN)),
        Look(seen(1.5), card=StepId("bridges-stop")),
        Look(seen(2.0)),
        Look(seen(3.0), card=None),
    ]
    assert watch(looks) == []


def fed() -> Runbook:
    """The small runbook with a step that needs the EFD, which may be overridden."""
    book = small_runbook()
    (phase,) = book.phases

    def needs(step: Step) -> Step:
        return replace(step, preconditions=(FeedsUp((FeedName.EFD,)),)) if step.id == CSCS else step

    return replace(book, phases=(replace(phase, steps=tuple(map(needs, phase.steps))),))


def with_efd(seen: FleetView, state: FeedState) -> FleetView:
    return replace(seen, feeds={**seen.feeds, FeedName.EFD: state})


def test_an_override_of_a_false_closure_is_counted_as_one() -> None:
    state = after(opened(fed()), StepApproved(StepId("watcher"), OPERATOR, 1), StepDone(StepId("watcher")))
    looks = [
        Look(with_efd(seen(0.0), FeedState.UP)),
        Look(with_efd(seen(1.0), FeedState.DOWN)),
        Look(with_efd(seen(9.0), FeedState.DOWN), (StepApproved(CSCS, OPERATOR, 2, ("the EFD is up",), "known"),)),
    ]
    (found,) = watch(looks, state)
    assert (found.cause, found.seconds, found.overridden) == ("efd down", 8.0, True)


def test_a_step_let_go_just_after_its_gate_opened_again_was_not_overridden() -> None:
    looks = [
        Look(seen(0.0)),
        Look(seen(1.0, kafka=FeedState.DOWN)),
        Look(seen(2.0), (StepApproved(CSCS, OPERATOR, 2),)),
    ]
    assert [each.overridden for each in watch(looks)] == [False]


def test_an_answer_of_the_lead_during_a_closure_changes_nothing() -> None:
    looks = [
        Look(seen(0.0)),
        Look(seen(1.0, kafka=FeedState.DOWN), (ChoiceAnswered("x", "y", OPERATOR),)),
        Look(seen(2.0)),
    ]
    assert len(watch(looks)) == 1
