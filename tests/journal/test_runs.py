"""Which run an operator means, and who holds it."""

import errno
import io
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, ClassVar

import pytest

from deploydash import stored
from deploydash.core.run.records import NoteWritten, RunClosed, RunOpened, RunRecord
from deploydash.errors import UserError
from deploydash.journal import read
from deploydash.journal.earlier import earlier_runs
from deploydash.journal.read import LONGEST_LINE, TAIL, JournalDamaged, read_ends
from deploydash.journal.runs import (
    CODEC,
    JOURNAL,
    BrokenRun,
    KnownRun,
    all_runs,
    find_run,
    known_runs,
    new_run_id,
    read_run,
)
from deploydash.journal.write import JournalWriter

AT = 1_794_996_240.0
SITTING = RunOpened("now", "summit", "full-cycle", "c0045", "ops1@console", rehearsal=True)


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
    with pytest.raises(UserError, match=r"runs/summit-c0045-a, .*/runs/summit-c0045-b"):
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


def hostile(state: Path, name: str) -> Path:
    """A run's folder whose journal is to be made by the test."""
    folder = state / "runs" / name
    folder.mkdir(parents=True)
    return folder / JOURNAL


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_directory(path: Path) -> None:
    path.mkdir()


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_loop(path: Path) -> None:
    path.symlink_to(path)


def brackets(path: Path) -> None:
    path.write_bytes(b"[" * 100_000 + b"\n")


