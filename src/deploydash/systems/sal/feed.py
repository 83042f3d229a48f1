"""The Kafka feed: heartbeats and states of every CSC, live first, then the last ones from the logs.

Five connections to the broker: three consumers that read live, one that reads back, one that lists topics.
One consumer for all would be simpler, but aiokafka asks for every assigned partition in every fetch: with the
378 of the summit and 117 beats a second that alone took 60 % of a core. Apart, the beats' fetches ask for 54
partitions ten times a second, and a state still arrives within milliseconds.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from aiokafka.errors import KafkaError

from deploydash.core.fleet.observations import FeedChanged
from deploydash.core.model import CscId, FeedName, FeedState
from deploydash.core.ports import Clock, Inbox
from deploydash.errors import FeedError
from deploydash.systems.sal.reading.connection import UNREACHABLE_AFTER_S, Connection
from deploydash.systems.sal.reading.errors import diagnose, in_words
from deploydash.systems.sal.reading.probe import probe
from deploydash.systems.sal.reading.schemas import Schemas
from deploydash.systems.sal.security import where
from deploydash.systems.settings import KafkaSettings

__all__ = ["KafkaFeed", "probe"]


class KafkaFeed:
    """Reads the watched events of all components of a site; writes nothing, creates nothing, joins no group.

    ``expected`` is the site's roster: reading back goes on until each of them was found or the log begins.
    """

    name = FeedName.KAFKA

    def __init__(self, settings: KafkaSettings, schemas: Schemas, expected: frozenset[CscId], clock: Clock) -> None:
        self._settings = settings
        self._schemas = schemas
        self._expected = expected
        self._clock = clock

    async def run(self, inbox: Inbox) -> None:
        """Read until cancelled.

        Raises:
            FeedError: Kafka cannot be reached or refuses us, in words; or its brokers were lost for so long
                that they may be elsewhere by now. Run it again.
        """
        detail = f"{where(self._settings)}: connecting"
        await inbox.put([FeedChanged(FeedName.KAFKA, FeedState.CONNECTING, detail, self._clock.monotonic())])
        async with AsyncExitStack() as stack:
            connection = Connection(self._settings, self._schemas, self._expected, self._clock, inbox)
            stack.push_async_callback(connection.close)
            try:
                await self._open(connection)
            except (KafkaError, OSError, TimeoutError) as error:
                raise await self._why(error) from error
            await connection.read()

    async def _open(self, connection: Connection) -> None:
        """Open the connections; one that takes long is looked into, for aiokafka tries for ever without a word.

        Raises:
            FeedError: nothing can be used of what is there, in words.
            KafkaError, OSError, TimeoutError: as ``Connection.open``.
        """
        opening = asyncio.ensure_future(connection.open())
        try:
            while not (await asyncio.wait({opening}, timeout=UNREACHABLE_AFTER_S))[0]:
                if (refusal := await diagnose(self._settings)) is not None and not opening.done():
                    raise refusal
            await opening
        finally:
            opening.cancel()

    async def _why(self, error: Exception) -> FeedError:
        return await diagnose(self._settings) or in_words(self._settings, error)
