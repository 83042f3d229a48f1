"""What the page about one CSC says of the run."""

from dataclasses import replace

from deploydash.core.model import CscId
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import PERSON, ItemId, StepId, SystemName, csc_item, numbered
from deploydash.core.run.records import (
    CscsArrived,
    CscsWaived,
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    ItemSignedOff,
    Outcome,
    RequestIntended,
    StepApproved,
    StepSkipped,
)
from deploydash.core.run.state import RunState
from deploydash.core.views.csc_in_run import in_run
from tests.support.runs import (
    FIRST_ADDED,
    MTM1M3,
    OFFLINE,
    OPERATOR,
    PLAIN,
    WATCHER,
    after,
    csc_items,
    opened,
    small_runbook,
)

CSC = PLAIN[0]
CSCS, WAIT, STOP = StepId("cscs"), StepId("standby"), StepId("bridges-stop")


def let_go() -> RunState:
    return after(opened(), StepApproved(CSCS, OPERATOR, 1), ItemsDispatched(CSCS, csc_items(PLAIN), OPERATOR))


def test_each_step_that_names_it_is_told_with_what_is_wanted() -> None:
    assert in_run(CSC, opened()) == (
        "cscs: to OFFLINE, not approved yet",
        "standby: to be waited for at STANDBY",
    )
    assert in_run(WATCHER, opened()) == ("watcher: to OFFLINE, not approved yet",)


def test_what_came_of_it_is_told_with_its_time() -> None:
    sent = after(let_go(), RequestIntended(CSCS, csc_item(CSC), "standby of ATAOS", "7"))
    assert in_run(CSC, sent)[0] == "cscs: to OFFLINE, under way: standby of ATAOS was sent"
    failed = after(sent, ItemEnded(CSCS, csc_item(CSC), Outcome.FAILED, "no answer in 30 s"))
    assert in_run(CSC, failed)[0] == "cscs: to OFFLINE, failed at 10:06:40Z: no answer in 30 s"
    assert in_run(CSC, after(sent, ItemEnded(CSCS, csc_item(CSC), Outcome.REACHED, "")))[0].endswith(
        "reached at 10:06:40Z"
    )


def test_a_wait_says_whether_it_is_there() -> None:
    waiting = after(opened(), StepApproved(WAIT, OPERATOR, 1))
    assert in_run(CSC, waiting)[1] == "standby: waited for at STANDBY"
    assert in_run(CSC, after(waiting, CscsArrived(WAIT, (CSC,))))[1] == "standby: at STANDBY since 10:06:40Z"


def test_what_a_person_does_to_it_is_told_with_who_did_it() -> None:
    book = small_runbook()
    stops = (CscEffect(CSC, OFFLINE),)
    items = (Item(numbered(0), "host-a", PERSON, effects=stops), Item(numbered(1), "host-b", PERSON))
    steps = tuple(replace(step, items=items) if step.id == STOP else step for step in book.phases[0].steps)
    state = opened(replace(book, phases=(replace(book.phases[0], steps=steps),)))
    assert in_run(CSC, state)[1] == "bridges-stop: host-a, not signed off yet"
    assert (
        in_run(CSC, after(state, ItemSignedOff(STOP, numbered(0), "Ana", OPERATOR)))[1]
        == "bridges-stop: host-a, signed off by Ana"
    )
    assert in_run(CSC, after(state, StepSkipped(STOP, OPERATOR, "no bridge")))[1] == "bridges-stop: host-a, skipped"


def test_a_waiver_protection_and_a_stranger_are_told() -> None:
    assert in_run(CSC, after(opened(), CscsWaived((CSC,), "ana@here", "hung")))[-1] == "waived by ana@here: hung"
    assert in_run(MTM1M3, opened()) == ("protected: no bulk step touches it",)
    assert in_run(CscId("ESS", 999), opened()) == ("no step names it",)


def restart(name: ItemId, label: str) -> Item:
    """Work of another system that brings the CSC down."""
    return Item(name, label, SystemName("hosts"), effects=(CscEffect(CSC, OFFLINE),))


def test_what_any_system_does_to_it_is_told_by_what_that_is_called() -> None:
    book = small_runbook()
    items = (restart(numbered(0), "restart <cycle>"), Item(numbered(1), "look", SystemName("hosts")))
    steps = tuple(replace(step, items=items) if step.id == CSCS else step for step in book.phases[0].steps)
    state = opened(replace(book, phases=(replace(book.phases[0], steps=steps),)))
    assert in_run(CSC, state)[0] == "cscs: restart c0045 to OFFLINE, not approved yet"
    sent = after(
        state,
        StepApproved(CSCS, OPERATOR, 1),
        ItemsDispatched(CSCS, (numbered(0),), OPERATOR),
        RequestIntended(CSCS, numbered(0), "reboot"),
    )
    assert in_run(CSC, sent)[0] == "cscs: restart c0045 to OFFLINE, under way: reboot was sent"
    signed_off = after(
        sent,
        ItemEnded(CSCS, numbered(0), Outcome.FAILED, "no answer"),
        ItemSignedOff(CSCS, numbered(0), "Ana", OPERATOR),
    )
    assert in_run(CSC, signed_off)[0] == "cscs: restart c0045 to OFFLINE, signed off by Ana"


def test_what_the_lead_added_is_told_after_what_the_step_has() -> None:
    failed = ItemEnded(CSCS, csc_item(CSC), Outcome.FAILED, "hung")
    state = after(let_go(), failed, ItemAdded(CSCS, restart(FIRST_ADDED, "restart"), OPERATOR, (csc_item(CSC),)))
    assert in_run(CSC, state)[:2] == (
        "cscs: to OFFLINE, under way by restart",
        "cscs: restart to OFFLINE, under way",
    )