def an_endless_line(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(LONGEST_LINE + 1)


def no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00\xd8\n")


def nothing(path: Path) -> None:
    path.touch()


def infinity(path: Path) -> None:
    path.write_bytes(b'{"n": Infinity, "utc": NaN, "kind": "RunOpened", "record": {}, "prev": ""}\n')


HOSTILE: dict[Callable[[Path], None], str] = {
    a_fifo: "it is a FIFO, not a file",
    a_directory: "it is a directory, not a file",
    a_device: "it is a device, not a file",
    a_loop: "Too many levels of symbolic links",
    brackets: "it is not an entry",
    an_endless_line: f"it is longer than {LONGEST_LINE} bytes",
    no_text: "it is not an entry",
    nothing: "the journal is empty",
    infinity: "it is not an entry",
}


@pytest.mark.parametrize("make", HOSTILE)
def test_one_hostile_folder_is_listed_as_damaged_and_hides_no_other(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(hostile(tmp_path, "summit-a"))
    opened(tmp_path, "summit-b")
    broken, good = all_runs(tmp_path)
    assert (broken.id, good.id) == ("summit-a", "summit-b")
    assert isinstance(broken, BrokenRun)
    assert HOSTILE[make] in broken.damage
    assert find_run("summit-b", tmp_path).id == find_run(None, tmp_path).id == "summit-b"
    assert earlier_runs(tmp_path / "runs", good.opened if isinstance(good, KnownRun) else SITTING) == []
    with pytest.raises(UserError, match=re.escape(HOSTILE[make])):
        find_run("summit-a", tmp_path)


def test_what_may_not_be_read_is_said_to_be_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = opened(tmp_path, "a")
    really = stored.open_file

    def refused(path: Path) -> BinaryIO:
        if path.parent == folder:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return really(path)

    opened(tmp_path, "b")
    monkeypatch.setattr(read, "open_file", refused)
    [broken, _] = all_runs(tmp_path)
    assert broken == BrokenRun("a", folder, "not readable by you", readable=False)
    assert broken.state == "unreadable"
    with pytest.raises(UserError, match=r"not readable by you .ask its owner"):
        find_run("a", tmp_path)


def test_a_copy_of_a_runs_folder_is_another_run(tmp_path: Path) -> None:
    folder = opened(tmp_path, "summit-a")
    shutil.copytree(folder, folder.with_name("summit-a-copy"))
    assert find_run("summit-a", tmp_path).folder == folder
    assert find_run("summit-a-copy", tmp_path).id == "summit-a-copy"
    with pytest.raises(UserError, match=r"more than one open run .name one of .*/summit-a, .*/summit-a-copy"):
        find_run(None, tmp_path)


def test_a_run_that_is_named_is_found_without_reading_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(tmp_path, "summit-a")
    opened(tmp_path, "summit-b")
    opened_files: list[Path] = []
    really = stored.open_file

    def noted(path: Path) -> BinaryIO:
        opened_files.append(path)
        return really(path)

    monkeypatch.setattr(read, "open_file", noted)
    assert find_run("summit-b", tmp_path).id == "summit-b"
    assert {path.parent.name for path in opened_files} == {"summit-b"}


@pytest.mark.parametrize(("name", "value"), [("NoteWritten", "NoteSung"), ("text", "melody")])
def test_a_journal_of_a_newer_version_is_newer_and_not_damaged(tmp_path: Path, name: str, value: str) -> None:
    folder = opened(tmp_path, "a", NoteWritten("one", "ops1"), NoteWritten("two", "ops1"))
    path = folder / JOURNAL
    lines = path.read_bytes().splitlines(keepends=True)
    changed = lines[2].replace(name.encode(), value.encode())
    path.write_bytes(lines[0] + lines[1] + changed)
    run = find_run("a", tmp_path)
    assert run.newer
    assert "a newer deploydash wrote this journal" in run.damage
    assert run.entries == len(read_run(run)) == 2, "what stands before is shown"
    path.write_bytes(lines[0] + lines[1].replace(name.encode(), value.encode()) + lines[2])
    run = find_run("a", tmp_path)
    assert (run.newer, run.entries) == (False, 1), "a line that the next one denies is damaged"


def test_a_run_that_a_newer_version_opened_is_newer_from_its_first_line_on(tmp_path: Path) -> None:
    path = opened(tmp_path, "a") / JOURNAL
    path.write_bytes(path.read_bytes().replace(b'"operator"', b'"conductor"'))
    [run] = all_runs(tmp_path)
    assert isinstance(run, BrokenRun)
    assert run.newer
    with pytest.raises(UserError, match=r"a newer deploydash wrote this journal: .* .use that version for this run"):
        find_run("a", tmp_path)


def test_what_a_foreign_line_calls_itself_is_said_short_and_visibly(tmp_path: Path) -> None:
    path = opened(tmp_path, "a", NoteWritten("one", "ops1")) / JOURNAL
    path.write_bytes(path.read_bytes().replace(b"NoteWritten", b"\\u202e\\u001b[2J" + b"x" * 100_000))
    [run] = known_runs(tmp_path)
    assert run.newer
    assert "its kind '‹U+202E›␛[2Jxxx" in run.damage
    assert len(run.damage) < 400


def test_what_lies_beside_the_runs_is_no_run(tmp_path: Path) -> None:
    opened(tmp_path, "summit-a")
    (tmp_path / "runs" / "summit-a.txt").touch()
    os.mkfifo(tmp_path / "runs" / "summit-b")
    (tmp_path / "runs" / "summit-c").symlink_to("summit-c")
    (tmp_path / "runs" / "summit-d").mkdir()
    assert [run.id for run in all_runs(tmp_path)] == ["summit-a"]
    assert find_run("summit", tmp_path).id == "summit-a"
    with pytest.raises(UserError, match="known are summit-a"):
        find_run("base", tmp_path)


def test_a_run_that_is_open_elsewhere_says_who_holds_it_and_asking_takes_nothing_away(tmp_path: Path) -> None:
    folder = opened(tmp_path, "a")
    with JournalWriter(folder / JOURNAL, CODEC) as journal:
        journal.open()
        assert "process" in known_runs(tmp_path)[0].holder
        journal.append(NoteWritten("still mine", "ops1"), AT)
    assert known_runs(tmp_path)[0].holder == ""


LINES = 2_000
"""Of a long night; a note has some 400 bytes."""


def long_run(state: Path, name: str) -> Path:
    notes = tuple(NoteWritten(f"{number:04} " + "n" * 250, "ops1") for number in range(LINES))
    path = opened(state, name) / JOURNAL
    with JournalWriter(path, CODEC) as journal:
        journal.open()
        journal.append_all(notes, AT, "prepare")
    return path


class Counted(io.FileIO):
    """A file that adds up what is read of it."""

    bytes: ClassVar[dict[str, int]] = {}

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = super().readinto(buffer) or 0
        name = Path(str(self.name)).parent.name
        self.bytes[name] = self.bytes.get(name, 0) + count
        return count


@pytest.fixture(name="counted")
def counting(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many bytes of each run's journal were read."""
    counts: dict[str, int] = {}
    monkeypatch.setattr(Counted, "bytes", counts)
    monkeypatch.setattr(read, "open_file", lambda path: io.BufferedReader(Counted(path)))
    return counts


def test_of_each_run_that_is_listed_the_first_and_the_last_lines_are_read(
    tmp_path: Path, counted: dict[str, int]
) -> None:
    sizes = {name: long_run(tmp_path, name).stat().st_size for name in ("a", "b", "c")}
    counted.clear()
    runs = known_runs(tmp_path)
    assert [(run.id, run.entries, run.phase, run.state) for run in runs] == [
        (name, LINES + 1, "prepare", "open") for name in sizes
    ]
    assert min(sizes.values()) > 20 * TAIL
    assert max(counted.values()) < 4 * TAIL


def test_of_a_run_that_is_found_by_its_id_the_ends_are_read_and_of_another_nothing(
    tmp_path: Path, counted: dict[str, int]
) -> None:
    for name in ("a", "b", "c"):
        long_run(tmp_path, name)
    counted.clear()
    run = find_run("b", tmp_path)
    assert counted.keys() == {"b"}
    assert counted["b"] < 4 * TAIL
    size = (run.folder / JOURNAL).stat().st_size
    counted.clear()
    assert len(read_run(run)) == run.entries == LINES + 1
    assert counted == {"b": size}


@pytest.mark.parametrize("line", [LINES - 1, LINES])
def test_damage_near_the_end_of_a_long_journal_is_listed_with_its_exact_line(tmp_path: Path, line: int) -> None:
    path = long_run(tmp_path, "a")
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line - 2] = lines[line - 2].replace(b"nnn", b"mmm", 1)
    path.write_bytes(b"".join(lines))
    [run] = known_runs(tmp_path)
    assert (run.state, run.entries) == ("damaged", line - 1)
    assert f":{line}:" in run.damage


def test_a_newer_line_near_the_end_of_a_long_journal_is_listed_as_newer(tmp_path: Path) -> None:
    path = long_run(tmp_path, "a")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1].replace(b"NoteWritten", b"NoteSung"))
    [run] = known_runs(tmp_path)
    assert (run.state, run.entries) == ("newer", LINES)


