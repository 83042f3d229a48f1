"""What runs on a host: CSCs of the one world, or something that is none, stopped and started."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deploydash.demo.goal import Goal, goal
from deploydash.demo.site import Csc
from deploydash.demo.states import PUBLISH_ONLY, State
from deploydash.demo.world import World

SYSTEM = "hosts"
"""The name under which this fake claims its CSCs."""

_UP_S = 200_000.0
"""For so long has everything been up that nobody started since."""


class Life:
    """The processes of a service.

    Of a service that runs CSCs the world says whether it runs: they may have exited as commanded, or died. Once it was
    stopped here nobody redeploys its CSCs by the clock.
    """

    def __init__(self, world: World, cscs: Sequence[Csc] = ()) -> None:
        self.cscs = tuple(cscs)
        self._world = world
        self._up = True
        self._since: float | None = None

    @property
    def running(self) -> bool:
        """Whether anything of it runs."""
        return any(map(self._world.running, self.cscs)) if self.cscs else self._up

    @property
    def since(self) -> float:
        """When it was started last (UTC unix seconds)."""
        if self._since is None:
            self._since = self._world.now - _UP_S
        return self._since

    @property
    def pid(self) -> int:
        """The number of its first process; 0 if none runs."""
        for csc in self.cscs:
            for process in self._world.running(csc):
                return process.writer.origin
        return 4711 if self.running else 0

    def stop(self) -> None:
        """End its processes, as SIGTERM does."""
        self._up = False
        self._world.claim(SYSTEM, self.cscs)
        for csc in self.cscs:
            self._world.stop(csc)

    def start(self) -> None:
        """Start what of it does not run."""
        if not self.running:
            self._since = self._world.now
        self._up = True
        for csc in self.cscs:
            self._world.start(csc, self._goal(csc))

    def _goal(self, csc: Csc) -> Goal:
        """Where it comes up: its start-up target; a camera not available, what was kept running in STANDBY."""
        if csc.camera:
            return Goal(State.OFFLINE, PUBLISH_ONLY)
        entry: dict[str, Any] = next(
            (each for each in self._world.site.document["cscs"] if each.get("csc") == csc.name), {}
        )
        startup = entry.get("startup")
        stopped = startup.get("stopped") if isinstance(startup, dict) else None
        return goal(stopped or "startup")
