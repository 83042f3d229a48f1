"""Textual's driver for Unix terminals, but for what waits for the terminal, spins on a dead one or dies of a byte.

Textual 8.2 writes to standard error through a queue of 30 texts that the event loop waits for when it is full, and
reads a terminal that has gone again and again.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import signal
import sys
import termios
import threading
import tty
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol, cast

from textual import constants
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Paste, Resize
from textual.geometry import Size

from deploydash.ui.widgets.pasted import Pasted
from deploydash.ui.widgets.terminal_writer import TerminalWriter

log = logging.getLogger(__name__)

KITTY_KEYS = (
    linux_driver.KITTY_DISAMBIGUATE_ESCAPE_CODES
    | linux_driver.KITTY_REPORT_ALL_KEYS
    | linux_driver.KITTY_REPORT_ASSOCIATED_TEXT
)

ENTER = "\x1b[?1049h\x1b[?25l\x1b[?1004h"
"""Alternate screen, no cursor, tell of focus."""

LEAVE = "\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
"""The reverse; the kitty keyboard's keys first, since each screen has its own."""


class Screened(Protocol):
    """What the driver tells an app about its terminal."""

    def terminal_lost(self) -> None:
        """Take in that nobody will see or type anything any more."""

    def redraw(self) -> None:
        """Draw all anew: the terminal has missed something."""


class TerminalDriver(LinuxDriver):
    """Shows an app that is ``Screened`` on the terminal of standard input and output, without a mouse."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._screened = cast("Screened", app)
        self._writer: TerminalWriter | None = None
        self._is_lost = False
        self._output = sys.__stdout__.fileno() if sys.__stdout__ is not None else 1
        self._encoding = sys.stdout.encoding or "ascii"
        self._size = size or self._get_terminal_size()

    def write(self, data: str) -> None:
        """Write in the order of the calls; never waits."""
        if self._writer is not None:
            self._writer.write(data)

    def has_room(self) -> bool:
        """Say whether the terminal can take a frame now; if not, the app is told to ``redraw`` as soon as it can."""
        return self._writer is not None and self._writer.has_room()

    def start_application_mode(self) -> None:
        """Take the terminal over."""
        try:
            with _stopped_in_the_background():
                self.attrs_before = termios.tcgetattr(self.fileno)
                # Nothing is changed, but a process in the background is stopped here, and starts here once more.
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
            termios.tcsetattr(self.fileno, termios.TCSANOW, self._raw(self.attrs_before))
        except termios.error as error:
            if error.args[0] != errno.EINTR:
                self._lose()
            return
        self._writer = TerminalWriter(
            self._output, self._encoding, caught_up=self._on_the_loop(self._screened.redraw), lost=self._lose
        )
        self._writer.start()
        signal.signal(signal.SIGWINCH, lambda *_: None if self._in_band_window_resize else self._tell_size())
        self._tell_size()
        self.write(ENTER if constants.DISABLE_KITTY_KEY else f"{ENTER}\x1b[>{KITTY_KEYS}u")
        self._key_thread = threading.Thread(target=self._run_input_thread, name="textual-input", daemon=True)
        self._key_thread.start()
        self._request_terminal_sync_mode_support()
        self._query_in_band_window_resize()
        self._enable_bracketed_paste()
        self._disable_line_wrap()
        if self._must_signal_resume:
            self._must_signal_resume = False
            self.send_message(self.SignalResume())
            self._on_the_loop(self._screened.redraw)()

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was."""
        if self._writer is not None:
            self._writer.discard()
        self._disable_bracketed_paste()
        self._enable_line_wrap()
        self._disable_in_band_window_resize()
        self.disable_input()
        if self.attrs_before is not None:
            with suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
        self.write(LEAVE)

    def close(self) -> None:
        """Begin to give the terminal back; ``wait`` returns when that is done."""
        if self._writer is not None:
            self._writer.stop()

    def wait(self) -> None:
        """Wait until the terminal has been given back; not long where it stands still. Blocks."""
        if self._writer is not None:
            self._writer.wait()

    def suspend_application_mode(self) -> None:
        """Give the terminal back for a while: a signal stops us now."""
        super().suspend_application_mode()
        self.wait()
        self._writer = None

    def run_input_thread(self) -> None:
        """Read keys until told to stop, or until there is nothing left to read from."""
        parser, pasted = XTermParser(self._debug), Pasted()
        decode = getincrementaldecoder("utf-8")("replace").decode
        while not self.exit_event.is_set():
            try:
                ready, _, _ = select.select([self.fileno], [], [], 0.1)
                typed = os.read(self.fileno, 4096) if ready else None
            except OSError:
                typed = b""
            if typed == b"":
                self._lose()
                return
            for part in pasted.feed(decode(typed)) if typed else pasted.tick():
                for message in (part,) if isinstance(part, Paste) else parser.feed(part):
                    self.process_message(message)
            for message in parser.tick():
                self.process_message(message)

    def _run_input_thread(self) -> None:
        while not (self.exit_event.is_set() or self._is_lost):
            try:
                self.run_input_thread()
            except Exception:
                log.exception("what was typed could not be read")

    def _sigcont_application(self, *_: object) -> None:
        """Go on after a stop: whoever stopped us by SIGSTOP gave no warning, and a shell has had the terminal since."""
        if self._auto_restart:
            self._loop.call_soon_threadsafe(self._go_on)

    def _go_on(self) -> None:
        if self._writer is not None:
            self.suspend_application_mode()
        self._must_signal_resume = True
        self.resume_application_mode()

    def _get_terminal_size(self) -> tuple[int, int]:
        """Return the size that the terminal itself tells: COLUMNS and LINES do not change with it."""
        try:
            width, height = os.get_terminal_size(self._output)
        except OSError:
            width, height = 0, 0
        return width or 80, height or 24

    def _tell_size(self) -> None:
        size = Size(*self._get_terminal_size())
        self.send_message(Resize(size, size))

    def _raw(self, attributes: list[Any]) -> list[Any]:
        """Return a terminal's attributes with which every key is read at once and none is a signal."""
        raw = [*attributes]
        raw[tty.LFLAG] = self._patch_lflag(raw[tty.LFLAG])
        raw[tty.IFLAG] = self._patch_iflag(raw[tty.IFLAG])
        raw[tty.CC] = [*raw[tty.CC]]
        raw[tty.CC][termios.VMIN] = 1
        return raw

    def _lose(self) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._on_the_loop(self._screened.terminal_lost)()

    def _on_the_loop(self, callback: Callable[[], None]) -> Callable[[], None]:
        def call() -> None:
            # Closed already, it has nobody left to tell.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(callback)

        return call


@contextmanager
def _stopped_in_the_background() -> Iterator[None]:
    """Stop here as long as another process has the terminal, as Textual does."""

    def stop(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    signal.signal(signal.SIGTTOU, stop)
    signal.signal(signal.SIGTTIN, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        signal.signal(signal.SIGTTIN, signal.SIG_DFL)
