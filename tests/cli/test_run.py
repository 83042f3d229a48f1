"""``run`` and ``resume`` refuse in words and by exit code before anything is opened; one run has one writer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from deploydash.core.procedure.names import StepId
from deploydash.core.run.records import NoteWritten, RunClosed, RunOpened, RunRecord, RunResumed, StepApproved, StepDone
from deploydash.journal.runs import CODEC, JOURNAL
from deploydash.journal.write import JournalWriter
from tests.servers.waiting import patient
from tests.support.command_line import ROOT, CommandLine
from tests.support.site_files import write_site

AT = 1_795_208_652.0
ACCOUNT = {"LSST_KAFKA_SECURITY_USERNAME": "dash", "LSST_KAFKA_SECURITY_PASSWORD": "not used"}
TERMINAL = "needs a terminal (without one use: deploydash"


def opened(cli: CommandLine, name: str, *more: RunRecord, site: str = "summit", rehearsal: bool = False) -> Path:
    """Leave a run behind as a process that is gone did."""
    folder = cli.state / "runs" / name
    first = RunOpened(
        name, "summit", "full-cycle", "c0045", "ops1@console", rehearsal, site_file=site, runbook_file="full-cycle"
    )
    with JournalWriter(folder / JOURNAL, CODEC) as journal:
        journal.open()
        for record in (first, *more):
            journal.append(record, AT)
    return folder


HOLD = """
import sys
from pathlib import Path
from deploydash.journal.runs import CODEC, JOURNAL
from deploydash.journal.write import JournalWriter
from tests.servers.waiting import patient
with JournalWriter(Path(sys.argv[1]) / JOURNAL, CODEC) as journal:
    journal.open()
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def held(folder: Path) -> Iterator[int]:
    """Have another process hold a run; gives its process id."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process.pid
        finally:
            process.communicate("\n", timeout=patient(10))


def test_a_run_that_another_process_holds_is_exit_code_4_with_its_user_host_and_process(cli: CommandLine) -> None:
    folder = opened(cli, "summit-c0045-a", site=str(ROOT / "sites/summit.yaml"))
    before = (folder / JOURNAL).read_bytes()
    with held(folder) as pid:
        ran = cli.run("resume")
        assert ran.code == 4
        assert ran.out == ""
        assert f", process {pid}" in ran.err
        assert f" on {os.uname().nodename}" in ran.err
        assert ran.err.startswith("deploydash: summit-c0045-a is held by ")
        assert "deploydash observe summit-c0045-a" in ran.err
        listed = cli.run("runs")
        assert f"process {pid}" in listed.out
    assert (folder / JOURNAL).read_bytes() == before
    ran = cli.run("resume", env=ACCOUNT)
    assert ran.code == 2, "once it is let go nothing but the terminal is missing"
    assert TERMINAL in ran.err


@pytest.mark.parametrize("command", ["run", "resume", "observe", "replay"])
def test_without_a_terminal_the_command_that_suits_is_named_and_nothing_is_opened(
    cli: CommandLine, command: str
) -> None:
    words = ["run", "summit", "full-cycle"] if command == "run" else [command]
    if command != "run":
        opened(cli, "summit-c0045-a", site=str(ROOT / "sites/summit.yaml"))
    ran = cli.run(*words, env=ACCOUNT)
    assert ran.code == 2
    instead = "plan summit full-cycle" if command == "run" else "report summit-c0045-a"
    assert f"{command} {TERMINAL} {instead})" in ran.err
    kept = [path.parent.name for path in cli.state.glob(f"runs/*/{JOURNAL}")]
    assert kept == ([] if command == "run" else ["summit-c0045-a"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "nowhere", "full-cycle"], "'nowhere' is no known site"),
        (["run", "summit", "half-cycle"], "'half-cycle' is no known runbook"),
        (["run", "summit", "full-cycle", "--cycle", "../../elsewhere"], "'../../elsewhere' is no cycle"),
        (["run", "summit", "full-cycle", "--id", "a/b"], "'a/b' cannot be a run's id"),
        (["run", "summit", "full-cycle", "--only", "ESS:9999"], "ESS:9999"),
        (["run", "summit"], "Missing argument 'RUNBOOK'"),
        (["resume"], "there is no open run (no run was opened here yet)"),
        (["resume", "summit"], "there is no run 'summit'"),
        (["observe", "no/such/folder"], "no/such/folder holds no run"),
        (["replay", "--speed", "0"], "0"),
        (["report"], "there is no open run"),
    ],
)
def test_what_cannot_be_opened_is_refused_in_words(cli: CommandLine, words: list[str], said: str) -> None:
    ran = cli.run(*words)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""
    assert not (cli.state / "runs").exists()


@pytest.mark.parametrize(
    "environment",
    [
        {"LSST_KAFKA_BROKER_ADDR": "kafka.elsewhere.example:9092"},
        {"LSST_SCHEMA_REGISTRY_URL": "https://registry.elsewhere.example"},
    ],
)
def test_no_command_goes_through_an_address_of_another_site(cli: CommandLine, environment: dict[str, str]) -> None:
    for words in (["run", "summit", "full-cycle"], ["run", "summit", "full-cycle", "--tmux"]):
        ran = cli.run(*words, env=ACCOUNT | environment)
        assert ran.code == 2
        assert "elsewhere.example" in ran.err
        assert "none of summit's addresses" in ran.err
        assert "unset the LSST_* variables" in ran.err


def test_a_closed_run_is_reported_and_not_resumed(cli: CommandLine) -> None:
    opened(cli, "summit-c0045-a", RunClosed("ops1@console"))
    ran = cli.run("resume", "summit-c0045-a")
    assert ran.code == 2
    assert "summit-c0045-a is closed (deploydash report summit-c0045-a)" in ran.err
    assert cli.run("resume").err.startswith("deploydash: there is no open run (known are summit-c0045-a")


def test_of_several_runs_none_is_guessed(cli: CommandLine) -> None:
    opened(cli, "summit-c0045-a")
    opened(cli, "summit-c0045-b")
    for words in (["resume"], ["resume", "summit"], ["observe"], ["replay", "summit-c0045"], ["report"]):
        ran = cli.run(*words)
        assert ran.code == 2
        folders = ", ".join(str(cli.state / "runs" / name) for name in ("summit-c0045-a", "summit-c0045-b"))
        assert f"name one of {folders}" in ran.err


def test_a_site_file_that_is_gone_is_named(cli: CommandLine, tmp_path: Path) -> None:
    path = write_site(tmp_path / "sites", "127.0.0.1:1", ["Watcher"])
    path.unlink()
    opened(cli, "summit-c0045-a", site=str(path))
    ran = cli.run("resume")
    assert ran.code == 2
    assert f"{path}, the site file of summit-c0045-a, is gone (put it back where it was, then resume)" in ran.err


def test_a_rehearsal_whose_observatory_is_gone_can_be_read_but_not_resumed(cli: CommandLine, tmp_path: Path) -> None:
    opened(cli, "summit-c0045-a", site=str(tmp_path / "gone" / "summit.yaml"), rehearsal=True)
    ran = cli.run("resume")
    assert ran.code == 2
    assert "the demo observatory of summit-c0045-a is gone" in ran.err
    assert "deploydash report summit-c0045-a" in ran.err
    assert cli.run("report").code == 0
    assert TERMINAL in cli.run("observe").err


def test_a_damaged_journal_is_named_by_line_and_nothing_goes_on(cli: CommandLine) -> None:
    folder = opened(cli, "summit-c0045-a", RunClosed("ops1"), RunClosed("ops2"))
    lines = (folder / JOURNAL).read_bytes().splitlines(keepends=True)
    (folder / JOURNAL).write_bytes(lines[0] + lines[1].replace(b"ops1", b"ops9") + lines[2])
    for command in ("resume", "observe", "replay"):
        ran = cli.run(command, "summit-c0045-a")
        assert ran.code == 2
        assert f"{folder / JOURNAL}:3: the journal is damaged here" in ran.err


def test_a_journal_of_a_newer_version_is_reported_as_far_as_it_is_understood_and_not_gone_on_with(
    cli: CommandLine,
) -> None:
    site = str(ROOT / "sites/summit.yaml")
    folder = opened(cli, "summit-c0045-a", NoteWritten("the lift is out", "ops1"), RunClosed("ops1"), site=site)
    lines = (folder / JOURNAL).read_bytes().splitlines(keepends=True)
    (folder / JOURNAL).write_bytes(lines[0] + lines[1] + lines[2].replace(b"RunClosed", b"RunMoored"))
    newer = f"{folder / JOURNAL}:3: a newer deploydash wrote this journal: its kind 'RunMoored' is unknown"
    listed, report, resume = cli.run("runs"), cli.run("report"), cli.run("resume", env=ACCOUNT)
    assert listed.out.split()[3] == "newer"
    assert newer in listed.out
    assert report.code == 0
    assert "the lift is out" in report.out
    assert f"{newer} to this version" in report.err
    assert resume.code == 2
    assert newer in resume.err
    assert TERMINAL in cli.run("observe").err


def as_an_ordinary_user() -> list[str]:
    """Return what a command begins with so that a mode of 0 keeps its process out, root's, too."""
    if os.getuid():
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root reads everything, and there is no setpriv to take that from it")
    return [setpriv, *(f"{kind}=-dac_override,-dac_read_search" for kind in ("--bounding-set", "--inh-caps")), "--"]


