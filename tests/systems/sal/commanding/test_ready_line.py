"""A run may be opened while Kafka is down: commanding waits for it, and says why it cannot."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from deploydash.core.model import CscId
from deploydash.errors import FeedError
from deploydash.systems.sal.commanding import ready_line
from deploydash.systems.sal.commanding.kafka_commands import CommandChannel
from deploydash.systems.sal.commanding.ready_line import ReadyChannel
from deploydash.systems.sal.wire.commands import Sender


class Line:
    """Opens only while ``world`` says that Kafka is up."""

    def __init__(self, world: dict[str, bool], opened: list["Line"]) -> None:
        self._world, self._opened = world, opened
        self.closed = False

    async def open(self) -> None:
        if not self._world["up"]:
            raise FeedError("kafka", "no broker answers")
        self._opened.append(self)

    async def prepare(self, csc: CscId, command: str, _: Mapping[str, Any] | None = None) -> str:
        return f"{command} {csc}"

    async def close(self) -> None:
        self.closed = True


def ready(world: dict[str, bool], opened: list[Line]) -> ReadyChannel:
    return ReadyChannel(lambda: cast("CommandChannel", Line(world, opened)), Sender("ops1@console", 7))


async def test_without_kafka_a_command_says_why_and_with_it_again_it_goes() -> None:
    world: dict[str, bool] = {"up": False}
    opened: list[Line] = []
    line = ready(world, opened)
    with pytest.raises(FeedError, match="no broker answers"):
        await line.prepare(CscId("ATDome"), "disable")
    world["up"] = True
    assert cast("str", await line.prepare(CscId("ATDome"), "disable")) == "disable ATDome"
    await line.close()
    assert [each.closed for each in opened] == [True]


async def test_it_is_opened_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready_line, "AGAIN_S", 0.0)
    world: dict[str, bool] = {"up": False}
    opened: list[Line] = []
    line = ready(world, opened)
    waiting = asyncio.create_task(line.keep_open())
    await asyncio.sleep(0)
    world["up"] = True
    await asyncio.gather(waiting, *(line.prepare(CscId("ATDome"), "enable") for _ in range(5)))
    assert len(opened) == 1
