"""Items that the lead adds beside the runbook, and queues that run one: what may go, and what goes down last."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.model import CscId, FeedState, SummaryState, Target
from deploydash.core.procedure.items import CscEffect
from deploydash.core.procedure.names import ItemId, StepId, csc_item, numbered
from deploydash.core.run.decide import settle
from deploydash.core.run.items import may_control, may_intend
from deploydash.core.run.order_rules import blocked_by, order_rules
from deploydash.core.run.orders import AddItem, Control, Hold
from deploydash.core.run.records import (
    ControlOrdered,
    CscsWaived,
    ItemAdded,
    ItemEnded,
    ItemProgressed,
    Outcome,
    RequestAnswered,
    RequestIntended,
    RunHeld,
    RunResumed,
    StepSkipped,
)
from deploydash.core.run.state import ItemStatus, RunState, StepStatus
from deploydash.core.views.run_view import run_view
from tests.core.run.test_items import CSCS, QUIET, TESTING, another_way, approved, ordered, refused, run_of, stragglers
from tests.support.runs import (
    FIRST_ADDED,
    OFFLINE,
    OPERATOR,
    PLAIN,
    QUEUES,
    SECOND_ADDED,
    WATCHER,
    after,
    down,
    fleet,
    opened,
    script,
    small_runbook,
)

ATAOS = PLAIN[0]
STEP = StepId("watcher")
POINT = replace(script(0, QUEUES[0], "maintel/point_azel.py", "{el: 80}\n"), id=ItemId(""))
BESIDE = AddItem(STEP, POINT)


def downs(*cscs: CscId) -> AddItem:
    """The order to take these CSCs down by a script, in this order."""
    effects = tuple(CscEffect(csc, OFFLINE) for csc in cscs)
    return AddItem(STEP, script(0, QUEUES[0], "set_summary_state.py", "data: []\n", effects))


def added(state: RunState | None = None) -> RunState:
    state = state or opened(small_runbook())
    return after(state, *ordered(state, BESIDE))


def intent(text: str = "add", key: str = "5") -> RequestIntended:
    return RequestIntended(STEP, FIRST_ADDED, text, key=key, begins=text == "add")


def test_an_item_is_added_beside_a_step_that_stays_as_it_is() -> None:
    state = opened(small_runbook())
    [record] = ordered(state, BESIDE)
    assert record == ItemAdded(STEP, replace(POINT, id=FIRST_ADDED), OPERATOR)
    state = after(state, record)
    assert state.status(state.runbook.step(STEP)) is StepStatus.PENDING
    assert may_intend(intent(), state, fleet()) is None
    state = after(state, intent(), ItemEnded(STEP, FIRST_ADDED, Outcome.FAILED, "no MTMount"))
    assert state.status(state.runbook.step(STEP)) is StepStatus.PENDING
    [again] = ordered(state, BESIDE)
    assert isinstance(again, ItemAdded)
    assert again.item.id == SECOND_ADDED


def test_it_goes_on_when_its_step_is_over_and_is_seen_from_every_card() -> None:
    state = after(
        added(),
        StepSkipped(STEP, OPERATOR, "broken"),
        ItemProgressed(STEP, FIRST_ADDED, "RUNNING", "", known_as="Script:100003"),
    )
    assert may_intend(intent(), state, fleet()) is None
    shown = run_view(state, fleet())
    assert shown.card is not None
    assert shown.card.step.id != STEP
    assert [(row.step, row.item.label, row.beside, row.moves) for row in shown.added] == [
        (STEP, POINT.label, True, True)
    ]
    stopped = ordered(state, Control(STEP, FIRST_ADDED, "stop"))
    assert stopped == (ControlOrdered(STEP, FIRST_ADDED, "stop", OPERATOR),)
    ended = after(state, ItemEnded(STEP, FIRST_ADDED, Outcome.REACHED, "done"))
    assert [row.moves for row in run_view(ended, fleet()).added] == [False]
    assert "this item is not under way" in refused(ended, Control(STEP, FIRST_ADDED, "pause"))


def test_it_is_added_once_and_after_a_crash_not_again() -> None:
    state = after(added(), intent())
    assert "no answer yet" in str(may_intend(intent(key="6"), state, fleet()))
    answered = after(state, RequestAnswered(STEP, FIRST_ADDED, True, ""))
    assert "begun before (5)" in str(may_intend(intent(key="6"), answered, fleet()))
    crashed = after(state, RunResumed(OPERATOR, 8))
    assert crashed.progress(STEP).items[FIRST_ADDED].status is ItemStatus.UNKNOWN
    assert "not approved" in str(may_intend(intent(key="7"), crashed, fleet()))


def test_nothing_is_added_while_held_nor_to_a_step_that_is_none() -> None:
    state = opened(small_runbook())
    held = after(state, *ordered(state, Hold("ops2")))
    assert refused(held, BESIDE) == "the run is held by ops2"
    assert "held" in str(may_intend(intent(), after(added(), RunHeld("ops2")), fleet()))
    assert "no step" in refused(state, replace(BESIDE, step=StepId("nowhere")))


def test_the_order_rules_hold_for_what_it_sends_to_offline() -> None:
    state = opened(small_runbook())
    assert "the Watcher is down first" in refused(state, downs(ATAOS))
    record = ordered(state, downs(ATAOS), QUIET)
    waiting = after(state, *record)
    assert "the Watcher is down first" in str(may_intend(intent(), waiting, fleet()))
    assert may_intend(intent(), waiting, QUIET) is None
    assert ordered(state, downs(WATCHER, ATAOS))
    protected = state.runbook.protected[0]
    assert "is protected" in refused(state, downs(protected), QUIET)
    everybody = fleet(*(down(csc) for csc in (WATCHER, *PLAIN)))
    assert "which it takes down" in refused(state, downs(QUEUES[0]), everybody)
    assert "shutdown set" in refused(state, downs(QUEUES[1]), QUIET)
    assert "the Watcher is down first" in refused(state, downs(WATCHER, QUEUES[1]))
    assert "Kafka is not up" in refused(state, downs(WATCHER), fleet(kafka=FeedState.DOWN))


def test_the_queue_that_runs_a_script_of_the_run_goes_down_last() -> None:
    state = after(added(), CscsWaived((*PLAIN, WATCHER), OPERATOR, "broken"))
    why = "ScriptQueue:1 runs maintel/point_azel.py for this run: it goes down when that is over"
    assert blocked_by(QUEUES[0], OFFLINE, state, fleet(), bulk=True) == why
    assert blocked_by(QUEUES[0], Target(SummaryState.STANDBY), state, fleet(), bulk=False) == why
    assert blocked_by(QUEUES[1], OFFLINE, state, fleet(), bulk=True) is None
    step = state.runbook.step(StepId("queues"))
    assert why in [reason.sentence for reason in order_rules(step, state, fleet()) if not reason.met]
    over = after(state, ItemEnded(STEP, FIRST_ADDED, Outcome.UNKNOWN, "nothing heard"))
    assert blocked_by(QUEUES[0], OFFLINE, over, fleet(), bulk=True) is None


def test_another_way_is_taken_only_while_its_step_is_open_and_stopped_even_after_it() -> None:
    state = stragglers(ATAOS)
    skipped = after(state, StepSkipped(CSCS, OPERATOR, "later"))
    assert refused(skipped, another_way(ATAOS), QUIET) == "cscs is skipped"
    taken = after(state, *ordered(state, another_way(ATAOS), QUIET))
    taken = after(
        taken,
        ItemProgressed(CSCS, FIRST_ADDED, "RUNNING", "", known_as="Script:100004"),
        CscsWaived((ATAOS,), OPERATOR, "x"),
    )
    done = after(taken, *settle(taken, QUIET))
    assert done.status(done.runbook.step(CSCS)) is StepStatus.DONE
    assert ordered(done, Control(CSCS, FIRST_ADDED, "stop"), QUIET)
    stop = RequestIntended(CSCS, FIRST_ADDED, "stop")
    assert may_control(CSCS, FIRST_ADDED, done, QUIET) is None
    assert may_intend(stop, done, QUIET) == "cscs is done", "its own work ends with the step"
    ended = after(
        done, ItemEnded(CSCS, csc_item(ATAOS), Outcome.FAILED, ""), ItemEnded(CSCS, FIRST_ADDED, Outcome.FAILED, "")
    )
    assert "is done" in refused(ended, Control(CSCS, FIRST_ADDED, "pause"), QUIET)


def test_what_was_added_beside_is_no_item_of_its_step() -> None:
    state = approved(run_of(POINT))
    state = after(state, *ordered(state, AddItem(TESTING, POINT)))
    state = after(state, ItemEnded(TESTING, FIRST_ADDED, Outcome.REACHED, "done"))
    assert run_view(state, fleet()).rows[0].evidence == "0/1"
    assert settle(state, fleet()) == ()


def test_when_a_script_began_and_whether_its_queue_is_paused_is_kept() -> None:
    state = after(
        approved(run_of(POINT)),
        ItemProgressed(TESTING, numbered(0), "CONFIGURED", "", known_as="Script:100003", paused=True),
    )
    one = state.progress(TESTING).items[numbered(0)]
    assert one.paused
    assert one.began_utc > 0
    assert POINT.runs_in == (QUEUES[0],)
