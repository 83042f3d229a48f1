"""Whose commands are ours: those of the scripts that a run added, as long as they may run."""

from __future__ import annotations

import pytest

from deploydash.core.model import CscId
from deploydash.core.procedure.names import SystemName
from deploydash.core.run.records import ItemAdded, ItemEnded, ItemProgressed, Outcome, RunRecord, RunResumed
from deploydash.systems.sal.scripts.identities import identities_of
from deploydash.systems.sal.steps import script_item
from tests.support.runs import FIRST_ADDED, OPERATOR, after, opened, small_runbook

AT = 1_794_996_400.0
STEP = next(iter(small_runbook().steps())).id
ITEM = script_item(FIRST_ADDED, CscId("ScriptQueue", 1), "a.py", True, "")
ADDED = ItemAdded(STEP, ITEM, OPERATOR)
RUNS = ItemProgressed(STEP, FIRST_ADDED, "RUNNING", known_as="Script:100009")


@pytest.mark.parametrize(
    ("records", "seconds", "ours"),
    [
        ((ADDED,), 0.0, ()),
        ((ADDED, RUNS), 5000.0, ("Script:100009",)),
        ((ADDED, RUNS, RunResumed(OPERATOR, 1)), 5000.0, ("Script:100009",)),
        ((ADDED, RUNS, ItemEnded(STEP, FIRST_ADDED, Outcome.REACHED, "done")), 29.0, ("Script:100009",)),
        ((ADDED, RUNS, ItemEnded(STEP, FIRST_ADDED, Outcome.REACHED, "done")), 30.0, ()),
    ],
)
def test_a_script_of_ours_commands_as_us_while_it_may_run(
    records: tuple[RunRecord, ...], seconds: float, ours: tuple[str, ...]
) -> None:
    assert identities_of(after(opened(), *records, utc=AT), AT + seconds) == frozenset(ours)


def test_what_another_system_is_known_as_is_nobody_on_sal() -> None:
    item = script_item(FIRST_ADDED, CscId("ScriptQueue", 1), "a.py", True, "")
    elsewhere = ItemAdded(STEP, type(item)(item.id, "a", SystemName("other")), OPERATOR)
    assert identities_of(after(opened(), elsewhere, RUNS, utc=AT), AT) == frozenset()
