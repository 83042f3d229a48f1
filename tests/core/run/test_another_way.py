"""Items that did not go and go another way: what may stand for them, and how they end."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.model import SummaryState, Target
from deploydash.core.procedure.items import CscEffect
from deploydash.core.procedure.names import MAIN, SAL, StepId, csc_item
from deploydash.core.procedure.runbook import Step, StepKind, Tier
from deploydash.core.run.decide import settle
from deploydash.core.run.items import fallbacks_of, may_intend
from deploydash.core.run.records import (
    CscsWaived,
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    ItemSignedOff,
    Outcome,
    RequestIntended,
    RunResumed,
    StepApproved,
    StepDone,
)
from deploydash.core.run.state import ItemStatus, StepStatus
from deploydash.core.views.run_view import run_view
from tests.core.run.test_items import CSCS, QUIET, WAY, another_way, ordered, refused, stragglers
from tests.support.runs import (
    FIRST_ADDED,
    OPERATOR,
    PLAIN,
    QUEUES,
    SECOND_ADDED,
    WATCHER,
    after,
    csc_items,
    down,
    fleet,
    opened,
    small_runbook,
)

ATAOS, ESS, MTDOME = PLAIN


def test_stragglers_go_by_the_item_that_the_lead_chose_instead() -> None:
    state = stragglers(ATAOS, ESS)
    step = state.runbook.step(CSCS)
    assert fallbacks_of(step, state) == (WAY,)
    order = another_way(ATAOS, ESS, queue=QUEUES[1])
    [record] = ordered(state, order, QUIET)
    item = replace(order.item, id=FIRST_ADDED)
    assert record == ItemAdded(CSCS, item, OPERATOR, csc_items((ATAOS, ESS)), '["add"]')
    state = after(state, record)
    assert state.progress(CSCS).item(csc_item(ATAOS)).status is ItemStatus.UNDER_WAY
    assert state.progress(CSCS).item(csc_item(MTDOME)).status is ItemStatus.REACHED
    assert state.status(step) is StepStatus.UNDER_WAY
    assert state.item(CSCS, FIRST_ADDED) == item
    assert state.progress(CSCS).item(FIRST_ADDED).approved == '["add"]'
    add = RequestIntended(CSCS, FIRST_ADDED, "add", key="5", begins=True)
    assert may_intend(add, state, QUIET) is None
    command = RequestIntended(CSCS, csc_item(ATAOS), "exitControl")
    assert may_intend(command, state, QUIET) == "ATAOS goes another way: set_summary_state.py"
    [row] = getattr(run_view(state, QUIET).card, "added")  # noqa: B009 - the card is there
    assert (row.instead_of, row.beside, row.moves) == (csc_items((ATAOS, ESS)), False, True)


def test_another_way_ends_by_its_cscs_and_asks_nobody_itself() -> None:
    state = stragglers(ATAOS)
    state = after(state, *ordered(state, another_way(ATAOS), QUIET))
    failed = after(
        state,
        ItemEnded(CSCS, csc_item(ATAOS), Outcome.FAILED, "hangs"),
        ItemEnded(CSCS, FIRST_ADDED, Outcome.FAILED, "hangs"),
    )
    assert failed.status(failed.runbook.step(CSCS)) is StepStatus.ASKING
    assert [item.id for item in failed.asking(failed.runbook.step(CSCS))] == [csc_item(ATAOS)]
    [again] = ordered(failed, another_way(ATAOS), QUIET)
    assert isinstance(again, ItemAdded)
    assert again.item.id == SECOND_ADDED
    done = after(state, ItemEnded(CSCS, csc_item(ATAOS), Outcome.REACHED, "seen"))
    assert settle(done, QUIET) == (StepDone(CSCS),)


def test_what_goes_another_way_is_unknown_after_a_crash_and_is_settled_by_sight() -> None:
    state = stragglers(ATAOS)
    state = after(state, *ordered(state, another_way(ATAOS), QUIET), RunResumed(OPERATOR, 8))
    one = state.progress(CSCS).item(csc_item(ATAOS))
    assert (one.status, one.why) == (ItemStatus.UNKNOWN, "set_summary_state.py was sent when deploydash stopped")
    assert state.progress(CSCS).item(FIRST_ADDED).status is ItemStatus.UNKNOWN
    seen = ItemEnded(CSCS, csc_item(ATAOS), Outcome.REACHED, "seen there")
    assert settle(state, fleet(down(WATCHER), down(ATAOS))) == (seen, StepDone(CSCS))


def test_the_order_rules_hold_on_the_other_way_too() -> None:
    state = stragglers(ATAOS)
    assert "Watcher" in refused(state, another_way(ATAOS), fleet())
    taken = after(state, *ordered(state, another_way(ATAOS), QUIET))
    add = RequestIntended(CSCS, FIRST_ADDED, "add", key="5", begins=True)
    assert "Watcher" in str(may_intend(add, taken, fleet()))
    command = RequestIntended(CSCS, csc_item(ESS), "exitControl")
    assert "not approved" in str(may_intend(command, taken, QUIET))


def test_a_queue_never_runs_the_script_that_takes_itself_down() -> None:
    queues = StepId("queues")
    state = after(
        opened(),
        CscsWaived((*PLAIN, WATCHER), OPERATOR, "broken"),
        StepApproved(queues, OPERATOR, 1),
        ItemsDispatched(queues, csc_items(QUEUES), OPERATOR),
        ItemEnded(queues, csc_item(QUEUES[0]), Outcome.FAILED, ""),
        ItemEnded(queues, csc_item(QUEUES[1]), Outcome.REACHED, ""),
    )
    itself = replace(another_way(QUEUES[0]), step=queues)
    why = "set_summary_state.py is carried out by ScriptQueue:1, which it takes down"
    assert refused(state, itself) == why
    assert ordered(state, replace(another_way(QUEUES[0], queue=QUEUES[1]), step=queues))


def test_what_did_not_fail_or_what_leads_elsewhere_is_no_other_way() -> None:
    state = stragglers(ATAOS)
    assert "not all of these failed" in refused(state, another_way(MTDOME), QUIET)
    assert "not all of these failed" in refused(state, another_way(ATAOS, MTDOME), QUIET)
    assert "queues is pending" in refused(state, replace(another_way(QUEUES[0]), step=StepId("queues")), QUIET)
    standby = Target(SummaryState.STANDBY)
    assert "does not lead ATAOS to OFFLINE" in refused(state, another_way(ATAOS, target=standby), QUIET)
    both = stragglers(ATAOS, ESS)
    one = replace(another_way(ATAOS), instead_of=csc_items((ATAOS, ESS)))
    assert "does not lead ESS:104 to OFFLINE" in refused(both, one, QUIET)
    signed = ItemSignedOff(CSCS, csc_item(ATAOS), "ana", OPERATOR, "stopped by its team")
    assert "not all of these failed" in refused(after(both, signed), another_way(ATAOS), QUIET)
    waived = CscsWaived((ATAOS,), OPERATOR, "broken")
    assert "not all of these failed" in refused(after(both, waived), another_way(ATAOS), QUIET)


def test_what_passes_a_state_on_its_way_does_not_lead_there() -> None:
    standby = Target(SummaryState.STANDBY)
    order = another_way(ATAOS)
    passes = replace(order.item, effects=(*order.item.effects, CscEffect(ATAOS, standby)))
    assert "does not lead ATAOS to OFFLINE" in refused(stragglers(ATAOS), replace(order, item=passes), QUIET)


def test_the_other_way_of_a_step_may_be_that_of_the_step_which_decides_about_what_it_left() -> None:
    book = small_runbook()
    decides = Step(
        StepId("decide"),
        "decide",
        StepKind.DECIDE,
        SAL,
        Tier.MODERATE,
        MAIN,
        "all decided",
        settles=CSCS,
        fallbacks=(WAY,),
    )
    state = opened(replace(book, phases=(replace(book.phases[0], steps=(*book.phases[0].steps, decides)),)))
    assert fallbacks_of(state.runbook.step(CSCS), state) == (WAY,)
    assert fallbacks_of(state.runbook.step(StepId("queues")), state) == ()
