"""Whether the machines may be started, read again and again."""

from __future__ import annotations

import asyncio

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.observations import FactRead, FeedChanged
from deploydash.core.model import FeedState
from deploydash.core.ports import Clock, Feed, Inbox
from deploydash.systems.table import Place
from tests.sample_system.client import Client
from tests.sample_system.settings import SampleSettings

EVERY_S = 0.5


class SampleFeed:
    """Reads the server's health as the fact ``machines-ready``."""

    name = "sample"

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock

    async def run(self, inbox: Inbox) -> None:
        """Read until cancelled."""
        client = Client(self._url)
        try:
            while True:
                ok, sentence = await client.health()
                now = self._clock.monotonic()
                fact = Fact("sample", "machines-ready", "", ok, "yes" if ok else "no", sentence, self._clock.utc())
                await inbox.put([FeedChanged("sample", FeedState.UP, self._url, now), FactRead(fact, now)])
                await asyncio.sleep(EVERY_S)
        finally:
            await client.aclose()


def feed(place: Place, clock: Clock) -> Feed:
    """Return the feed of a site."""
    assert isinstance(place.settings, SampleSettings)
    return SampleFeed(place.settings.url, clock)
