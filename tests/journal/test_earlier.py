"""What is learned from the journals of earlier runs, and what is left out without a word."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deploydash.core.model import CscId
from deploydash.core.procedure.names import StepId, csc_item
from deploydash.core.run.eta import EarlierStep
from deploydash.core.run.records import CscsArrived, NoteWritten, RunOpened, StepApproved, StepDone
from deploydash.journal.earlier import MOST_RUNS, earlier_runs
from deploydash.journal.runs import CODEC, JOURNAL
from deploydash.journal.write import JournalWriter

WAIT = StepId("standby")
A = CscId("ATAOS")
NOW = RunOpened("now", "summit", "full-cycle", "c0045", "ops1", rehearsal=False)


def a_night(runs: Path, name: str, seconds: float, opened: RunOpened = NOW, utc: float = 1_000.0) -> Path:
    """Write the journal of a run in which ATAOS arrived after these seconds."""
    told: Sequence[tuple[float, object]] = (
        (utc, replace(opened, run=name)),
        (utc, NoteWritten('a "kind":"StepDone" in a note', "ops1")),
        (utc, StepApproved(WAIT, "the procedure", 1)),
        (utc + seconds, CscsArrived(WAIT, (A,))),
        (utc + seconds + 60, StepDone(WAIT)),
    )
    path = runs / name / JOURNAL
    with JournalWriter(path, CODEC) as journal:
        journal.open()
        for at, record in told:
            journal.append_all((record,), at)
    os.utime(path, (utc, utc))
    return path


def took(runs: Path, opened: RunOpened = NOW) -> list[float]:
    return [night.arrivals[csc_item(A)] for night in earlier_runs(runs, opened)]


def test_the_waits_of_runs_like_this_one_are_told_newest_first(tmp_path: Path) -> None:
    a_night(tmp_path, "older", 300.0, utc=1_000.0)
    a_night(tmp_path, "newer", 500.0, utc=9_000.0)
    assert earlier_runs(tmp_path, NOW) == [
        EarlierStep(WAIT, {csc_item(A): 500.0}),
        EarlierStep(WAIT, {csc_item(A): 300.0}),
    ]


def test_this_run_and_runs_unlike_it_tell_nothing(tmp_path: Path) -> None:
    a_night(tmp_path, "now", 1.0)
    a_night(tmp_path, "another-site", 2.0, replace(NOW, site="base"))
    a_night(tmp_path, "another-runbook", 3.0, replace(NOW, runbook="recovery"))
    a_night(tmp_path, "rehearsal", 4.0, replace(NOW, rehearsal=True))
    a_night(tmp_path, "only-some", 5.0, replace(NOW, only=("ATAOS",)))
    a_night(tmp_path, "like-it", 6.0, replace(NOW, cycle="c0044"))
    assert took(tmp_path) == [6.0]


def test_a_rehearsal_learns_from_rehearsals_at_its_own_speed(tmp_path: Path) -> None:
    rehearsal = replace(NOW, rehearsal=True, speed=20.0)
    a_night(tmp_path, "real", 1.0)
    a_night(tmp_path, "slow", 2.0, replace(rehearsal, speed=1.0))
    a_night(tmp_path, "same", 3.0, rehearsal)
    assert took(tmp_path, rehearsal) == [3.0]


def test_damaged_torn_and_foreign_files_are_left_out_without_a_word(tmp_path: Path) -> None:
    a_night(tmp_path, "good", 300.0)
    changed = a_night(tmp_path, "changed", 400.0)
    changed.write_bytes(changed.read_bytes().replace(b"a note", b"a nota"))
    torn = a_night(tmp_path, "torn", 500.0)
    torn.write_bytes(torn.read_bytes()[:-20])
    for name, content in (("garbage", b"\x00\xff\n{}\n"), ("empty", b""), ("other", b'{"n":1}\n')):
        (tmp_path / name).mkdir()
        (tmp_path / name / JOURNAL).write_bytes(content)
    (tmp_path / "folder" / JOURNAL).mkdir(parents=True)
    assert took(tmp_path) == [300.0]
    assert earlier_runs(tmp_path / "nowhere", NOW) == []


def test_only_the_newest_nights_count(tmp_path: Path) -> None:
    for number in range(MOST_RUNS + 3):
        a_night(tmp_path, f"run-{number}", float(number + 1), utc=1_000.0 * (number + 1))
    assert took(tmp_path) == [float(number) for number in range(MOST_RUNS + 3, 3, -1)]
