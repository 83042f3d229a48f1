"""An event that a step shows: the fact that it is holds as long as the process that told it is heard."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.fleet.facts import Fact, event_fact
from deploydash.core.fleet.observations import EventShown, Process
from deploydash.core.model import CscId, Phase
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.preconditions import FactHolds
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.gate import reasons
from deploydash.systems.sal.wire.events import observation
from tests.core.fleet.test_fleet import start, watch
from tests.support.builders import Watched
from tests.support.runbooks import runbook
from tests.support.runs import opened

MTM2 = CscId("MTM2")
NAME = event_fact(MTM2, "closedLoopControlMode")
SENT_TAI = 1_795_208_652.0 + 37.0


def told(mode: int, at: float, origin: int = 7, *, live: bool = True) -> EventShown:
    fields = {"mode": mode, "private_origin": origin, "private_seqNum": 1, "private_sndStamp": SENT_TAI}
    seen = observation("MTM2", "logevent_closedLoopControlMode", fields, at=at, appended_utc=None, live=live)
    assert isinstance(seen, EventShown)
    return seen


def fact(watched: Watched) -> Fact:
    return next(each for each in watched.snapshot().facts if each.name == NAME)


def gate(watched: Watched) -> tuple[bool, str]:
    plan = runbook("summit", "full-cycle")
    step = plan.step(StepId("m2-closed-loop"))
    asked = replace(step, preconditions=(FactHolds(NAME, "M2 is in closed loop"),))
    alone = replace(plan, phases=(replace(plan.phases[0], steps=(asked,)),))
    reason = reasons(asked, opened(alone), FleetView.of(watched.snapshot()))[-1]
    return reason.met, reason.waits_for


def test_it_says_what_is_so_and_since_when() -> None:
    seen = told(4, 1.0)
    assert (seen.fact.ok, seen.fact.value) == (True, "4")
    assert seen.fact.sentence == "closedLoopControlMode is ClosedLoop since 21:04:12Z"
    assert not told(3, 1.0).fact.ok
    assert told(9, 1.0).fact.sentence.startswith("closedLoopControlMode is 9, which has no name here")
    assert observation("MTRotator", "logevent_closedLoopControlMode", {}, at=0.0, appended_utc=None, live=True) is None


def test_a_gate_can_be_made_of_it_and_closes_when_it_changes() -> None:
    watched = watch("MTM2 STANDBY", phase=Phase(None))
    start(watched, "MTM2 ENABLED")
    assert gate(watched)[0] is False, "not reported yet"
    watched.see(told(4, 1.0))
    assert gate(watched) == (True, "")
    watched.see(told(3, 2.0))
    assert gate(watched) == (False, "closedLoopControlMode is OpenLoop since 21:04:12Z")


def test_it_is_as_good_as_read_now_while_its_csc_is_heard_and_no_longer() -> None:
    watched = watch("MTM2 STANDBY", phase=Phase(None))
    start(watched, "MTM2 ENABLED")
    watched.see(told(4, 1.0))
    heard = fact(watched).read_utc
    assert heard == watched.snapshot().utc
    watched.until(100.0)
    assert gate(watched)[0] is False, "silent for longer than a fact may be old"


def test_what_the_process_before_told_is_not_so_any_more() -> None:
    watched = watch("MTM2 STANDBY", phase=Phase(None))
    start(watched, "MTM2 ENABLED")
    watched.see(told(4, 1.0, origin=6))
    assert gate(watched) == (False, "closedLoopControlMode is ClosedLoop since 21:04:12Z, told by the process before")


def test_what_was_read_back_does_not_replace_what_came_live() -> None:
    watched = watch("MTM2 STANDBY", phase=Phase(None))
    start(watched, "MTM2 ENABLED")
    watched.see(told(4, 1.0), told(2, 2.0, live=False))
    assert fact(watched).value == "4"


def test_it_is_no_likely_reason_of_where_its_csc_is() -> None:
    watched = watch("MTM2 STANDBY")
    start(watched, "MTM2 ENABLED")
    watched.see(told(3, 1.0))
    assert watched.view("MTM2").likely == ""
    assert Process(7, 1) == told(3, 1.0).process
