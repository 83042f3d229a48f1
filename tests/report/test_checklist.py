"""A run as Markdown task lists: what is done is ticked, with who says so."""

from __future__ import annotations

from deploydash.core.procedure.names import StepId, csc_item
from deploydash.core.run.records import (
    ItemEnded,
    ItemsDispatched,
    ItemSignedOff,
    Outcome,
    StepApproved,
    StepDone,
    StepSkipped,
)
from deploydash.report.checklist import checklist
from tests.support.runs import OPERATOR, WATCHER, after, opened

STEP = StepId("watcher")


def test_what_is_done_is_ticked_and_what_was_skipped_or_overridden_says_why() -> None:
    fresh = checklist(opened())
    assert "- [x]" not in fresh
    state = after(
        opened(),
        StepApproved(STEP, OPERATOR, 1, ("Kafka is up",), "by phone"),
        ItemsDispatched(STEP, (csc_item(WATCHER),), OPERATOR),
        ItemEnded(STEP, csc_item(WATCHER), Outcome.REACHED, "seen <there>"),
        StepDone(STEP),
        StepSkipped(StepId("cscs"), OPERATOR, "nobody is up"),
    )
    told = checklist(state)
    assert f"    - [x] {WATCHER}: seen &lt;there&gt;" in told
    assert "overridden: Kafka is up" in told
    assert "skipped: nobody is up" in told
    [skipped] = [line for line in told.splitlines() if "(cscs)" in line]
    assert skipped.startswith("- [ ] ")


def test_a_sign_off_is_ticked_by_name() -> None:
    manual = next(step for step in opened().runbook.steps() if step.manual)
    item = manual.items[0].id if manual.items else csc_item(WATCHER)
    state = after(
        opened(),
        StepApproved(manual.id, OPERATOR, 1),
        ItemSignedOff(manual.id, item, "Ana", OPERATOR, "at its panel"),
        StepDone(manual.id),
    )
    assert "signed off by Ana: at its panel" in checklist(state)
