"""The screen of a session: snapshots in, orders out, nothing else."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from rich.color import ColorSystem
from rich.console import RenderableType
from textual.app import App
from textual.binding import Binding
from textual.command import CommandPalette
from textual.filter import LineFilter
from textual.screen import Screen
from textual.theme import Theme

from deploydash.core.fleet.commands import Command
from deploydash.core.published import Published
from deploydash.ui.draw import glyphs, themes
from deploydash.ui.draw.themes import PALETTES, Palette
from deploydash.ui.draw.tiles import Moment
from deploydash.ui.keys import INTERRUPT
from deploydash.ui.screens.base import View
from deploydash.ui.screens.palette import Commands
from deploydash.ui.screens.watch import WatchScreen
from deploydash.ui.source import SnapshotSource
from deploydash.ui.widgets.canvas import Canvas
from deploydash.ui.widgets.driver import TerminalDriver
from deploydash.ui.widgets.terminal import Harmless, NoColour, Numbered

INTERRUPTED = 130
TERMINAL_LOST = 129

SHOWN = tuple(field.name for field in fields(Published) if field.name not in {"number", "at", "utc"})
"""What of a snapshot is shown; time goes on by itself."""


class DeploydashApp(App[None], inherit_bindings=False):
    """The live grid.

    ``theme`` is a name of ``themes.PALETTES``, None for the usual one; ``NO_COLOR`` and terminals with fewer
    than 256 colours get the one without colour. ``speed`` is the ×N of a rehearsal. Run it with
    ``mouse=False``. ``return_code`` is 130 when it was left by ctrl+c, 129 when its terminal was lost. ``drawn`` is
    set by the first frame.

    Raises:
        ValueError: there is no such theme.
    """

    CSS_PATH = "deploydash.tcss"
    COMMANDS = {Commands}  # noqa: RUF012 - Textual reads a class attribute
    BINDINGS = [Binding(INTERRUPT, "interrupt", show=False, priority=True)]  # noqa: RUF012 - as above
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, source: SnapshotSource, *, theme: str | None = None, speed: float | None = None) -> None:
        self._harmless = Harmless()
        self._colours: LineFilter | None = None
        super().__init__(driver_class=TerminalDriver)
        if theme is not None and theme not in PALETTES:
            raise ValueError(f"there is no theme {theme!r}: use one of {', '.join(PALETTES)}")
        self.source = source
        self.speed = speed
        self.glyphs = glyphs.choose(sys.stdout.encoding or "ascii", os.environ)
        self.snapshot: Published | None = None
        self.few_colours = self.console._color_system in {None, ColorSystem.STANDARD, ColorSystem.WINDOWS}  # noqa: SLF001 - no public name
        self.no_colour_because = _no_colour_because(self.few_colours)
        self._newest: Published | None = None
        self._waiting = False
        self.drawn = asyncio.Event()
        self._unsubscribe: Callable[[], None] | None = None
        for palette in PALETTES.values():
            self.register_theme(_textual_theme(palette))
        self.use_theme(themes.MONO if self.no_colour_because else theme or themes.DEFAULT)

    @property
    def failure(self) -> Exception | None:
        """The fault of a screen that ended the app, or None."""
        return self._exception

    def _fatal_error(self) -> None:
        """Close without Textual's traceback on the terminal: it shows local values, which may be secrets."""
        self.bell()
        self._close_messages_no_wait()

    @property
    def palette(self) -> Palette:
        """The theme in use."""
        return self._palette

    def use_theme(self, name: str) -> None:
        """Draw everything in another theme."""
        self._palette = PALETTES[name]
        if not self._palette.colour:
            self._colours = NoColour()
        elif self.console._color_system is ColorSystem.EIGHT_BIT:  # noqa: SLF001 - no public name
            self._colours = Numbered(self._palette.numbers)
        else:
            self._colours = None
        self.no_color = not self._palette.colour
        self.theme = name
        if self._running:
            for screen in self.screen_stack:
                for canvas in screen.query("Canvas").results(Canvas):  # type: ignore[type-abstract]
                    canvas.rebuild()

    def next_theme(self) -> str:
        """Go to the next theme and return a sentence about it."""
        if self.no_colour_because:
            return f"one theme only: {self.no_colour_because}"
        names = [*PALETTES]
        self.use_theme(names[(names.index(self._palette.name) + 1) % len(names)])
        return f"theme {self._palette.name}: {self._palette.title}"

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what stands between widgets and terminal; the colours in place of Textual's greys for ``NO_COLOR``."""
        return [self._harmless, self._colours] if self._colours else [self._harmless]

    def moment(self, *, by_state: bool = False) -> Moment:
        """Return now, as the tiles need it."""
        clock = self.source.clock
        listening = self.snapshot is None or not self.snapshot.decided
        return Moment(clock.monotonic(), clock.utc(), self.glyphs, by_state, listening)

    def order(self, command: Command) -> None:
        """Hand an order to the session."""
        self.source.order(command)

    def action_command_palette(self) -> None:
        """Open the command palette over any view."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="what to do"))

    def get_default_screen(self) -> Screen[None]:
        """Return the grid."""
        return WatchScreen(id="_default")

    def on_mount(self) -> None:
        """Begin to listen, and let seconds pass."""
        self._unsubscribe = self.source.subscribe(self._take)
        self._next_second()
        self.call_after_refresh(self.drawn.set)

    def on_unmount(self) -> None:
        """Listen no more."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def action_interrupt(self) -> None:
        """Leave at once, whatever is open."""
        self.exit(return_code=INTERRUPTED)

    async def run_async(self, **options: Any) -> None:
        """Run until left; the terminal has been given back when this returns."""
        try:
            await super().run_async(**options)
        finally:
            if isinstance(self._driver, TerminalDriver):
                await asyncio.to_thread(self._driver.wait)

    def terminal_lost(self) -> None:
        """Leave: nobody will see or type anything any more."""
        if not self._exit:
            self.exit(return_code=TERMINAL_LOST)

    def redraw(self) -> None:
        """Draw all anew: the terminal has missed something."""
        for screen in self.screen_stack[-1:]:
            screen.refresh()

    def tell_terminal(self, sequence: str) -> None:
        """Write a sequence that draws nothing; a terminal that takes nothing now is not told later."""
        if sequence and self._driver is not None and not self.is_headless and self._has_room():
            self._driver.write(sequence)

    def bell(self) -> None:
        """Ring."""
        self.tell_terminal("\a")

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Draw, unless the terminal is behind: then only the newest is drawn once it can take it."""
        if self._has_room():
            super()._display(screen, renderable)
        else:
            self.post_display_hook()

    def _has_room(self) -> bool:
        return not isinstance(self._driver, TerminalDriver) or self._driver.has_room()

    def _take(self, snapshot: Published) -> None:
        """Keep the newest snapshot if it shows anything new; called by the session, outside of Textual.

        The session publishes once a frame at most; a slow screen looks at the newest one only.
        """
        held = self._newest or self.snapshot
        if held is not None and all(_same(getattr(held, name), getattr(snapshot, name)) for name in SHOWN):
            return
        self._newest = snapshot
        if not self._waiting:
            self._waiting = True
            self.call_later(self._show)

    def _show(self) -> None:
        self._waiting = False
        if self._newest is not None:
            self.snapshot, self._newest = self._newest, None
            for screen in self._views():
                screen.take(self.snapshot)
                screen.draw_now()

    def _views(self) -> list[View]:
        """Return the screens that can be drawn: one that is closing is still on the stack, but has no parts left."""
        if not self.is_running:
            return []
        return [
            screen for screen in self.screen_stack if isinstance(screen, View) and screen.is_mounted and screen.children
        ]

    def after(self, seconds: float, callback: Callable[[], object]) -> None:
        """Call back once these seconds are over, however late the loop is.

        Textual 8's own one-shot timer is dropped without a word when its moment is past before it begins to wait
        (``Timer._run`` skips it), and the screen would stand still from then on.
        """
        asyncio.get_running_loop().call_later(seconds, self.call_later, callback)

    def _next_second(self) -> None:
        """Wake when the UTC clock's second changes."""
        self.after(1.0 - self.source.clock.utc() % 1.0 + 0.005, self._second)

    def _second(self) -> None:
        for screen in self._views():
            screen.second()
        self._next_second()


def _same(one: object, other: object) -> bool:
    """Compare two parts of snapshots; equal tuples of 10,000 views are mostly one tuple."""
    return one is other or one == other


def _no_colour_because(few_colours: bool) -> str:
    if os.environ.get("NO_COLOR"):
        return "NO_COLOR is set"
    return "this terminal has fewer than 256 colours" if few_colours else ""


def _textual_theme(palette: Palette) -> Theme:
    return Theme(
        name=palette.name,
        primary=palette.accent.hex,
        secondary=palette.accent.hex,
        accent=palette.accent.hex,
        warning=palette.warn.hex,
        error=palette.bad.hex,
        success=palette.good.hex,
        foreground=palette.text.hex,
        background=palette.page.hex,
        surface=palette.page.hex,
        panel=palette.bar.hex,
        dark=True,
        variables={
            "line": palette.line.hex,
            "selected": palette.selected.hex,
            "dim": palette.dim.hex,
            "bright": palette.bright.hex,
            "block-cursor-background": palette.selected.hex,
            "block-cursor-foreground": palette.bright.hex,
            "scrollbar": palette.line.hex,
            "scrollbar-background": palette.page.hex,
            "scrollbar-corner-color": palette.page.hex,
        },
    )
