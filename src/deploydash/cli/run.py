"""``run`` and ``resume``: the grid with the runbook beside it, by which the lead drives an upgrade."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from deploydash.cli import changed, tmux
from deploydash.cli.beside import side_by_side
from deploydash.cli.exits import Exit
from deploydash.cli.greeting import greet
from deploydash.cli.owners import known_me, known_owners, known_speakers
from deploydash.cli.places import COPIES, Places, places
from deploydash.cli.plan import named, open_runbook, runbook_path
from deploydash.cli.running import run as run_to_the_end
from deploydash.cli.sites import open_site, other_sites
from deploydash.cli.tables import composer_at, tables
from deploydash.cli.terminal import need_terminal
from deploydash.config.load import Site
from deploydash.core.model import Phase
from deploydash.core.procedure.runbook import Runbook
from deploydash.core.run.begun import begun_otherwise
from deploydash.core.run.records import (
    ItemSignedOff,
    RunOpened,
    RunResumed,
    StepApproved,
    StepDone,
    StepSkipped,
)
from deploydash.core.run.replica import Replica
from deploydash.core.run.state import RunState
from deploydash.core.words import and_list
from deploydash.errors import UserError
from deploydash.journal.leading import leading, lock_directory
from deploydash.journal.line import Entry
from deploydash.journal.read import Cursor, read_ends, read_on
from deploydash.journal.runs import CODEC, JOURNAL, KnownRun, RunReader, find_run, new_run_id
from deploydash.journal.write import JournalHeld, JournalWriter
from deploydash.session.clock import SystemClock
from deploydash.session.history import JournalHistory
from deploydash.session.mirror import Mirrors
from deploydash.ui.run_app import DeploydashRunApp
from deploydash.user import operator
from deploydash.wiring.acting import Acting, acting, factories, refuse_foreign
from deploydash.wiring.fuse import fuse_of
from deploydash.wiring.read_only import ReadOnly, read_only
from deploydash.wiring.tables import feeds_of

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
"""What may stand in a run's id: it names a folder and a tmux session."""

DECIDED = (StepApproved, StepDone, StepSkipped, ItemSignedOff)
"""The records that say where a run stands in its runbook."""


def open_new(
    site_reference: str,
    runbook: str,
    cycle: str,
    only: str | None,
    *,
    theme: str | None,
    in_tmux: bool = False,
    run_id: str | None = None,
) -> Exit:
    """Open a new run and show it; it stays open when its screen is left.

    Raises:
        UserError: the site, the runbook, the cycle, the addresses or the terminal will not do; nothing was opened.
    """
    at = places()
    table = tables().reading
    site = open_site(site_reference, at, table=table)
    wanted = named(only, site)
    book = open_runbook(runbook, site, wanted, at, table)
    file = runbook_path(runbook, at).resolve()
    if cycle and not NAME.fullmatch(cycle):
        raise UserError(f"{cycle!r} is no cycle", hint="letters, digits, dots and dashes, such as c0045")
    name = run_id or new_run_id(site.roster.site, cycle, SystemClock().utc())
    if not NAME.fullmatch(name):
        raise UserError(f"{name!r} cannot be a run's id", hint="letters, digits, dots and dashes")
    reader = _reader(site, at)
    need_terminal("run", f"deploydash plan {site_reference} {runbook}")
    path = at.state / "runs" / name / JOURNAL
    if path.exists() and path.stat().st_size:
        raise UserError(f"the run {name} exists already", hint=f"deploydash resume {name}")
    if in_tmux:
        with _leading(site, name):
            pass  # asked here already: what is said inside of tmux goes with its window
        words = ["run", str(site.path.resolve()), str(file), "--id", name, *_given("--cycle", cycle)]
        return _in_tmux(name, [*words, *_given("--only", only), *_given("--theme", theme)])
    files = changed.hashed(site.path, file)
    first = RunOpened(
        name,
        site.roster.site,
        book.id,
        cycle,
        operator(),
        rehearsal=site.rehearsal,
        site_file=str(site.path.resolve()),
        runbook_file=str(file),
        only=tuple(map(str, sorted(wanted or ()))),
        site_sha256=files.site,
        runbook_sha256=files.runbook,
        speed=site.demo.speed if site.demo is not None else 1.0,
    )
    with _leading(site, name), _journal(path, name) as (journal, _):
        return _lead(reader, RunState(book), journal, first, theme)


