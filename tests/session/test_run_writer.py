"""What waits for the disk goes there together, and each of it is decided as if it had gone alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploydash.core.procedure.names import StepId, csc_item
from deploydash.core.run.decide import Decision, Refused, decide
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.items import may_intend
from deploydash.core.run.orders import Approve, Hold
from deploydash.core.run.records import RUN_RECORDS, NoteWritten, RequestAnswered, RequestIntended, RunClosed, RunRecord
from deploydash.core.run.state import RunState
from deploydash.errors import UserError
from deploydash.journal.line import Codec
from deploydash.journal.write import JournalWriter
from deploydash.session.run_writer import Decide, RunWriter
from tests.support.clock import ManualClock
from tests.support.runs import OPERATOR, WATCHER, fleet, fold, opened

STEP = StepId("watcher")


@dataclass
class Disk:
    """Holds an append until it is let go, so that others have to wait for it; refuses while it is full."""

    groups: list[tuple[object, ...]] = field(default_factory=list)
    phases: list[str | None] = field(default_factory=list)
    free: threading.Event = field(default_factory=threading.Event)
    full: bool = False

    def append_all(self, records: Sequence[object], utc: float, phase: str | None) -> None:  # noqa: ARG002 - the shape of a journal
        assert self.free.wait(5), "nobody let the disk go"
        if self.full:
            raise UserError("the disk is full")
        self.groups.append(tuple(records))
        self.phases.append(phase)

    @property
    def lines(self) -> list[object]:
        return [record for group in self.groups for record in group]


def writing(disk: Disk | JournalWriter, state: RunState | None = None) -> RunWriter:
    return RunWriter(opened() if state is None else state, disk, fleet, ManualClock())


def note(text: str) -> Decide:
    return lambda _, __: (NoteWritten(text, OPERATOR),)


def intent(key: int) -> Decide:
    record = RequestIntended(STEP, csc_item(WATCHER), "disable", str(key))

    def decided(state: RunState, seen: FleetView) -> Decision:
        why = may_intend(record, state, seen)
        return (record,) if why is None else Refused(why)

    return decided


async def together(writer: RunWriter, disk: Disk, *decisions: Decide) -> list[Decision]:
    """Let these wait for a disk that is busy with a note, then let it go; a note went before them."""
    disk.free.clear()
    before = asyncio.create_task(writer.commit(note("before")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(writer.commit(decision)) for decision in decisions]
    await asyncio.sleep(0)
    disk.free.set()
    await before
    return list(await asyncio.gather(*waiting))


async def let_go(disk: Disk) -> RunWriter:
    """Return a writer whose run has let the Watcher's step go."""
    writer = writing(disk)
    disk.free.set()
    await writer.commit(lambda state, seen: decide(Approve(STEP, 1), state, seen, OPERATOR))
    return writer


async def test_what_waits_while_the_disk_is_busy_goes_there_with_one_sync_in_the_order_of_asking() -> None:
    disk = Disk()
    await together(writing(disk), disk, *(note(str(number)) for number in range(100)))
    texts = [tuple(record.text for record in group if isinstance(record, NoteWritten)) for group in disk.groups]
    assert texts == [("before",), tuple(str(number) for number in range(100))]


async def test_nobody_hears_of_an_intent_that_is_not_on_disk() -> None:
    disk = Disk()
    writer = await let_go(disk)
    disk.free.clear()
    sending = asyncio.create_task(writer.commit(intent(1)))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not sending.done()
    assert writer.state.progress(STEP).item(csc_item(WATCHER)).request == ""
    disk.free.set()
    assert not isinstance(await sending, Refused)
    assert isinstance(disk.lines[-1], RequestIntended)
    assert writer.state.progress(STEP).item(csc_item(WATCHER)).request == "disable"


async def test_of_two_intents_for_one_csc_that_wait_together_the_second_sees_the_first() -> None:
    disk = Disk()
    writer = await let_go(disk)
    first, second = await together(writer, disk, intent(1), intent(2))
    assert not isinstance(first, Refused)
    assert second == Refused("disable: it has no answer yet")


async def test_an_answer_that_waits_before_the_next_intent_lets_it_go() -> None:
    disk = Disk()
    writer = await let_go(disk)
    answer = RequestAnswered(STEP, csc_item(WATCHER), True, "done")
    _, _, next_one = await together(writer, disk, intent(1), lambda _, __: (answer,), intent(2))
    assert not isinstance(next_one, Refused)


