"""When the screen draws: at most once a frame, and never not at all."""

from __future__ import annotations

from dataclasses import replace

from deploydash.ui.app import FRAME_S
from tests.support.snapshots import ManualClock, busy
from tests.support.ui import Screen, running


async def test_a_snapshot_that_comes_a_nanosecond_before_the_frame_is_over_is_shown_and_so_are_those_after_it() -> None:
    async with running(busy()) as screen:
        clock = screen.source.clock
        assert isinstance(clock, ManualClock)
        assert screen.source.current is not None
        for number in (1001, 1002):
            clock.advance(FRAME_S - 1e-9)
            screen.source.publish(replace(screen.source.current, number=number))
            await screen.until(lambda number=number: _shown(screen) == number)  # type: ignore[misc]


def _shown(screen: Screen) -> int:
    return screen.app.snapshot.number if screen.app.snapshot is not None else 0
