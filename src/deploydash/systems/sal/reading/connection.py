"""One life of the feed's connections: opened together, read until the brokers are lost for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from aiokafka.errors import KafkaError

from deploydash.core.fleet.observations import Observation, StatesReadBack, TopicsListed
from deploydash.core.model import CscId, FeedName
from deploydash.core.ports import Clock, Inbox
from deploydash.errors import FeedError
from deploydash.systems.sal.reading.decode import HEARTBEAT
from deploydash.systems.sal.reading.errors import diagnose, examine
from deploydash.systems.sal.reading.health import Answers, Health
from deploydash.systems.sal.reading.intake import Intake
from deploydash.systems.sal.reading.live import LiveReader
from deploydash.systems.sal.reading.readback import ReadBack
from deploydash.systems.sal.reading.schemas import Schemas
from deploydash.systems.sal.reading.spans import SpanReader
from deploydash.systems.sal.reading.tails import Reading
from deploydash.systems.sal.reading.topics import Catalogue, Listing
from deploydash.systems.sal.reading.unread import STATE_EVENTS
from deploydash.systems.sal.security import where
from deploydash.systems.settings import KafkaSettings

UNANSWERED_S = 2.0
"""Without an answered fetch for so long, silence is no fact. It leaves 3 s until a CSC counts as late."""
_SUSPECT_S = 1.0
_EVENTS_SUSPECT_S = 3.0
_EVENTS_BEHIND_S = 5.0
_LOOK_S = 0.25
_LOOKED_LATE_S = 1.0
_MEASURE_EVERY = 4
_DIAGNOSE_S = 3.0
UNREACHABLE_AFTER_S = 1.5
"""So long after connecting most brokers have answered; what has not by then is worth a look."""
_GIVE_UP_S = 10.0
_ASK_REFUSED_AGAIN_S = 30.0
_BEATS_S = 0.1
_STEADY_BEATS_S = 0.25
_STEADY_AFTER = 40
"""A start waits for a beat of everybody, so for ten seconds (in looks) beats are fetched ten times a second; later four
times, which is what a tick needs. A fetch names all their partitions, and that is most of what a steady feed costs."""
_PROMPT = STATE_EVENTS | {"errorCode"}
_PROMPT_PAUSE_S = 0.01
"""A hundred CSCs that move side by side tell a state every few milliseconds, and each fetch of all their topics costs
four; so what comes within this time of the last batch comes as one."""


def by_component(cscs: Iterable[CscId]) -> dict[str, frozenset[CscId]]:
    """Return the CSCs of each component."""
    found: dict[str, set[CscId]] = {}
    for csc in cscs:
        found.setdefault(csc.name, set()).add(csc)
    return {name: frozenset(members) for name, members in found.items()}


class Connection:
    """Consumers, catalogue and what is learnt over them."""

    def __init__(
        self, settings: KafkaSettings, schemas: Schemas, expected: frozenset[CscId], clock: Clock, inbox: Inbox
    ) -> None:
        self._settings = settings
        self._schemas = schemas
        self._clock = clock
        self._catalogue = Catalogue(settings)
        self._beats = LiveReader(settings, clock, wait_ms=100, min_bytes=65_536, least_s=_BEATS_S, reset="latest")
        prompt_ms = 100 if settings.rehearsal else 1000
        self._prompt = LiveReader(
            settings, clock, wait_ms=prompt_ms, min_bytes=1, hold_s=1.0, reset="earliest", pause_s=_PROMPT_PAUSE_S
        )
        self._details = LiveReader(settings, clock, wait_ms=1000, min_bytes=65_536, least_s=1.0, reset="earliest")
        self._spans = SpanReader(settings)
        self._health = Health(where(settings), f"lsst.{settings.topic_subname}.")
        self._intake = Intake(schemas, clock, inbox, self._health, self._beats.end)
        self._expected = by_component(expected)
        intake = self._intake
        reading = Reading(self._spans, intake.decoder, intake.room, clock, intake.put, self._expected)
        self._readback = ReadBack(reading, intake.reference_utc, intake.beating)
        self._listing = Listing({}, {})
        self._listed: frozenset[str] | None = None
        self._without_states: set[str] = set()
        self._late_at = float("-inf")
        self._refused_at = clock.monotonic()
        self._look_again = asyncio.Event()

    async def open(self) -> None:
        """Open every connection at once.

        Raises:
            KafkaError, OSError, TimeoutError: Kafka cannot be reached; only ``diagnose`` knows why.
        """
        starts = [self._catalogue.connect(), *(reader.start() for reader in self._readers())]
        outcomes = await asyncio.gather(*starts, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(self._catalogue.close(), *(reader.close() for reader in self._readers()))

    async def read(self) -> None:
        """Read until cancelled.

        Raises:
            FeedError: nothing was answered for long although a broker answers at the configured address.
        """
        intake = self._intake
        jobs: list[Coroutine[Any, Any, None]] = [
            self._beats.run(intake.beats),
            self._prompt.run(intake.events_told),
            self._details.run(intake.events_told),
            intake.room.run(),
            intake.again.run(),
            self._readback.run(),
            self._follow_topics(),
            self._look(),
            self._find_trouble(),
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for job in jobs:
                    group.create_task(job)
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from failed

    def _readers(self) -> tuple[LiveReader | SpanReader, ...]:
        return (self._beats, self._prompt, self._details, self._spans)

    async def _follow_topics(self) -> None:
        """Assign what there is, again and again: topics appear during an upgrade, leaders come and go."""
        while True:
            self._look_again.clear()
            try:
                await self._take_over(await self._catalogue.list())
            except KafkaError:
                await asyncio.sleep(_SUSPECT_S)
                continue
            try:
                async with asyncio.timeout(self._catalogue.pause_s):
                    await self._look_again.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(_SUSPECT_S)

    async def _take_over(self, listing: Listing) -> None:
        self._listing = listing
        self._intake.events.update({**listing.led, **listing.leaderless})
        now = self._clock.monotonic()
        if now - self._refused_at > _ASK_REFUSED_AGAIN_S:
            self._refused_at = now
            for reader in (self._beats, self._prompt, self._details):
                reader.refused.clear()
        await self._tell_components()
        await self._assign(self._beats, lambda name: name == HEARTBEAT)
        await asyncio.gather(
            self._assign(self._prompt, lambda name: name in _PROMPT),
            self._assign(self._details, lambda name: name != HEARTBEAT and name not in _PROMPT),
        )

    async def _assign(self, reader: LiveReader, carries: Callable[[str], bool]) -> None:
        led = self._listing.led
        wanted = {one: event for one, event in led.items() if carries(event.name) and one not in reader.refused}
        ends = await reader.assign(wanted)
        self._readback.add(wanted, ends)
        if not reader.assigned.issuperset(wanted):
            self._look_again.set()  # each second until it is placed is one more until silence is a fact

    async def _tell_components(self) -> None:
        """Tell which components have heartbeats, and of which no state topic has to be waited for."""
        at = self._clock.monotonic()
        told: list[Observation] = []
        refused = {self._intake.events[one].component for one in self._beats.refused}
        listed = self._listing.components(HEARTBEAT) - refused
        if listed != self._listed:
            self._listed = listed
            told.append(TopicsListed(listed, at))
        stateless = (listed | self._expected.keys()) - self._listing.components("summaryState")
        told += [StatesReadBack(component, at) for component in sorted(stateless - self._without_states)]
        self._without_states = set(stateless)
        await self._intake.put(told)

    async def _look(self) -> None:
        """Watch which fetches are answered, and report what was measured."""
        looked = self._clock.monotonic()
        for number in range(1 << 62):
            await asyncio.sleep(_LOOK_S)
            at = self._clock.monotonic()
            late, looked = at - looked > _LOOKED_LATE_S, at
            if late:
                self._late_at = at
                self._beats.went_on(at)
            self._beats.note_answers()
            if number == _STEADY_AFTER:
                self._beats.ease(_STEADY_BEATS_S)
            told: list[Observation] = []
            if self._listed is not None and not late:
                told += self._health.update(self._answers(at), at)
                self._suspect(at)
            told += self._intake.withheld(self._beats.withheld(), self._prompt.withheld(), at)
            if number % _MEASURE_EVERY == 0:
                self._prompt.note_answers()
                self._details.note_answers()
                told.append(self._intake.measured(at))
            await self._intake.put(told)

    def _answers(self, at: float) -> Answers:
        listing, intake = self._listing, self._intake
        unanswered: dict[str, tuple[str, float]] = {}
        lost: set[str] = set()
        for partition, until in self._beats.unanswered(UNANSWERED_S).items():
            unanswered[intake.events[partition].component] = ("no broker answers for them", until)
            lost.add(intake.events[partition].component)
        for partition, event in listing.leaderless.items():
            if event.name == HEARTBEAT:
                until = self._beats.answered_at(partition, at)
                unanswered[event.component] = (f"{partition.topic} has no leader", until)
                lost.add(event.component)
        behind = {one.topic for reader in self._events_since(at) for one in reader.unanswered(_EVENTS_BEHIND_S)}
        behind |= {one.topic for reader in (self._prompt, self._details) for one in reader.refused}
        behind |= {one.topic for one, event in listing.leaderless.items() if event.name != HEARTBEAT}
        return Answers(
            listing.components(HEARTBEAT),
            {intake.events[one].component for one in self._beats.assigned if self._beats.seen_answer(one)},
            unanswered,
            lost,
            {intake.events[one].component for one in self._beats.refused},
            len(behind),
        )

    def _events_since(self, at: float) -> tuple[LiveReader, ...]:
        """Return who reads events, but for the time in which their answers may be late by a standstill of ours."""
        return () if at - self._late_at <= _EVENTS_BEHIND_S else (self._prompt, self._details)

    def _suspect(self, at: float) -> None:
        """List the topics at once where some partitions are answered and others not: their leader is gone."""
        events = ((reader, _EVENTS_SUSPECT_S) for reader in self._events_since(at))
        for reader, seconds in ((self._beats, _SUSPECT_S), *events):
            if 0 < len(reader.unanswered(seconds)) < len(reader.assigned):
                self._look_again.set()

    async def _find_trouble(self) -> None:
        """While no broker answers, find out why; start anew where the address answers and our brokers do not."""
        answers_since: float | None = None
        began = self._clock.monotonic()
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._health.lost_since is None:
                answers_since = None
                if await self._name_unreachable(began):
                    await asyncio.sleep(_DIAGNOSE_S)
                continue
            error = await diagnose(self._settings)
            if self._health.lost_since is None:
                continue
            now = self._clock.monotonic()
            if error is not None:
                self._health.trouble, answers_since = str(error), None
            elif answers_since is None:
                answers_since = now
            elif now - answers_since > _GIVE_UP_S:
                raise FeedError(
                    FeedName.KAFKA,
                    f"{where(self._settings)}: answers, but the brokers it named before do not; connecting anew",
                )
            await asyncio.sleep(_DIAGNOSE_S)

    async def _name_unreachable(self, began: float) -> bool:
        """Find out which brokers cannot be reached where some logs are not answered; return whether it was tried.

        Raises:
            FeedError: nothing was ever answered, and no broker that the address names can be reached.
        """
        led = [one for one, event in self._listing.led.items() if event.name == HEARTBEAT]
        mute = [one for one in led if not self._beats.seen_answer(one) and one not in self._beats.refused]
        if self._listed is not None and not (mute or self._beats.unanswered(UNANSWERED_S)):
            self._health.unreachable = ""
            return False
        if self._clock.monotonic() - began < UNREACHABLE_AFTER_S:
            return False
        found = await examine(self._settings)
        if found.refusal is not None and (self._listed is None or len(mute) == len(led)):
            raise found.refusal
        self._health.unreachable = ", ".join(found.unreachable)
        return True
