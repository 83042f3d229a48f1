"""Run the run's screen on invented scenes: ``python -m tests.support.show_run SCENE …``; F9 shows the next one."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from textual.binding import Binding

from deploydash.core.published import Published
from deploydash.ui import run_app
from deploydash.ui.run_app import DeploydashRunApp
from tests.support.fake_desk import FakeDesk
from tests.support.run_snapshots import SCENES
from tests.support.snapshots import FakeSource, RunningClock

UI = Path(run_app.__file__).parent


class Show(DeploydashRunApp):
    """The lead's screen with a desk that does nothing."""

    CSS_PATH = [UI / "deploydash.tcss", UI / "run.tcss"]  # type: ignore[assignment]  # noqa: RUF012 - as below
    BINDINGS = [*DeploydashRunApp.BINDINGS, Binding("f9", "next_scene", show=False, priority=True)]  # noqa: RUF012 - as Textual has it

    def __init__(self, scenes: list[Published]) -> None:
        self._scenes = iter(scenes)
        self._shown = FakeSource(next(self._scenes), RunningClock())
        super().__init__(self._shown, FakeDesk())

    def action_next_scene(self) -> None:
        """Show the next scene."""
        self._shown.publish(next(self._scenes))


async def show(names: list[str]) -> int:
    """Run the app."""
    app = Show([SCENES[name]() for name in names])
    await app.run_async(mouse=False)
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(asyncio.run(show(sys.argv[1:])))