@pytest.mark.parametrize("closed", ["", JOURNAL])
def test_a_run_that_may_not_be_read_is_said_to_be_so(cli: CommandLine, closed: str) -> None:
    opened(cli, "summit-c0045-b")
    shut = opened(cli, "summit-c0045-a") / closed
    shut.chmod(0)
    user = as_an_ordinary_user()
    try:
        listed = cli.run("runs", before=user)
        found = [cli.run(command, "summit-c0045-a", before=user) for command in ("report", "resume", "observe")]
        other = cli.run("report", "summit-c0045-b", before=user)
    finally:
        shut.chmod(0o700)
    assert [line.split()[3] for line in listed.out.splitlines()] == ["unreadable", "open"]
    assert listed.out.splitlines()[0].endswith("not readable by you")
    assert [ran.code for ran in found] == [2, 2, 2]
    assert all("not readable by you (ask its owner for leave to read it)" in ran.err for ran in found)
    assert other.code == 0


def test_a_runbook_that_lost_a_step_of_the_journal_is_not_gone_on_with(cli: CommandLine) -> None:
    site = str(ROOT / "sites/summit.yaml")
    opened(cli, "summit-c0045-a", StepApproved(StepId("dance"), "ops1", 3), StepDone(StepId("dance")), site=site)
    ran = cli.run("resume", env=ACCOUNT)
    assert ran.code == 2
    assert "the runbook full-cycle has changed since this run was opened: it has no step dance" in ran.err


