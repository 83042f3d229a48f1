"""A run tells the facts of practices that its gates ask for; a rehearsal waits for no window."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from deploydash.config.load import load_site
from deploydash.config.runbook import load_runbook
from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.observations import FactRead, Observation
from deploydash.core.run.state import RunState
from deploydash.session.clock import SystemClock
from deploydash.wiring.acting import Means
from deploydash.wiring.practices import action
from deploydash.wiring.tables import READING

SITES = Path(__file__).parents[3] / "sites"
APPLICATIONS = ("science-platform", "nublado", "sasquatch")


@pytest.mark.parametrize("rehearsal", [True, False])
async def test_each_gate_is_told_what_it_asks_for(rehearsal: bool) -> None:
    site = load_site(SITES / "summit.yaml", READING)
    site = replace(site, roster=replace(site.roster, rehearsal=rehearsal))
    book = load_runbook(SITES / "runbooks/full-cycle.yaml", site, SITES / "scripts", systems=READING)
    told: dict[str, Fact] = {}
    all_told = asyncio.Event()

    def tell(observation: Observation) -> None:
        assert isinstance(observation, FactRead)
        told[observation.fact.name] = observation.fact
        if len(told) == 9:
            all_told.set()

    nothing = cast("Any", None)
    means = Means(site, nothing, nothing, SystemClock(), nothing, tell, lambda: RunState(book))
    async with action(means):
        await all_told.wait()
    assert set(told) == {
        f"practice-{what}/{name}" for what in ("blessing", "notice", "window") for name in APPLICATIONS
    }
    assert not told["practice-notice/nublado"].ok, "nothing was announced yet"
    window = told["practice-window/nublado"]
    assert "a rehearsal waits for no window" in window.sentence if rehearsal else "first Wednesday" in window.sentence
