"""How the pull request of a run stands, told again and again: its gate asks for it. Read only.

Which pull request that is only the run knows, so that the process that leads the run reads it, as long as the run is
open; an observer folds what that tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.observations import FactRead, FeedChanged, Observation
from deploydash.core.model import FeedState
from deploydash.core.ports import Clock
from deploydash.errors import FeedError
from deploydash.systems.github.login import GITHUB
from deploydash.systems.github.reading import Reader
from deploydash.systems.github.standing import Standing, in_the_way

FACT = "github-pull-request"
"""The fact that the pull request of the run may be merged."""

EVERY_S = 15.0


class PullWatch:
    """Tells how the pull request of a run stands: every so often, and whenever a card or an item reads it.

    ``words``: returns what the run has filled in, such as ``pr``; ``tell`` takes what was read.
    """

    def __init__(
        self,
        reader: Reader,
        clock: Clock,
        words: Callable[[], Mapping[str, str]],
        tell: Callable[[Observation], None],
        every_s: float = EVERY_S,
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._words = words
        self._tell = tell
        self._every_s = every_s
        reader.heard = self._heard

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            number = self._wanted()
            if number:
                await self.read(number)
            await asyncio.sleep(self._every_s if number else min(1.0, self._every_s))

    async def read(self, number: int) -> None:
        """Read a pull request once, and tell how it stands."""
        repository = self._reader.settings.phalanx.repository
        try:
            await self._reader.standing(repository, number, fresh=True)
        except FeedError as error:
            self._tell(FeedChanged(GITHUB, FeedState.DOWN, str(error), self._clock.monotonic()))

    def _heard(self, standing: Standing) -> None:
        if standing.pull.number != self._wanted():
            return
        where = f"{self._reader.client.endpoint.url}, {self._reader.settings.phalanx.repository}#{standing.pull.number}"
        self._tell(FeedChanged(GITHUB, FeedState.UP, where, self._clock.monotonic()))
        self._tell(FactRead(fact_of(standing, self._reader.base, self._clock.utc()), self._clock.monotonic()))

    def _wanted(self) -> int:
        words = self._words()
        told = words.get("revert") or words.get("pr") or ""
        number = told.rstrip("/").rpartition("/")[2].removeprefix("#")
        return int(number) if number.isdecimal() else 0


def fact_of(standing: Standing, base: str, read_utc: float) -> Fact:
    """Return whether a pull request may be merged, or is; what is in the way is its sentence."""
    why = in_the_way(standing.hindrances(base))
    words = standing.words()
    value = "merged" if standing.pull.merged else "closed" if why else "open"
    return Fact(GITHUB, FACT, "", not why, value, f"{why}; {words}" if why else words, read_utc)
