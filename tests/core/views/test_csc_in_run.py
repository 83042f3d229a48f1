"""What the page about one CSC says of the run."""

from dataclasses import replace

from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import ManualItem, StepId, csc_item, csc_items, numbered
from deploydash.core.run.records import (
    CscsArrived,
    CscsWaived,
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
from tests.support.runs import MTM1M3, OPERATOR, PLAIN, WATCHER, after, opened, small_runbook

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
    sent = after(let_go(), RequestIntended(CSCS, csc_item(CSC), CSC, "standby", 7, OPERATOR, 7))
    assert in_run(CSC, sent)[0] == "cscs: to OFFLINE, under way: standby was sent"
    failed = after(sent, ItemEnded(CSCS, csc_item(CSC), Outcome.FAILED, "no answer in 30 s"))
    assert in_run(CSC, failed)[0] == "cscs: to OFFLINE, failed at 10:06:40Z: no answer in 30 s"
    assert in_run(CSC, after(sent, ItemEnded(CSCS, csc_item(CSC), Outcome.REACHED, "")))[0].endswith(
        "reached at 10:06:40Z"
    )


def test_a_wait_says_whether_it_is_there() -> None:
    waiting = after(opened(), StepApproved(WAIT, OPERATOR, 1))
    assert in_run(CSC, waiting)[1] == "standby: waited for at STANDBY"
    assert in_run(CSC, after(waiting, CscsArrived(WAIT, (CSC,))))[1] == "standby: there at STANDBY since 10:06:40Z"


def test_what_a_person_does_to_it_is_told_with_who_did_it() -> None:
    book = small_runbook()
    items = (ManualItem("host-a", (), (CSC,)), ManualItem("host-b", ()))
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
