"""Steps of a made-up system, one or two lanes of them."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import MAIN, Lane, StepId, numbered
from deploydash.core.procedure.runbook import Order, Runbook, Step, StepKind, Tier
from tests.session.fake_action import MADE_UP
from tests.support.runs import small_runbook

WORK, OTHER = StepId("work"), StepId("other")
ONE, TWO, THREE = (numbered(place) for place in range(3))


def item(place: int, wave: int = 0, effects: tuple[CscEffect, ...] = ()) -> Item:
    """Something that the made-up system does."""
    return Item(numbered(place), f"item {place}", MADE_UP, effects=effects, wave=wave)


def step(
    *items: Item,
    name: StepId = WORK,
    lane: Lane = MAIN,
    order: Order = Order.WAVES,
    at_once: int = 8,
    budget_s: float | None = None,
    tier: Tier = Tier.MODERATE,
) -> Step:
    return Step(
        name,
        name,
        StepKind.ACTION,
        MADE_UP,
        tier,
        lane,
        "done",
        items,
        order=order,
        at_once=at_once,
        budget_s=budget_s,
    )


def book(*steps: Step) -> Runbook:
    small = small_runbook()
    return replace(small, phases=(replace(small.phases[0], steps=steps),))
