"""Textual alone, for comparison: an app with a clock, and the same snapshots in a DataTable.

``clock``: one line that changes each second. ``table SITE``: the session of ``watch`` with a DataTable for a screen.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widgets import DataTable, Static

from deploydash.core.snapshot import Snapshot
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


class TableApp(App[None]):
    """The header's figures and a table of all CSCs, each cell written when what it shows has changed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._shown: list[str] = []
        self._newest: Snapshot | None = None

    def compose(self) -> ComposeResult:
        """Lay out both lines and the table."""
        yield Static("header", id="header")
        yield DataTable[str](show_header=False, show_cursor=False, show_row_labels=False)

    def on_mount(self) -> None:
        """Listen, and let seconds pass."""
        self.query_one(DataTable).add_columns(*(" " * 18 for _ in range(COLUMNS)))
        self._session.subscribe(self._take)
        self.set_interval(1 / 60, self._show)
        self.set_interval(1.0, self._second)

    def _take(self, snapshot: Snapshot) -> None:
        self._newest = snapshot

    def _second(self) -> None:
        if self._newest is not None:
            summary = self._newest.summary
            text = f"{summary.at_target}/{summary.expected} at {self._newest.target}  {summary.off_target} off"
            self.query_one("#header", Static).update(f"{text}  {time.strftime('%H:%M:%S')}", layout=False)

    def _show(self) -> None:
        snapshot, self._newest = self._newest, None
        if snapshot is None:
            return
        self._newest = snapshot if not self._shown else None
        table = self.query_one(DataTable)
        texts = [f"{view.effective[0]}{'*' if view.inferred else ' '} {view.csc}" for view in snapshot.cscs]
        if not self._shown:
            for start in range(0, len(texts), COLUMNS):
                table.add_row(*texts[start : start + COLUMNS])
        else:
            for item, (old, new) in enumerate(zip(self._shown, texts, strict=True)):
                if old != new:
                    table.update_cell_at((item // COLUMNS, item % COLUMNS), new)  # type: ignore[arg-type]
        self._shown = texts
        self._newest = self._newest or snapshot


async def show_table(site_file: str) -> None:
    """Show a site's session in a table until the process is ended."""
    from deploydash.cli.places import places  # noqa: PLC0415 - the clock app needs nothing of ours
    from deploydash.config.load import load_site  # noqa: PLC0415 - as above
    from deploydash.core.model import Phase  # noqa: PLC0415 - as above
    from deploydash.wiring.read_only import read_only  # noqa: PLC0415 - as above

    session = read_only(load_site(Path(site_file)), os.environ, places().cache, Phase()).session
    running = asyncio.create_task(session.run())
    await TableApp(session).run_async(mouse=False)
    running.cancel()


if __name__ == "__main__":
    if sys.argv[1] == "clock":
        ClockApp().run(mouse=False)
    else:
        asyncio.run(show_table(sys.argv[2]))
