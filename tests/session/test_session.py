"""The one writer of state: a bounded inbox, ticks, one snapshot a frame, and an end that leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
from itertools import count, pairwise

import pytest

from deploydash.core.fleet.commands import CompareWith, Inspect
from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import BeatsReadBack, FetchesResumed, Observation, StatesReadBack, TopicsListed
from deploydash.core.fleet.records import Record
from deploydash.core.fleet.snapshot import Snapshot
from deploydash.core.model import CscId, Liveness, Phase, Source, SummaryState, TargetKind
from deploydash.core.ports import Inbox
from deploydash.session.session import FRAME_S, INBOX_LIMIT, LATER_S, TICK_S, Session
from tests.servers.waiting import within
from tests.session.sessions import CSCS, ToldFeed, for_ever, running
from tests.support.builders import beat, roster, told
from tests.support.clock import START_UTC
from tests.support.leaping import LoopClock, leaping

STATES = tuple(SummaryState)


def now() -> float:
    return asyncio.get_running_loop().time()


class CountingFleet(Fleet):
    """Counts what it is given."""

    def __init__(self, started_at: float) -> None:
        super().__init__(roster(*CSCS), started_at)
        self.seen = 0
        self.ticked_often = asyncio.Event()
        self._ticks = 0

    def tick(self, now: float) -> tuple[Record, ...]:
        self._ticks += 1
        if self._ticks == 3:
            self.ticked_often.set()
        return super().tick(now)

    def observe(self, observation: Observation, now: float) -> tuple[Record, ...]:
        self.seen += 1
        return super().observe(observation, now)


def view_of(snapshot: Snapshot, name: str) -> tuple[SummaryState | None, Liveness]:
    [view] = [view for view in snapshot.cscs if str(view.csc) == name]
    return view.reported, view.liveness


def test_a_full_inbox_makes_feeds_wait_and_loses_nothing() -> None:
    async def story() -> None:
        clock = LoopClock()
        fleet = CountingFleet(0.0)
        session = Session(fleet, (), clock)
        accepted = 0

        async def flood() -> None:
            nonlocal accepted
            for number in range(INBOX_LIMIT + 10):
                await session.put([told("ESS:1", "ENABLED", 0.0), beat("ESS:1", f"7/{number + 1}", 0.0)])
                accepted += 1

        flooding = asyncio.create_task(flood())
        await asyncio.sleep(1)
        assert accepted == INBOX_LIMIT <= 128, "what waits is old when it is folded"
        task = asyncio.create_task(session.run())
        await flooding
        await asyncio.sleep(0.1)
        assert fleet.seen == 2 * (INBOX_LIMIT + 10)
        assert view_of(session.snapshot(), "ESS:1") == (SummaryState.ENABLED, Liveness.BEATING)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    leaping(story())


async def test_a_flooding_feed_does_not_stop_the_ticks() -> None:
    """On the machine's own time, for a flood leaves a leaping loop no moment to leap."""
    fleet = CountingFleet(now())

    async def flood(inbox: Inbox, _: int) -> None:
        number = 0
        while True:
            number += 1
            await inbox.put([beat("ESS:1", f"7/{number}", now())])

    async with within(10), running(ToldFeed(flood), fleet=fleet) as watched:
        await fleet.ticked_often.wait()
        assert fleet.seen > 100
        assert view_of(watched.session.snapshot(), "ESS:1")[1] is Liveness.BEATING


def test_silence_is_noticed_without_anything_arriving() -> None:
    async def work(inbox: Inbox, _: int) -> None:
        await inbox.put(
            [FetchesResumed(frozenset({"ESS"}), 0.0), told("ESS:1", "ENABLED", 0.0), beat("ESS:1", "7/1", 0.0)]
        )
        await asyncio.Event().wait()

    async def story() -> None:
        async with running(ToldFeed(work)) as watched:
            await asyncio.sleep(12)
        first: dict[Liveness, float] = {}
        for at, snapshot in watched.published:
            first.setdefault(view_of(snapshot, "ESS:1")[1], at)
        late, silent = first[Liveness.LATE], first[Liveness.SILENT]
        assert 5 <= late <= 5 + TICK_S + FRAME_S
        assert 10 <= silent <= 10 + TICK_S + FRAME_S

    leaping(story())


def test_snapshots_come_at_most_once_a_frame_and_the_last_one_has_the_last_fact() -> None:
    async def work(inbox: Inbox, _: int) -> None:
        for number in range(200):
            await inbox.put([told("ESS:1", STATES[number % len(STATES)].name, now())])
            await asyncio.sleep(0.001)
        await asyncio.Event().wait()

    async def story() -> None:
        async with running(ToldFeed(work)) as watched:
            await asyncio.sleep(0.24)
        times = [at for at, _ in watched.published]
        assert all(later - earlier >= FRAME_S - 1e-9 for earlier, later in pairwise(times))
        assert 0.2 / FRAME_S - 2 <= len(times) <= 0.24 / FRAME_S + 1
        assert view_of(watched.last, "ESS:1")[0] is STATES[199 % len(STATES)]
        numbers = [snapshot.number for _, snapshot in watched.published]
        assert numbers == sorted(set(numbers))

    leaping(story())


