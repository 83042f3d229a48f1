"""What can be told about a script, and what its queue is then told."""

from __future__ import annotations

import pytest

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import Liveness, SummaryState
from deploydash.core.run.state import ItemProgress, ItemStatus
from deploydash.errors import UserError
from deploydash.systems.sal.commanding.acks import Answer
from tests.support.runs import view
from tests.systems.sal.scripts.told_queue import (
    GOOD,
    QUEUE,
    Told,
    action_of,
    context_of,
    item_of,
    known,
    line_of,
)


async def test_a_queue_is_paused_and_a_script_stopped_by_their_own_commands() -> None:
    line, context = line_of(), context_of()
    action = action_of(line, Told().reading)
    history = known(GOOD, known_as="Script:100003")
    await action.control(item_of(), "pause", history, context)
    await action.control(item_of(), "resume", history, context)
    await action.control(item_of(), "stop", history, context)
    assert context.intended() == ["pause ScriptQueue:1", "resume ScriptQueue:1", "stop Script:100003 in ScriptQueue:1"]
    assert line.commands() == ["pause", "resume", "stopScripts"]
    stop = line.sent[-1].values
    assert (stop["length"], stop["salIndices"][:2], len(stop["salIndices"])) == (1, [100003, 0], 400)
    assert stop["terminate"] is False


@pytest.mark.parametrize(
    ("name", "seen", "history", "why"),
    [
        ("resume", view(QUEUE), known(GOOD), "resume ScriptQueue:1: failed: resume not allowed"),
        ("stop", view(QUEUE), known(GOOD), "the queue has given it no index yet"),
        ("resume", view(QUEUE, SummaryState.STANDBY), known(GOOD), "ScriptQueue:1 is STANDBY: it takes scripts only"),
        ("reboot", view(QUEUE), known(GOOD), "ScriptQueue:1 is not told to reboot here"),
    ],
)
async def test_a_control_that_fails_says_why(name: str, seen: CscView, history: ItemProgress, why: str) -> None:
    line = line_of({"resume": Answer(-302, 1, "Failed: resume not allowed in state=<State.STANDBY: 5>")})
    with pytest.raises(UserError, match=why):
        await action_of(line, Told().reading).control(item_of(), name, history, context_of(seen))


def offered(history: ItemProgress, seen: CscView | None) -> list[tuple[str, str, str]]:
    offers = action_of(line_of(), Told().reading).controls(item_of(), history, lambda _: seen)
    return [(offer.name, offer.text, offer.why_not) for offer in offers]


PAUSE = "pause ScriptQueue:1: what runs goes on, nothing further starts"
RESUME = "resume ScriptQueue:1: it goes on with what waits in it"


def test_a_script_under_way_can_be_stopped_and_its_queue_paused_and_resumed() -> None:
    stop = "stop auxtel/enable_atcs.py (Script:100003) in ScriptQueue:1"
    assert offered(known(GOOD, known_as="Script:100003"), view(QUEUE)) == [
        ("pause", PAUSE, ""),
        ("resume", RESUME, ""),
        ("stop", stop, ""),
    ]
    assert offered(known(GOOD), view(QUEUE))[2] == (
        "stop",
        "stop auxtel/enable_atcs.py (no index yet) in ScriptQueue:1",
        "the queue has given it no index yet",
    )


def test_what_is_offered_keeps_its_place_when_the_script_has_ended() -> None:
    ended = known(GOOD, status=ItemStatus.FAILED, known_as="Script:100003")
    whys = [(name, why) for name, _, why in offered(ended, view(QUEUE))]
    assert whys == [("pause", ""), ("resume", ""), ("stop", "it is not under way")]


def test_a_control_shows_the_command_that_it_sends() -> None:
    offers = action_of(line_of(), Told().reading).controls(item_of(), known(GOOD, known_as="Script:7"), lambda _: None)
    assert [offer.lines for offer in offers] == [
        ("lsst.sal.ScriptQueue.command_pause salIndex=1",),
        ("lsst.sal.ScriptQueue.command_resume salIndex=1",),
        ("lsst.sal.ScriptQueue.command_stopScripts salIndex=1 length=1 salIndices=[7] terminate=false",),
    ]


def test_what_a_queue_would_not_take_is_offered_with_why() -> None:
    why = "ScriptQueue:1 is STANDBY: it takes scripts only when ENABLED"
    under_way = known(GOOD, known_as="Script:100003")
    assert [one[2] for one in offered(under_way, view(QUEUE, SummaryState.STANDBY))] == ["", why, why]
    silent = "no heartbeat from ScriptQueue:1, so it runs no script"
    assert [one[2] for one in offered(under_way, view(QUEUE, liveness=Liveness.SILENT))] == [silent] * 3
    assert [one[2] for one in offered(under_way, None)] == ["ScriptQueue:1 is not at this site"] * 3
