"""``runs`` tells of every run on this machine where it is, how far, and who has it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from deploydash.core.run.records import RunClosed, RunOpened, RunRecord
from deploydash.journal.runs import CODEC, JOURNAL
from deploydash.journal.write import JournalWriter
from tests.support.command_line import CommandLine

AT = 1_795_208_652.0


def opened(state: Path, name: str, site_file: str, *more: RunRecord) -> JournalWriter:
    """Open a run in this process."""
    journal = JournalWriter(state / "runs" / name / JOURNAL, CODEC)
    journal.open()
    first = RunOpened(
        name, "summit", "full-cycle", "c0045", "ops1@console", False, site_file=site_file, runbook_file="full-cycle"
    )
    for record in (first, *more):
        journal.append_all([record], AT, None if isinstance(record, RunClosed) else "prepare")
    return journal


def test_a_machine_without_runs_has_nothing_to_tell(cli: CommandLine) -> None:
    assert (cli.run("runs").out, cli.run("runs", "--json").out) == ("", "[]\n")


def test_each_run_is_one_line_with_its_phase_and_its_holder(cli: CommandLine) -> None:
    opened(cli.state, "summit-c0044-a", "summit", RunClosed("ops1@console")).close()
    opened(cli.state, "summit-c0044-b", "no/such/site.yaml").close()  # its phase is in its journal, not in its files
    with opened(cli.state, "summit-c0045-c", "summit"):
        ran = cli.run("runs")
        document = json.loads(cli.run("runs", "--json").out)
    assert ran.code == 0
    assert ran.err == ""
    words = [line.split() for line in ran.out.splitlines()]
    assert [line[:5] for line in words] == [
        ["summit-c0044-a", "summit", "full-cycle", "closed", "-"],
        ["summit-c0044-b", "summit", "full-cycle", "open", "prepare"],
        ["summit-c0045-c", "summit", "full-cycle", "open", "prepare"],
    ]
    assert [run["open"] for run in document] == [False, True, True]
    assert [run["phase"] for run in document] == [None, "prepare", "prepare"]
    assert [run["state"] for run in document] == ["closed", "open", "open"]
    assert [bool(run["holder"]) for run in document] == [False, False, True]
    assert " held by " in ran.out.splitlines()[2]


def test_a_damaged_run_is_listed_as_such(cli: CommandLine) -> None:
    opened(cli.state, "summit-c0045-a", "summit", RunClosed("ops1"), RunClosed("ops2")).close()
    path = cli.state / "runs" / "summit-c0045-a" / JOURNAL
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b"ops1", b"ops9") + lines[2])
    ran = cli.run("runs")
    assert ran.code == 0
    assert ran.out.split()[3] == "damaged"


def test_a_folder_that_cannot_be_read_is_listed_beside_the_others(cli: CommandLine) -> None:
    opened(cli.state, "summit-c0045-b", "summit").close()
    folder = cli.state / "runs" / "summit-c0045-a"
    folder.mkdir()
    os.mkfifo(folder / JOURNAL)
    ran = cli.run("runs")
    document = json.loads(cli.run("runs", "--json").out)
    first, second = ran.out.splitlines()
    assert first.split()[:4] == ["summit-c0045-a", "-", "-", "damaged"]
    assert first.endswith("the journal cannot be read: it is a FIFO, not a file")
    assert second.split()[:4] == ["summit-c0045-b", "summit", "full-cycle", "open"]
    assert [row["damage"] for row in document] == ["the journal cannot be read: it is a FIFO, not a file", None]
    assert [row["open"] for row in document] == [None, True]
    assert [row["state"] for row in document] == ["damaged", "open"]
    refused = cli.run("report", "summit-c0045-a")
    assert refused.code == 2
    assert "it is a FIFO, not a file" in refused.err


def test_json_tells_newer_runs_from_damaged_ones(cli: CommandLine) -> None:
    opened(cli.state, "a-newer-from-its-beginning", "summit").close()
    opened(cli.state, "b-newer-at-its-end", "summit", RunClosed("ops1")).close()
    opened(cli.state, "c-damaged", "summit", RunClosed("ops1")).close()
    for run, kind in (("a-newer-from-its-beginning", b"RunOpened"), ("b-newer-at-its-end", b"RunClosed")):
        path = cli.state / "runs" / run / JOURNAL
        path.write_bytes(path.read_bytes().replace(kind, b"RunSung"))
    path = cli.state / "runs" / "c-damaged" / JOURNAL
    path.write_bytes(path.read_bytes().replace(b"full-cycle", b"half-cycle"))
    document = json.loads(cli.run("runs", "--json").out)
    assert [row["state"] for row in document] == ["newer", "newer", "damaged"]
