"""Screen and work end together; what failed is said in words, and no fault hides another."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from deploydash.cli.beside import side_by_side
from deploydash.cli.exits import Exit
from deploydash.errors import UserError
from deploydash.ui.app import DeploydashApp
from tests.servers.waiting import within


class Screen:
    """A screen that is left when told, or that fails."""

    def __init__(self, failure: Exception | None = None, return_code: int | None = None) -> None:
        self.failure = failure
        self.return_code = return_code
        self.left = asyncio.Event()
        if failure is not None or return_code is not None:
            self.left.set()

    async def run_async(self, *, mouse: bool) -> None:
        assert not mouse
        await self.left.wait()

    def exit(self) -> None:
        self.left.set()

    def terminal_lost(self) -> None:
        self.return_code = 129
        self.left.set()


async def beside(
    screen: Screen, work: Callable[[], Awaitable[None]], finish: Callable[[], Awaitable[object]] | None = None
) -> Exit:
    async def working() -> None:
        await work()

    async with within(10):
        return await side_by_side(cast("DeploydashApp", screen), working(), finish=finish)


async def for_ever() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(("code", "answer"), [(0, Exit.YES), (130, Exit.INTERRUPTED)])
async def test_a_screen_that_is_left_ends_the_work(code: int, answer: Exit) -> None:
    ended: list[bool] = []

    async def work() -> None:
        try:
            await for_ever()
        finally:
            ended.append(True)

    assert await beside(Screen(return_code=code), work) is answer
    assert ended == [True]


async def test_work_that_cannot_go_on_ends_the_screen_with_its_own_sentence() -> None:
    async def work() -> None:
        raise ExceptionGroup("tasks", [ExceptionGroup("task", [UserError("line 7 is damaged")])])

    screen = Screen()
    with pytest.raises(UserError, match="line 7 is damaged"):
        await beside(screen, work)
    assert screen.left.is_set()


async def test_faults_of_both_are_told() -> None:
    async def work() -> None:
        raise UserError("no disk")

    with pytest.raises(ExceptionGroup) as raised:
        await beside(Screen(failure=ValueError("no such widget")), work)
    assert {str(fault) for fault in raised.value.exceptions} == {"no disk", "no such widget"}


async def test_what_is_under_way_outlives_a_terminal_that_was_lost_and_the_answer_is_129(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen, told = Screen(), []

    async def finish() -> None:
        told.append("step ended")

    asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGHUP)
    assert await beside(screen, for_ever, finish) == 129
    assert told == ["step ended"]
    assert "the terminal is lost; what is under way is followed to its end" in capsys.readouterr().err


async def test_what_is_under_way_outlives_a_screen_that_failed(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    step = asyncio.Event()

    async def work() -> None:
        try:
            await for_ever()
        finally:
            told.append("work ended")

    async def finish() -> None:
        step.set()
        await asyncio.sleep(0)
        told.append("step ended")

    with pytest.raises(ExceptionGroup, match="screen"):
        await beside(Screen(failure=ValueError("no such widget")), work, finish)
    assert step.is_set()
    assert told == ["step ended", "work ended"]
    assert "what is under way is followed to its end" in capsys.readouterr().err
