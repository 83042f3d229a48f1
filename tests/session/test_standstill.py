"""A loop that stood still knows it before it does anything else, and its own time has not moved."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import FetchesResumed, StatesReadBack, TopicsListed
from deploydash.core.fleet.snapshot import Snapshot
from deploydash.core.model import FeedName, FeedState, Limits, Liveness
from deploydash.core.ports import Inbox
from deploydash.session.clock import SystemClock
from deploydash.session.session import Session
from deploydash.session.standstill import LEAST_S, Standstills, of_this_loop, run_patiently
from tests.servers.waiting import patient
from tests.session.sessions import ToldFeed
from tests.support.builders import beat, feed, roster, spec, told
from tests.support.clock import ManualClock


class Machine:
    """A monotonic clock, and how long the machine slept."""

    def __init__(self) -> None:
        self.clock = ManualClock(100.0)
        self.asleep = 0.0
        self.standstills = Standstills(self.clock.monotonic, lambda: self.asleep)


def test_a_loop_that_went_on_in_time_never_stood_still() -> None:
    machine = Machine()
    for _ in range(20):
        machine.clock.advance(0.7)
        machine.standstills.alive(rested=0.25)
    assert machine.standstills.take() == ()
    assert machine.standstills.time() == pytest.approx(114.0)


def test_a_standstill_is_found_by_whoever_looks_first() -> None:
    machine = Machine()
    machine.clock.advance(13.0)
    [found] = machine.standstills.take()
    assert (found.since, found.until, found.lasted_s, found.where) == (100.0, 113.0, 13.0, "")
    assert machine.standstills.take() == ()


def test_no_time_out_runs_while_we_stand_still_and_time_never_falls() -> None:
    machine = Machine()
    before = machine.standstills.time()
    machine.clock.advance(0.4)
    nearly = machine.standstills.time()
    machine.clock.advance(12.6)
    after = machine.standstills.time()
    assert before < nearly <= after <= before + LEAST_S
    machine.clock.advance(0.3)
    assert machine.standstills.time() == pytest.approx(after + 0.3)


def test_a_machine_that_slept_stood_still_although_the_monotonic_clock_did_not_see_it() -> None:
    machine = Machine()
    machine.clock.advance(0.1)
    machine.asleep = 3600.0
    machine.standstills.alive()
    [found] = machine.standstills.take()
    assert found.lasted_s == pytest.approx(3600.1)
    assert found.until == pytest.approx(100.1)


def test_what_a_witness_saw_names_the_standstill_it_saw_and_no_later_one() -> None:
    machine = Machine()
    machine.standstills.held_up = (100.0, "ui/app.py line 1 (show)")
    machine.clock.advance(2.0)
    machine.standstills.alive()
    machine.clock.advance(3.0)
    machine.standstills.alive()
    assert [found.where for found in machine.standstills.take()] == ["ui/app.py line 1 (show)", ""]


def spin(seconds: float) -> None:
    """Hold the loop up, as a long check of a text would."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_a_callback_that_takes_real_seconds_is_named_in_the_log_while_it_lasts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> str:
        standstills = of_this_loop()
        assert standstills is not None
        await asyncio.sleep(0.01)
        standstills.take()
        spin(1.6)
        return next(found.where for found in standstills.take() if found.lasted_s > 1.5)

    with caplog.at_level(logging.WARNING):
        where = run_patiently(work())
    assert "(spin)" in where
    assert any("(spin)" in record.getMessage() for record in caplog.records)
    assert threading.active_count() < 20


def test_a_time_out_that_ran_out_while_we_stood_still_for_real_seconds_is_none() -> None:
    async def work() -> str:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        reader, writer = os.pipe()

        def answered() -> None:
            os.read(reader, 1)
            answer.set_result("answered")

        asyncio.get_running_loop().add_reader(reader, answered)
        asyncio.get_running_loop().call_soon(spin, 2.5)
        os.write(writer, b"x")
        async with asyncio.timeout(2.0):
            return await answer

    assert run_patiently(work()) == "answered"


def test_a_loop_that_waits_for_nothing_but_a_far_timer_does_not_stand_still_in_real_time() -> None:
    async def work() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(1.5)
        return loop.time() - began

    assert run_patiently(work()) >= 1.5


def test_a_session_hears_of_a_standstill_before_any_tick_or_look_in_real_time() -> None:
    """The tick that was due during the standstill must not find silence, and neither must a snapshot."""

    async def tell(inbox: Inbox, _: int) -> None:
        clock = SystemClock()
        at = clock.monotonic()
        await inbox.put(
            [
                feed(FeedName.KAFKA, FeedState.UP, at),
                TopicsListed(frozenset({"ATDome"}), at),
                FetchesResumed(frozenset({"ATDome"}), at),
                StatesReadBack("ATDome", at),
                told("ATDome", "STANDBY", at, life="7/1"),
                beat("ATDome", "7/1", at),
            ]
        )
        await asyncio.Event().wait()

    async def work() -> tuple[list[Snapshot], Snapshot]:
        clock = SystemClock()
        quick = roster(spec("ATDome STANDBY", limits=Limits(late=1.0, silent=1.5)))
        session = Session(Fleet(quick, clock.monotonic()), (ToldFeed(tell),), clock)
        seen: list[Snapshot] = []
        beats = asyncio.Event()
        session.subscribe(seen.append)

        def look(snapshot: Snapshot) -> None:
            if snapshot.cscs[0].liveness is Liveness.BEATING:
                beats.set()

        session.subscribe(look)
        running = asyncio.create_task(session.run())
        await asyncio.wait_for(beats.wait(), patient(5))
        seen.clear()
        spin(2.5)
        looked = session.snapshot()
        await asyncio.sleep(0.5)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return seen, looked

    seen, looked = run_patiently(work())
    assert looked.cscs[0].liveness is Liveness.FEED_DOWN
    assert {snapshot.cscs[0].liveness for snapshot in seen} == {Liveness.FEED_DOWN}
    assert seen[-1].standstill is not None


STOPPED = """
import asyncio, sys
from deploydash.session.standstill import of_this_loop, run_patiently

async def work():
    loop, standstills = asyncio.get_running_loop(), of_this_loop()
    began = loop.time()
    print("ready", flush=True)
    while not (found := [one for one in standstills.take() if one.lasted_s > 2]):
        await asyncio.sleep(0.05)
    print(round(found[0].lasted_s), repr(found[0].where), flush=True)

run_patiently(work())
"""


def test_a_process_that_was_stopped_for_real_seconds_was_held_up_by_nothing_of_its_own() -> None:
    with subprocess.Popen([sys.executable, "-c", STOPPED], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(3)
        process.send_signal(signal.SIGCONT)
        seconds, where = process.stdout.readline().split()
        assert int(seconds) >= 3
        assert where == "''"
        assert process.wait(patient(5)) == 0
