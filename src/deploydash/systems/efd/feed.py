"""The EFD feed: the last states that Kafka no longer holds, asked for in one batch, and whether the EFD answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from deploydash.core.fleet.observations import EfdAnswered, FeedChanged, Observation
from deploydash.core.model import CscId, FeedName, FeedState
from deploydash.core.ports import Clock, Inbox
from deploydash.systems.address import shown
from deploydash.systems.efd.client import TIMEOUT_S, EfdClient, EfdError
from deploydash.systems.efd.credentials import from_service
from deploydash.systems.efd.query import NoInfluxError, probe, query, questions, read_answer
from deploydash.systems.settings import EfdSettings

GATHER_S = 0.05
"""Requests that follow each other within this time go out as one."""

GATHERINGS = 10
"""How often that may be, before what came so far goes out."""

PROBE_S = 5.0
"""How long an EFD is idle before it is asked whether it still answers."""

SLOW_S = 4.0
"""An EFD that was up and has not answered for so long is no longer said to be, so that no health is older than 10 s."""

BACK_OFF_S = (1.0, 2.0, 5.0, 10.0)
"""Seconds until an EFD that did not answer is asked again; the last one repeats."""

MOST_CSCS = 1000
"""CSCs per query: no site has more, and a body stays below the 1 MB that ingresses let through."""


class EfdFeed:
    """Asks the EFD for what ``request`` names, until it has answered; reports its health meanwhile.

    The EFD being down is a FeedChanged, never an exception. Without an address the feed is OFF.
    """

    def __init__(
        self,
        settings: EfdSettings,
        clock: Clock,
        *,
        subname: str = "sal",
        timeout: float = TIMEOUT_S,
        back_off: tuple[float, ...] = BACK_OFF_S,
        probe_every: float = PROBE_S,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._subname = subname
        self._timeout = timeout
        self._back_off = back_off
        self._probe_every = probe_every
        self._wanted: dict[CscId, None] = {}
        self._requested = asyncio.Event()
        self._shown: tuple[FeedState, str] | None = None

    @property
    def name(self) -> FeedName:
        """What the feed is called in the header."""
        return FeedName.EFD

    def request(self, cscs: Iterable[CscId]) -> None:
        """Have these CSCs asked for soon; each is answered once by a batch with EfdAnswered. Never waits."""
        self._wanted.update(dict.fromkeys(sorted(cscs)))
        self._requested.set()

    async def run(self, inbox: Inbox) -> None:
        """Answer requests until cancelled."""
        self._shown = None
        if not self._settings.url:
            await inbox.put(self._health(FeedState.OFF, "the site file names no EFD"))
            await asyncio.Event().wait()
        await inbox.put(self._health(FeedState.CONNECTING, shown(self._settings.url)))
        failures = 0
        while True:
            try:
                async with EfdClient(await self._with_credentials(), self._timeout) as client:
                    await self._serve(inbox, client)
            except EfdError as error:
                was_up = self._shown is not None and self._shown[0] in {FeedState.UP, FeedState.DEGRADED}
                failures = 0 if was_up else failures
                if changed := self._health(FeedState.DOWN, str(error)):
                    await inbox.put(changed)
            await asyncio.sleep(self._back_off[min(failures, len(self._back_off) - 1)])
            failures += 1

    async def _serve(self, inbox: Inbox, client: EfdClient) -> None:
        """Ask and answer over one connection, until something is wrong with it (EfdError)."""
        while True:
            await self._gather()
            told = await self._ask(inbox, client)
            if news := [*self._health(FeedState.UP, client.where), *told]:
                await inbox.put(news)
            if not self._wanted:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._probe_every):
                        await self._requested.wait()

    async def _gather(self) -> None:
        """Let requests that follow each other closely become one query."""
        for _ in range(GATHERINGS):
            if not self._requested.is_set():
                return
            self._requested.clear()
            await asyncio.sleep(GATHER_S)

    async def _ask(self, inbox: Inbox, client: EfdClient) -> list[Observation]:
        """Ask for what is wanted, or merely probe; what is answered is wanted no more.

        Raises:
            EfdError: no answer, or not to the first of them.
        """
        batch = tuple(self._wanted)[:MOST_CSCS]
        asked = questions(batch)
        text = query(asked, client.database, self._subname) if asked else probe(client.database, self._subname)
        body = await self._answer(inbox, client, text)
        at = self._clock.monotonic()
        try:
            answer = read_answer(asked, body, at)
        except NoInfluxError as error:
            raise client.no_influx(str(error)) from None
        for csc in answer.answered:
            self._wanted.pop(csc, None)
        if answer.trouble and not answer.answered:
            self._put_last(answer.troubled)
            raise client.not_executed(answer.trouble)
        return [*answer.told, EfdAnswered(answer.answered, at)] if answer.answered else []

    async def _answer(self, inbox: Inbox, client: EfdClient, text: str) -> Any:
        """Return the answer to a query, and tell meanwhile where it is long in coming."""
        slow = asyncio.create_task(self._slow(inbox, client), name="EFD slow")
        try:
            return await client.query(text)
        finally:
            slow.cancel()
            await asyncio.gather(slow, return_exceptions=True)

    async def _slow(self, inbox: Inbox, client: EfdClient) -> None:
        await asyncio.sleep(SLOW_S)
        if self._shown is not None and self._shown[0] is FeedState.UP:
            await inbox.put(self._health(FeedState.DEGRADED, f"{client.where} has not answered for {SLOW_S:g} s"))

    def _put_last(self, csc: CscId | None) -> None:
        """Ask for this one after all others: InfluxDB executes nothing behind a statement that fails."""
        if csc is not None and csc in self._wanted:
            del self._wanted[csc]
            self._wanted[csc] = None

    async def _with_credentials(self) -> EfdSettings:
        """Return the settings, from the credential service where the environment gave no user.

        Raises:
            EfdError: the service did not tell.
        """
        ours = self._settings
        if ours.username or not (ours.alias and ours.credential_service):
            return ours
        return await from_service(ours.credential_service, ours.alias, ours.database)

    def _health(self, state: FeedState, detail: str) -> list[Observation]:
        """Return the change of health, if it is one."""
        if self._shown == (state, detail):
            return []
        self._shown = (state, detail)
        return [FeedChanged(FeedName.EFD, state, detail, self._clock.monotonic())]
