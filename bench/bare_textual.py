"""Textual alone, for comparison: an app with a clock, and the same snapshots as letters.

``clock``: one line that changes each second. ``letters SITE``: the session of ``watch`` with a letter and a name a CSC
by Textual's Line API, of which the letter alone is refreshed: what no screen on Textual goes below without extending
its compositor.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from deploydash.core.fleet.snapshot import Snapshot
from deploydash.session.session import Session

COLUMNS = 6


class ClockApp(App[None]):
    """Nothing but the time."""

    def compose(self) -> ComposeResult:
        """Lay out the line."""
        yield Static("clock")

    def on_mount(self) -> None:
        """Let seconds pass."""
        self.set_interval(1.0, lambda: self.query_one(Static).update(time.strftime("clock %H:%M:%S")))


class Letters(ScrollView):
    """A letter and a name a CSC, in columns; of a change only the letter's cell is refreshed."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def render_line(self, y: int) -> Strip:
        """Return one line."""
        line = self.texts[y * COLUMNS : (y + 1) * COLUMNS]
        return Strip([Segment(f"{text:<18.18}  ") for text in line])

    def show(self, texts: list[str]) -> None:
        """Show these, refreshing what changed."""
        old, self.texts = self.texts, texts
        if len(old) != len(texts):
            self.refresh()
            return
        changed = [item for item in range(len(texts)) if texts[item] != old[item]]
        if changed:
            self.refresh(*(Region(item % COLUMNS * 20, item // COLUMNS, 2, 1) for item in changed))


class LettersApp(App[None]):
    """Letters, and no more."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._newest: Snapshot | None = None
        self._told = False

    def compose(self) -> ComposeResult:
        """Lay out the header's place and the letters."""
        yield Static("letters of 117 CSCs, no header")
        yield Letters()

    def on_mount(self) -> None:
        """Listen."""
        self._session.subscribe(self._take)
        self.set_interval(1 / 60, self._show)

    def _take(self, snapshot: Snapshot) -> None:
        self._newest = snapshot

    def _show(self) -> None:
        snapshot, self._newest = self._newest, None
        if snapshot is not None:
            self.query_one(Letters).show([f"{view.effective[0]} {view.csc}" for view in snapshot.cscs])
            if snapshot.decided and not self._told:
                self._told = True
                summary = snapshot.summary
                words = f"{summary.at_target}/{summary.expected} at {snapshot.target}  {summary.off_target} off"
                self.query_one(Static).update(words, layout=False)


async def show_letters(site_file: str) -> None:
    """Show a site's session on a screen of Textual's own until the process is ended."""
    from deploydash.cli.places import places  # noqa: PLC0415 - the clock app needs nothing of ours
    from deploydash.config.load import load_site  # noqa: PLC0415 - as above
    from deploydash.core.model import Phase  # noqa: PLC0415 - as above
    from deploydash.wiring.read_only import read_only  # noqa: PLC0415 - as above

    session = read_only(load_site(Path(site_file)), os.environ, places().cache, Phase()).session
    running = asyncio.create_task(session.run())
    await LettersApp(session).run_async(mouse=False)
    running.cancel()


if __name__ == "__main__":
    if sys.argv[1] == "clock":
        ClockApp().run(mouse=False)
    else:
        asyncio.run(show_letters(sys.argv[2]))