def resume(reference: str | None, *, theme: str | None, in_tmux: bool = False) -> Exit:
    """Go on with an open run at the exact step; what was under way when it stopped is shown as unknown.

    Raises:
        JournalHeld: another process has the run open.
        UserError: there is no such run, it is closed or damaged, or its site cannot be used.
    """
    at = places()
    known = find_run(reference, at.state)
    if known.damage:
        raise UserError(known.damage)
    if known.closed:
        raise UserError(f"{known.id} is closed", hint=f"deploydash report {known.id}")
    session = tmux.session_of(known.id)
    back = in_tmux and session.alive
    if known.holder and not back:
        raise _held(known.id, JournalHeld(known.holder))
    site = _site_of(known, at)
    only = ",".join(known.opened.only) or None
    book = open_runbook(known.opened.runbook_file, site, named(only, site), at, tables().reading)
    entries = read_on(known.folder / JOURNAL, CODEC, Cursor())
    _refuse_lacking(book, entries)
    differ = changed.told(_resumed(known, entries).changed)
    if differ:
        differ += "; the run goes on by the files as they are now"
        print(differ, file=sys.stderr)
    reader = _reader(site, at)
    need_terminal("resume", f"deploydash report {known.id}")
    if in_tmux:
        return _in_tmux(known.id, ["resume", str(known.folder.resolve()), *_given("--theme", theme)])
    with _leading(site, known.id), _journal(known.folder / JOURNAL, known.id) as (journal, entries):
        replica = Replica(book, site.roster)
        for entry in entries:
            replica.take(entry.utc, entry.record)
        return _lead(reader, replica.state, journal, _resumed(known, entries), theme, differ)


def _resumed(known: KnownRun, entries: list[Entry]) -> RunResumed:
    """Return the record of taking a run up again, with the files that have changed meanwhile."""
    now = changed.hashed(known.opened.site_file, known.opened.runbook_file)
    differ = changed.changed(known.opened, changed.last_known(entry.record for entry in entries), now)
    return RunResumed(operator(), os.getpid(), differ, now.site, now.runbook)


def _site_of(known: KnownRun, at: Places) -> Site:
    path = known.opened.site_file
    if Path(path).is_file():
        return open_site(path, at, table=tables().reading)
    if known.opened.rehearsal:
        raise UserError(
            f"the demo observatory of {known.id} is gone, and {path} with it",
            hint=f"a rehearsal ends with its observatory: deploydash report {known.id}",
        )
    raise UserError(f"{path}, the site file of {known.id}, is gone", hint="put it back where it was, then resume")


def _refuse_lacking(book: Runbook, entries: list[Entry]) -> None:
    """Refuse a runbook that lacks steps of the journal: where the run stands could not be told by it."""
    decided = {entry.record.step for entry in entries if isinstance(entry.record, DECIDED)}
    gone = decided - {step.id for step in book.steps()}
    if gone:
        names = ", ".join(sorted(gone))
        raise UserError(
            f"the runbook {book.id} has changed since this run was opened: it has no step {names}",
            hint="put the runbook back as it was, then resume",
        )
    if others := begun_otherwise(book, (entry.record for entry in entries)):
        verb = "was" if len(others) == 1 else "were"
        raise UserError(
            f"{and_list(others)} {verb} begun with other items than the runbook {book.id} and the site file make now",
            hint="put the files back as they were, then resume; what is under way could be taken for something else",
        )


def _reader(site: Site, at: Places) -> ReadOnly:
    table = tables().reading
    feeds = (fuse_of(site, other_sites(site, at, table), table), *feeds_of(table, site))
    reader = read_only(site, os.environ, at.cache, Phase(None), feeds=feeds)
    refuse_foreign(reader)
    known_owners(site)
    return reader


