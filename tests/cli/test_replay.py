"""A journal is shown again as it was written, at its pace times the speed."""

from __future__ import annotations

from deploydash.cli.replay import Tape
from deploydash.core.run.records import NoteWritten, RunOpened, RunResumed
from deploydash.journal.line import Entry
from tests.support.clock import START_UTC, ManualClock

OPENED = RunOpened("x", "summit", "full-cycle", "c0045", "ops1", rehearsal=True)


def tape(clock: ManualClock, speed: float, *notes: tuple[float, object]) -> Tape:
    entries = [Entry(1, START_UTC, OPENED)]
    entries += [Entry(2 + place, START_UTC + after, record) for place, (after, record) in enumerate(notes)]
    return Tape(entries, speed, clock)


def numbers(entries: list[Entry]) -> list[int]:
    return [entry.number for entry in entries]


def test_entries_come_when_their_time_times_the_speed_has_come() -> None:
    clock = ManualClock()
    played = tape(clock, 10.0, (20.0, NoteWritten("a", "ops1")), (40.0, NoteWritten("b", "ops1")))
    assert numbers(played.read_on()) == [1]
    clock.advance(1.9)
    assert played.read_on() == []
    clock.advance(0.2)
    assert numbers(played.read_on()) == [2]
    assert played.utc() == START_UTC + 21.0
    assert played.ended() == ""
    clock.advance(60.0)
    assert numbers(played.read_on()) == [3]
    assert played.ended() == "the journal ends here"


def test_the_clock_stands_still_at_the_end_so_that_nothing_seems_to_age() -> None:
    clock = ManualClock()
    played = tape(clock, 1.0, (3.4, NoteWritten("a", "ops1")))
    clock.advance(1000.0)
    assert numbers(played.read_on()) == [1, 2]
    assert played.utc() == played.monotonic() == START_UTC + 4.0


def test_the_hours_in_which_nobody_had_the_run_open_are_left_out() -> None:
    clock = ManualClock()
    played = tape(clock, 1.0, (5.0, NoteWritten("a", "ops1")), (9_000.0, RunResumed("ops1", 7)), (9_003.0, OPENED))
    clock.advance(5.0)
    assert numbers(played.read_on()) == [1, 2]
    assert numbers(played.read_on()) == [3]
    clock.advance(2.9)
    assert played.read_on() == []
    clock.advance(0.2)
    assert numbers(played.read_on()) == [4]
