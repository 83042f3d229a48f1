"""Items one after the other in a run, by value: order, retry, sign-off, another way, and what a crash leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.model import CscId, FeedName, FeedState, Target
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import MAIN, SAL, WHOLE, ItemId, StepId, SystemName, csc_item, numbered
from deploydash.core.procedure.runbook import Fallback, Order, RunPhase, Step, StepKind, Tier
from deploydash.core.run.decide import Decision, Refused, decide, settle
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.items import may_control, may_intend
from deploydash.core.run.orders import AddItem, Approve, Control, Hold, Release, Retry, RunOrder, SignOff, Skip
from deploydash.core.run.records import (
    ControlOrdered,
    CscsWaived,
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
from deploydash.core.run.state import ItemStatus, RunState, StepStatus
from deploydash.core.views.run_view import run_view
from deploydash.systems.sal.steps import script_template
from tests.support.runs import (
    OFFLINE,
    OPERATOR,
    PLAIN,
    QUEUES,
    WATCHER,
    after,
    csc_items,
    down,
    fleet,
    opened,
    person,
    script,
    small_runbook,
)

TESTING = StepId("testing")
CSCS = StepId("cscs")
ATAOS, ESS, MTDOME = PLAIN
FIRST = script(0, QUEUES[1], "auxtel/enable_atcs.py")
SECOND = script(1, QUEUES[0], "maintel/enable_mtcs.py")
INGESTED = person(1, "images ingested")
DOWN = (CscEffect(ATAOS, OFFLINE), CscEffect(ESS, OFFLINE))
CONFIG = "data:\n- [<csc>, OFFLINE]\nmute_alarms: false\n"
WAY = Fallback("by a script", SAL, script_template(QUEUES[0], "set_summary_state.py", CONFIG), (OFFLINE,))


def at(place: int, item: Item) -> Item:
    """The item at a place of a step."""
    return replace(item, id=numbered(place), wave=place)


def run_of(*items: Item) -> RunState:
    numbered_items = tuple(at(place, item) for place, item in enumerate(items))
    step = Step(
        TESTING,
        "test",
        StepKind.ACTION,
        SAL,
        Tier.MODERATE,
        MAIN,
        "all DONE",
        numbered_items,
        order=Order.SEQUENCE,
    )
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


def intent(item: int = 0, text: str = "add", key: str = "5") -> RequestIntended:
    return RequestIntended(TESTING, numbered(item), text, key=key, begins=text == "add")


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
    state = after(approved(run_of(FIRST, INGESTED, SECOND)), ended(0))
    assert settle(state, fleet()) == ()
    state = after(state, *ordered(state, SignOff(TESTING, "ana", numbered(1))))
    assert settle(state, fleet()) == (ItemsDispatched(TESTING, (numbered(2),), "the procedure"),)


def test_a_failed_script_asks_and_nothing_follows_by_itself() -> None:
    state = after(approved(run_of(FIRST, SECOND)), ended(0, Outcome.FAILED, "no ATMCS"))
    assert status(state) is StepStatus.ASKING
    assert settle(state, fleet()) == ()
    assert ordered(state, Retry(TESTING)) == (ItemsDispatched(TESTING, (numbered(0),), OPERATOR),)
    assert "none of these failed" in refused(state, Retry(TESTING, items=(numbered(1),)))
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
    assert may_intend(intent(), state, fleet()) is None
    assert "not approved" in str(may_intend(intent(1), state, fleet()))
    state = after(state, intent())
    assert may_intend(intent(key="6"), state, fleet()) == "add: it has no answer yet"
    state = after(state, RequestAnswered(TESTING, numbered(0), True, "200003"))
    assert "begun before (5)" in str(may_intend(intent(key="6"), state, fleet()))
    assert may_intend(intent(text="pause", key="7"), state, fleet()) is None


def test_the_last_look_before_an_add_sees_the_hold_and_the_feed() -> None:
    state = approved(run_of(FIRST, SECOND))
    held = after(state, *ordered(state, Hold("ops2")))
    assert may_intend(intent(), held, fleet()) == "the run is held by ops2"
    assert may_intend(intent(), held, fleet(), asks_only=True) is None, "what changes nothing goes while held"
    assert "Kafka" in str(may_intend(intent(), state, fleet(kafka=FeedState.DOWN)))
    assert "Kafka" in str(may_intend(intent(), state, fleet(kafka=FeedState.DOWN), asks_only=True))
    assert may_control(TESTING, numbered(0), held, fleet()) is None
    assert "Kafka" in str(may_control(TESTING, numbered(0), held, fleet(kafka=FeedState.DOWN)))


def test_what_touches_no_csc_and_is_no_work_of_sal_needs_no_kafka() -> None:
    elsewhere = Item(numbered(0), "freeze", SystemName("made-up"))
    state = run_of(elsewhere, SECOND)
    state = after(state, *ordered(state, Approve(TESTING, 1), fleet(kafka=FeedState.UP)))
    state = after(state, *settle(state, fleet(kafka=FeedState.DOWN)))
    assert state.progress(TESTING).item(numbered(0)).status is ItemStatus.UNDER_WAY
    assert may_intend(intent(), state, fleet(kafka=FeedState.DOWN)) is None
    assert settle(after(state, ended(0)), fleet(kafka=FeedState.DOWN)) == ()


def test_after_a_crash_a_script_is_unknown_and_looked_for_with_what_is_known_of_it() -> None:
    state = after(
        approved(run_of(FIRST, SECOND)),
        intent(),
        RequestAnswered(TESTING, numbered(0), True, "200003"),
        ItemProgressed(TESTING, numbered(0), "RUNNING", "slew", known_as="Script:200003"),
        RunResumed(OPERATOR, 8),
    )
    script = state.progress(TESTING).items[numbered(0)]
    assert script.status is ItemStatus.UNKNOWN
    assert script.why == "it was RUNNING as Script:200003 when deploydash stopped"
    assert status(state) is StepStatus.ASKING
    assert settle(state, fleet()) == ()
    state = after(state, *ordered(state, Retry(TESTING)))
    again = state.progress(TESTING).items[numbered(0)]
    assert (again.status, again.key, again.known_as) == (ItemStatus.UNDER_WAY, "5", "Script:200003")
    assert "begun before (5)" in str(may_intend(intent(key="6"), state, fleet()))


def test_a_script_that_failed_or_was_never_sent_is_added_anew_by_a_retry() -> None:
    failed = after(approved(run_of(FIRST)), intent(), ended(0, Outcome.FAILED, "no ATMCS"))
    failed = after(failed, *ordered(failed, Retry(TESTING)))
    assert may_intend(intent(key="6"), failed, fleet()) is None
    unsent = after(approved(run_of(FIRST)), RunResumed(OPERATOR, 8))
    assert unsent.progress(TESTING).items[numbered(0)].why == "nothing had been sent when deploydash stopped"
    unsent = after(unsent, *ordered(unsent, Retry(TESTING)))
    assert may_intend(intent(), unsent, fleet()) is None


def test_an_item_is_controlled_once_it_was_begun_and_as_long_as_its_step_is_open() -> None:
    state = run_of(FIRST)
    assert "nothing is known" in refused(state, Control(TESTING, numbered(0), "pause"))
    state = approved(state)
    pause = Control(TESTING, numbered(0), "pause")
    assert ordered(state, pause) == (ControlOrdered(TESTING, numbered(0), "pause", OPERATOR),)
    held = after(state, *ordered(state, Hold("ops2")))
    assert ordered(held, pause), "what pauses or stops goes while the run is held"
    failed = after(state, intent(), ended(0, Outcome.FAILED))
    assert ordered(failed, Control(TESTING, numbered(0), "resume"))
    assert failed.progress(TESTING).item(numbered(0)).key == "5"
    assert after(failed, *ordered(failed, pause)).progress(TESTING).item(numbered(0)).key == "5"
    assert "nothing is known" in refused(state, Control(TESTING, numbered(4), "pause"))
    skipped = after(failed, *ordered(failed, Skip(TESTING, "tomorrow")))
    assert refused(skipped, pause) == "testing is skipped, and this item is not under way"


def test_the_card_shows_every_item_with_what_it_has_come_to() -> None:
    state = after(
        approved(run_of(FIRST, INGESTED, SECOND)),
        ItemProgressed(TESTING, numbered(0), "RUNNING", "slew", known_as="Script:200003"),
    )
    card = run_view(state, fleet()).card
    assert card is not None
    assert [(row.item.id, row.item.label, row.moves, row.progress.line) for row in card.rows] == [
        (numbered(0), "auxtel/enable_atcs.py", True, "slew"),
        (numbered(1), "images ingested", False, ""),
        (numbered(2), "maintel/enable_mtcs.py", False, ""),
    ]
    assert not card.of_cscs
    rows = run_view(after(state, ended(0, Outcome.FAILED)), fleet()).rows
    assert rows[0].evidence == "0/3 · 1 needs a decision"


def stragglers(*failed: CscId) -> RunState:
    """A step of CSCs under way in which these did not go, and which has another way."""
    book = small_runbook()
    steps = tuple(replace(step, fallbacks=(WAY,)) if step.id == CSCS else step for step in book.steps())
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


def another_way(*cscs: CscId, queue: CscId = QUEUES[0], target: Target = OFFLINE) -> AddItem:
    """The order to take these CSCs down by one script."""
    effects = tuple(CscEffect(csc, target) for csc in cscs)
    item = replace(script(0, queue, "set_summary_state.py", "data: []\n", effects), id=ItemId(""))
    return AddItem(CSCS, item, csc_items(cscs), approved='["add"]')


def test_a_step_of_cscs_is_not_signed_off_as_a_whole_but_one_by_one_with_a_note() -> None:
    state = stragglers(ATAOS, ESS)
    assert "one CSC after the other" in refused(state, SignOff(CSCS, "ana"), QUIET)
    assert "one CSC after the other" in refused(state, SignOff(CSCS, "ana", note="all done"), QUIET)
    assert "needs a note" in refused(state, SignOff(CSCS, "ana", csc_item(ATAOS)), QUIET)
    assert ordered(state, SignOff(CSCS, "ana", csc_item(ATAOS)), fleet(down(WATCHER), down(ATAOS))), "it is seen"
    assert "has no item" in refused(state, SignOff(CSCS, "ana", csc_item(WATCHER), "why"), QUIET)
    state = after(state, *ordered(state, SignOff(CSCS, "ana", csc_item(ATAOS), "stopped by its team"), QUIET))
    assert [item.id for item in state.asking(state.runbook.step(CSCS))] == [csc_item(ESS)]
    assert settle(state, QUIET) == ()
    state = after(state, *ordered(state, SignOff(CSCS, "ana", csc_item(ESS), "powered off"), QUIET))
    assert settle(state, QUIET) == (StepDone(CSCS),)


def test_a_step_of_cscs_that_nobody_approved_is_not_signed_off() -> None:
    state = opened()
    assert refused(state, SignOff(StepId("watcher"), "ana", note="x")) == "approve watcher first"
    assert refused(state, SignOff(StepId("watcher"), "ana", csc_item(WATCHER), "x")) == "approve watcher first"


def test_what_is_under_way_is_not_signed_off_alone_nor_with_the_rest() -> None:
    state = after(approved(run_of(FIRST, SECOND)), ended(0))
    state = looked(state)
    assert "under way" in refused(state, SignOff(TESTING, "ana", numbered(1), "why"))
    assert "under way" in refused(state, SignOff(TESTING, "ana", note="why"))


def test_an_item_with_several_effects_is_done_with_when_each_of_its_cscs_is_waived() -> None:
    both = replace(FIRST, effects=DOWN)
    state = after(run_of(both, SECOND), CscsWaived((ATAOS,), OPERATOR, "broken"), StepApproved(TESTING, OPERATOR, 1))
    assert settle(state, QUIET) == (ItemsDispatched(TESTING, (numbered(0),), "the procedure"),)
    state = after(state, CscsWaived((ESS,), OPERATOR, "broken"))
    assert settle(state, QUIET) == (ItemsDispatched(TESTING, (numbered(1),), "the procedure"),)
    [step] = state.runbook.steps()
    in_waves = replace(step, order=Order.WAVES)
    book = replace(state.runbook, phases=(replace(state.runbook.phases[0], steps=(in_waves,)),))
    state = after(opened(book), CscsWaived((ATAOS, ESS), OPERATOR, "broken"))
    assert ordered(state, Approve(TESTING, 1), QUIET)[1:] == (ItemsDispatched(TESTING, (numbered(1),), OPERATOR),)


def test_a_retry_goes_by_what_was_read_for_it_and_not_by_the_approval_before() -> None:
    book = run_of(FIRST, SECOND).runbook
    items = (numbered(0), numbered(1))
    state = after(
        opened(book),
        StepApproved(TESTING, OPERATOR, 1, approved=((items[0], '"old"'), (items[1], '"other"')), digest="a"),
        ItemsDispatched(TESTING, items[:1], "the procedure"),
    )
    assert state.progress(TESTING).item(items[0]).approved == '"old"'
    failed = after(state, ended(0, Outcome.FAILED))
    [again] = ordered(failed, Retry(TESTING, items[:1], ((items[0], '"new"'),), "b"))
    assert again == ItemsDispatched(TESTING, items[:1], OPERATOR, ((items[0], '"new"'),), "b")
    assert after(failed, again).progress(TESTING).item(items[0]).approved == '"new"'
    [nothing_to_do] = ordered(failed, Retry(TESTING, items[:1], (), "c"))
    assert after(failed, nothing_to_do).progress(TESTING).item(items[0]).approved == ""
    later = after(failed, again, ended(0), ItemsDispatched(TESTING, items[1:], "the procedure"))
    assert later.progress(TESTING).item(items[1]).approved == '"other"'
