"""When the screen draws: at most once a frame, and never not at all."""

from __future__ import annotations

import random

from deploydash.ui.app import FRAME_S
from tests.support.snapshots import ManualClock, busy, shaken
from tests.support.ui import Screen, running


async def test_a_snapshot_that_comes_a_nanosecond_before_the_frame_is_over_is_shown_and_so_are_those_after_it() -> None:
    async with running(busy()) as screen:
        source, clock = screen.source, screen.source.clock
        assert isinstance(clock, ManualClock)
        for _ in range(3):
            assert source.current is not None
            clock.advance(FRAME_S - 1e-9)
            source.publish(shaken(source.current, random.Random(1), 5, clock.now, clock.unix))
            wanted = source.current.number
            await screen.until(lambda wanted=wanted: _shown(screen) == wanted)  # type: ignore[misc]


def _shown(screen: Screen) -> int:
    return screen.app.snapshot.number if screen.app.snapshot is not None else 0
