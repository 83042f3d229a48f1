"""What became of a transition of which nobody knows, found and followed by looking alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import Effective
from deploydash.core.procedure.csc_work import transition
from deploydash.core.run.ports import End, Found
from deploydash.core.run.state import ItemProgress, ItemStatus
from tests.support.clock import ManualClock
from tests.support.runs import view
from tests.systems.sal.obedient import (
    ESS,
    OFFLINE,
    REACHED,
    UNKNOWN,
    L,
    S,
    World,
    told,
)

NOTHING = ItemProgress(ItemStatus.UNKNOWN)
SENT = ItemProgress(ItemStatus.UNKNOWN, request="lsst.sal.ESS.command_disable salIndex=104", answered=False)
TAKEN = replace(SENT, answered=True, ok=True, answer="done")


@pytest.mark.parametrize(
    ("seen", "history", "found", "sentence"),
    [
        (view(ESS, S.OFFLINE, L.SILENT), SENT, Found.DONE, "seen OFFLINE and silent"),
        (view(ESS, S.OFFLINE), TAKEN, Found.UNDER_WAY, "says OFFLINE, waiting for silence"),
        (None, NOTHING, Found.CANNOT_TELL, "nothing is known of it here"),
        (told(view(ESS, liveness=L.FEED_DOWN)), TAKEN, Found.CANNOT_TELL, "it cannot be seen: as told 7 s ago"),
        (told(replace(view(ESS), duplicate=True)), NOTHING, Found.CANNOT_TELL, "as told 7 s ago"),
        (told(view(ESS, liveness=L.LATE)), TAKEN, Found.CANNOT_TELL, "no heartbeat: as told 7 s ago"),
        (view(ESS, S.ENABLED), NOTHING, Found.NOT_DONE, "nothing had been sent; it is ENABLED"),
        (
            view(ESS, S.ENABLED),
            SENT,
            Found.CANNOT_TELL,
            "lsst.sal.ESS.command_disable salIndex=104 was sent and has no answer; it is ENABLED",
        ),
        (
            view(ESS, S.DISABLED),
            SENT,
            Found.NOT_DONE,
            "it is DISABLED, where lsst.sal.ESS.command_disable salIndex=104 leads to, not OFFLINE",
        ),
        (
            view(ESS, S.DISABLED, L.SILENT, Effective.LOST),
            SENT,
            Found.CANNOT_TELL,
            "lsst.sal.ESS.command_disable salIndex=104 was sent and has no answer; it is LOST",
        ),
        (view(ESS, S.STANDBY), TAKEN, Found.NOT_DONE, "it is STANDBY, not OFFLINE"),
        (view(ESS, S.DISABLED, L.SILENT, Effective.LOST), TAKEN, Found.CANNOT_TELL, "it is LOST"),
    ],
)
async def test_what_became_of_a_transition_is_found_by_looking(
    seen: CscView | None, history: ItemProgress, found: Found, sentence: str
) -> None:
    world = World(*(() if seen is None else (seen,)))
    finding = await world.probe(transition(ESS, OFFLINE), history)
    assert (finding.found, finding.sentence) == (found, sentence)
    assert finding.read_utc == ManualClock(7.0).utc()
    assert world.line.sent == []


async def test_a_transition_is_followed_by_sight_and_nothing_is_sent() -> None:
    world = World(view(ESS, S.OFFLINE, L.SILENT))
    item = transition(ESS, OFFLINE)
    assert await world.action.follow(item, SENT, world.context) == End(REACHED, "seen OFFLINE and silent")
    world.context.look(view(ESS, S.DISABLED))
    end = await world.action.follow(item, SENT, world.context)
    assert end == End(UNKNOWN, "not seen OFFLINE within 1.05 s: is DISABLED")
    assert world.context.told == []