def test_a_lone_fact_is_published_at_once_not_at_the_next_tick() -> None:
    async def work(inbox: Inbox, _: int) -> None:
        await asyncio.sleep(1.1)
        await inbox.put([told("ESS:1", "FAULT", now())])
        await asyncio.Event().wait()

    async def story() -> None:
        async with running(ToldFeed(work)) as watched:
            await asyncio.sleep(1.2)
        shown = [at for at, snapshot in watched.published if view_of(snapshot, "ESS:1")[0] is SummaryState.FAULT]
        assert shown[0] == pytest.approx(1.1)

    leaping(story())


def test_a_state_right_behind_beats_or_a_tick_waits_for_no_frame() -> None:
    async def work(inbox: Inbox, _: int) -> None:
        await inbox.put([told("ESS:1", "ENABLED", now()), beat("ESS:1", "7/1", now())])
        await asyncio.sleep(4 * TICK_S + 0.002)
        await inbox.put([beat("ESS:1", "7/2", now())])
        await asyncio.sleep(0.002)
        await inbox.put([told("ESS:1", "FAULT", now())])
        await asyncio.Event().wait()

    async def story() -> None:
        async with running(ToldFeed(work)) as watched:
            await asyncio.sleep(1.2)
        shown = [at for at, snapshot in watched.published if view_of(snapshot, "ESS:1")[0] is SummaryState.FAULT]
        assert shown[0] == pytest.approx(4 * TICK_S + 0.004)

    leaping(story())


def test_beats_that_change_nothing_are_published_with_the_next_tick() -> None:
    async def work(inbox: Inbox, _: int) -> None:
        for number in range(1, 100):
            await inbox.put([beat("ESS:1", f"7/{number}", now())])
            await asyncio.sleep(0.01)
        await asyncio.Event().wait()

    async def story() -> None:
        async with running(ToldFeed(work)) as watched:
            await asyncio.sleep(0.99)
        assert len(watched.published) <= 0.99 / TICK_S + 1

    leaping(story())


def test_orders_are_obeyed_in_turn() -> None:
    async def story() -> None:
        async with running(ToldFeed(for_ever)) as watched:
            await asyncio.sleep(0.1)
            for name in ("ESS:1", "Watcher", "ESS:2"):
                watched.session.order(Inspect(CscId.parse(name)))
            for kind in (TargetKind.SHUTDOWN, TargetKind.END):
                watched.session.order(CompareWith(Phase(kind)))
            await asyncio.sleep(0.1)
            assert watched.last.detail is not None
            assert str(watched.last.detail.csc) == "ESS:2"
            assert watched.last.target == "end"
            watched.session.order(Inspect(None))
            await asyncio.sleep(0.1)
            assert watched.last.detail is None

    leaping(story())


def test_a_reader_that_left_is_told_nothing_more() -> None:
    async def story() -> None:
        async with running(ToldFeed(for_ever)) as watched:
            await asyncio.sleep(0.6)
            watched.unsubscribe()
            seen = len(watched.published)
            assert seen > 0
            await asyncio.sleep(2)
            assert len(watched.published) == seen

    leaping(story())


