"""An observer can stop a run and do nothing else."""

import asyncio
import os
import pwd
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from deploydash.errors import UserError
from deploydash.session.hold_request import SOCKET, ask_to_hold, serve_holds
from tests.servers.waiting import within

USER = pwd.getpwuid(os.getuid()).pw_name


@asynccontextmanager
async def serving(folder: Path, held: list[str]) -> AsyncIterator[None]:
    async def hold(who: str) -> None:
        held.append(who)

    task = asyncio.create_task(serve_holds(folder, hold))
    async with within(5):
        while not (folder / SOCKET).exists():  # noqa: ASYNC110 - the socket is the event
            await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_whoever_asks_is_named_and_told_that_the_run_is_held(tmp_path: Path) -> None:
    held: list[str] = []
    me = f"{USER}@console (observer)"
    async with serving(tmp_path, held):
        await ask_to_hold(tmp_path, me)
    assert held == [me]
    assert not (tmp_path / SOCKET).exists()


async def test_a_run_that_is_open_nowhere_cannot_be_held_and_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing was held"):
        await ask_to_hold(tmp_path, "ops2")


async def test_nobody_asks_in_anothers_name(tmp_path: Path) -> None:
    held: list[str] = []
    async with serving(tmp_path, held):
        await ask_to_hold(tmp_path, "lead@console")
    assert held == [f"{USER}, who says lead@console"]


@pytest.mark.parametrize("rubbish", [b"\n", b"\x1b[2J\n", b"x" * 5000, b""])
async def test_rubbish_holds_nobody_and_the_next_request_is_heard(tmp_path: Path, rubbish: bytes) -> None:
    held: list[str] = []
    async with serving(tmp_path, held):
        reader, writer = await asyncio.open_unix_connection(tmp_path / SOCKET)
        writer.write(rubbish)
        writer.write_eof()
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        await ask_to_hold(tmp_path, "ops2")
    assert held == [f"{USER}, who says ops2"]


async def test_an_answer_without_end_is_no_answer(tmp_path: Path) -> None:
    async def chatter(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 100_000)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(chatter, tmp_path / SOCKET):
        with pytest.raises(UserError, match="nothing was held"):
            await ask_to_hold(tmp_path, "ops2")


async def test_a_path_too_long_for_a_socket_is_reached_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    held: list[str] = []
    async with serving(folder, held):
        await ask_to_hold(folder, "ops2")
    assert held == [f"{USER}, who says ops2"]
    assert not (folder / SOCKET).exists()


async def test_a_folder_that_takes_no_socket_is_no_reason_not_to_run(tmp_path: Path) -> None:
    await asyncio.wait_for(serve_holds(tmp_path / "gone", lambda _: asyncio.sleep(0)), 5)
