"""Where anything is of another site no gate of an action opens, no item goes, no request is sent; people still sign."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.fleet.facts import FUSE, Fact
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import OWN, ItemId, SystemName
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.fuse import blown
from deploydash.core.run.gate import reasons
from deploydash.core.run.order_rules import item_blocked_by
from deploydash.core.run.state import RunState
from tests.support.runbooks import runbook

SENTENCE = "the context leads to https://manke"


def view(*, ok: bool) -> FleetView:
    fact = Fact("site", f"{FUSE}kubernetes", "", ok, "kubernetes", SENTENCE, 0.0)
    return replace(FleetView({}, {}, 0.0, 0.0, 1), facts={fact.name: fact})


def test_every_step_that_acts_is_shut_by_a_rule_that_names_what_is_foreign() -> None:
    book = runbook("summit", "full-cycle")
    state = RunState(book)
    acting = [step for step in book.steps() if step.acts]
    assert len(acting) > 10
    for step in book.steps():
        told = [reason for reason in reasons(step, state, view(ok=False)) if SENTENCE in reason.sentence]
        assert bool(told) is (step.acts and step.system != OWN), step.id
        assert all(reason.rule and not reason.met for reason in told), "no reason overrides it, and it disarms"
        assert not [reason for reason in reasons(step, state, view(ok=True)) if SENTENCE in reason.sentence]


def test_no_item_goes_and_no_request_is_sent_but_what_only_asks() -> None:
    state = RunState(runbook("summit", "full-cycle"))
    job = Item(ItemId("#1"), "obssys", SystemName("argocd"))
    assert SENTENCE in (item_blocked_by(job, state, view(ok=False)) or "")
    assert item_blocked_by(job, state, view(ok=True)) is None
    assert blown(view(ok=False), replace(job, system=OWN)) is None
