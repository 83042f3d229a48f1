"""When the screen draws: soon, the newest, and never not at all."""

from __future__ import annotations

import random

from tests.support.snapshots import ManualClock, busy, shaken
from tests.support.ui import Screen, running


async def test_every_last_snapshot_is_shown_however_close_upon_another() -> None:
    async with running(busy()) as screen:
        source, clock = screen.source, screen.source.clock
        assert isinstance(clock, ManualClock)
        for _ in range(3):
            assert source.current is not None
            clock.advance(1e-9)
            for seed in (1, 2):
                source.publish(shaken(source.current, random.Random(seed), 5, clock.now, clock.unix))
            wanted = source.current.number
            await screen.until(lambda wanted=wanted: _shown(screen) == wanted)  # type: ignore[misc]


def _shown(screen: Screen) -> int:
    return screen.app.snapshot.number if screen.app.snapshot is not None else 0
