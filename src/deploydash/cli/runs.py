"""``runs``: the runs on this machine, how far each is, and who holds them."""

from __future__ import annotations

import json

from deploydash.cells import padded
from deploydash.cli.exits import Exit
from deploydash.cli.places import places
from deploydash.cli.tmux import session_of
from deploydash.journal.runs import BrokenRun, KnownRun, all_runs


def run(*, as_json: bool) -> Exit:
    """Print every run, oldest first."""
    found = all_runs(places().state)
    if as_json:
        print(json.dumps([_row(each) for each in found], indent=1))
        return Exit.YES
    for each in found:
        if isinstance(each, BrokenRun):
            print(f"{padded(each.id, 34)} {'-':<10} {'-':<12} {each.state:<7} {each.damage}")
            continue
        where = f"{padded(each.opened.site, 10)} {padded(each.opened.runbook, 12)} {each.state:<7}"
        held = f"  held by {each.holder}" if each.holder else ""
        print(f"{padded(each.id, 34)} {where} {padded(each.phase or '-', 10)} {each.entries:>6} entries{held}")
        if each.damage:
            print(f"  {each.damage}")
        if (mirror := _mirror(each)) is not None:
            print(f"  read-only: {mirror}")
    return Exit.YES


def _mirror(run: KnownRun) -> str | None:
    """Return the command that mirrors a run, if it is open in tmux now."""
    session = session_of(run.id)
    return session.mirror if run.holder and session.socket.is_socket() and session.alive else None


def _row(run: KnownRun | BrokenRun) -> dict[str, object]:
    row: dict[str, object] = {"id": run.id, "state": run.state}
    if isinstance(run, BrokenRun):
        unknown = ("site", "runbook", "cycle", "operator", "rehearsal", "phase", "open", "holder", "mirror", "entries")
        return {**row, **dict.fromkeys(unknown), "folder": str(run.folder), "damage": run.damage}
    return {
        **row,
        "site": run.opened.site,
        "runbook": run.opened.runbook,
        "cycle": run.opened.cycle,
        "operator": run.opened.operator,
        "rehearsal": run.opened.rehearsal,
        "phase": run.phase or None,
        "open": not run.closed,
        "holder": run.holder or None,
        "mirror": _mirror(run),
        "entries": run.entries,
        "folder": str(run.folder),
        "damage": run.damage or None,
    }
