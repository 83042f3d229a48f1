"""How an order about items is confirmed: by what it does, and never by one key alone where it changes the world."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.model import CscId, Target
from deploydash.core.procedure.csc_work import transition
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import SAL, ItemId, StepId, SystemName, numbered
from deploydash.core.procedure.runbook import Runbook, Tier
from deploydash.core.run.orders import (
    AddItem,
    AnswerItem,
    Approve,
    Control,
    DirectCommand,
    Note,
    Proposal,
    Release,
    Retry,
)
from deploydash.core.run.ports import ControlOffer
from deploydash.core.run.proposals import tier_of, title_of, unarmed
from deploydash.core.run.records import (
    AnswerOffered,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    QuestionAsked,
    RunRecord,
    StepApproved,
)
from deploydash.core.run.state import RunState
from tests.session.small_steps import WORK, book, step
from tests.support.runs import after, opened

OFFLINE = Target.parse("OFFLINE")
ONE, TWO = CscId("MTDome"), CscId("ESS", 303)
SYSTEM = SystemName("made-up")


def effects(*cscs: CscId, target: str = "OFFLINE") -> tuple[CscEffect, ...]:
    return tuple(CscEffect(csc, Target.parse(target)) for csc in cscs)


def failed(tier: Tier, *items: Item) -> RunState:
    """A step of this tier of which every item failed."""
    ids = tuple(item.id for item in items)
    records: list[RunRecord] = [StepApproved(WORK, "ops", 1), ItemsDispatched(WORK, ids, "ops")]
    records += [ItemEnded(WORK, name, Outcome.FAILED, "no") for name in ids]
    return after(opened(small(tier, *items)), *records)


def small(tier: Tier, *items: Item) -> Runbook:
    return book(step(*items, tier=tier))


def job(place: int, **changes: object) -> Item:
    return replace(Item(numbered(place), f"job {place}", SYSTEM), **changes)  # type: ignore[arg-type]


BOTH = (transition(ONE, OFFLINE), transition(TWO, OFFLINE))
JOBS = (job(0), job(1))
SCRIPT = Item(ItemId(""), "a.py", SAL)

TIERS: dict[str, tuple[Tier, tuple[Item, ...], Proposal, Tier]] = {
    "one CSC of a bulk step is moderate, as in a direct command": (
        Tier.SEVERE,
        BOTH,
        Retry(WORK, (BOTH[0].id,)),
        Tier.MODERATE,
    ),
    "several to OFFLINE are severe": (Tier.MODERATE, BOTH, Retry(WORK, tuple(item.id for item in BOTH)), Tier.SEVERE),
    "all that ask, where none is named": (Tier.MODERATE, BOTH, Retry(WORK), Tier.SEVERE),
    "what has no effect on CSCs counts as its step": (Tier.SEVERE, JOBS, Retry(WORK, (JOBS[0].id,)), Tier.SEVERE),
    "of a mild step, too": (Tier.MILD, JOBS, Retry(WORK, (JOBS[0].id,)), Tier.MILD),
    "an item beside the runbook is moderate": (Tier.SEVERE, JOBS, AddItem(WORK, SCRIPT), Tier.MODERATE),
    "one that takes several CSCs down is severe": (
        Tier.MODERATE,
        JOBS,
        AddItem(WORK, replace(SCRIPT, effects=effects(ONE, TWO))),
        Tier.SEVERE,
    ),
    "one that brings several up is not": (
        Tier.MODERATE,
        JOBS,
        AddItem(WORK, replace(SCRIPT, effects=effects(ONE, TWO, target="STANDBY"))),
        Tier.MODERATE,
    ),
    "one of which nobody can tell what it does is severe": (
        Tier.MODERATE,
        JOBS,
        AddItem(WORK, replace(SCRIPT, opaque=True)),
        Tier.SEVERE,
    ),
    "another way for one CSC is moderate": (
        Tier.SEVERE,
        BOTH,
        AddItem(WORK, replace(SCRIPT, effects=effects(ONE)), (BOTH[0].id,)),
        Tier.MODERATE,
    ),
    "another way for jobs of a severe step is severe": (
        Tier.SEVERE,
        JOBS,
        AddItem(WORK, job(9), (JOBS[0].id,)),
        Tier.SEVERE,
    ),
    "a release is moderate": (Tier.MILD, JOBS, Release(), Tier.MODERATE),
    "an answer that is not asked any more": (Tier.MILD, JOBS, AnswerItem(WORK, JOBS[0].id, "q", "a"), Tier.MODERATE),
}


@pytest.mark.parametrize("name", TIERS)
def test_an_order_is_confirmed_by_what_it_does(name: str) -> None:
    tier, items, order, wanted = TIERS[name]
    state = failed(tier, *items)
    assert tier_of(order, state) is wanted
    assert (unarmed(order, state) is None) is (wanted in {Tier.READ, Tier.MILD})


def test_a_control_is_confirmed_as_its_system_says_and_an_answer_as_it_was_offered() -> None:
    state = failed(Tier.MODERATE, *JOBS)
    offers = (ControlOffer("pause", "pause it", tier=Tier.MILD), ControlOffer("stop", "stop all", tier=Tier.SEVERE))
    told = {name: Control(WORK, JOBS[0].id, name) for name in ("pause", "stop", "break")}
    found = {name: tier_of(order, state, offers) for name, order in told.items()}
    assert found == {"pause": Tier.MILD, "stop": Tier.SEVERE, "break": Tier.MODERATE}
    answers = (AnswerOffered("wait", "wait", Tier.READ), AnswerOffered("wipe", "wipe", Tier.SEVERE))
    ids = (JOBS[0].id,)
    asked = QuestionAsked(WORK, JOBS[0].id, "What now?", answers)
    records = (StepApproved(WORK, "ops", 1), ItemsDispatched(WORK, ids, "ops"), asked)
    asking = after(opened(small(Tier.MODERATE, *JOBS)), *records)
    for answer, tier in (("wait", Tier.READ), ("wipe", Tier.SEVERE)):
        assert tier_of(AnswerItem(WORK, JOBS[0].id, "What now?", answer), asking) is tier


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (Retry(WORK, (BOTH[0].id,)), "retry MTDome OFFLINE of work"),
        (Retry(WORK), "retry 2 items of work"),
        (AddItem(WORK, SCRIPT), "add: a.py"),
        (AddItem(WORK, SCRIPT, (BOTH[0].id,)), "fallback: a.py"),
        (Control(WORK, BOTH[0].id, "stop"), "stop MTDome"),
        (Release(), "release the held run"),
    ],
)
def test_an_order_is_named_by_verb_and_object(order: Proposal, words: str) -> None:
    label = BOTH[0].label
    assert title_of(order, failed(Tier.MODERATE, *BOTH)) == words.replace("MTDome OFFLINE", label)


def test_what_changes_the_world_comes_by_its_arm_alone() -> None:
    for tier in (Tier.READ, Tier.MILD):
        assert unarmed(Approve(WORK, 1), opened(small(tier, *JOBS))) is None
    state = opened(small(Tier.MODERATE, *JOBS))
    assert unarmed(Approve(WORK, 1), state) == "work is armed first"
    assert unarmed(Approve(StepId("nowhere"), 1), state) == "nowhere is armed first"
    assert unarmed(DirectCommand((ONE,), "disable", (), 1), state) == "a direct command is armed first"
    assert unarmed(Note("windy"), state) is None
