"""Every row of the procedure has its steps in the full cycle of each site, and no step is of no row."""

from __future__ import annotations

import pytest

from tests.support.procedure import EVERYWHERE, ended_by, without_step
from tests.support.runbooks import runbook


@pytest.mark.parametrize("site", EVERYWHERE)
def test_every_row_has_a_step_and_every_step_a_row(site: str) -> None:
    assert without_step(runbook(site, "full-cycle"), site) == []


def test_a_row_that_nothing_ended_is_told() -> None:
    with pytest.raises(AssertionError, match="watcher: nothing ended watcher\ncscs: nothing ended cscs"):
        ended_by([], "summit")


def test_a_runbook_without_the_rows_is_told() -> None:
    missing = without_step(runbook("summit", "recovery"), "summit")
    assert "stage-1: no step stage-1" in missing
    assert any(each.endswith(": of no row") for each in missing)


def test_a_step_that_was_sent_and_not_seen_has_ended_nothing() -> None:
    told = [
        {"kind": "ItemEnded", "step": "watcher", "item": "Watcher", "outcome": "unknown", "why": "no answer"},
        {"kind": "StepDone", "step": "watcher"},
    ]
    with pytest.raises(AssertionError, match="watcher: nothing ended watcher"):
        ended_by(told, "summit")
    with pytest.raises(AssertionError) as raised:
        ended_by([{**told[0], "outcome": "reached"}, told[1]], "summit")
    assert "nothing ended watcher" not in str(raised.value)
