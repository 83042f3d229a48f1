"""What a site's practices say of a run, told as facts while the run is open: they are made of the run itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from deploydash.config.practices import find_practices, load_practices
from deploydash.core.fleet.observations import FactRead, FeedChanged, Observation
from deploydash.core.model import FeedState
from deploydash.core.run.ports import Action
from deploydash.systems.practices.act import NoAction
from deploydash.systems.practices.facts import Wanted, facts_of
from deploydash.systems.practices.settings import COORDINATOR, PRACTICES, PracticesSettings
from deploydash.wiring.acting import Means
from deploydash.wiring.practised import asked_by, coordinator_of, known_of, wanted

EVERY_S = 5.0
MOST_NAME = 24


@asynccontextmanager
async def action(means: Means) -> AsyncIterator[Action]:
    """Tell the facts of a run while it is open; nothing is carried out."""
    settings = means.site.sections[PRACTICES]
    assert isinstance(settings, PracticesSettings)  # noqa: S101 - it was read by this model
    asked = wanted(settings, load_practices(find_practices(means.site.path)))
    if means.site.rehearsal:
        asked = {name: _rehearsed(each) for name, each in asked.items()}
    telling = asyncio.create_task(_tell(means, settings, asked), name="practices")
    try:
        yield NoAction()
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


def _rehearsed(one: Wanted | None) -> Wanted | None:
    """Return what is asked for in a rehearsal: it touches nobody, so that it needs no window."""
    return None if one is None else replace(one, said="a rehearsal waits for no window", rule=None)


def headed(before: str, now: str, at: float) -> Iterator[Observation]:
    """Yield what puts the coordinator into the header, whose line is of feeds: they are named as one.

    A name is cut, as the line is short. Who it was ``before`` stays there as off: whoever read that name is to see
    that somebody else is asked now.
    """
    if before == now:
        return
    if before:
        yield _named(before, FeedState.OFF, f"{now or 'nobody'} coordinates now", at)
    if now:
        yield _named(now, FeedState.UP, f"{now} announces start and end, and answers", at)


def _named(name: str, state: FeedState, detail: str, at: float) -> FeedChanged:
    return FeedChanged(f"{COORDINATOR} {name[:MOST_NAME]}", state, detail, at)


async def _tell(means: Means, settings: PracticesSettings, asked: Mapping[str, Wanted | None]) -> None:
    zone, coordinates = means.site.roster.time_zone, ""
    while True:
        now, state = datetime.fromtimestamp(means.clock.utc(), UTC), means.state()
        named = coordinator_of(state)
        for told in headed(coordinates, named, means.clock.monotonic()):
            means.tell(told)
        coordinates = named
        known, names = known_of(state, settings, zone), asked_by(state)
        for application, each in asked.items():
            at = means.clock.monotonic()
            for fact in facts_of(application, each, known, now, zone):
                if fact.name in names:
                    means.tell(FactRead(fact, at))
        await asyncio.sleep(EVERY_S)
