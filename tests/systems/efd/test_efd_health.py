"""The health of the EFD has an age, too: an idle one is asked, one that is long in answering is not said to be up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Self

import pytest

from deploydash.core.fleet.observations import EfdAnswered, FeedChanged
from deploydash.core.model import CscId, FeedState
from deploydash.systems.efd import feed as efd
from deploydash.systems.efd.client import EfdError
from deploydash.systems.efd.feed import EfdFeed
from deploydash.systems.settings import EfdSettings
from tests.support.collected import Collected, running
from tests.support.leaping import LoopClock, leaping

BUDGET_S = 20.0
OLDEST_S = 10.0


class Influx:
    """Stands for the connection to an InfluxDB: answers soon or late, refuses, or lets each query run out of time."""

    def __init__(self) -> None:
        self.takes_s = 0.1
        self.refuses = False
        self.asked = 0
        self.where = "http://efd (site file)"
        self.database = "efd"

    def __call__(self, *_: object) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def query(self, text: str) -> Any:
        self.asked += 1
        if self.refuses:
            raise EfdError("http://efd cannot be reached: Connection refused", hint="see that it runs there")
        await asyncio.sleep(min(self.takes_s, BUDGET_S))
        if self.takes_s > BUDGET_S:
            raise EfdError("http://efd did not answer within 20 s", hint="see whether it is overloaded")
        return {"results": [{"statement_id": number} for number in range(text.count("SELECT"))]}


Scene = Callable[[Influx, EfdFeed, Collected], Coroutine[Any, Any, None]]


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Callable[[Scene], list[FeedState]]:
    """Play a scene beside a running feed in leaping time; return the states it told."""
    influx = Influx()
    monkeypatch.setattr(efd, "EfdClient", influx)

    async def play(scene: Scene) -> list[FeedState]:
        feed = EfdFeed(EfdSettings("http://efd", "efd", "site file"), LoopClock())
        async with running(feed) as inbox:
            await scene(influx, feed, inbox)
        return [change.state for change in inbox.of(FeedChanged)]

    return lambda scene: leaping(play(scene))


def test_an_idle_efd_is_asked_now_and_then_and_no_more(watched: Callable[[Scene], list[FeedState]]) -> None:
    async def scene(influx: Influx, _: EfdFeed, __: Collected) -> None:
        await asyncio.sleep(100)
        assert influx.asked == 20

    assert watched(scene) == [FeedState.CONNECTING, FeedState.UP]


@pytest.mark.parametrize("refuses", [True, False], ids=["refuses", "stalls"])
@pytest.mark.parametrize("after", [30.0, 31.1, 32.3, 33.7, 34.9])
def test_an_efd_that_dies_unused_is_not_said_to_be_up_ten_seconds_later(
    watched: Callable[[Scene], list[FeedState]], after: float, *, refuses: bool
) -> None:
    async def scene(influx: Influx, _: EfdFeed, inbox: Collected) -> None:
        await asyncio.sleep(after)
        assert inbox.health().state is FeedState.UP
        influx.refuses, influx.takes_s = refuses, 1_000.0
        await asyncio.sleep(OLDEST_S)
        assert inbox.health().state is not FeedState.UP
        await asyncio.sleep(30)
        assert inbox.health().state is FeedState.DOWN
        influx.refuses, influx.takes_s = False, 0.1
        await asyncio.sleep(BUDGET_S + 11)
        assert inbox.health().state is FeedState.UP

    watched(scene)


def test_a_query_that_takes_long_is_told_as_slow_and_its_answer_is_taken(
    watched: Callable[[Scene], list[FeedState]],
) -> None:
    async def scene(influx: Influx, feed: EfdFeed, inbox: Collected) -> None:
        await asyncio.sleep(30)
        influx.takes_s = 15.0
        feed.request([CscId("Watcher")])
        await asyncio.sleep(12)
        assert inbox.health().state is FeedState.DEGRADED
        assert inbox.health().detail == "http://efd (site file) has not answered for 4 s"
        influx.takes_s = 0.1
        await inbox.until(lambda: inbox.of(EfdAnswered))

    states = watched(scene)
    assert states == [FeedState.CONNECTING, FeedState.UP, FeedState.DEGRADED, FeedState.UP]
