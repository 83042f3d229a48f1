"""Scripts that the lead adds by hand, and queues that run a script of the run: what may go, and what goes down last."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.model import CscId, FeedState, SummaryState, Target
from deploydash.core.procedure.runbook import ScriptItem, StepId, csc_item, csc_items, numbered
from deploydash.core.run.decide import settle
from deploydash.core.run.items import may_intend_script
from deploydash.core.run.order_rules import blocked_by, order_rules
from deploydash.core.run.orders import AddScript, Control, Hold, TakeRoute
from deploydash.core.run.records import (
    ControlOrdered,
    CscsWaived,
    ItemAdded,
    ItemEnded,
    ItemProgressed,
    Outcome,
    RequestIntended,
    RunHeld,
    RunResumed,
    StepSkipped,
)
from deploydash.core.run.state import RunState, StepStatus, TargetStatus
from deploydash.core.views.run_view import run_view
from tests.core.run.test_run_scripts import CSCS, QUIET, TESTING, approved, ordered, refused, run_of, stragglers
from tests.support.runs import (
    FIRST_ADDED,
    OPERATOR,
    PLAIN,
    QUEUES,
    SECOND_ADDED,
    WATCHER,
    after,
    down,
    fleet,
    opened,
    small_runbook,
    view,
)

ATAOS = PLAIN[0]
OFFLINE = Target(SummaryState.OFFLINE)
STEP = StepId("watcher")
POINT = ScriptItem(QUEUES[0], "maintel/point_azel.py", standard=True, config="{el: 80}\n")
SET = replace(POINT, path="set_summary_state.py", config="data:\n- [ATAOS, OFFLINE]\n")


def added(state: RunState | None = None) -> RunState:
    state = state or opened(small_runbook())
    return after(state, *ordered(state, AddScript(STEP, POINT)))


def intent(command: str = "add", seq: int = 5) -> RequestIntended:
    return RequestIntended(STEP, FIRST_ADDED, QUEUES[0], command, seq, OPERATOR, 7, begins=command == "add")


def test_a_script_is_added_by_hand_beside_a_step_that_stays_as_it_is() -> None:
    state = opened(small_runbook())
    [record] = ordered(state, AddScript(STEP, POINT))
    assert record == ItemAdded(STEP, FIRST_ADDED, (), QUEUES[0], POINT.path, True, POINT.config, (), OPERATOR)
    state = after(state, record)
    assert state.status(state.runbook.step(STEP)) is StepStatus.PENDING
    assert may_intend_script(intent(), state, fleet()) is None
    state = after(state, intent(), ItemEnded(STEP, FIRST_ADDED, Outcome.FAILED, "no MTMount"))
    assert state.status(state.runbook.step(STEP)) is StepStatus.PENDING
    [again] = ordered(state, AddScript(STEP, POINT))
    assert isinstance(again, ItemAdded)
    assert again.item == SECOND_ADDED


def test_it_goes_on_when_its_step_is_over_and_is_seen_from_every_card() -> None:
    state = after(
        added(), StepSkipped(STEP, OPERATOR, "broken"), ItemProgressed(STEP, FIRST_ADDED, 100003, "RUNNING", "")
    )
    assert may_intend_script(intent(), state, fleet()) is None
    shown = run_view(state, fleet())
    assert shown.card is not None
    assert shown.card.step.id != STEP
    assert [(row.step, row.script.path, row.moves) for row in shown.added] == [(STEP, POINT.path, True)]
    stopped = ordered(state, Control(STEP, FIRST_ADDED, "stopScripts"))
    assert stopped == (ControlOrdered(STEP, FIRST_ADDED, "stopScripts", OPERATOR),)
    ended = after(state, ItemEnded(STEP, FIRST_ADDED, Outcome.REACHED, "done"))
    assert [row.moves for row in run_view(ended, fleet()).added] == [False]
    assert "no script of it is under way" in refused(ended, Control(STEP, FIRST_ADDED, "pause"))


def test_it_is_added_once_and_after_a_crash_not_again() -> None:
    state = after(added(), intent())
    assert "added before" in str(may_intend_script(intent(seq=6), state, fleet()))
    crashed = after(state, RunResumed(OPERATOR, 8))
    assert crashed.progress(STEP).items[FIRST_ADDED].status is TargetStatus.UNKNOWN
    assert "not approved" in str(may_intend_script(intent(seq=7), crashed, fleet()))


def test_nothing_is_added_while_held_nor_to_a_queue_that_would_not_take_it() -> None:
    state = opened(small_runbook())
    held = after(state, *ordered(state, Hold("ops2")))
    assert refused(held, AddScript(STEP, POINT)) == "the run is held by ops2"
    assert "held" in str(may_intend_script(intent(), after(added(), RunHeld("ops2")), fleet()))
    waits = fleet(view(QUEUES[0], SummaryState.STANDBY))
    assert "only when ENABLED" in refused(state, AddScript(STEP, POINT), waits)
    assert "does not beat" in refused(state, AddScript(STEP, POINT), fleet(down(QUEUES[0])))
    assert "by its path" in refused(state, AddScript(STEP, replace(POINT, path=" ")))
    assert "no step" in refused(state, AddScript(StepId("nowhere"), POINT))


def test_the_order_rules_hold_for_what_it_sends_to_offline() -> None:
    state = opened(small_runbook())
    assert "the Watcher is down first" in refused(state, AddScript(STEP, SET, (ATAOS,)))
    record = ordered(state, AddScript(STEP, SET, (ATAOS,)), QUIET)
    waiting = after(state, *record)
    assert "the Watcher is down first" in str(may_intend_script(intent(), waiting, fleet()))
    assert may_intend_script(intent(), waiting, QUIET) is None
    assert ordered(state, AddScript(STEP, SET, (WATCHER, ATAOS)))
    protected = state.runbook.protected[0]
    assert "is protected" in refused(state, AddScript(STEP, SET, (protected,)), QUIET)
    assert "takes itself down" in refused(state, AddScript(STEP, SET, (QUEUES[0],)), QUIET)
    assert "shutdown set" in refused(state, AddScript(STEP, SET, (QUEUES[1],)), QUIET)
    assert "the Watcher is down first" in refused(state, AddScript(STEP, SET, (WATCHER, QUEUES[1])))
    assert "Kafka is not up" in refused(state, AddScript(STEP, SET, (WATCHER,)), fleet(kafka=FeedState.DOWN))


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


def test_a_route_is_taken_only_while_its_step_is_open_and_stopped_even_after_it() -> None:
    state = stragglers(ATAOS)
    skipped = after(state, StepSkipped(CSCS, OPERATOR, "later"))
    assert refused(skipped, TakeRoute(CSCS, csc_items((ATAOS,))), QUIET) == "cscs is skipped"
    taken = after(state, *ordered(state, TakeRoute(CSCS, csc_items((ATAOS,))), QUIET))
    taken = after(taken, ItemProgressed(CSCS, FIRST_ADDED, 100004, "RUNNING", ""), CscsWaived((ATAOS,), OPERATOR, "x"))
    done = after(taken, *settle(taken, QUIET))
    assert done.status(done.runbook.step(CSCS)) is StepStatus.DONE
    assert ordered(done, Control(CSCS, FIRST_ADDED, "stopScripts"), QUIET)
    stop = RequestIntended(CSCS, FIRST_ADDED, QUEUES[0], "stopScripts", 9, OPERATOR, 7)
    assert may_intend_script(stop, done, QUIET) is None
    ended = after(
        done, ItemEnded(CSCS, csc_item(ATAOS), Outcome.FAILED, ""), ItemEnded(CSCS, FIRST_ADDED, Outcome.FAILED, "")
    )
    assert "is done" in refused(ended, Control(CSCS, FIRST_ADDED, "pause"), QUIET)


def test_a_script_added_by_hand_is_no_item_of_a_step_of_scripts() -> None:
    state = approved(run_of(POINT))
    state = after(state, *ordered(state, AddScript(TESTING, POINT)))
    state = after(state, ItemEnded(TESTING, FIRST_ADDED, Outcome.REACHED, "done"))
    assert run_view(state, fleet()).rows[0].evidence == "0/1"
    assert settle(state, fleet()) == ()


def test_when_a_script_began_and_whether_its_queue_is_paused_is_kept() -> None:
    state = after(
        approved(run_of(POINT)), ItemProgressed(TESTING, numbered(0), 100003, "CONFIGURED", "", "", paused=True)
    )
    script = state.progress(TESTING).items[numbered(0)]
    assert script.paused
    assert script.began_utc > 0
    assert CscId("ScriptQueue", 1) == POINT.queue
