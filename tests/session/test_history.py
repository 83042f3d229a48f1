"""The run over time is read from the journal when somebody asks, and each line once."""

from dataclasses import dataclass

import pytest

from deploydash.core.model import Roster
from deploydash.core.run.records import NoteWritten, RunOpened
from deploydash.errors import UserError
from deploydash.session.history import JournalHistory
from tests.support.clock import START_UTC
from tests.support.runs import OPERATOR, opened, small_runbook


@dataclass
class Line:
    utc: float
    record: object


class Journal:
    """Lines that were not read yet, or a fault."""

    def __init__(self, *lines: Line) -> None:
        self.lines = list(lines)
        self.reads = 0
        self.fault = ""

    def read(self) -> list[Line]:
        self.reads += 1
        if self.fault:
            raise UserError(self.fault)
        lines, self.lines = self.lines, []
        return lines


def first() -> RunOpened:
    record = opened().opened
    assert record is not None
    return record


def told(history: JournalHistory) -> list[str]:
    return [each.said.what for each in history.read_on().happened]


def test_nothing_is_read_before_somebody_asks_and_each_line_is_told_once() -> None:
    journal = Journal(Line(START_UTC, first()))
    history = JournalHistory(small_runbook(), Roster("summit", True, (), ()), journal.read)
    assert journal.reads == 0
    assert told(history) == ["opened the run"]
    journal.lines.append(Line(START_UTC + 60, NoteWritten("windy", OPERATOR)))
    assert told(history) == ["opened the run", "noted: windy"]
    assert told(history) == ["opened the run", "noted: windy"]
    assert history.read_on().last == START_UTC + 60


def test_a_journal_that_cannot_be_read_is_the_askers_to_tell_and_the_next_look_goes_on() -> None:
    journal = Journal(Line(START_UTC, first()))
    history = JournalHistory(small_runbook(), Roster("summit", True, (), ()), journal.read)
    journal.fault = "damaged"
    with pytest.raises(UserError, match="damaged"):
        history.read_on()
    journal.fault = ""
    assert told(history) == ["opened the run"]
