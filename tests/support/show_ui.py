"""Run the screen on invented snapshots: ``python -m tests.support.show_ui [scene] [theme]``."""

from __future__ import annotations

import asyncio
import random
import sys
from dataclasses import replace

from deploydash.core.fleet.snapshot import FeedView
from deploydash.core.model import FeedName, FeedState
from deploydash.core.published import Published
from deploydash.ui.app import DeploydashApp
from tests.support import snapshots
from tests.support.snapshots import NOW, FakeSource, RunningClock


def scene(name: str) -> Published:
    """Return the first snapshot of a scene."""
    if name == "calm":
        return snapshots.snapshot(snapshots.calm_views())
    if name == "rehearsal":
        return snapshots.busy(rehearsal=True)
    if name == "many":
        return snapshots.snapshot(snapshots.busy_views(snapshots.many(10_000)))
    if name == "listening":
        views = [snapshots.listening(view) if n > 40 else view for n, view in enumerate(snapshots.calm_views())]
        return snapshots.snapshot(views, decided=False, events=())
    if name == "feed-down":
        why = "nothing listens there: is the broker running, and is this its port?"
        detail = f"127.0.0.1:9094 (site file): connection refused ({why})"
        down = FeedView(FeedName.KAFKA, FeedState.DOWN, detail, NOW - 12)
        views = [snapshots.unreachable(view) for view in snapshots.busy_views()]
        banner = f"Kafka is down: {detail}; everything is shown as it was last seen"
        return snapshots.snapshot(views, feed_views=snapshots.feeds(kafka=down), banner=banner)
    return snapshots.busy()


async def show(name: str, theme: str | None) -> int:
    """Run the app; in a storm forty CSCs change every quarter of a second."""
    source = FakeSource(scene(name), RunningClock())
    app = DeploydashApp(source, theme=theme, speed=20 if name == "rehearsal" else None)
    rng = random.Random(1)

    async def storm() -> None:
        while True:
            await asyncio.sleep(0.25)
            assert source.current is not None
            now, utc = source.clock.monotonic(), source.clock.utc()
            if name == "storm":
                source.publish(snapshots.shaken(source.current, rng, 40, now, utc))
            else:
                source.publish(replace(source.current, number=source.current.number + 1, at=now, utc=utc))

    storming = asyncio.create_task(storm())
    try:
        await app.run_async(mouse=False)
    finally:
        storming.cancel()
    return app.return_code or 0


if __name__ == "__main__":
    words = [*sys.argv[1:], "", ""]
    sys.exit(asyncio.run(show(words[0], words[1] or None)))
