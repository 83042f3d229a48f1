"""Whoever writes to a terminal never waits for it: one that stalls loses frames, one that dies is told of once."""

from __future__ import annotations

import asyncio
import errno
import os
import pty
import select
import termios
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace

import pytest

from deploydash.session.standstill import of_this_loop, run_patiently
from deploydash.ui.widgets import terminal_writer
from deploydash.ui.widgets.terminal_writer import FULL, TerminalWriter
from tests.servers.waiting import patient, wait_until

FRAME = "x" * 9_999 + "\n"


class Terminal:
    """A real pty whose other end is read only when told to."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.caught_up = threading.Event()
        self.lost = threading.Event()
        self.writer = TerminalWriter(self.slave, "utf-8", caught_up=self.caught_up.set, lost=self.lost.set)
        self.writer.start()

    def read(self, enough: int) -> bytes:
        """Read until there were so many bytes."""
        got, end = b"", time.monotonic() + patient(5)
        while len(got) < enough:
            ready, _, _ = select.select([self.master], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{len(got)} of {enough} bytes came"
            got += os.read(self.master, 65_536)
        return got

    def fill(self) -> int:
        """Write frames until there is room for none; return how many characters were taken."""
        taken = 0
        while self.writer.has_room():
            self.writer.write(FRAME)
            taken += len(FRAME)
            assert taken < 5_000_000
        return taken


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.writer.stop()
    with suppress(OSError):
        os.close(made.master)
    # Whoever still writes is told so before the number of its descriptor becomes that of the next test's terminal.
    made.writer.wait()
    with suppress(OSError):
        os.close(made.slave)


def test_what_is_written_arrives_in_order_and_whole(terminal: Terminal) -> None:
    for number in range(2_000):
        terminal.writer.write(f"{number:06d}é")
    assert terminal.read(2_000 * 8).decode() == "".join(f"{number:06d}é" for number in range(2_000))


def test_characters_that_the_encoding_lacks_end_nothing(terminal: Terminal) -> None:
    terminal.writer.write("a\udcffb")
    assert terminal.read(3) == b"a?b"


def test_a_terminal_that_takes_nothing_holds_up_nobody_and_fills_no_memory(terminal: Terminal) -> None:
    termios.tcflow(terminal.slave, termios.TCOOFF)
    before = time.thread_time()
    taken = terminal.fill()
    assert time.thread_time() - before < 1.0
    assert FULL <= taken <= FULL + len(FRAME)
    assert not terminal.caught_up.is_set()


def test_a_terminal_that_comes_back_gets_all_that_was_taken_and_is_to_be_drawn_anew(terminal: Terminal) -> None:
    termios.tcflow(terminal.slave, termios.TCOOFF)
    taken = terminal.fill()
    termios.tcflow(terminal.slave, termios.TCOON)
    assert len(terminal.read(taken)) == taken
    assert terminal.caught_up.wait(patient(2))
    assert terminal.writer.has_room()


def test_a_terminal_that_kept_up_is_not_drawn_anew(terminal: Terminal) -> None:
    assert terminal.writer.has_room()
    terminal.writer.write(FRAME)
    terminal.read(len(FRAME))
    terminal.writer.write("end")
    assert terminal.read(3) == b"end"
    assert not terminal.caught_up.is_set()


def test_a_terminal_that_dies_while_it_is_written_to_is_told_once_and_takes_nothing_more(terminal: Terminal) -> None:
    termios.tcflow(terminal.slave, termios.TCOOFF)
    terminal.fill()
    os.close(terminal.master)
    assert terminal.lost.wait(patient(2))
    assert not terminal.writer.has_room()
    terminal.writer.write(FRAME)
    terminal.writer.stop()
    terminal.writer.wait()


def test_frames_that_wait_are_forgotten_when_the_screen_is_left(terminal: Terminal) -> None:
    termios.tcflow(terminal.slave, termios.TCOOFF)
    terminal.writer.write("begun ")
    wait_until(lambda: not terminal.writer._waiting, 2, "the writing thread to take it")
    terminal.fill()
    terminal.writer.discard()
    terminal.writer.write("left")
    terminal.writer.stop()
    termios.tcflow(terminal.slave, termios.TCOON)
    terminal.writer.wait()
    assert terminal.read(10) == b"begun left"


def test_in_real_time_a_process_that_ends_waits_a_second_or_two_for_a_stalled_terminal(terminal: Terminal) -> None:
    termios.tcflow(terminal.slave, termios.TCOOFF)
    terminal.fill()
    terminal.writer.stop()
    began = time.monotonic()
    terminal.writer.wait()
    assert 0.9 < time.monotonic() - began < patient(2)


class Obstacle:
    """What writes to a terminal in place of the system: it blocks until told to go on, and fails once told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered = threading.Event()
        self.goes_on = threading.Event()
        self.fails = False
        self.taken = b""
        self.lost: list[str] = []
        self.caught_up = threading.Event()
        monkeypatch.setattr(terminal_writer, "os", SimpleNamespace(write=self.write))
        self.writer = TerminalWriter(
            -1, "utf-8", caught_up=self.caught_up.set, lost=lambda: self.lost.append(threading.current_thread().name)
        )
        self.writer.start()

    def write(self, _: int, content: bytes) -> int:
        self.entered.set()
        assert self.goes_on.wait(patient(10))
        if self.fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.taken += content
        return len(content)


@pytest.mark.parametrize("fails", [False, True])
def test_a_write_that_blocks_and_then_fails_or_goes_on_never_holds_up_the_loop(
    monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """A thousand turns of the loop, each with a frame, pass while one write blocks: no gap of ours comes of it."""
    obstacle = Obstacle(monkeypatch)
    obstacle.fails = fails
    writer = obstacle.writer

    async def work() -> tuple[int, list[str]]:
        standstills = of_this_loop()
        assert standstills is not None
        writer.write("begun ")
        await asyncio.to_thread(obstacle.entered.wait, patient(5))
        drawn = 0
        for _ in range(1_000):
            if writer.has_room():
                writer.write(FRAME)
                drawn += 1
            await asyncio.sleep(0)
        return drawn, [found.where for found in standstills.take()]

    drawn, held_up_in = run_patiently(work())
    assert obstacle.taken == b"", "the write blocks still"
    assert [where for where in held_up_in if "terminal_writer" in where] == []
    assert drawn == FULL // len(FRAME) + 1
    obstacle.goes_on.set()
    if fails:
        wait_until(lambda: obstacle.lost, 2, "the loss, told")
        assert not writer.has_room()
    else:
        assert obstacle.caught_up.wait(patient(2))
        assert obstacle.taken.decode() == "begun " + FRAME * drawn
    writer.stop()
    writer.wait()
    assert obstacle.lost == (["terminal"] if fails else [])
