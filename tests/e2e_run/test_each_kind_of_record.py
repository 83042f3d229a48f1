"""SIGKILL of the process after the first and the last record of each kind, and after every sixth, of a short night.

Nothing is lost, repeated or invented on its twelve CSCs. The process is the program's own but for its screen;
``test_killed.py`` does the same by keys for a sample of records, ``tests/soak.py`` after every single one.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e_run.killing import OF_THE_RUN, Night, spend_headless
from tests.e2e_run.world import records
from tests.servers.waiting import patient

AT_ONCE = 12
"""Nights side by side: most of a night is waiting."""


@dataclass(frozen=True, slots=True)
class Nights:
    """The night without a kill, and the same night killed after some of its records, by the record's number."""

    undisturbed: Night
    killed: dict[int, Night]


def of_each_kind(journal: Path) -> list[int]:
    """Return the numbers of the first and the last record of each kind, and every sixth; the first number is 1."""
    kinds = [record["kind"] for record in records(journal, *OF_THE_RUN)]
    first = {kinds.index(kind) + 1 for kind in kinds}
    last = {len(kinds) - kinds[::-1].index(kind) for kind in kinds}
    return sorted(first | last | set(range(6, len(kinds), 6)))


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Every night there is."""
    folder = tmp_path_factory.mktemp("nights")
    undisturbed = spend_headless(folder / "calm", 0)
    some = of_each_kind(undisturbed.journal)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        killed = pool.map(lambda last: spend_headless(folder / f"kill-{last}", last), some)
        return Nights(undisturbed, dict(zip(some, killed, strict=True)))


@pytest.mark.server
@pytest.mark.timeout(patient(540))
def test_a_run_killed_after_any_kind_of_record_ends_as_one_that_was_never_stopped(nights: Nights) -> None:
    assert len(nights.undisturbed.ended) == 11
    assert set(nights.undisturbed.ended.values()) == {"reached"}
    assert len(nights.killed) > 20
    # A night may have a record less or two than another: of those beyond its last one nobody can be killed after.
    spared = [last for last, night in nights.killed.items() if not night.killed]
    assert spared == sorted(nights.killed)[len(nights.killed) - len(spared) :]
    assert len(spared) < 3
    other = {last for last, night in nights.killed.items() if night.outcome != nights.undisturbed.outcome}
    assert not other


@pytest.mark.server
@pytest.mark.timeout(patient(540))
def test_an_independent_reader_counts_every_command_once_whichever_record_was_the_last(nights: Nights) -> None:
    more = {last: night.commands for last, night in nights.killed.items() if set(night.commands.values()) != {1}}
    assert not more
