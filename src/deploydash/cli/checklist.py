"""``checklist``: a run as Markdown task lists, for a ticket."""

from __future__ import annotations

import sys

from deploydash.cli.exits import Exit
from deploydash.cli.places import places
from deploydash.cli.report import open_again
from deploydash.core.run.replica import Replica
from deploydash.journal.runs import RunReader, find_run
from deploydash.report.checklist import checklist


def run(reference: str | None) -> Exit:
    """Print the task lists of a run."""
    at = places()
    known = find_run(reference, at.state)
    journal = RunReader(known.folder)
    site, runbook = open_again(known, at)
    replica = Replica(runbook, site.roster)
    for entry in journal.read_on():
        replica.take(entry.utc, entry.record)
    if journal.newer:
        print(f"deploydash: {journal.newer}; the list ends before it", file=sys.stderr)
    print(checklist(replica.state), end="")
    return Exit.YES
