"""Scripts in a run, by value: their order, what may be sent to a queue, the other route, and what a crash leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.model import CscId, FeedName, FeedState, Liveness, SummaryState, Target
from deploydash.core.procedure.runbook import (
    WHOLE,
    CscEffect,
    Item,
    Lane,
    ManualItem,
    RunPhase,
    ScriptItem,
    Step,
    StepId,
    StepKind,
    System,
    Tier,
    csc_item,
    csc_items,
    numbered,
)
from deploydash.core.run.decide import Decision, Refused, decide, may_intend, settle
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.items import identities_of, may_intend_script, route_config
from deploydash.core.run.orders import Approve, Control, Hold, Release, Retry, RunOrder, SignOff, Skip, TakeRoute
from deploydash.core.run.records import (
    ControlOrdered,
    CscsWaived,
    ItemAdded,
    ItemEnded,
    ItemProgressed,
    ItemsDispatched,
    ItemSignedOff,
    Outcome,
    RequestAnswered,
    RequestIntended,
    RunRecord,
    RunResumed,
    StepApproved,
    StepDone,
)
from deploydash.core.run.state import RunState, StepStatus, TargetStatus, script_of
from deploydash.core.views.run_view import run_view
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

TESTING = StepId("testing")
CSCS = StepId("cscs")
ATAOS, ESS, MTDOME = PLAIN
FIRST = ScriptItem(QUEUES[1], "auxtel/enable_atcs.py", standard=True, config="")
SECOND = ScriptItem(QUEUES[0], "maintel/enable_mtcs.py", standard=True, config="")
DIRECT = ManualItem("images ingested", ())
DOWN = (CscEffect(PLAIN[0], Target.parse("OFFLINE")), CscEffect(PLAIN[1], Target.parse("OFFLINE")))
ROUTE = ScriptItem(
    QUEUES[0], "set_summary_state.py", standard=True, config="data:\n- [<csc>, OFFLINE]\nmute_alarms: false\n"
)


def run_of(*items: Item) -> RunState:
    step = Step(TESTING, "test", StepKind.SCRIPT, System.SAL, Tier.MODERATE, Lane.MAIN, "all DONE", items)
    book = small_runbook()
    return opened(replace(book, phases=(RunPhase("testing", "Testing", book.phases[0].wanted, (step,)),)))


def ordered(state: RunState, order: RunOrder, seen: FleetView | None = None) -> tuple[RunRecord, ...]:
    decision: Decision = decide(order, state, seen or fleet(), OPERATOR)
    assert not isinstance(decision, Refused), decision
    return decision


def refused(state: RunState, order: RunOrder, seen: FleetView | None = None) -> str:
    decision = decide(order, state, seen or fleet(), OPERATOR)
    assert isinstance(decision, Refused), decision
    return decision.why


def approved(state: RunState) -> RunState:
    state = after(state, *ordered(state, Approve(TESTING, 1)))
    return looked(state)


def looked(state: RunState, seen: FleetView | None = None) -> RunState:
    return after(state, *settle(state, seen or fleet()))


def intent(item: int = 0, command: str = "add", queue: CscId = QUEUES[1], seq: int = 5) -> RequestIntended:
    return RequestIntended(TESTING, numbered(item), queue, command, seq, OPERATOR, 7, begins=command == "add")


def ended(item: int, outcome: Outcome = Outcome.REACHED, why: str = "done") -> ItemEnded:
    return ItemEnded(TESTING, numbered(item), outcome, why)


def status(state: RunState) -> StepStatus:
    return state.status(state.runbook.step(TESTING))


def test_an_approved_step_adds_its_first_script_and_the_next_when_that_is_done() -> None:
    state = run_of(FIRST, SECOND)
    assert ordered(state, Approve(TESTING, 1)) == (StepApproved(TESTING, OPERATOR, 1),)
    state = after(state, StepApproved(TESTING, OPERATOR, 1))
    assert settle(state, fleet()) == (ItemsDispatched(TESTING, (numbered(0),), "the procedure"),)
    state = looked(state)
    assert settle(state, fleet()) == ()
    state = after(state, ended(0))
    assert settle(state, fleet()) == (ItemsDispatched(TESTING, (numbered(1),), "the procedure"),)
    state = after(looked(state), ended(1))
    assert settle(state, fleet()) == (StepDone(TESTING),)


def test_what_a_person_does_in_between_holds_what_follows_until_it_is_ticked() -> None:
    state = after(approved(run_of(FIRST, DIRECT, SECOND)), ended(0))
    assert settle(state, fleet()) == ()
    state = after(state, *ordered(state, SignOff(TESTING, "ana", numbered(1))))
    assert settle(state, fleet()) == (ItemsDispatched(TESTING, (numbered(2),), "the procedure"),)


def test_a_failed_script_asks_and_nothing_follows_by_itself() -> None:
    state = after(approved(run_of(FIRST, SECOND)), ended(0, Outcome.FAILED, "no ATMCS"))
    assert status(state) is StepStatus.ASKING
    assert settle(state, fleet()) == ()
    assert ordered(state, Retry(TESTING)) == (ItemsDispatched(TESTING, (numbered(0),), OPERATOR),)
    assert "no script" in refused(state, Retry(TESTING, items=(numbered(1),)))
    assert ordered(state, Skip(TESTING, "tomorrow"))


def test_a_failed_script_may_be_ticked_with_a_note_and_the_next_one_goes() -> None:
    state = after(approved(run_of(FIRST, SECOND)), ended(0, Outcome.FAILED, "no ATMCS"))
    assert "needs a note" in refused(state, SignOff(TESTING, "ana", numbered(0)))
    state = after(state, *ordered(state, SignOff(TESTING, "ana", numbered(0), "run from LOVE")))
    assert status(state) is StepStatus.UNDER_WAY
    assert settle(state, fleet()) == (ItemsDispatched(TESTING, (numbered(1),), "the procedure"),)


def test_a_step_of_scripts_may_be_ticked_as_a_whole_but_no_tick_lets_a_script_go() -> None:
    state = run_of(FIRST, SECOND)
    assert "approve testing first" in refused(state, SignOff(TESTING, "ana", numbered(0)))
    records = ordered(state, SignOff(TESTING, "ana"))
    assert records == (
        StepApproved(TESTING, OPERATOR, 1),
        ItemSignedOff(TESTING, WHOLE, "ana", OPERATOR),
        StepDone(TESTING),
    )
    assert "under way" in refused(approved(state), SignOff(TESTING, "ana", numbered(0), "why"))


@pytest.mark.parametrize("registry", [FeedState.DOWN, FeedState.DEGRADED])
def test_the_next_script_waits_for_the_registry_that_its_command_is_written_with(registry: FeedState) -> None:
    state = after(approved(run_of(FIRST, SECOND)), ended(0))
    seen = fleet()
    assert settle(state, replace(seen, feeds={**seen.feeds, FeedName.SCHEMA_REGISTRY: registry})) == ()
    assert settle(state, replace(seen, feeds={**seen.feeds, FeedName.SCHEMA_REGISTRY: FeedState.UP})) != ()


@pytest.mark.parametrize("kafka", [FeedState.DOWN, FeedState.CONNECTING])
def test_nothing_further_is_added_while_held_or_while_kafka_is_not_up(kafka: FeedState) -> None:
    state = after(approved(run_of(FIRST, SECOND)), ended(0))
    assert settle(state, fleet(kafka=kafka)) == ()
    held = after(state, *ordered(state, Hold("ops2")))
    assert settle(held, fleet()) == ()
    assert "held by ops2" in refused(after(held, ended(0, Outcome.FAILED)), Retry(TESTING))
    assert settle(after(held, *ordered(held, Release())), fleet()) != ()


def test_a_script_is_added_once_by_whoever_asks() -> None:
    state = approved(run_of(FIRST, SECOND))
    assert may_intend_script(intent(), state, fleet()) is None
    assert "not approved" in str(may_intend_script(intent(1), state, fleet()))
    state = after(state, intent())
    assert "added before" in str(may_intend_script(intent(seq=6), state, fleet()))


def test_the_last_look_before_an_add_sees_the_hold_the_feed_and_the_queue() -> None:
    state = approved(run_of(FIRST, SECOND))
    held = after(state, *ordered(state, Hold("ops2")))
    assert "held by ops2" in str(may_intend_script(intent(), held, fleet()))
    assert "Kafka" in str(may_intend_script(intent(), state, fleet(kafka=FeedState.DOWN)))
    standby = fleet(view(QUEUES[1], SummaryState.STANDBY))
    assert may_intend_script(intent(), state, standby) == "ScriptQueue:2 is STANDBY: it takes scripts only when ENABLED"
    silent = fleet(view(QUEUES[1], SummaryState.ENABLED, Liveness.SILENT))
    assert "does not beat" in str(may_intend_script(intent(), state, silent))
    assert may_intend_script(intent(command="pause"), held, standby) is None


def test_after_a_crash_a_script_is_unknown_and_looked_for_with_what_is_known_of_it() -> None:
    state = after(
        approved(run_of(FIRST, SECOND)),
        intent(),
        RequestAnswered(TESTING, numbered(0), "add", 5, 303, "200003"),
        ItemProgressed(TESTING, numbered(0), 200003, "RUNNING", "slew"),
        RunResumed(OPERATOR, 8),
    )
    script = state.progress(TESTING).items[numbered(0)]
    assert script.status is TargetStatus.UNKNOWN
    assert script.why == "it was RUNNING as 200003 when deploydash stopped"
    assert status(state) is StepStatus.ASKING
    assert settle(state, fleet()) == ()
    state = after(state, *ordered(state, Retry(TESTING)))
    again = state.progress(TESTING).items[numbered(0)]
    assert (again.status, again.seq_num, again.sal_index) == (TargetStatus.UNDER_WAY, 5, 200003)
    assert "added before" in str(may_intend_script(intent(seq=6), state, fleet()))


def test_a_script_of_this_run_is_no_foreign_hand_while_it_may_run_and_shortly_after() -> None:
    state = after(approved(run_of(FIRST)), ItemProgressed(TESTING, numbered(0), 200003, "RUNNING", "slew"), utc=1_000.0)
    assert identities_of(state, 9_000.0) == {"Script:200003"}
    ended = after(state, ItemEnded(TESTING, numbered(0), Outcome.REACHED, ""), utc=2_000.0)
    assert identities_of(ended, 2_010.0) == {"Script:200003"}
    assert identities_of(ended, 2_031.0) == frozenset(), "a queue that started anew gives the index to somebody else"


def test_a_script_that_failed_or_was_never_sent_is_added_anew_by_a_retry() -> None:
    failed = after(approved(run_of(FIRST)), intent(), ended(0, Outcome.FAILED, "no ATMCS"))
    failed = after(failed, *ordered(failed, Retry(TESTING)))
    assert may_intend_script(intent(seq=6), failed, fleet()) is None
    unsent = after(approved(run_of(FIRST)), RunResumed(OPERATOR, 8))
    assert unsent.progress(TESTING).items[numbered(0)].why == "it had not been added when deploydash stopped"
    unsent = after(unsent, *ordered(unsent, Retry(TESTING)))
    assert may_intend_script(intent(), unsent, fleet()) is None


@pytest.mark.parametrize("result", ["9" * 5000, "\u0663", "-1", "", "\u00b2"])
def test_what_is_no_index_in_a_queues_answer_is_none_and_the_run_can_still_be_read(result: str) -> None:
    state = after(approved(run_of(FIRST)), intent(), RequestAnswered(TESTING, numbered(0), "add", 5, 303, result))
    assert state.progress(TESTING).items[numbered(0)].sal_index == 0


def test_a_queue_is_ordered_about_and_only_a_script_under_way_is_stopped() -> None:
    state = approved(run_of(FIRST))
    assert ordered(state, Control(TESTING, numbered(0), "pause")) == (
        ControlOrdered(TESTING, numbered(0), "pause", OPERATOR),
    )
    assert "not under way" in refused(state, Control(TESTING, numbered(0), "stopScripts"))
    state = after(state, intent(), RequestAnswered(TESTING, numbered(0), "add", 5, 303, "200003"))
    assert ordered(state, Control(TESTING, numbered(0), "stopScripts"))
    failed = after(state, ended(0, Outcome.FAILED))
    assert ordered(failed, Control(TESTING, numbered(0), "resume"))
    assert may_intend_script(intent(command="resume", seq=9), failed, fleet()) is None
    assert failed.progress(TESTING).items[numbered(0)].seq_num == 5
    assert "added no script" in refused(state, Control(TESTING, numbered(4), "pause"))
    assert "not told to move" in refused(state, Control(TESTING, numbered(0), "move"))


def test_the_card_shows_every_script_with_what_it_has_come_to() -> None:
    state = after(
        approved(run_of(FIRST, DIRECT, SECOND)), ItemProgressed(TESTING, numbered(0), 200003, "RUNNING", "slew")
    )
    card = run_view(state, fleet()).card
    assert card is not None
    assert [(row.item, row.script.path, row.progress.checkpoint) for row in card.scripts] == [
        (numbered(0), "auxtel/enable_atcs.py", "slew"),
        (numbered(2), "maintel/enable_mtcs.py", ""),
    ]
    rows = run_view(after(state, ended(0, Outcome.FAILED)), fleet()).rows
    assert rows[0].evidence == "0/3 · 1 needs a decision"


def stragglers(*failed: CscId) -> RunState:
    """A step of CSCs under way in which these did not go, and which has another route."""
    book = small_runbook()
    steps = tuple(replace(step, other_route=ROUTE) if step.id == CSCS else step for step in book.steps())
    book = replace(book, phases=(replace(book.phases[0], steps=steps),))
    return after(
        opened(book),
        StepApproved(StepId("watcher"), OPERATOR, 1),
        StepDone(StepId("watcher")),
        StepApproved(CSCS, OPERATOR, 1),
        ItemsDispatched(CSCS, csc_items(PLAIN), OPERATOR),
        *(ItemEnded(CSCS, csc_item(csc), Outcome.FAILED if csc in failed else Outcome.REACHED, "") for csc in PLAIN),
    )


QUIET = fleet(down(WATCHER))


def test_stragglers_go_by_a_script_through_the_queue_that_the_lead_chose() -> None:
    state = stragglers(ATAOS, ESS)
    [record] = ordered(state, TakeRoute(CSCS, csc_items((ATAOS, ESS, MTDOME)), QUEUES[1]), QUIET)
    config = "data:\n- ['ATAOS', OFFLINE]\n- ['ESS:104', OFFLINE]\nmute_alarms: false\n"
    assert record == ItemAdded(
        CSCS, FIRST_ADDED, csc_items((ATAOS, ESS)), QUEUES[1], "set_summary_state.py", True, config, DOWN, OPERATOR
    )
    state = after(state, record)
    assert state.progress(CSCS).targets[ATAOS].status is TargetStatus.UNDER_WAY
    step = state.runbook.step(CSCS)
    assert state.status(step) is StepStatus.UNDER_WAY
    assert script_of(step, state.progress(CSCS), FIRST_ADDED) == replace(
        ROUTE, queue=QUEUES[1], config=config, effects=DOWN
    )
    add = RequestIntended(CSCS, FIRST_ADDED, QUEUES[1], "add", 5, OPERATOR, 7, begins=True)
    assert may_intend_script(add, state, QUIET) is None


def test_a_route_ends_by_its_cscs_and_its_script_asks_nobody() -> None:
    state = stragglers(ATAOS)
    state = after(state, *ordered(state, TakeRoute(CSCS, csc_items((ATAOS,))), QUIET))
    failed = after(
        state,
        ItemEnded(CSCS, csc_item(ATAOS), Outcome.FAILED, "hangs"),
        ItemEnded(CSCS, FIRST_ADDED, Outcome.FAILED, "hangs"),
    )
    assert failed.status(failed.runbook.step(CSCS)) is StepStatus.ASKING
    [again] = ordered(failed, TakeRoute(CSCS, csc_items((ATAOS,))), QUIET)
    assert isinstance(again, ItemAdded)
    assert again.item == SECOND_ADDED
    done = after(state, ItemEnded(CSCS, csc_item(ATAOS), Outcome.REACHED, "seen"))
    assert settle(done, QUIET) == (StepDone(CSCS),)


def test_the_order_rules_hold_on_the_other_route_too() -> None:
    state = stragglers(ATAOS)
    assert "Watcher" in refused(state, TakeRoute(CSCS, csc_items((ATAOS,))), fleet())
    taken = after(state, *ordered(state, TakeRoute(CSCS, csc_items((ATAOS,))), QUIET))
    add = RequestIntended(CSCS, FIRST_ADDED, QUEUES[0], "add", 5, OPERATOR, 7, begins=True)
    assert "Watcher" in str(may_intend_script(add, taken, fleet()))
    command = RequestIntended(CSCS, csc_item(ESS), ESS, "exitControl", 6, OPERATOR, 7)
    assert "not approved" in str(may_intend(command, taken, QUIET))


def test_a_queue_never_runs_the_script_that_takes_itself_down() -> None:
    book = small_runbook()
    steps = tuple(replace(step, other_route=ROUTE) if step.id == "queues" else step for step in book.steps())
    state = after(
        opened(replace(book, phases=(replace(book.phases[0], steps=steps),))),
        CscsWaived((*PLAIN, WATCHER), OPERATOR, "broken"),
        StepApproved(StepId("queues"), OPERATOR, 1),
        ItemsDispatched(StepId("queues"), csc_items(QUEUES), OPERATOR),
        ItemEnded(StepId("queues"), csc_item(QUEUES[0]), Outcome.FAILED, ""),
        ItemEnded(StepId("queues"), csc_item(QUEUES[1]), Outcome.REACHED, ""),
    )
    why = refused(state, TakeRoute(StepId("queues"), csc_items((QUEUES[0],))))
    assert why == "ScriptQueue:1 cannot run the script that takes itself down: choose another queue"
    assert ordered(state, TakeRoute(StepId("queues"), csc_items((QUEUES[0],)), QUEUES[1]))


def test_a_route_that_nobody_named_or_that_leads_elsewhere_is_refused() -> None:
    state = stragglers(ATAOS)
    assert "none of these failed" in refused(state, TakeRoute(CSCS, csc_items((MTDOME,))), QUIET)
    assert "no other route" in refused(state, TakeRoute(StepId("queues"), csc_items(QUEUES)), QUIET)
    steps = tuple(
        replace(step, other_route=replace(ROUTE, config="data:\n- [<csc>, STANDBY]\n")) if step.id == CSCS else step
        for step in state.runbook.steps()
    )
    other = replace(state.runbook, phases=(replace(state.runbook.phases[0], steps=steps),))
    assert "does not lead ATAOS to OFFLINE" in refused(
        replace(state, runbook=other), TakeRoute(CSCS, csc_items((ATAOS,))), QUIET
    )
    waits = fleet(down(WATCHER), view(QUEUES[0], SummaryState.DISABLED))
    assert "only when ENABLED" in refused(state, TakeRoute(CSCS, csc_items((ATAOS,))), waits)


def test_a_route_s_line_is_written_once_per_csc() -> None:
    assert route_config("data:\n- [<csc>, OFFLINE]\n", (ESS, ATAOS)) == (
        "data:\n- ['ESS:104', OFFLINE]\n- ['ATAOS', OFFLINE]\n"
    )