def test_a_runbook_that_changed_the_items_of_a_step_under_way_is_not_gone_on_with(cli: CommandLine) -> None:
    begun = StepApproved(StepId("watcher"), "ops1", 3, items="0123456789abcdef")
    opened(cli, "summit-c0045-a", begun, site=str(SITE))
    ran = cli.run("resume", env=ACCOUNT)
    assert ran.code == 2
    assert "watcher was begun with other items than the runbook full-cycle and the site file make now" in ran.err


def with_hashes(cli: CommandLine, site_sha256: str, runbook_sha256: str, *more: RunRecord) -> None:
    """Leave a run of the Summit behind that was opened from files with these hashes."""
    first = RunOpened(
        "summit-c0045-a",
        "summit",
        "full-cycle",
        "c0045",
        "ops1@console",
        rehearsal=False,
        site_file=str(SITE),
        runbook_file=str(BOOK),
        site_sha256=site_sha256,
        runbook_sha256=runbook_sha256,
    )
    with JournalWriter(cli.state / "runs" / first.run / JOURNAL, CODEC) as journal:
        journal.open()
        for record in (first, *more):
            journal.append(record, AT)


SITE, BOOK = ROOT / "sites/summit.yaml", ROOT / "sites/runbooks/full-cycle.yaml"
CHANGED = "has changed since this run was opened or last taken up; the run goes on by the files as they are now"


def test_a_runbook_that_has_changed_but_has_every_step_is_told_plainly_and_gone_on_with(cli: CommandLine) -> None:
    with_hashes(cli, sha256(SITE.read_bytes()).hexdigest(), "ab" * 32)
    ran = cli.run("resume", env=ACCOUNT)
    assert ran.err.splitlines()[0] == f"{BOOK} {CHANGED}"
    assert TERMINAL in ran.err
    report = cli.run("report").out
    assert f"runbook {BOOK}, sha256 {'ab' * 32}, it has changed since the run was opened" in report
    assert f"site file {SITE}, sha256 {sha256(SITE.read_bytes()).hexdigest()}, unchanged" in report


def test_files_that_are_what_they_were_at_the_last_resume_are_not_told_again(cli: CommandLine) -> None:
    site, book = (sha256(path.read_bytes()).hexdigest() for path in (SITE, BOOK))
    with_hashes(cli, site, "ab" * 32, RunResumed("ops2", 7, (str(BOOK),), site, book))
    assert "has changed since" not in cli.run("resume", env=ACCOUNT).err
    report = cli.run("report").out
    assert "it was another when the run was resumed; it has changed since the run was opened" in report
    assert "resumed the run; changed since it was opened: " in report


def test_a_run_of_an_earlier_version_has_no_hashes_and_is_resumed_without_a_word(cli: CommandLine) -> None:
    opened(cli, "summit-c0045-a", site=str(SITE))
    assert "has changed since" not in cli.run("resume", env=ACCOUNT).err


@pytest.mark.parametrize("command", ["run", "resume", "observe", "replay", "report"])
def test_the_help_of_every_command_about_runs_shows_an_example(cli: CommandLine, command: str) -> None:
    ran = cli.run(command, "--help")
    assert ran.code == 0
    assert f"Example: deploydash {command} summit" in ran.out
    if command in {"run", "resume"}:
        assert "--tmux" in ran.out
        assert "4 another process holds" in " ".join(ran.out.replace("│", " ").split())
    assert "--id" not in ran.out
