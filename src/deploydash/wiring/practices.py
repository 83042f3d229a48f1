"""What a site's practices say of a run, told as facts while the run is open: they are made of the run itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from deploydash.config.practices import find_practices, load_practices
from deploydash.core.fleet.observations import FactRead
from deploydash.core.run.ports import Action
from deploydash.systems.practices.act import NoAction
from deploydash.systems.practices.facts import Wanted, facts_of
from deploydash.systems.practices.settings import PRACTICES, PracticesSettings
from deploydash.wiring.acting import Means
from deploydash.wiring.practised import asked_by, known_of, wanted

EVERY_S = 5.0


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


async def _tell(means: Means, settings: PracticesSettings, asked: Mapping[str, Wanted | None]) -> None:
    zone = means.site.roster.time_zone
    while True:
        now, state = datetime.fromtimestamp(means.clock.utc(), UTC), means.state()
        known, names = known_of(state, settings, zone), asked_by(state)
        for application, each in asked.items():
            at = means.clock.monotonic()
            for fact in facts_of(application, each, known, now, zone):
                if fact.name in names:
                    means.tell(FactRead(fact, at))
        await asyncio.sleep(EVERY_S)