async def test_a_hold_that_waits_before_an_intent_stops_it() -> None:
    disk = Disk()
    writer = await let_go(disk)
    hold: Decide = lambda state, seen: decide(Hold("ops2"), state, seen, OPERATOR)  # noqa: E731
    _, stopped = await together(writer, disk, hold, intent(1))
    assert stopped == Refused("the run is held by ops2")


async def test_a_disk_that_refuses_leaves_the_state_and_tells_everybody_in_the_group() -> None:
    disk = Disk()
    writer = await let_go(disk)
    before = writer.state
    disk.full = True
    writer.noticed(["the Watcher beats"])
    decisions = await together(writer, disk, intent(1), note("a"), note("b"))
    assert decisions == [Refused("the disk is full")] * 3
    assert writer.state is before
    assert writer.fault == "the disk is full"
    disk.full = False
    assert not isinstance(await writer.commit(intent(2)), Refused)
    assert writer.fault == ""
    assert disk.lines[-2:] == [
        "the Watcher beats",
        RequestIntended(STEP, csc_item(WATCHER), "disable", "2"),
    ]


async def test_who_is_cancelled_before_its_turn_leaves_nothing_behind() -> None:
    disk = Disk()
    writer = writing(disk)
    before = asyncio.create_task(writer.commit(note("before")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    given_up = asyncio.create_task(writer.commit(note("given up")))
    await asyncio.sleep(0)
    given_up.cancel()
    disk.free.set()
    await before
    await writer.idle()
    assert disk.lines == [NoteWritten("before", OPERATOR)]


async def test_who_is_cancelled_while_the_disk_writes_leaves_state_and_journal_alike() -> None:
    disk = Disk()
    writer = writing(disk)
    first = asyncio.create_task(writer.commit(note("first")))
    for _ in range(5):
        await asyncio.sleep(0)
    first.cancel()
    disk.free.set()
    await writer.idle()
    assert [one.text for one in writer.state.notes] == ["first"]
    assert disk.lines == [NoteWritten("first", OPERATOR)]


async def test_a_decision_that_fails_is_its_own_and_stops_no_other() -> None:
    disk = Disk()

    def broken(_: RunState, __: FleetView) -> Decision:
        raise RuntimeError("a fault of ours")

    writer = writing(disk)
    disk.free.set()
    outcomes = await asyncio.gather(
        writer.commit(note("a")), writer.commit(broken), writer.commit(note("b")), return_exceptions=True
    )
    assert isinstance(outcomes[1], RuntimeError)
    assert [one.text for one in writer.state.notes] == ["a", "b"]


async def test_the_journal_alone_tells_the_same_state_whoever_waited_for_whom(tmp_path: Path) -> None:
    with JournalWriter(tmp_path / "journal.jsonl", Codec(RUN_RECORDS)) as journal:
        journal.open()
        writer = writing(journal)
        await writer.commit(lambda state, seen: decide(Approve(STEP, 1), state, seen, OPERATOR))
        asked = [intent(number) if number % 7 == 0 else note(str(number)) for number in range(200)]
        await asyncio.gather(*(writer.commit(each) for each in asked))
    with JournalWriter(tmp_path / "journal.jsonl", Codec(RUN_RECORDS)) as journal:
        entries = [(entry.utc, entry.record) for entry in journal.open()]
    records: list[tuple[float, RunRecord]] = [(utc, each) for utc, each in entries if isinstance(each, RunRecord)]
    start = opened()
    told = fold(start.runbook, records)
    assert told.steps == writer.state.steps
    assert told.notes == writer.state.notes
    assert sum(isinstance(each, RequestIntended) for _, each in records) == 1


@pytest.mark.parametrize("full", [False, True])
async def test_a_look_at_which_nothing_follows_writes_nothing(full: bool) -> None:
    disk = Disk(full=full)
    writer = writing(disk)
    assert await writer.commit(lambda _, __: ()) == ()
    assert disk.groups == []
    assert writer.fault == ""


async def test_each_group_goes_to_disk_with_the_phase_that_it_leaves_the_run_in() -> None:
    disk = Disk()
    disk.free.set()
    writer = writing(disk)
    writer.noticed([note])
    await writer.commit(lambda _, __: ())
    await writer.commit(lambda _, __: (RunClosed(OPERATOR),))
    await writer.commit(note("afterwards"))
    first = writer.state.runbook.phases[0].id
    assert disk.phases == [first, None, None]
