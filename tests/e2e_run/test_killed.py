"""SIGKILL of the real process, driven by keys, after a record of its journal: the night ends as if undisturbed.

A seeded sample of records; ``test_every_record.py`` takes every one, without a screen.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploydash.core.run.records import RunRecord
from deploydash.errors import UserError
from deploydash.journal.read import Cursor, read_on
from deploydash.journal.runs import CODEC
from tests.e2e_run.killing import OF_THE_RUN, Night, spend
from tests.e2e_run.world import records
from tests.servers.waiting import patient
from tests.support.runs import fold, small_runbook

LAST = 60
"""The night has more records than these."""

POINTS = (0, 1, *sorted(random.Random(45).sample(range(2, LAST), 2)))
"""The records that are killed after, 0 for none; ``python -m tests.soak`` takes more."""


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Night]:
    """The night undisturbed and killed, side by side."""
    folder = tmp_path_factory.mktemp("keys")
    with ThreadPoolExecutor(len(POINTS)) as pool:
        spent = pool.map(lambda point: spend(folder / f"kill-{point}", point or None), POINTS)
        return dict(zip(POINTS, spent, strict=True))


@pytest.fixture
def undisturbed(nights: dict[int, Night]) -> Night:
    """The night without a kill."""
    return nights[0]


@pytest.fixture
def killed(nights: dict[int, Night]) -> list[Night]:
    """The same night, killed after some of its records."""
    return [night for point, night in nights.items() if point]


@pytest.mark.server
@pytest.mark.timeout(patient(300))
def test_a_killed_run_ends_as_one_that_was_never_stopped(undisturbed: Night, killed: list[Night]) -> None:
    assert len(undisturbed.ended) == 11
    assert len(records(undisturbed.journal, *OF_THE_RUN)) >= LAST
    assert set(undisturbed.ended.values()) == {"reached"}
    assert all(night.killed for night in killed)
    assert [night.outcome for night in killed] == [undisturbed.outcome] * len(killed)


@pytest.mark.server
@pytest.mark.timeout(patient(300))
def test_every_command_was_sent_exactly_once_whenever_the_run_was_killed(killed: list[Night]) -> None:
    for night in killed:
        assert set(night.commands.values()) == {1}, night.journal


@pytest.mark.server
@pytest.mark.timeout(patient(300))
def test_a_real_journal_cut_at_every_byte_folds(undisturbed: Night, tmp_path: Path) -> None:
    whole = undisturbed.journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    cut, cursor, seen, ended = tmp_path / "journal.jsonl", Cursor(), 0, 0
    with cut.open("wb", buffering=0) as file:
        for number in range(len(whole)):
            byte = whole[number : number + 1]
            file.write(byte)
            seen += len(read_on(cut, CODEC, cursor))
            ended += byte == b"\n"
            assert seen == ended
    assert seen == len(lines)
    for count in range(len(lines) + 1):
        head = b"".join(lines[:count])
        rest = lines[count] if count < len(lines) else b""
        for size in {0, 1, len(rest) // 2, max(0, len(rest) - 1)}:
            cut.write_bytes(head + rest[:size])
            try:
                entries = read_on(cut, CODEC, Cursor())
            except UserError as error:
                raise AssertionError(f"cut {size} bytes into line {count + 1}: {error}") from error
            assert len(entries) == count
        fold(small_runbook(), [(each.utc, each.record) for each in entries if isinstance(each.record, RunRecord)])
