"""``replay``: a run shown again from its journal, at its own pace or faster; read-only."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from deploydash.cli.beside import side_by_side
from deploydash.cli.exits import Exit
from deploydash.cli.observe import readable
from deploydash.cli.owners import known_owners
from deploydash.cli.places import COPIES, places
from deploydash.cli.report import open_again
from deploydash.cli.running import run as run_to_the_end
from deploydash.cli.tables import composer_at
from deploydash.cli.terminal import need_terminal
from deploydash.core.owners import Owners
from deploydash.core.ports import Clock
from deploydash.core.run.records import RunResumed
from deploydash.journal.line import Entry
from deploydash.journal.runs import read_run
from deploydash.session.clock import SystemClock
from deploydash.session.follow import Follower
from deploydash.session.history import JournalHistory
from deploydash.ui.run_app import DeploydashRunApp


class Tape:
    """A journal's entries, released along the UTC of their lines; also the clock that runs along with them.

    Time in which no process had the run open is left out. Where the entries end the clock stands still, at a full
    second.
    """

    def __init__(self, entries: Sequence[Entry], speed: float, clock: Clock) -> None:
        self._entries = deque(entries)
        self._speed = speed
        self._clock = clock
        self._from = entries[0].utc
        self._to = math.ceil(entries[-1].utc)
        self._began = clock.monotonic()
        self._released: list[Entry] = []

    def utc(self) -> float:
        """Return UTC unix seconds of what is shown now."""
        return min(self._to, self._from + (self._clock.monotonic() - self._began) * self._speed)

    def monotonic(self) -> float:
        """Return seconds that run as ``utc`` does."""
        return self.utc()

    def read_on(self) -> list[Entry]:
        """Return the entries whose time has come since the last call."""
        if self._entries and isinstance(self._entries[0].record, RunResumed):
            self._from += max(0.0, self._entries[0].utc - self.utc())
        now = self.utc()
        due = []
        while self._entries and self._entries[0].utc <= now:
            due.append(self._entries.popleft())
        self._released += due
        return due

    def read_again(self) -> list[Entry]:
        """Return the entries that ``read_on`` gave since this was last called."""
        again, self._released = self._released, []
        return again

    def ended(self) -> str:
        """Say that nothing follows, or nothing."""
        return "" if self._entries else "the journal ends here"


def run(reference: str | None, *, speed: float, theme: str | None) -> Exit:
    """Show a run again until its user leaves.

    Raises:
        UserError: there is no such run, its journal is damaged, its site cannot be used, or there is no terminal.
    """
    at = places()
    known = readable(reference, at.state)
    site, book = open_again(known, at)
    need_terminal("replay", f"deploydash report {known.id}")
    tape = Tape(read_run(known), speed, SystemClock())
    follower = Follower(site.roster, book, tape.read_on, tape, ended=tape.ended, lines=composer_at(site).lines)
    history = JournalHistory(book, site.roster, tape.read_again)
    return run_to_the_end(_show(follower, theme, speed, history, known_owners(site)))


async def _show(follower: Follower, theme: str | None, speed: float, history: JournalHistory, owners: Owners) -> Exit:
    app = DeploydashRunApp(
        follower, None, theme=theme, speed=speed, history=history, owners=owners, copies=places().state / COPIES
    )
    return await side_by_side(app, follower.run())
