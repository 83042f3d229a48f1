"""Who else commands is named once for each thing, and on every card until the lead has taken note."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.fleet.observations import CommandSeen
from deploydash.core.fleet.snapshot import OtherHand
from deploydash.core.model import CscId, Phase
from deploydash.core.run.decide import Refused, decide
from deploydash.core.run.orders import Acknowledge
from deploydash.core.run.records import NoticeAcknowledged
from deploydash.core.views.record_text import said
from deploydash.core.views.run_view import run_view
from tests.core.fleet.test_fleet import start, watch
from tests.support.runs import OPERATOR, PLAIN, after, fleet, opened

ELSEWHERE = "ops2@otherhost"
DOME, SCRIPT = CscId("MTDome"), CscId("Script", 100009)


def seen(csc: CscId, at: float, command: str = "", outcome: str = "done", identity: str = ELSEWHERE) -> CommandSeen:
    return CommandSeen(csc, identity, outcome, at, command)


def told(*commands: CommandSeen) -> list[tuple[str, str]]:
    watched = watch("MTDome STANDBY", phase=Phase(None))
    start(watched, "MTDome STANDBY")
    watched.see(*commands)
    lines = watched.snapshot().events
    return [(line.subject, line.detail) for line in lines if line.change == "commanded by another"]


def test_a_command_is_named_where_it_is_known() -> None:
    assert told(seen(DOME, 1.0, "start")) == [("MTDome", f"{ELSEWHERE}: start, done")]
    assert told(seen(DOME, 1.0)) == [("MTDome", f"{ELSEWHERE}: done")]


def test_each_thing_is_told_once_a_minute_and_a_script_once() -> None:
    again = [seen(DOME, at, "moveAz") for at in (1.0, 1.1, 30.0)]
    assert len(told(*again)) == 1
    assert len(told(*again, seen(DOME, 62.0, "moveAz"))) == 2
    assert len(told(*again, seen(DOME, 2.0, "park"), seen(DOME, 3.0, "moveAz", "failed: no"))) == 3
    queue = [
        seen(SCRIPT, at, name, identity="ScriptQueue:1") for at, name in ((1.0, "setLogLevel"), (2.0, "configure"))
    ]
    assert len(told(*queue, seen(SCRIPT, 3.0, "run", identity="ScriptQueue:1"))) == 1


def test_people_elsewhere_are_named_and_csc_that_command_others_are_not() -> None:
    watched = watch("MTDome STANDBY")
    start(watched, "MTDome STANDBY")
    watched.see(seen(DOME, 1.0, identity="MTPtg"), seen(DOME, 2.0), seen(DOME, 3.0, "park"))
    assert watched.snapshot().others == (OtherHand(ELSEWHERE, DOME, 3.0),)
    assert watched.view("MTDome").commanded == (ELSEWHERE, 3.0)


def test_they_stand_on_the_card_until_the_lead_has_taken_note() -> None:
    other = OtherHand(ELSEWHERE, PLAIN[0], 3.0)
    state, looks = opened(), replace(fleet(), others=(other,))
    assert run_view(state, looks).others == (other,)
    decided = decide(Acknowledge((ELSEWHERE,)), state, looks, OPERATOR)
    assert decided == (NoticeAcknowledged(ELSEWHERE, OPERATOR),)
    state = after(state, NoticeAcknowledged(ELSEWHERE, OPERATOR))
    assert run_view(state, looks).others == ()
    assert isinstance(decide(Acknowledge((ELSEWHERE,)), state, looks, OPERATOR), Refused)
    third = OtherHand("ops3@third", PLAIN[0], 9.0)
    assert run_view(state, replace(looks, others=(other, third))).others == (third,)
    words = said(NoticeAcknowledged(ELSEWHERE, OPERATOR), state)
    assert words is not None
    assert words.what == f"took note that {ELSEWHERE} commands CSCs, too"
