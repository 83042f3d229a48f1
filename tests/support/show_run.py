"""Run the run's screen on invented snapshots: ``python -m tests.support.show_run [scene] [theme] [observe]``."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

from deploydash.ui.run_app import DeploydashRunApp
from tests.support.run_snapshots import SCENES, FakeDesk
from tests.support.script_scenes import SCRIPT_SCENES
from tests.support.snapshots import FakeSource, RunningClock


async def show(name: str, theme: str | None, observe: bool) -> int:
    """Run the app; nothing it orders goes anywhere."""
    source = FakeSource(({**SCENES, **SCRIPT_SCENES})[name](), RunningClock())
    app = DeploydashRunApp(source, None if observe else FakeDesk(), theme=theme, watching=lambda: 2)

    async def live() -> None:
        while True:
            await asyncio.sleep(0.25)
            assert source.current is not None
            now, utc = source.clock.monotonic(), source.clock.utc()
            source.publish(replace(source.current, number=source.current.number + 1, at=now, utc=utc))

    living = asyncio.create_task(live())
    try:
        await app.run_async(mouse=False)
    finally:
        living.cancel()
    return app.return_code or 0


if __name__ == "__main__":
    words = [*sys.argv[1:], "", "", ""]
    sys.exit(asyncio.run(show(words[0] or "asking", words[1] or None, words[2] == "observe")))
