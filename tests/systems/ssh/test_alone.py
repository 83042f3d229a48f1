"""A command that a host runs by itself, followed on paper: out of reach, never begun, ended from outside, its words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast

import pytest

from deploydash.errors import FeedError
from deploydash.systems.ssh.alone import follow
from deploydash.systems.ssh.answers import Alone, read_alone
from deploydash.systems.ssh.hosts import Host, Hosts
from deploydash.systems.ssh.memory import Memory
from deploydash.systems.ssh.ran import Ran
from deploydash.systems.ssh.where import Login
from deploydash.systems.ssh.writes import Tools
from tests.support.clock import ManualClock
from tests.support.item_context import RecordingContext

VMS = Login("vms.example.org")
GONE = FeedError("ssh", "vms.example.org refused the connection")


class PaperHosts:
    """Answers each look by the next of these; the last one again and again. Each takes ``seconds`` of the clock."""

    def __init__(self, clock: ManualClock, answers: Iterator[str | FeedError], seconds: float) -> None:
        self._clock, self._answers, self._seconds = clock, answers, seconds
        self._last: str | FeedError = GONE
        self.asked: list[str] = []

    async def read(self, login: Login, question: Callable[[Host], Awaitable[Alone]]) -> Alone:
        del login
        self._clock.advance(self._seconds)
        self._last = next(self._answers, self._last)
        return await question(cast("Host", self))

    async def run(self, argv: tuple[str, ...], **_: Any) -> Ran:
        self.asked.append(argv[-1])
        if isinstance(self._last, FeedError):
            raise self._last
        return Ran(0, self._last)


async def followed(
    *answers: str | FeedError, seconds: float = 1.0
) -> tuple[Alone | None, RecordingContext, PaperHosts]:
    clock, context = ManualClock(), RecordingContext()
    hosts = PaperHosts(clock, iter(answers), seconds)
    tools = Tools(cast("Hosts", hosts), clock, Memory(clock, 0), poll_s=0)
    found = await follow(tools, VMS, "build-x", "1.1", context, title="build", done=3, of=6)
    return found, context, hosts


async def test_it_is_followed_through_a_lost_connection_and_each_line_is_shown_once() -> None:
    found, context, hosts = await followed(
        "2.7 runs\nfirst\nsec", GONE, GONE, "2.7 runs\nond\r\n", "2.7 3\nlast", "2.7 3\n"
    )
    assert found == Alone("2.7", 3, runs=False, said="last")
    assert context.printed == ["first", "second", "last"]
    assert hosts.asked == ["1", "10", "10", "10", "15", "19"]
    assert [told.state for told in context.progressed()] == ["at work", *["out of reach"] * 2, "at work", "at work"]
    assert context.progressed()[3].line == "build: second"
    assert context.intended() == []


async def test_what_was_begun_before_it_was_approved_is_none_of_it() -> None:
    found, context, _ = await followed("1.1 0\nof yesterday", seconds=20)
    assert (found, context.printed) == (None, [])


async def test_one_that_left_no_exit_status_is_looked_at_once_more_before_it_counts_as_ended() -> None:
    began = await followed("2.7 lost\n", "2.7 runs\n", "2.7 0\n")
    assert began[0] is not None
    assert began[0].status == 0
    found, _, _ = await followed("2.7 lost\n", "2.7 lost\n")
    assert found is not None
    assert found.ended == "it is not at work and left no exit status: was the machine started anew?"


async def test_a_host_that_stays_out_of_reach_is_given_up() -> None:
    with pytest.raises(FeedError, match="refused the connection"):
        await followed("2.7 runs\n", GONE, seconds=60)


@pytest.mark.parametrize("text", ["", "sh: 1: Syntax error\n", "2.7\n", "2.7 -1\n", "2.7 runs?\n"])
def test_what_tells_nothing_is_no_look(text: str) -> None:
    with pytest.raises(ValueError, match="does not tell"):
        read_alone(text)
