"""The health of the registry has an age: told at once when an answer changes it, asked for where nobody asks."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest

from deploydash.core.fleet.observations import FeedChanged
from deploydash.core.model import FeedState
from deploydash.errors import FeedError
from deploydash.systems.http import Answer, HttpClient, HttpError
from deploydash.systems.registry.feed import EVERY_S, RegistryFeed
from deploydash.systems.registry.store import SchemaStore
from deploydash.systems.sal.commanding.schemas import RegistryLatest
from deploydash.systems.settings import RegistrySettings
from tests.support.collected import Collected, running
from tests.support.leaping import LoopClock, leaping

BUDGET_S = 5.0
SCHEMA = b'{"schema": "{\\"type\\": \\"record\\", \\"name\\": \\"x\\", \\"fields\\": []}", "id": 7}'
OLDEST_S = 10.0


def now() -> float:
    return asyncio.get_running_loop().time()


class Wire:
    """Stands for the connection: answers in a tenth of a second, refuses, or lets every question run out of budget."""

    address = "http://registry"

    def __init__(self) -> None:
        self.does = "answer"
        self.asked_at: list[float] = []
        self._changed = asyncio.Event()

    def become(self, what: str) -> None:
        self.does = what
        self._changed.set()

    async def ask(self, path: str, *, budget: float | None = None) -> Answer:
        assert path
        self.asked_at.append(now())
        seconds = budget or BUDGET_S
        if self.does == "refuse":
            raise HttpError("schema_registry", self.address, "cannot be reached: Connection refused", hint="")
        if self.does == "stall":
            await asyncio.sleep(seconds)
            raise HttpError(
                "schema_registry", self.address, f"did not answer within {seconds:g} s", hint="", timed_out=True
            )
        await asyncio.sleep(0.1)
        return Answer(200, "application/json", SCHEMA)

    async def aclose(self) -> None:
        """Nothing is open."""


class Rig:
    """A store on such a connection, its feed, what that told, and a client of commands beside it."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.store = SchemaStore(
            RegistrySettings("http://registry", "site file"), None, timeout=BUDGET_S, clock=LoopClock().monotonic
        )
        self.store.registry._http = cast("HttpClient", self.wire)
        self.latest = RegistryLatest(self.store.registry, kept_s=0.0)
        self.told = Collected()

    def states(self) -> list[tuple[float, FeedState]]:
        return [(change.at, change.state) for change in self.told.of(FeedChanged)]

    @property
    def state(self) -> FeedState:
        return self.told.health().state


def watched(scene: Callable[[Rig], Coroutine[Any, Any, None]]) -> Rig:
    """Play a scene beside a running feed, in leaping time."""

    async def play() -> Rig:
        rig = Rig()
        async with running(RegistryFeed(rig.store, LoopClock())) as rig.told:
            await scene(rig)
        await rig.latest.aclose()
        return rig

    return leaping(play())


def test_an_idle_registry_is_asked_every_four_seconds_and_no_more_often() -> None:
    async def scene(rig: Rig) -> None:
        await asyncio.sleep(60)
        assert rig.state is FeedState.UP

    asked = watched(scene).wire.asked_at
    assert asked[0] == pytest.approx(1.0)
    gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert all(gap == pytest.approx(EVERY_S + 0.1) for gap in gaps)


def test_while_others_ask_nobody_asks_for_the_health_alone() -> None:
    async def scene(rig: Rig) -> None:
        for number in range(20):
            await asyncio.sleep(3)
            await rig.store.schema(number + 100)

    rig = watched(scene)
    assert len([at for at in rig.wire.asked_at if at >= 3]) == 20


@pytest.mark.parametrize("how", ["refuse", "stall"])
@pytest.mark.parametrize("after", [30.0, 31.7, 33.3, 34.9])
def test_a_registry_that_dies_unused_is_known_to_be_down_within_ten_seconds(how: str, after: float) -> None:
    async def scene(rig: Rig) -> None:
        await asyncio.sleep(after)
        assert rig.state is FeedState.UP
        rig.wire.become(how)
        await asyncio.sleep(OLDEST_S)
        assert rig.state is not FeedState.UP

    rig = watched(scene)
    assert "http://registry (site file) " in rig.told.health().detail


def test_a_command_that_finds_no_registry_changes_the_health_at_once() -> None:
    async def scene(rig: Rig) -> None:
        await asyncio.sleep(31)
        rig.wire.become("refuse")
        with pytest.raises(FeedError, match="cannot be reached: Connection refused"):
            await rig.latest.latest("lsst.sal.ESS.command_start-value")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert rig.states()[-1] == (now(), FeedState.DEGRADED)

    watched(scene)


def test_a_schema_that_cannot_be_fetched_changes_the_health_at_once_and_its_return_too() -> None:
    async def scene(rig: Rig) -> None:
        await asyncio.sleep(31)
        rig.wire.become("refuse")
        with pytest.raises(FeedError):
            await rig.store.schema(7)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert rig.states()[-1] == (now(), FeedState.DOWN)
        assert "1 missing schema" in rig.told.health().detail
        rig.wire.become("answer")
        await asyncio.sleep(1.5)
        await rig.store.schema(7)
        await asyncio.sleep(0)
        assert rig.states()[-1] == (now(), FeedState.UP)

    watched(scene)


def test_two_stalls_of_seven_seconds_are_two_events_each_and_the_registry_is_up_again_soon_after() -> None:
    back: list[float] = []

    async def scene(rig: Rig) -> None:
        for _ in range(2):
            await asyncio.sleep(30)
            rig.wire.become("stall")
            asking = [asyncio.create_task(rig.store.schema(500 + number)) for number in range(30)]
            await asyncio.sleep(7)
            assert rig.state is FeedState.DOWN
            rig.wire.become("answer")
            healed = now()
            await asyncio.gather(*asking, return_exceptions=True)
            await rig.told.until(lambda: rig.state is FeedState.UP)
            back.append(now() - healed)
            assert [(await rig.store.schema(500 + number)).schema_id for number in range(30)] == [*range(500, 530)]
            rig.store._schemas.clear()

    rig = watched(scene)
    assert max(back) < OLDEST_S
    known = [state for _, state in rig.states() if state in {FeedState.UP, FeedState.DOWN}]
    changes = [state for state, before in zip(known, [None, *known], strict=False) if state is not before]
    assert changes == [FeedState.UP, FeedState.DOWN, FeedState.UP, FeedState.DOWN, FeedState.UP]


def test_a_question_that_ran_out_of_time_does_not_overrule_a_later_answer() -> None:
    async def scene(rig: Rig) -> None:
        await asyncio.sleep(31)
        rig.wire.become("stall")
        slow = asyncio.create_task(rig.store.schema(7))
        await asyncio.sleep(1)
        rig.wire.become("answer")
        await rig.store.schema(8)
        with pytest.raises(FeedError, match="did not answer within 5 s"):
            await slow
        await asyncio.sleep(0.5)
        assert rig.state is FeedState.UP

    watched(scene)


def test_nothing_is_asked_when_no_session_runs() -> None:
    async def asked() -> int:
        rig = Rig()
        await asyncio.sleep(600)
        return len(rig.wire.asked_at)

    assert leaping(asked()) == 0