def test_damage_in_the_midst_of_a_long_journal_is_found_by_whoever_reads_it(tmp_path: Path) -> None:
    path = long_run(tmp_path, "a")
    lines = path.read_bytes().splitlines(keepends=True)
    lines[500] = lines[500].replace(b"nnn", b"mmm", 1)
    path.write_bytes(b"".join(lines))
    [run] = known_runs(tmp_path)
    with pytest.raises(JournalDamaged, match=":502:"):
        read_run(run)


def test_a_last_line_that_is_longer_than_what_is_looked_at_is_still_read_whole(tmp_path: Path) -> None:
    path = long_run(tmp_path, "a")
    with JournalWriter(path, CODEC) as journal:
        journal.open()
        journal.append(NoteWritten("x" * 3 * TAIL, "ops1"), AT)
    path.write_bytes(path.read_bytes() + b'{"n": torn')
    assert [entry.number for entry in read_ends(path, CODEC)][-1] == LINES + 2


def test_a_run_is_closed_by_its_last_line_whatever_the_fleet_noticed_afterwards(tmp_path: Path) -> None:
    path = long_run(tmp_path, "a")
    with JournalWriter(path, CODEC) as journal:
        journal.open()
        journal.append_all([RunClosed("ops1"), *[NoteWritten("n" * 250, "ops1")] * LINES], AT, None)
    [run] = known_runs(tmp_path)
    assert (run.state, run.phase, run.closed) == ("closed", "", True)
