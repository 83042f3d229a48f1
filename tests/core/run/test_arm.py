"""An arm and standstills of ours: its card must have been seen, and there must be time to cancel."""

from __future__ import annotations

import pytest

from deploydash.core.fleet.snapshot import Standstill
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Tier
from deploydash.core.run.arm import Arm, unseen

ARMED = Arm(StepId("one"), Tier.SEVERE, 10.0)
COUNTS_DOWN = Arm(StepId("one"), Tier.SEVERE, 10.0, typed_at=15.0)


@pytest.mark.parametrize(
    ("arm", "stood", "seconds"),
    [
        (ARMED, [], None),
        (ARMED, [(9.9, 13.0)], None),
        (ARMED, [(10.5, 1.9)], None),
        (ARMED, [(12.0, 2.0)], "2"),
        (ARMED, [(13.0, 3.0), (13.7, 0.6)], "3"),
        (ARMED, [(13.0, 3.0), (18.0, 4.6), (18.7, 0.6)], "5"),
        (ARMED, [(11.0, 0.9), (12.0, 0.9), (13.0, 0.9)], None),
        (COUNTS_DOWN, [(13.0, 3.0), (15.7, 0.6)], "3"),
        (COUNTS_DOWN, [(14.0, 1.9), (15.7, 0.6)], None),
        (COUNTS_DOWN, [(16.0, 0.9), (17.0, 0.6), (17.9, 0.7)], "2"),
        (COUNTS_DOWN, [(16.0, 0.9), (17.0, 0.6)], None),
    ],
)
def test_an_arm_dies_of_one_long_standstill_since_or_of_the_short_ones_of_its_countdown(
    arm: Arm, stood: list[tuple[float, float]], seconds: str | None
) -> None:
    shown = Standstill(*stood[-1], 0, tuple(stood)) if stood else None
    why = None if seconds is None else f"disarmed: deploydash stood still for {seconds} s; look at the card once more"
    assert unseen(arm, shown) == why
