"""The demo observatory as a whole: fakes and world, from the first record to the signal to stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from deploydash.demo import site as sites
from deploydash.demo.director import Director
from deploydash.demo.fake import Kind
from deploydash.demo.scenario import Scenario
from deploydash.demo.world import World

_TICK_S = 0.05
"""How often commands are looked for, and the finest grain of time in the world."""


@dataclass(frozen=True)
class Settings:
    """What the command line asked for. ``out`` None: a temporary folder that goes with the process."""

    site: sites.Site
    scenario: Scenario
    speed: float
    seed: int
    out: Path | None
    parent_pipe: bool
    fakes: tuple[Kind, ...]


async def run(settings: Settings) -> None:
    """Run the observatory until SIGINT, SIGTERM or, if so asked, the end of standard input.

    Raises:
        OutsideError: servers of somebody else are none for a demo observatory.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if settings.parent_pipe:
        _follow_parent(loop, stop)
    world = World(settings.site, settings.seed, settings.speed)
    fakes = {kind.name: kind.make(world) for kind in settings.fakes}
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="deploydash-demo-"))
        world.folder = settings.out or Path(folder)
        sections = []
        for fake in fakes.values():
            sections.append(await fake.start())
            stack.push_async_callback(fake.stop)
        world.announce({csc.component for csc in settings.site.cscs} | {"Script"})
        path = world.folder / f"{settings.site.document.get('site', 'demo')}.yaml"
        demo = {"speed": settings.speed, "scenario": settings.scenario.name, "seed": settings.seed}
        sites.write(path, sites.rehearsal(settings.site, sections, demo))
        Director(world, settings.scenario, fakes, time.time()).open()
        world.open()
        sys.stdout.write(json.dumps({**sites.addresses(sections), "site_file": str(path)}) + "\n")
        sys.stdout.flush()
        await _live(world, stop)
        world.deeds.leave(world.folder)


async def _live(world: World, stop: asyncio.Event) -> None:
    """Let the world's time pass, in real time, until asked to stop."""
    start, clock = time.time(), time.monotonic()
    while not stop.is_set():
        now = start + time.monotonic() - clock
        world.turn(now)
        due = world.next_due
        pause = _TICK_S if due is None else min(_TICK_S, max(0.005, due - now))
        await asyncio.sleep(pause)


def _follow_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Stop when standard input ends, so that no orphan stays behind a parent that died."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, name="demo-parent", daemon=True).start()
