"""An observer who comes back is told in one line what happened meanwhile, and never what they saw already."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from deploydash.core.model import CscId
from deploydash.core.procedure.csc_work import direct_command
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import DIRECT, ItemId, StepId, SystemName, csc_item, numbered
from deploydash.core.run.records import (
    CscsWaived,
    DebtPaid,
    DebtWaived,
    ItemAdded,
    ItemEnded,
    ItemSignedOff,
    NoteWritten,
    Outcome,
    RunClosed,
    RunHeld,
    RunReleased,
    RunResumed,
    StepDone,
    StepSkipped,
    WaitExtended,
)
from deploydash.session.looked import Looked, last_look, remember, told_since
from tests.support.clock import START_UTC

STEP = StepId("cscs-offline")
ESS = CscId("ESS", 104)
CBP = CscId("CBP")
LOOKED = Looked(40, START_UTC)


def test_the_line_counts_what_ended_and_names_who_holds() -> None:
    records = [
        *[StepDone(StepId(f"step-{number}")) for number in range(12)],
        CscsWaived((ESS,), "ops1", "known broken"),
        RunHeld("ops2@console (observer)"),
    ]
    assert told_since(LOOKED, records) == (
        "since 21:04 UTC: 12 steps done, 1 CSC waived, HOLD by ops2@console (observer)"
    )


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([StepSkipped(STEP, "ops1", "not today"), StepDone(STEP)], "1 step done, 1 step skipped"),
        (
            [ItemSignedOff(STEP, numbered(0), "anna", "ops1"), ItemSignedOff(STEP, numbered(1), "anna", "ops1")],
            "2 items signed off",
        ),
        (
            [ItemEnded(STEP, csc_item(ESS), Outcome.FAILED, "x"), ItemEnded(STEP, csc_item(CBP), Outcome.REACHED, "")],
            "1 item failed",
        ),
        ([ItemEnded(STEP, csc_item(ESS), Outcome.UNKNOWN, "x")], "1 outcome unknown"),
        ([ItemEnded(STEP, numbered(0), Outcome.FAILED, "x")] * 2, "2 items failed"),
        (
            [
                ItemAdded(DIRECT, direct_command(ESS, "standby"), "ops1"),
                ItemAdded(DIRECT, direct_command(CBP, "standby"), "ops1"),
                ItemAdded(STEP, Item(ItemId("added-1"), "restart", SystemName("hosts")), "ops1"),
            ],
            "2 direct commands, 1 item added",
        ),
        ([DebtPaid("sync", "#1"), DebtPaid("silence", "seen")], "2 debts paid"),
        ([CscsWaived((ESS, CBP), "ops1", "x"), CscsWaived((ESS,), "ops1", "y")], "2 CSCs waived"),
        ([DebtWaived("silence", "ops1", "x"), NoteWritten("x", "ops1")], "1 debt waived, 1 note"),
        ([WaitExtended(STEP, 600.0, "ops1"), WaitExtended(STEP, 300.0, "ops1")], "the wait extended by 15 min"),
        ([RunHeld("ops2"), RunReleased("ops1")], "held, and released by ops1"),
        ([RunHeld("ops2"), RunReleased("ops1"), RunHeld("ops1")], "HOLD by ops1"),
        ([RunResumed("ops1", 7), RunResumed("ops3", 8)], "taken up again by ops3"),
        ([RunClosed("ops1")], "closed by ops1"),
    ],
)
def test_each_thing_that_an_operator_would_ask_about_is_told(records: list[object], told: str) -> None:
    assert told_since(LOOKED, records) == f"since 21:04 UTC: {told}"


def test_that_nothing_happened_is_said_too() -> None:
    assert told_since(LOOKED, []) == "nothing has changed since you looked at 21:04 UTC"


def test_a_look_is_kept_for_the_next_time(tmp_path: Path) -> None:
    file = tmp_path / "looked" / "summit-c0045.json"
    assert last_look(file) is None
    remember(file, LOOKED)
    remember(file, Looked(41, START_UTC + 1))
    assert last_look(file) == Looked(41, START_UTC + 1)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("rubbish", [b"", b"\xff", b"[]", b"{}", b'{"entry": null, "utc": 1}'])
def test_a_memory_that_cannot_be_read_is_none(tmp_path: Path, rubbish: bytes) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(rubbish)
    assert last_look(file) is None


def test_a_disk_that_refuses_stops_nobody_from_observing(tmp_path: Path) -> None:
    (tmp_path / "looked").write_text("a file where the folder should be")
    remember(tmp_path / "looked" / "x.json", LOOKED)
    assert last_look(tmp_path / "looked" / "x.json") is None


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_huge_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10_000_000_000)


def brackets(path: Path) -> None:
    path.write_text("[" * 900)


def no_time(path: Path) -> None:
    path.write_text('{"entry": 3, "utc": 1e300}')


@pytest.mark.parametrize("make", [a_fifo, a_huge_file, brackets, no_time, Path.mkdir])
def test_whatever_stands_there_instead_of_a_look_is_none(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "run.json")
    assert last_look(tmp_path / "run.json") is None
