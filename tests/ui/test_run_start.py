"""The first moments: before most CSCs are decided the watch has a start card, and a run its own card alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.model import Liveness
from deploydash.core.published import Published
from tests.support.run_snapshots import SCENES
from tests.support.run_ui import running_run
from tests.support.ui import running

UNTRUE = "contacted for writing. This view"
"""Begins the sentence that nothing here can act; it stands in one line."""
SIZES = [(80, 24), (120, 40), (200, 50)]


def undecided(*, run: bool) -> Published:
    """A Summit of which nothing is known yet, with the Watcher's card, or before the run is there."""
    base = SCENES["watcher"]()
    cscs = tuple(replace(view, liveness=Liveness.UNSEEN) for view in base.cscs)
    return replace(base, cscs=cscs, decided=False, run=base.run if run else None)


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_who_leads_is_never_told_that_nothing_here_can_act_and_sees_the_whole_card(
    width: int, height: int
) -> None:
    async with running_run(undecided(run=True), width=width, height=height) as screen:
        await screen.sees("Send the Watcher to OFFLINE")
        assert not screen.run.query_one("#start").display
        assert UNTRUE not in screen.text()
        assert "a arm" in screen.text()
        await screen.publish(undecided(run=False))
        assert not screen.run.query_one("#start").display
        assert UNTRUE not in screen.text()


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_who_watches_is_told_so_where_it_is_true(width: int, height: int) -> None:
    async with running(undecided(run=False), width=width, height=height) as screen:
        await screen.sees("this card goes by itself")
        assert UNTRUE in screen.text()
