"""The step that asks every system: an item for each, red ones fail with what to do, and nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from deploydash.config.load import load_site
from deploydash.config.runbook import load_runbook
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import OWN
from deploydash.core.procedure.runbook import Runbook, StepKind
from deploydash.core.run.ports import Found
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.systems.preflight.act import PreflightAction
from deploydash.systems.preflight.steps import system_of
from deploydash.systems.table import Finding
from deploydash.wiring.tables import READING
from tests.support.clock import ManualClock
from tests.support.item_context import Intended, RecordingContext
from tests.support.runbooks import SITES

ANSWERS = {
    "kafka": [Finding("ok", "kafka", "answers")],
    "schema_registry": [Finding("red", "schema_registry", "refused", "open the tunnel"), Finding("red", "x", "y")],
    "argocd": [Finding("ok", "argocd", "a"), Finding("warning", "argocd", "the token ends soon", "log in again")],
}


def book(name: str, site: str = "summit") -> Runbook:
    where = load_site(SITES / f"{site}.yaml", READING)
    return load_runbook(SITES / "runbooks" / f"{name}.yaml", where, SITES / "scripts", systems=READING)


def items(name: str, site: str = "summit") -> dict[str, Item]:
    step = next(step for step in book(name, site).steps() if step.id == "preflight")
    assert (step.kind, step.system) == (StepKind.ACTION, OWN)
    return {system_of(item): item for item in step.items}


async def asked(system: str) -> Sequence[Finding]:
    return ANSWERS[system]


@pytest.mark.parametrize("site", ["summit", "tucson-teststand", "base-teststand"])
def test_there_is_an_item_for_each_system_that_the_runbook_touches(site: str) -> None:
    found = items("full-cycle", site)
    assert {"kafka", "schema_registry", "efd", "scripts", "ssh", "kubernetes", "argocd"} <= set(found)
    assert not [effect for item in found.values() for effect in item.effects]


async def test_what_is_red_fails_with_what_to_do_and_warnings_do_not() -> None:
    action = PreflightAction(asked, ManualClock())
    found = items("full-cycle")
    ends = {}
    for name in ANSWERS:
        context = RecordingContext()
        ends[name] = await action.run(found[name], "", context)
        assert not [told for told in context.told if isinstance(told, Intended)], "nothing is sent"
    assert [ends[name].outcome for name in ANSWERS] == [Outcome.REACHED, Outcome.FAILED, Outcome.REACHED]
    assert ends["schema_registry"].why == "schema_registry: refused (open the tunnel); x: y"
    assert "the token ends soon (log in again)" in ends["argocd"].why


async def test_an_answer_that_was_not_taken_before_a_kill_is_asked_for_once_more_by_the_lead() -> None:
    item = items("full-cycle")["kafka"]
    finding = await PreflightAction(asked, ManualClock()).probe(item, ItemProgress(), lambda _: None)
    assert finding.found is Found.NOT_DONE