def test_a_reader_that_fails_takes_no_snapshot_from_the_others(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with running(ToldFeed(for_ever)) as watched:
            watched.unsubscribe()

            def fail(_: Snapshot) -> None:
                raise ZeroDivisionError

            seen: list[Snapshot] = []
            watched.session.subscribe(fail)
            watched.session.subscribe(seen.append)
            await asyncio.sleep(0.6)
            assert len(seen) >= 2

    with caplog.at_level(logging.ERROR):
        leaping(story())
    assert "ZeroDivisionError" in caplog.text


def test_an_end_closes_every_feed_and_leaves_no_task() -> None:
    closed: list[str] = []

    async def slow_to_close(inbox: Inbox, attempt: int) -> None:
        try:
            await inbox.put([told("ESS:1", "ENABLED", now())])
            await for_ever(inbox, attempt)
        finally:
            await asyncio.sleep(0.5)
            closed.append("slowly")

    async def story() -> None:
        feeds = [ToldFeed(slow_to_close), ToldFeed(for_ever)]
        async with running(*feeds):
            await asyncio.sleep(0.4)
        assert closed == ["slowly"]
        assert [feed.open for feed in feeds] == [0, 0]

    leaping(story())


def test_no_snapshot_comes_after_the_end() -> None:
    async def story() -> None:
        async with running(ToldFeed(for_ever)) as watched:
            await asyncio.sleep(0.4)
            for _ in range(2):
                watched.session.order(Inspect(None))
                await asyncio.sleep(0.001)
            assert watched.published[-1][0] < now(), "the second one's snapshot is still to come"
        seen = len(watched.published)
        await asyncio.sleep(5)
        assert len(watched.published) == seen

    leaping(story())


def test_an_end_while_a_feed_waits_for_room_ends_it_too() -> None:
    async def story() -> None:
        clock = LoopClock()
        session = Session(Fleet(roster(*CSCS), 0.0), (), clock)
        for _ in range(INBOX_LIMIT):
            await session.put([told("ESS:1", "ENABLED", 0.0)])
        waiting = asyncio.create_task(session.put([told("ESS:1", "FAULT", 0.0)]))
        await asyncio.sleep(1)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert waiting.cancelled()

    leaping(story())


class FaultyFleet(Fleet):
    """Cannot fold."""

    def observe(self, observation: Observation, now: float) -> tuple[Record, ...]:  # noqa: ARG002 - Fleet's
        raise ZeroDivisionError


def test_a_fault_of_the_fold_is_raised_and_closes_the_feeds() -> None:
    async def work(inbox: Inbox, attempt: int) -> None:
        await inbox.put([told("ESS:1", "ENABLED", now())])
        await for_ever(inbox, attempt)

    async def story() -> None:
        feeds = [ToldFeed(work), ToldFeed(for_ever)]
        session = Session(FaultyFleet(roster(*CSCS), 0.0), feeds, LoopClock())
        with pytest.raises(ExceptionGroup) as raised:
            await session.run()
        assert raised.value.subgroup(ZeroDivisionError) is not None
        assert [feed.open for feed in feeds] == [0, 0]

    leaping(story())


class BlindFleet(Fleet):
    """Folds and cannot show what it knows."""

    def snapshot(self, now: float, utc: float) -> Snapshot:  # noqa: ARG002 - Fleet's
        raise ZeroDivisionError


def test_a_fault_of_a_snapshot_is_raised_and_no_screen_is_left_with_an_old_one() -> None:
    async def story() -> None:
        feed = ToldFeed(for_ever)
        session = Session(BlindFleet(roster(*CSCS), 0.0), [feed], LoopClock())
        async with within(1):
            with pytest.raises(ExceptionGroup) as raised:
                await session.run()
        assert raised.value.subgroup(ZeroDivisionError) is not None
        assert feed.open == 0

    leaping(story())


async def all_beat(inbox: Inbox, _: int) -> None:
    components = frozenset(name.split(":")[0] for name in CSCS)
    await inbox.put([TopicsListed(components, now()), FetchesResumed(components, now())])
    await inbox.put([told(name, "STANDBY", now()) for name in CSCS])
    await inbox.put([StatesReadBack(name, now()) for name in components])
    await inbox.put([BeatsReadBack(name, now(), START_UTC - 60, append_time=True) for name in components])
    for number in count(4):
        await inbox.put([beat(name, f"7/{number}", now()) for name in CSCS])
        await asyncio.sleep(1)


@pytest.mark.parametrize(("reads", "at"), [(True, 0.0), (False, LATER_S)])
def test_other_feeds_begin_once_the_fleet_is_decided_or_their_patience_ends(*, reads: bool, at: float) -> None:
    """Their libraries take a processor while they load, and the fleet is what everybody waits for."""

    async def story() -> None:
        began: list[float] = []

        class Begun:
            name = "another"

            async def run(self, inbox: Inbox) -> None:
                began.append(now())
                await for_ever(inbox, 1)

        async def later() -> list[Begun]:
            return [Begun()]

        async with running(ToldFeed(all_beat if reads else for_ever), later=later):
            await asyncio.sleep(2 * LATER_S)
        [moment] = began
        assert at <= moment <= at + 2 * TICK_S

    leaping(story())


def test_the_efd_is_asked_once_for_what_kafka_lacks() -> None:
    asked: list[set[str]] = []

    async def work(inbox: Inbox, _: int) -> None:
        await inbox.put([TopicsListed(frozenset({"ESS", "ATDome"}), now())])
        await asyncio.sleep(1)
        await inbox.put([told("ESS:1", "STANDBY", now(), live=False)])
        assert asked == [{"Watcher"}], "a component without a topic is asked for, one that is still read is not"
        await inbox.put([StatesReadBack("ESS", now())])
        await asyncio.sleep(1)
        for _ in range(3):
            await inbox.put([StatesReadBack("ESS", now()), StatesReadBack("ATDome", now())])
            await inbox.put([TopicsListed(frozenset({"ESS", "ATDome"}), now())])
        await asyncio.Event().wait()

    async def story() -> None:
        def ask(cscs: frozenset[CscId]) -> None:
            asked.append({str(csc) for csc in cscs})

        async with running(ToldFeed(work), ask_efd=ask) as watched:
            await asyncio.sleep(5)
            assert [csc for csc in watched.last.cscs if csc.source is Source.KAFKA]
        assert asked == [{"Watcher"}, {"ESS:2"}, {"ATDome"}]

    leaping(story())
