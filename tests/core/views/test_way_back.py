"""A step of a phase that can be taken back names the run that does so, once something of it needs a decision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.procedure.names import StepId, csc_item
from deploydash.core.run.records import ItemEnded, ItemsDispatched, ItemSignedOff, Outcome, RunRecord, StepApproved
from deploydash.core.run.state import RunState
from deploydash.core.views.run_view import Card, run_view
from tests.support.runs import OPERATOR, WATCHER, after, fleet, opened, small_runbook

STEP, ITEM = StepId("watcher"), csc_item(WATCHER)
LET_GO = (StepApproved(STEP, OPERATOR, 1), ItemsDispatched(STEP, (ITEM,), OPERATOR))
FAILED = ItemEnded(STEP, ITEM, Outcome.FAILED, "Failed: hook")


def card(*records: RunRecord, way_back: str = "revert") -> Card:
    book = small_runbook()
    phases = tuple(replace(phase, way_back=way_back) for phase in book.phases)
    state: RunState = after(opened(replace(book, phases=phases)), *records)
    found = run_view(state, fleet()).card
    assert found is not None
    return found


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNKNOWN])
def test_it_is_named_where_something_failed_or_is_unknown(outcome: Outcome) -> None:
    found = card(*LET_GO, replace(FAILED, outcome=outcome))
    assert found.way_back == "deploydash run summit revert --cycle <the cycle before>"


def test_it_is_not_named_before_nor_where_the_phase_has_none_nor_once_that_was_decided() -> None:
    assert card().way_back == ""
    assert card(*LET_GO).way_back == ""
    assert card(*LET_GO, FAILED, way_back="").way_back == ""
    decided = card(*LET_GO, FAILED, ItemSignedOff(STEP, ITEM, "Ana", OPERATOR, "done elsewhere"))
    assert decided.way_back == ""
