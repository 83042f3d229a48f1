"""``runs``: the runs on this machine, how far each is, and who holds them."""

from __future__ import annotations

import json

from deploydash.cells import padded
from deploydash.cli.exits import Exit
from deploydash.cli.places import Places, places
from deploydash.cli.report import open_again
from deploydash.cli.tmux import session_of
from deploydash.core.run.records import RunRecord
from deploydash.core.run.state import current_phase, fold
from deploydash.errors import UserError
from deploydash.journal.runs import BrokenRun, KnownRun, all_runs, read_run


def run(*, as_json: bool) -> Exit:
    """Print every run, oldest first."""
    at = places()
    found = all_runs(at.state)
    if as_json:
        print(json.dumps([_row(each, at) for each in found], indent=1))
        return Exit.YES
    for each in found:
        if isinstance(each, BrokenRun):
            state = "newer" if each.newer else "damaged" if each.readable else "unread"
            print(f"{padded(each.id, 34)} {'-':<10} {'-':<12} {state:<7} {each.damage}")
            continue
        state = "newer" if each.newer else "damaged" if each.damage else "closed" if each.closed else "open"
        where = (
            f"{padded(each.opened.site, 10)} {padded(each.opened.runbook, 12)} {state:<7} {_phase(each, at) or '-':<10}"
        )
        held = f"  held by {each.holder}" if each.holder else ""
        print(f"{padded(each.id, 34)} {where} {each.entries:>6} entries{held}")
        if each.damage:
            print(f"  {each.damage}")
        if (mirror := _mirror(each)) is not None:
            print(f"  read-only: {mirror}")
    return Exit.YES


def _mirror(run: KnownRun) -> str | None:
    """Return the command that mirrors a run, if it is open in tmux now."""
    session = session_of(run.id)
    return session.mirror if run.holder and session.socket.is_socket() and session.alive else None


def _phase(run: KnownRun, at: Places) -> str | None:
    """Return the phase of an open run, if its site and runbook can still be read."""
    if run.closed or run.damage:
        return None
    try:
        _, book = open_again(run, at)
        lines = [(entry.utc, entry.record) for entry in read_run(run) if isinstance(entry.record, RunRecord)]
    except (UserError, OSError):
        return None
    return current_phase(fold(book, lines)).id


def _row(run: KnownRun | BrokenRun, at: Places) -> dict[str, object]:
    if isinstance(run, BrokenRun):
        unknown = ("site", "runbook", "cycle", "operator", "rehearsal", "phase", "open", "holder", "mirror", "entries")
        return {"id": run.id, **dict.fromkeys(unknown), "folder": str(run.folder), "damage": run.damage}
    return {
        "id": run.id,
        "site": run.opened.site,
        "runbook": run.opened.runbook,
        "cycle": run.opened.cycle,
        "operator": run.opened.operator,
        "rehearsal": run.opened.rehearsal,
        "phase": _phase(run, at),
        "open": not run.closed,
        "holder": run.holder or None,
        "mirror": _mirror(run),
        "entries": run.entries,
        "folder": str(run.folder),
        "damage": run.damage or None,
    }
