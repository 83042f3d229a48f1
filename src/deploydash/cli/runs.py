"""``runs``: the runs on this machine, and who holds them."""

from __future__ import annotations

import json

from deploydash.cli.exits import Exit
from deploydash.cli.places import places
from deploydash.cli.tmux import session_of
from deploydash.journal.runs import KnownRun, known_runs


def run(*, as_json: bool) -> Exit:
    """Print every run, oldest first."""
    found = known_runs(places().state)
    if as_json:
        print(json.dumps([_row(each) for each in found], indent=1))
        return Exit.YES
    for each in found:
        state = "damaged" if each.damage else "closed" if each.closed else "open"
        held = f"  held by {each.holder}" if each.holder else ""
        print(f"{each.id:<34} {each.opened.runbook:<12} {state:<7} {each.entries:>5} entries{held}")
        if (mirror := _mirror(each)) is not None:
            print(f"  read-only: {mirror}")
    return Exit.YES


def _mirror(run: KnownRun) -> str | None:
    """Return the command that mirrors a run, if it is open in tmux now."""
    session = session_of(run.id)
    return session.mirror if run.holder and session.socket.is_socket() and session.alive else None


def _row(run: KnownRun) -> dict[str, object]:
    return {
        "id": run.id,
        "site": run.opened.site,
        "runbook": run.opened.runbook,
        "cycle": run.opened.cycle,
        "operator": run.opened.operator,
        "rehearsal": run.opened.rehearsal,
        "open": not run.closed,
        "holder": run.holder or None,
        "mirror": _mirror(run),
        "entries": run.entries,
        "folder": str(run.folder),
        "damage": run.damage or None,
    }
