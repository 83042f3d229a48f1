"""``observe``: a run watched from its journal alone, read-only."""

from __future__ import annotations

import asyncio
from pathlib import Path

from deploydash.cli import changed
from deploydash.cli.beside import side_by_side
from deploydash.cli.exits import Exit
from deploydash.cli.greeting import greet
from deploydash.cli.owners import known_owners
from deploydash.cli.places import COPIES, places
from deploydash.cli.report import open_again
from deploydash.cli.running import run as run_to_the_end
from deploydash.cli.tables import composer_at
from deploydash.cli.terminal import need_terminal
from deploydash.core.owners import Owners
from deploydash.errors import UserError
from deploydash.journal.line import Entry
from deploydash.journal.runs import KnownRun, RunReader, find_run
from deploydash.journal.write import LOCK, holder_of
from deploydash.session.clock import SystemClock
from deploydash.session.follow import Follower
from deploydash.session.history import JournalHistory
from deploydash.session.hold_request import ask_to_hold
from deploydash.session.looked import Looked, last_look, remember, told_since
from deploydash.stored import open_file
from deploydash.ui.run_app import DeploydashRunApp
from deploydash.user import operator


def run(reference: str | None, *, theme: str | None) -> Exit:
    """Follow a run until its user leaves; the lead's process is not touched.

    Raises:
        UserError: there is no such run, its journal is damaged, its site cannot be used, or there is no terminal.
    """
    at = places()
    known = readable(reference, at.state)
    site, book = open_again(known, at)
    owners = known_owners(site)
    need_terminal("observe", f"deploydash report {known.id}")
    clock, journal = SystemClock(), RunReader(known.folder)
    memory = at.state / "looked" / f"{known.id}.json"
    before = last_look(memory)
    follower = Follower(
        site.roster,
        book,
        journal.read_on,
        clock,
        ended=lambda: _ended(known.folder),
        lines=composer_at(site).lines,
    )
    entries = journal.read_on()
    follower.take(entries)
    greeting = ""
    if before is not None:
        greeting = told_since(before, [entry.record for entry in entries if entry.number > before.entry])
    differ = _changed(known, entries)
    newer = "a newer deploydash wrote more of this journal than is shown here" if journal.newer else ""
    greeting = "; ".join(part for part in (newer, greeting, differ) if part)
    speed = site.demo.speed if site.demo is not None else None
    try:
        history = JournalHistory(book, site.roster, RunReader(known.folder).read_on)
        return run_to_the_end(_show(follower, known.folder, greeting, theme, speed, history, owners))
    finally:
        remember(memory, Looked(journal.cursor.number, clock.utc()))


def _changed(known: KnownRun, entries: list[Entry]) -> str:
    """Say that the steps shown are those of a file that is not the one the run goes by."""
    was = changed.last_known(entry.record for entry in entries)
    now = changed.hashed(known.opened.site_file, known.opened.runbook_file)
    return changed.told(changed.changed(known.opened, was, now))


def readable(reference: str | None, state: Path) -> KnownRun:
    """Return the run that an operator means.

    Raises:
        UserError: there is none, more than one, or its journal is damaged.
    """
    known = find_run(reference, state)
    if known.damage and not known.newer:
        raise UserError(known.damage)
    return known


def _ended(folder: Path) -> str:
    """Say why nothing more can be expected of a journal now, or nothing.

    The lock tells it at once; who may not read it is told nothing rather than something wrong.
    """
    try:
        open_file(folder / LOCK).close()
    except OSError:
        return ""
    return "" if holder_of(folder) else "no process has this run open"


async def _show(
    follower: Follower,
    folder: Path,
    greeting: str,
    theme: str | None,
    speed: float | None,
    history: JournalHistory,
    owners: Owners,
) -> Exit:
    asking: set[asyncio.Task[None]] = set()

    def ask_hold() -> None:
        task = asyncio.create_task(_ask(folder, app), name="ask to hold")
        asking.add(task)
        task.add_done_callback(asking.discard)

    app = DeploydashRunApp(
        follower,
        None,
        ask_hold=ask_hold,
        theme=theme,
        speed=speed,
        history=history,
        owners=owners,
        copies=places().state / COPIES,
    )
    telling = asyncio.create_task(greet(app, greeting), name="what changed")
    try:
        return await side_by_side(app, follower.run())
    finally:
        telling.cancel()
        await asyncio.gather(telling, *asking, return_exceptions=True)


async def _ask(folder: Path, app: DeploydashRunApp) -> None:
    try:
        await ask_to_hold(folder, f"{operator()} (observer)")
    except UserError as error:
        app.refused(str(error))
