"""Whom a run expects to move: every CSC on which work of any system that is under way has an effect."""

from deploydash.core.model import CscId
from deploydash.core.procedure.csc_work import direct_command
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import DIRECT, StepId, SystemName, csc_item
from deploydash.core.run.expectations import Judging, comparison, judge
from deploydash.core.run.records import ItemAdded, ItemEnded, ItemProgressed, ItemsDispatched, Outcome, RunRecord
from tests.support.runbooks import runbook
from tests.support.runs import FIRST_ADDED, OFFLINE, OPERATOR, PLAIN, STANDBY, WATCHER, after, csc_items, opened

CSCS = StepId("cscs")
ATAOS, ESS, MTDOME = PLAIN
RESTART = Item(
    FIRST_ADDED, "restart", SystemName("hosts"), effects=(CscEffect(ESS, OFFLINE), CscEffect(MTDOME, STANDBY))
)


def moving(*records: RunRecord) -> frozenset[CscId]:
    return judge(after(opened(), *records)).moving


def test_work_under_way_moves_every_csc_it_has_an_effect_on_until_it_ended() -> None:
    sent = ItemsDispatched(CSCS, csc_items((ATAOS,)), OPERATOR)
    added = ItemAdded(CSCS, RESTART, OPERATOR)
    assert moving(sent) == {ATAOS}
    assert moving(sent, added) == {ATAOS, ESS, MTDOME}
    assert moving(sent, added, ItemEnded(CSCS, csc_item(ATAOS), Outcome.UNKNOWN, "no answer")) == {ESS, MTDOME}
    assert moving(added, ItemEnded(CSCS, FIRST_ADDED, Outcome.REACHED, "done")) == frozenset()


def test_a_direct_command_moves_its_csc() -> None:
    assert moving(ItemAdded(DIRECT, direct_command(WATCHER, "disable"), OPERATOR)) == {WATCHER}


def test_an_incremental_run_judges_its_own_alone() -> None:
    plan = runbook("summit", "incremental", "ATAOS", "ESS:104")
    judged = comparison(opened(plan)).concerns
    queues = (CscId("ScriptQueue", at) for at in (1, 2, 3))
    assert judged == frozenset((*map(CscId.parse, ("ATAOS", "ESS:104", "Watcher")), *queues))


def test_what_changes_nothing_of_it_is_no_news() -> None:
    judging, state = Judging(), after(opened(), ItemAdded(CSCS, RESTART, OPERATOR))
    assert len(judging.news(state)) == 2
    assert judging.news(after(state, ItemProgressed(CSCS, FIRST_ADDED, "running"))) == ()
