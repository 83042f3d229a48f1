"""Each record of a run has words: what is not told on the timeline and in the report might as well not be written."""

import pytest

from deploydash.core.fleet.records import BeatsChanged, ProcessNoticed, StandstillNoted
from deploydash.core.model import CscId, Liveness
from deploydash.core.procedure.runbook import StepId, csc_item, csc_items, numbered
from deploydash.core.run.records import (
    RUN_RECORDS,
    ItemEnded,
    ItemsDispatched,
    ItemSignedOff,
    Outcome,
    PlaceholderSet,
    RequestAnswered,
    RunRecord,
    StepApproved,
)
from deploydash.core.views import record_text as sentences
from deploydash.core.views.record_text import Kind, said
from tests.support.runs import OPERATOR, WATCHER, after, opened

STEP = StepId("watcher")


def test_no_kind_of_record_of_a_run_was_forgotten() -> None:
    known = [value for value in vars(sentences).values() if isinstance(value, type)]
    assert [kind.__name__ for kind in RUN_RECORDS if kind not in known] == []


def words(record: object, *before: RunRecord) -> str:
    telling = said(record, after(opened(), *before))
    return telling.what if telling is not None else ""


def test_the_same_record_begins_something_or_tries_it_again() -> None:
    sent = ItemsDispatched(STEP, csc_items((WATCHER,)), OPERATOR)
    failed = ItemEnded(STEP, csc_item(WATCHER), Outcome.FAILED, "refused")
    assert words(sent) == "watcher: 1 CSC may be worked on"
    assert words(sent, sent, failed) == "retried Watcher in watcher"


def test_an_arrival_settles_what_was_unknown() -> None:
    sent = ItemsDispatched(STEP, csc_items((WATCHER,)), OPERATOR)
    arrived = ItemEnded(STEP, csc_item(WATCHER), Outcome.REACHED, "seen there")
    unknown = ItemEnded(STEP, csc_item(WATCHER), Outcome.UNKNOWN, "no answer in 30 s")
    assert words(arrived, sent) == "Watcher has arrived: seen there"
    assert words(arrived, sent, unknown) == "Watcher was unknown, settled: seen there"
    telling = said(arrived, after(opened(), sent))
    assert telling is not None
    assert not telling.notable, "a report's timeline has no room for what went as planned"


@pytest.mark.parametrize(
    ("ack", "result", "told"),
    [
        (303, "Done", "Watcher answered COMPLETE"),
        (0, "", "Watcher gave no answer in time"),
        (-302, "bad", "Watcher answered -302 (bad)"),
    ],
)
def test_an_answer_is_told_as_it_was_given(ack: int, result: str, told: str) -> None:
    assert words(RequestAnswered(STEP, csc_item(WATCHER), "", 1, ack, result)) == told


def test_an_override_is_of_a_kind_of_its_own_with_its_reason() -> None:
    telling = said(StepApproved(STEP, OPERATOR, 1, ("page is settled",), "by phone"), opened())
    assert telling is not None
    assert (telling.kind, telling.what) == (Kind.OVERRIDE, "approved watcher, overriding: page is settled (by phone)")


def test_a_step_that_the_runbook_has_lost_is_told_all_the_same() -> None:
    gone = StepId("dance")
    assert words(ItemSignedOff(gone, numbered(2), "Ana", OPERATOR)) == "recorded dance as signed off by Ana"


def test_what_the_fleet_noticed_names_its_csc() -> None:
    dome = CscId("MTDome")
    silent = BeatsChanged(dome, Liveness.SILENT, listening=False, beat_at=1.0, at_least=False, has_beaten=True, at=9.0)
    assert words(silent) == "MTDome is silent"
    first = ProcessNoticed(dome, 7, False, True, True, True, 1.0)
    assert words(first) == ""
    assert words(PlaceholderSet("date", "2026-12-03", OPERATOR)) == "told <date>: 2026-12-03"


def test_a_standstill_of_ours_is_told_with_its_cause_and_whom_it_touched() -> None:
    dome = CscId("MTDome")
    stopped = said(StandstillNoted(20.0, 13.2, "", (dome,), 33.2), opened())
    assert stopped is not None
    assert stopped.what.startswith("deploydash stood still for 13 s: the process was stopped or got no processor")
    assert (stopped.cscs, stopped.notable) == ((dome,), True)
    held_up = StandstillNoted(20.0, 0.84, "ui/app.py line 9 (show)", (), 20.84)
    assert words(held_up).startswith("deploydash stood still for 0.8 s: held up in ui/app.py line 9 (show)")
