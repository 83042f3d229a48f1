"""Commands are written with the registry's schemas: without it their gate is shut, and an arm on it dies in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.model import FeedName, FeedState, SummaryState, Target
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.preconditions import FeedsUp
from deploydash.core.run.arm import Arm, disarm_reason
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.gate import reasons
from deploydash.core.run.order_rules import blocked_by
from tests.support.runs import WATCHER, fleet, opened, view

STEP = StepId("watcher")
NEEDED = FeedsUp((FeedName.KAFKA, FeedName.SCHEMA_REGISTRY))
SENTENCE = "kafka and schema registry are up"


def seen(registry: FeedState) -> FleetView:
    looked = fleet(view(WATCHER))
    return replace(looked, feeds={**looked.feeds, FeedName.SCHEMA_REGISTRY: registry})


def died(registry: FeedState, overridden: frozenset[str] = frozenset()) -> str | None:
    state = opened()
    step = replace(state.runbook.step(STEP), preconditions=(NEEDED,))
    return disarm_reason(Arm(STEP, step.tier, 100.0), 101.0, reasons(step, state, seen(registry)), overridden)


@pytest.mark.parametrize("registry", [FeedState.DOWN, FeedState.DEGRADED, FeedState.CONNECTING])
def test_an_arm_dies_in_words_when_the_registry_is_no_longer_up(registry: FeedState) -> None:
    assert died(FeedState.UP) is None
    assert died(registry) == f"disarmed: no longer true that {SENTENCE} (schema registry {registry.value})"


def test_a_lead_who_overrode_it_stays_armed() -> None:
    assert died(FeedState.DOWN, frozenset({SENTENCE})) is None


@pytest.mark.parametrize(
    ("registry", "why"),
    [
        (FeedState.UP, None),
        (FeedState.CONNECTING, None),
        (FeedState.DEGRADED, "the schema registry is not up, so no command can be written"),
        (FeedState.DOWN, "the schema registry is not up, so no command can be written"),
    ],
)
def test_a_command_by_hand_does_not_go_without_the_registry(registry: FeedState, why: str | None) -> None:
    target = Target(SummaryState.STANDBY)
    assert blocked_by(WATCHER, target, opened(), seen(registry), bulk=False, direct=True) == why
    assert blocked_by(WATCHER, target, opened(), seen(registry), bulk=False) is None
