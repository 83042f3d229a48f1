"""Whose a CSC is, and the message to its owner: what it says, who gets which, and that nothing is sent."""

from __future__ import annotations

import pytest

from deploydash.core.model import CscId
from deploydash.core.owners import Owner
from deploydash.core.procedure.names import StepId, numbered
from deploydash.core.published import Published
from deploydash.core.run.records import ItemSignedOff
from deploydash.ui.draw.glyphs import UNICODE
from deploydash.ui.draw.run.messages import concerned, message, message_lines
from deploydash.ui.draw.run.reading import Reading
from deploydash.ui.draw.tiles import Moment
from deploydash.ui.screens.messages import MessageScreen
from tests.support import run_snapshots
from tests.support.run_snapshots import OPERATOR, SCENES
from tests.support.run_ui import running_run
from tests.support.snapshots import NOW, UTC

LIGHT, HEXAPOD, CBP, DOME = CscId("ATWhiteLight"), CscId("MTHexapod", 2), CscId("CBP"), CscId("MTDome")
OPTICS = Owner("optics team", "#optics")
OWNERS = {LIGHT: OPTICS, CBP: OPTICS, HEXAPOD: Owner("hexapod team"), DOME: Owner("dome team")}


def reading(snapshot: Published) -> Reading:
    assert snapshot.run is not None
    return Reading.of(snapshot.run, snapshot, Moment(NOW, UTC, UNICODE), owners=OWNERS)


def text(seen: Reading, *cscs: CscId, width: int = 400) -> list[str]:
    return ["".join(span.text for span in line.spans) for line in message_lines(seen, cscs, width)]


def test_a_message_says_what_since_when_why_and_what_is_asked() -> None:
    why = "Likely reason: code 101 “shutter drive: encoder lost”."
    assert message(reading(run_snapshots.waiting()), OPTICS, (LIGHT,)) == [
        "To optics team (#optics)",
        "SUMMIT, full cycle upgrade to c0045, 21:04 UTC:",
        f"ATWhiteLight is FAULT since 20:58 UTC and should be STANDBY. {why}",
        "Please look at ATWhiteLight now: fix what the code says, then standby clears it.",
        "The wait's limit is at 21:16 UTC.",
        f"Answer to {OPERATOR}.",
    ]


def test_who_was_waived_is_reported_as_left_with_the_reason() -> None:
    said = message(reading(run_snapshots.waiting()), OPTICS, (CBP,))
    assert "The run goes on without CBP: not installed this cycle. Please fix it and say when it is there." in said
    assert not any("limit" in line for line in said)


def test_who_never_beat_is_told_so() -> None:
    said = message(reading(run_snapshots.waiting()), OWNERS[HEXAPOD], (HEXAPOD,))
    why = "Likely reason: no heartbeat received yet: no process has been seen."
    assert f"MTHexapod:2 has sent no heartbeat yet and should be STANDBY. {why}" in said


def test_each_owner_gets_one_message_and_who_has_none_is_not_forgotten() -> None:
    said = text(reading(run_snapshots.waiting()), LIGHT, HEXAPOD, CBP, CscId("MTM2"))
    heads = [line for line in said if line.startswith("To ")]
    assert heads[:2] == ["To optics team (#optics)", "To hexapod team"]
    assert heads[2].startswith("To owner not known: owners.yaml")
    assert said[0] == "Nothing is sent from here: copy what you need."


def test_the_messages_concern_those_asked_about_waited_for_and_waived() -> None:
    run = run_snapshots.waiting().run
    assert run is not None
    assert concerned(run)[-1] == CBP
    assert HEXAPOD in concerned(run)
    asking = SCENES["asking"]().run
    assert asking is not None
    assert concerned(asking) == (DOME, CscId("ESS", 303))


async def test_y_on_the_board_shows_the_message_for_the_csc_under_the_cursor_or_those_marked() -> None:
    async with running_run(run_snapshots.waiting(), owners=OWNERS) as screen:
        await screen.sees("message to hexapod team")
        await screen.read()
        await screen.press("y")
        await screen.sees("To hexapod team")
        assert isinstance(screen.app.screen, MessageScreen)
        assert "ATWhiteLight" not in screen.text()
        await screen.press("escape", "j", "space", "space", "y")
        await screen.sees("To optics team (#optics)")
        assert screen.inbox.orders == []


async def test_the_board_has_a_column_of_owners_where_there_is_room_and_some_are_known() -> None:
    async with running_run(run_snapshots.waiting(), owners=OWNERS) as screen:
        await screen.sees("owner               likely reason")
        row = next(line for line in screen.lines() if "MTHexapod:2 " in line and "17:3" in line and "block" not in line)
        assert "hexapod team" in row
    async with running_run(run_snapshots.waiting()) as screen:
        await screen.sees("likely reason")
        assert "owner" not in screen.text()


@pytest.mark.parametrize("observe", [False, True])
async def test_y_on_the_run_shows_a_message_to_each_owner_to_whoever_looks_on(observe: bool) -> None:
    async with running_run(SCENES["asking"](), owners=OWNERS, observe=observe) as screen:
        await screen.press("y")
        await screen.sees("To dome team")
        await screen.sees("MTDome is FAULT")
        assert screen.inbox.orders == []


async def test_y_where_several_people_are_asked_shows_what_each_who_has_not_answered_is_told() -> None:
    speakers = {"DM": Owner("Cy", "#dm"), "cameras": Owner("Ana")}
    said = [(UTC - 60, ItemSignedOff(StepId("go-no-go"), numbered(0), "Ana", "ops1"))]
    async with running_run(run_snapshots.at_step("go-no-go", more=said), speakers=speakers) as screen:
        await screen.press("y")
        await screen.sees("To Cy (#dm), for DM")
        await screen.sees("ask DM: go or no go?")
        await screen.sees("To owner not known")
        assert "for cameras" not in screen.text()
        assert screen.inbox.orders == []


async def test_y_says_so_when_there_is_nobody_to_write_to() -> None:
    async with running_run(SCENES["watcher"]()) as screen:
        await screen.press("y")
        await screen.sees("no owner to write to")
    async with running_run(run_snapshots.waiting(missing=False)) as screen:
        await screen.sees("All CSCs at target")
        await screen.read()
        await screen.press("y")
        await screen.sees("no owner to write to")
