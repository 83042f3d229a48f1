"""Faults of our own: never a traceback, never a yes or a no, and the log has everything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from deploydash.cli import app as command_line
from deploydash.cli import sites
from deploydash.cli.headless import until
from deploydash.cli.watch import show
from deploydash.core.fleet.snapshot import Snapshot
from deploydash.ui.app import DeploydashApp
from deploydash.ui.draw.themes import PALETTES
from deploydash.wiring.read_only import ReadOnly
from tests.servers.waiting import within
from tests.support import snapshots


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DEPLOYDASH_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    before = list(logging.getLogger().handlers)
    yield tmp_path / "state"
    for handler in list(logging.getLogger().handlers):
        if handler not in before:
            logging.getLogger().removeHandler(handler)
            handler.close()


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["deploydash", *words])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit) as left:
        command_line.main()
    assert isinstance(left.value.code, int)
    return left.value.code


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(**_: object) -> None:
        raise error

    return fail


def test_a_fault_is_one_sentence_and_its_traceback_is_in_the_log(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = ExceptionGroup("unhandled errors", [ExceptionGroup("inner", [ZeroDivisionError("n / 0")])])
    monkeypatch.setattr(sites, "run", raising(fault))
    assert run(monkeypatch, "sites") == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"deploydash: a fault of its own, ZeroDivisionError: n / 0; the log {state}/deploydash.log has the details\n"
    )
    assert "Traceback" in (state / "deploydash.log").read_text()


def test_an_interrupt_in_the_middle_is_130_and_silent(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sites, "run", raising(KeyboardInterrupt()))
    assert run(monkeypatch, "sites") == 130
    assert capsys.readouterr() == ("", "")
    assert not (state / "deploydash.log").exists()


def test_the_theme_option_knows_every_theme_there_is() -> None:
    assert [theme.value for theme in command_line.Theme] == list(PALETTES)


class Session:
    """A session that publishes one snapshot and then fails as told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.clock = snapshots.RunningClock()
        self.began = asyncio.Event()
        self.cancelled = False
        self._error = error
        self._subscribers: list[Callable[[Snapshot], None]] = []

    def subscribe(self, subscriber: Callable[[Snapshot], None]) -> Callable[[], None]:
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def snapshot(self) -> Snapshot:
        return snapshots.busy()

    def order(self, command: object) -> None:
        raise AssertionError(command)

    async def run(self) -> None:
        self.began.set()
        try:
            for subscriber in list(self._subscribers):
                subscriber(self.snapshot())
            if self._error is not None:
                raise self._error
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


class Reader:
    """What is wired around a session."""

    class site:  # noqa: N801 - stands for an attribute
        demo = None

    def __init__(self, session: Session) -> None:
        self.session = session
        self.closed = False

    async def aclose(self) -> None:
        self.closed = True


async def look(session: Session, answered: Callable[[Snapshot], bool], limit: float = 5.0) -> Snapshot:
    reader = Reader(session)
    try:
        return await until(cast("ReadOnly", reader), answered, limit)
    finally:
        assert reader.closed
        assert session._subscribers == []


async def test_what_the_question_raises_is_raised_and_not_lost_in_a_callback() -> None:
    def fail(_: Snapshot) -> bool:
        raise BrokenPipeError

    session = Session()
    with pytest.raises(BrokenPipeError):
        await look(session, fail)
    assert session.cancelled


async def test_a_fault_of_the_session_is_raised_without_waiting_for_the_limit() -> None:
    async with asyncio.timeout(4):
        with pytest.raises(ZeroDivisionError):
            await look(Session(ZeroDivisionError()), lambda _: False, limit=60.0)


async def test_the_answered_snapshot_is_returned_and_at_the_limit_the_last_one() -> None:
    seen: list[Snapshot] = []

    def yes(snapshot: Snapshot) -> bool:
        seen.append(snapshot)
        return True

    assert await look(Session(), yes) is seen[0]
    assert isinstance(await look(Session(), lambda _: False, limit=0.01), Snapshot)


def headless(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DeploydashApp.run_async

    async def run_async(self: DeploydashApp, **_: object) -> None:
        await original(self, headless=True, size=(80, 24))

    monkeypatch.setattr(DeploydashApp, "run_async", run_async)


def break_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("in a widget")

    monkeypatch.setattr(DeploydashApp, "_show", fail)


async def faults_of(session: Session) -> list[str]:
    reader = Reader(session)
    with pytest.raises(ExceptionGroup) as raised:
        async with within(20):
            await show(cast("ReadOnly", reader), "mono")
    assert reader.closed
    return [str(fault) for fault in raised.value.exceptions]


async def test_a_crash_of_the_screen_is_raised_and_ends_the_session(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    headless(monkeypatch)
    break_the_screen(monkeypatch)
    session = Session()

    async def publish() -> None:
        await session.began.wait()
        while not session.cancelled:
            for subscriber in list(session._subscribers):
                subscriber(session.snapshot())
            await asyncio.sleep(0.01)

    publishing = asyncio.create_task(publish())
    assert await faults_of(session) == ["in a widget"]
    await publishing
    assert session.cancelled
    assert "Traceback" not in capfd.readouterr().err


async def test_a_fault_of_the_session_ends_the_screen_and_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    headless(monkeypatch)
    # The screen may itself stumble over being closed before it was complete; that comes second.
    assert (await faults_of(Session(ValueError("in the fold"))))[0] == "in the fold"


async def test_a_crash_of_the_screen_does_not_take_the_sessions_error_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run_async(self: DeploydashApp, **_: object) -> None:
        self.drawn.set()
        raise ZeroDivisionError("in a widget")

    monkeypatch.setattr(DeploydashApp, "run_async", run_async)
    assert sorted(await faults_of(Session(ValueError("in the fold")))) == ["in a widget", "in the fold"]