def _given(option: str, value: str | None) -> list[str]:
    return [option, value] if value else []


def _in_tmux(run: str, words: list[str]) -> Exit:
    own = tmux.installed(os.environ)
    session = tmux.session_of(run)
    return tmux.lead_in(session, own, words, tmux.instructions(session, own))


def _leading(site: Site, run: str) -> AbstractContextManager[None]:
    """Be the one lead of a site on this machine; each rehearsal has an observatory of its own.

    Raises:
        SiteLed: another run leads there.
        UserError: nobody knows.
    """
    return nullcontext() if site.rehearsal else leading(site.roster.site, run, lock_directory(os.environ))


@contextmanager
def _journal(path: Path, run: str) -> Iterator[tuple[JournalWriter, list[Entry]]]:
    """Open a run's journal for writing."""
    with JournalWriter(path, CODEC) as journal:
        try:
            entries = journal.open()
        except JournalHeld as error:
            raise _held(run, error) from None
        except OSError as error:
            raise UserError(f"{path.parent} cannot be written: {error.strerror}") from error
        yield journal, entries


def _held(run: str, error: JournalHeld) -> JournalHeld:
    """Return the refusal with the ways to a run that is open elsewhere."""
    session = tmux.session_of(run)
    error.message = error.message.replace("this run", run, 1)
    error.hint = f"watch it with: deploydash observe {run}"
    if session.alive:
        error.hint += f"; it runs in tmux, back to it: {session.lead}"
    return error


def _lead(
    reader: ReadOnly,
    state: RunState,
    journal: JournalWriter,
    first: RunOpened | RunResumed,
    theme: str | None,
    greeting: str = "",
) -> Exit:
    name = journal.path.parent.name
    go_on = f"the run {name} is open; resume it: deploydash resume {name}"
    try:
        code = run_to_the_end(_run(reader, state, journal, first, theme, greeting))
    except UserError as error:
        if not journal.entries:
            raise
        raise UserError(error.message, hint="; ".join(part for part in (error.hint, go_on) if part)) from error
    except (SystemExit, KeyboardInterrupt):
        if _is_open(journal):
            print(go_on, file=sys.stderr)
        raise
    if code is not Exit.YES and _is_open(journal):
        print(go_on, file=sys.stderr)
    return code


def _is_open(journal: JournalWriter) -> bool:
    entries = read_ends(journal.path, CODEC)
    return bool(entries) and entries[-1].phase is not None


async def _run(
    reader: ReadOnly,
    state: RunState,
    journal: JournalWriter,
    first: RunOpened | RunResumed,
    theme: str | None,
    greeting: str,
) -> Exit:
    composer = composer_at(reader.site)
    table = factories(tables().acting)
    try:
        async with acting(
            reader,
            state,
            journal,
            first,
            table=table,
            composer=composer,
            lines=composer.lines,
            reading=tables().reading,
        ) as run:
            return await _screen(run, theme, greeting)
    finally:
        await reader.aclose()


async def _screen(run: Acting, theme: str | None, greeting: str) -> Exit:
    """Show the run until its lead leaves: yes if it is closed then, no if it stays open (CLI.md)."""
    speed = run.reader.site.demo.speed if run.reader.site.demo is not None else None
    mirrors = Mirrors(os.environ)
    history = JournalHistory(run.controller.state.runbook, run.reader.site.roster, RunReader(run.folder).read_on)
    app = DeploydashRunApp(
        run.reader.session,
        run.inbox,
        theme=theme,
        speed=speed,
        watching=lambda: mirrors.count,
        history=history,
        owners=known_owners(run.reader.site),
        speakers=known_speakers(),
        me=known_me(),
        copies=places().state / COPIES,
    )
    beside = [asyncio.create_task(mirrors.watch(), name="mirrors"), asyncio.create_task(greet(app, greeting))]
    try:
        left = await side_by_side(app, run.work(), finish=run.go_on_unseen)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    if left is not Exit.YES:
        return left
    return Exit.YES if run.controller.state.closed else Exit.NO
