"""``report``: a run's journal in words, for people."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from deploydash.cli.changed import hashed
from deploydash.cli.exits import Exit
from deploydash.cli.places import Places, places
from deploydash.cli.plan import named, open_runbook
from deploydash.cli.sites import open_site
from deploydash.cli.tables import tables
from deploydash.config.load import Site
from deploydash.core.procedure.runbook import Runbook
from deploydash.errors import ConfigurationError, UserError
from deploydash.journal.runs import KnownRun, RunReader, find_run
from deploydash.report.render import html_report, markdown_report
from deploydash.report.story import story_of

FORMATS = {"md": markdown_report, "html": html_report}


def run(reference: str | None, form: str, output: str | None) -> Exit:
    """Print the report of a run, or write it to a file."""
    if form not in FORMATS:
        raise UserError(f"there is no report format {form!r}", hint="use md or html")
    at = places()
    known = find_run(reference, at.state)
    journal = RunReader(known.folder)
    entries = journal.read_on()
    if journal.newer:
        print(f"deploydash: {journal.newer}; the report ends before it", file=sys.stderr)
    _, runbook = open_again(known, at)
    now = hashed(known.opened.site_file, known.opened.runbook_file)
    files = {known.opened.site_file: now.site, known.opened.runbook_file: now.runbook}
    text = FORMATS[form](story_of([(entry.utc, entry.record) for entry in entries], runbook, files))
    if output is None:
        print(text, end="")
        return Exit.YES
    return _written(Path(output), text)


def _written(path: Path, text: str) -> Exit:
    """Write a file whole, or leave none that looks like one.

    Raises:
        UserError: nothing can be written there.
    """
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from error
    try:
        with file:
            file.write(text)
    except OSError as error:
        if path.is_file():
            path.unlink()
        print(f"deploydash: {path} cannot be written: {error.strerror}", file=sys.stderr)
        return Exit.CANNOT_TELL
    return Exit.YES


def open_again(known: KnownRun, at: Places) -> tuple[Site, Runbook]:
    """Return the site of a run and its runbook as they stand now.

    A rehearsal's own site file is gone with its demo observatory; then the site of the same name is meant, marked
    as a rehearsal.

    Raises:
        ConfigurationError: neither can be used.
    """
    opened, table = known.opened, tables().reading
    try:
        site = open_site(opened.site_file, at, table=table)
    except ConfigurationError:
        if not opened.rehearsal:
            raise
        site = open_site(opened.site, at, table=table)
        site = replace(site, roster=replace(site.roster, rehearsal=True))
    return site, open_runbook(opened.runbook_file, site, named(",".join(opened.only) or None, site), at, table)
