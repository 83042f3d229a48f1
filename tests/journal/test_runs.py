"""Which run an operator means, and who holds it."""

from pathlib import Path

import pytest

from deploydash.core.run_records import NoteWritten, RunClosed, RunOpened, RunRecord
from deploydash.errors import UserError
from deploydash.journal.runs import CODEC, JOURNAL, find_run, known_runs, new_run_id
from deploydash.journal.write import JournalWriter

AT = 1_794_996_240.0


def opened(state: Path, name: str, *more: RunRecord) -> Path:
    folder = state / "runs" / name
    with JournalWriter(folder / JOURNAL, CODEC) as journal:
        journal.open()
        for record in (RunOpened(name, "summit", "full-cycle", "c0045", "ops1@console", rehearsal=True), *more):
            journal.append(record, AT)
    return folder


def test_an_id_names_site_cycle_and_minute() -> None:
    assert new_run_id("summit", "c0045", AT) == "summit-c0045-20261118T1004Z"


def test_the_only_open_run_is_meant_when_none_is_named(tmp_path: Path) -> None:
    opened(tmp_path, "summit-c0044-a", RunClosed("ops1"))
    opened(tmp_path, "summit-c0045-b")
    assert find_run(None, tmp_path).id == "summit-c0045-b"


def test_an_unambiguous_beginning_is_enough_and_an_ambiguous_one_names_the_candidates(tmp_path: Path) -> None:
    opened(tmp_path, "summit-c0045-a")
    opened(tmp_path, "summit-c0045-b")
    opened(tmp_path, "base-c0045-c")
    assert find_run("base", tmp_path).id == "base-c0045-c"
    with pytest.raises(UserError, match="summit-c0045-a, summit-c0045-b"):
        find_run("summit", tmp_path)


def test_a_path_of_another_users_run_is_read_where_it_is(tmp_path: Path) -> None:
    folder = opened(tmp_path / "theirs", "summit-x")
    assert find_run(str(folder), tmp_path / "mine").id == "summit-x"
    assert find_run(str(folder / JOURNAL), tmp_path / "mine").id == "summit-x"


def test_a_damaged_run_is_listed_with_its_damage_and_hides_no_other(tmp_path: Path) -> None:
    folder = opened(tmp_path, "a", NoteWritten("one", "ops1"), NoteWritten("two", "ops1"))
    opened(tmp_path, "b")
    lines = (folder / JOURNAL).read_bytes().splitlines(keepends=True)
    (folder / JOURNAL).write_bytes(lines[0] + lines[1].replace(b"one", b"won") + lines[2])
    runs = known_runs(tmp_path)
    assert [run.id for run in runs] == ["a", "b"]
    assert ":3:" in runs[0].damage


def test_a_run_that_is_open_elsewhere_says_who_holds_it_and_asking_takes_nothing_away(tmp_path: Path) -> None:
    folder = opened(tmp_path, "a")
    with JournalWriter(folder / JOURNAL, CODEC) as journal:
        journal.open()
        assert "process" in known_runs(tmp_path)[0].holder
        journal.append(NoteWritten("still mine", "ops1"), AT)
    assert known_runs(tmp_path)[0].holder == ""
