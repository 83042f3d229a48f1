"""The journal survives what a night can do to it."""

import errno
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploydash.core.model import CscId, SummaryState
from deploydash.journal.line import Codec, digest
from deploydash.journal.read import Cursor, JournalDamaged, read_on
from deploydash.journal.write import JournalHeld, JournalNotWritten, JournalWriter


@dataclass(frozen=True)
class StateNoted:
    csc: CscId
    state: SummaryState
    why: str = ""


CODEC = Codec([StateNoted])
WATCHER = StateNoted(CscId("Watcher"), SummaryState.OFFLINE)
ESS = StateNoted(CscId("ESS", 104), SummaryState.STANDBY, "“quoted”, with a line\nbreak")


def written(path: Path, *records: StateNoted) -> bytes:
    with JournalWriter(path, CODEC) as journal:
        journal.open()
        for number, record in enumerate(records):
            journal.append(record, 1_794_996_400.5 + number)
    return path.read_bytes()


def test_what_was_appended_is_read_back_as_the_same_values(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    written(path, WATCHER, ESS)
    entries = read_on(path, CODEC, Cursor())
    assert [entry.record for entry in entries] == [WATCHER, ESS]
    assert [entry.number for entry in entries] == [1, 2]
    assert entries[1].utc == 1_794_996_401.5


def test_a_second_process_can_neither_take_the_lock_nor_append_and_is_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    code = (
        "import sys; from pathlib import Path; from deploydash.journal.line import Codec;"
        "from deploydash.journal.write import JournalWriter, JournalHeld\n"
        "try: JournalWriter(Path(sys.argv[1]), Codec([])).open()\n"
        "except JournalHeld as held: print(held.holder)\n"
    )
    with JournalWriter(path, CODEC) as journal:
        journal.open()
        other = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
        assert "process" in other.stdout
        with pytest.raises(JournalHeld):
            JournalWriter(path, CODEC).open()
        journal.append(WATCHER, 1.0)
    assert [entry.record for entry in read_on(path, CODEC, Cursor())] == [WATCHER]


def test_a_journal_cut_at_any_byte_opens_with_the_whole_lines_before_the_cut_and_goes_on(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.jsonl", WATCHER, ESS, WATCHER)
    for cut in range(len(whole)):
        folder = tmp_path / str(cut)
        folder.mkdir()
        path = folder / "journal.jsonl"
        path.write_bytes(whole[:cut])
        kept = whole[:cut].count(b"\n")
        with JournalWriter(path, CODEC) as journal:
            assert len(journal.open()) == kept
            journal.append(ESS, 9.0)
        assert len(read_on(path, CODEC, Cursor())) == kept + 1
        torn = whole[:cut].rpartition(b"\n")[2]
        aside = folder / f"torn-after-{kept}"
        assert (aside.read_bytes() if aside.exists() else b"") == torn


@pytest.mark.parametrize("damage", ["a line left out", "a word changed", "two lines exchanged", "an unknown kind"])
def test_damage_before_the_end_is_named_with_its_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "journal.jsonl"
    lines = written(path, WATCHER, ESS, WATCHER).splitlines(keepends=True)
    changed = {
        "a line left out": [lines[0], lines[2]],
        "a word changed": [lines[0].replace(b"Watcher", b"Watched"), lines[1], lines[2]],
        "two lines exchanged": [lines[0], lines[2], lines[1]],
        "an unknown kind": [lines[0], lines[1].replace(b"StateNoted", b"StateNoticed"), lines[2]],
    }[damage]
    path.write_bytes(b"".join(changed))
    with pytest.raises(JournalDamaged) as caught:
        read_on(path, CODEC, Cursor())
    assert caught.value.line == 2
    assert f"{path}:2" in str(caught.value)


def test_a_follower_reads_on_and_leaves_a_line_that_is_still_being_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    whole = written(path, WATCHER, ESS)
    first = whole.splitlines(keepends=True)[0]
    path.write_bytes(first + whole[len(first) : -5])
    cursor = Cursor()
    assert [entry.record for entry in read_on(path, CODEC, cursor)] == [WATCHER]
    assert read_on(path, CODEC, cursor) == []
    path.write_bytes(whole)
    assert [entry.record for entry in read_on(path, CODEC, cursor)] == [ESS]


def test_each_line_carries_the_hash_of_the_line_before(tmp_path: Path) -> None:
    lines = written(tmp_path / "journal.jsonl", WATCHER, ESS).splitlines(keepends=True)
    assert json.loads(lines[1])["prev"] == digest(lines[0])


def test_records_of_one_moment_are_written_together_and_chained_like_any(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path, CODEC) as journal:
        journal.open()
        journal.append(WATCHER, 1.0)
        assert [entry.number for entry in journal.append_all([ESS, WATCHER], 2.0)] == [2, 3]
        journal.append(ESS, 3.0)
    assert [entry.record for entry in read_on(path, CODEC, Cursor())] == [WATCHER, ESS, WATCHER, ESS]


def test_a_full_disk_is_said_takes_back_the_half_written_line_and_later_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path, CODEC) as journal:
        journal.open()
        journal.append(WATCHER, 1.0)

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr("os.fsync", full)
            with pytest.raises(JournalNotWritten, match="No space left"):
                journal.append(ESS, 2.0)
        journal.append(ESS, 3.0)
    assert [entry.utc for entry in read_on(path, CODEC, Cursor())] == [1.0, 3.0]
