"""A command under way while this process stands still is judged by what comes of it, and never sent twice."""

from __future__ import annotations

import asyncio
import selectors
from dataclasses import dataclass, field
from typing import Any, cast

from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import FetchesResumed, StatesReadBack, TopicsListed
from deploydash.core.model import CscId, FeedName, FeedState
from deploydash.core.ports import Inbox
from deploydash.core.run.ports import End
from deploydash.core.run.records import Outcome
from deploydash.session.session import Session
from deploydash.session.standstill import REST_S, PatientLoop, Standstills
from deploydash.systems.sal.act import SalAction
from deploydash.systems.sal.commanding.acks import Ack, Answer, Awaited
from deploydash.systems.sal.commanding.csc import CscCommands
from deploydash.systems.sal.commanding.kafka_commands import Order
from tests.session.sessions import ToldFeed
from tests.support.builders import beat, feed, roster, told
from tests.support.clock import START_UTC
from tests.systems.sal.commanding.context import LiveRun, items_of
from tests.systems.sal.commanding.fake_line import SENDER, FakeLine

STOPPED_S = 13.0
AFTER = {"disable": "DISABLED", "standby": "STANDBY", "exitControl": "OFFLINE"}
WATCHER = CscId.parse("Watcher")


class _Leap(selectors.DefaultSelector):
    """Where the loop would sleep, the machine's time leaps on."""

    def __init__(self, loop: StoppedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        rest = REST_S if timeout is None else min(max(timeout, 0.0), REST_S)
        self._loop.standstills.alive()
        self._loop.machine += rest
        self._loop.standstills.alive(rest)
        return super().select(0)


class StoppedLoop(PatientLoop):
    """A patient loop on a machine whose time is moved by hand; also the clock of that machine."""

    def __init__(self) -> None:
        self.machine = 0.0
        self.standstills = Standstills(self.monotonic, lambda: 0.0)
        asyncio.SelectorEventLoop.__init__(self, _Leap(self))

    def monotonic(self) -> float:
        return self.machine

    def utc(self) -> float:
        return START_UTC + self.machine

    def stop_process(self, seconds: float) -> None:
        """Let the process stand still."""
        self.machine += seconds


@dataclass
class Watcher(FakeLine):
    """A CSC that beats once a second, and a line to it on which the process is stopped at the first command."""

    loop: StoppedLoop = field(kw_only=True)
    acknowledges: bool = field(kw_only=True)
    obeys: bool = field(kw_only=True)
    first_at: float | None = None
    inbox: Inbox | None = None
    beats: bool = True

    async def live(self, inbox: Inbox, _: int) -> None:
        self.inbox = inbox
        names, at = frozenset({"Watcher"}), self.loop.monotonic()
        await inbox.put([feed(FeedName.KAFKA, FeedState.UP, at), feed(FeedName.SCHEMA_REGISTRY, FeedState.UP, at)])
        await inbox.put([TopicsListed(names, at), FetchesResumed(names, at), StatesReadBack("Watcher", at)])
        await inbox.put([told("Watcher", "ENABLED", at, life="7/1")])
        number = 1
        while True:
            if self.beats:
                number += 1
                await inbox.put([beat("Watcher", f"7/{number}", self.loop.monotonic())])
            await asyncio.sleep(1.0)

    async def send(self, order: Order, limit_s: float) -> Answer:
        awaited = Awaited(order.csc, limit_s, self.loop.time)
        self.sent.append(order)
        doing = asyncio.create_task(self._do(order, awaited))
        if self.first_at is None:
            self.first_at = self.loop.machine
            self.loop.call_soon(self.loop.stop_process, STOPPED_S)
        answer = await awaited.answer()
        await doing
        return answer

    async def _do(self, order: Order, awaited: Awaited) -> None:
        await asyncio.sleep(0.1)
        if self.obeys:
            assert self.inbox is not None
            self.beats = order.command != "exitControl"
            await self.inbox.put(
                [told("Watcher", AFTER[order.command], self.loop.monotonic(), life=f"7/{9000 + order.seq_num}")]
            )
        if self.acknowledges:
            awaited.take(Ack(order.csc, SENDER.identity, SENDER.origin, order.seq_num, 303, 0, "Done", 0.0))


def bring_down(*, acknowledges: bool, obeys: bool) -> tuple[End, list[str], float]:
    """Return how the Watcher's way to OFFLINE ended, its commands, and the machine's seconds from the first on."""

    async def work() -> tuple[End, list[str], float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, StoppedLoop)
        watcher = Watcher(loop=loop, acknowledges=acknowledges, obeys=obeys)
        session = Session(Fleet(roster("Watcher ENABLED"), 0.0), (ToldFeed(watcher.live),), loop)
        commands = CscCommands(cast("Any", watcher), loop, subname="sal", exited=session.tell)
        action = SalAction(commands, cast("Any", None), loop)
        decided = asyncio.Event()
        session.subscribe(lambda snapshot: decided.set() if snapshot.decided else None)
        running = asyncio.create_task(session.run())
        await decided.wait()
        run = LiveRun(session, items_of([("Watcher", "OFFLINE")]))
        await run.work(action)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert watcher.first_at is not None
        return run.ended["Watcher"], watcher.commands(), loop.machine - watcher.first_at

    with asyncio.Runner(loop_factory=StoppedLoop) as runner:
        return runner.run(work())


def test_a_command_that_was_obeyed_while_we_stood_still_is_reached_and_sent_once() -> None:
    end, sent, _ = bring_down(acknowledges=True, obeys=True)
    assert end.outcome is Outcome.REACHED, end.why
    assert sent == ["disable", "standby", "exitControl"]


def test_a_command_of_which_nothing_is_seen_is_unknown_after_a_whole_time_out_of_listening_and_not_sent_again() -> None:
    end, sent, took = bring_down(acknowledges=False, obeys=False)
    assert end.outcome is Outcome.UNKNOWN
    assert "no answer within 60 s" in end.why
    assert sent == ["disable"]
    assert took >= 60.0 + STOPPED_S - 1.0, "the seconds in which we stood still are none of those it may take"
