"""Whom a request to a host or a cluster stops is not LOST when it falls silent; a waiver undoes no such work."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.model import SummaryState, Target
from deploydash.core.procedure.items import CscEffect
from deploydash.core.run.decide import settle
from deploydash.core.run.expectations import judge
from deploydash.core.run.records import (
    CscsWaived,
    ItemsDispatched,
    RequestAnswered,
    RequestIntended,
    StepApproved,
    StepDone,
)
from deploydash.core.run.state import RunState
from tests.session.small_steps import ONE, TWO, WORK, book, item, step
from tests.support.runs import OFFLINE, OPERATOR, PLAIN, QUEUES, WATCHER, after, down, fleet, opened, script

ATAOS, ESS, _ = PLAIN
STOP = item(0, effects=(CscEffect(ATAOS, OFFLINE), CscEffect(ESS, OFFLINE)))
START = item(1, effects=(CscEffect(ESS, Target(SummaryState.STANDBY)),))
ASKED = RequestIntended(WORK, ONE, "DELETE jobs")


def under_way() -> RunState:
    return after(
        opened(book(step(STOP, START))), StepApproved(WORK, OPERATOR, 1), ItemsDispatched(WORK, (ONE, TWO), OPERATOR)
    )


def test_from_its_request_on_a_csc_that_is_stopped_from_outside_is_not_lost_though_no_answer_came() -> None:
    state = under_way()
    assert judge(state).stopped == {}
    state = after(state, ASKED)
    assert judge(state).stopped == {ATAOS: "work at 10:06 UTC", ESS: "work at 10:06 UTC"}
    assert judge(after(state, RequestAnswered(WORK, ONE, None, "no answer"))).stopped == judge(state).stopped


def test_a_refused_request_stopped_nobody_unless_one_before_it_was_taken() -> None:
    refused = RequestAnswered(WORK, ONE, False, "forbidden")
    assert judge(after(under_way(), ASKED, refused)).stopped == {}
    taken = RequestAnswered(WORK, ONE, True, "deleted")
    again = replace(ASKED, text="DELETE others")
    assert set(judge(after(under_way(), ASKED, taken, again, refused)).stopped) == {ATAOS, ESS}


def test_who_is_started_from_outside_again_was_not_stopped_any_more() -> None:
    state = after(under_way(), ASKED, RequestIntended(WORK, TWO, "start"))
    assert set(judge(state).stopped) == {ATAOS}


def test_a_script_that_commands_cscs_stops_nobody_from_outside() -> None:
    commands = script(0, QUEUES[0], "off.py", effects=(CscEffect(ATAOS, OFFLINE),))
    state = after(
        opened(book(step(commands))),
        StepApproved(WORK, OPERATOR, 1),
        ItemsDispatched(WORK, (ONE,), OPERATOR),
        RequestIntended(WORK, ONE, "add"),
    )
    assert judge(state).stopped == {}


def test_the_job_of_a_waived_csc_is_deleted_all_the_same() -> None:
    state = after(
        opened(book(step(STOP))),
        CscsWaived((ATAOS, ESS), OPERATOR, "it hung"),
        StepApproved(WORK, OPERATOR, 1),
        ItemsDispatched(WORK, (ONE,), OPERATOR),
    )
    assert StepDone(WORK) not in settle(state, fleet(down(WATCHER)))
