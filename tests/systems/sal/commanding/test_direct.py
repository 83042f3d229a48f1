"""Direct commands on a real Kafka, by a real controller; and another's commands, seen on the wire and journaled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from deploydash.core.fleet.observations import CommandSeen
from deploydash.core.fleet.records import CommandNoticed
from deploydash.core.model import CscId, SummaryState
from deploydash.core.procedure.names import DIRECT, SAL, csc_item
from deploydash.core.run.decide import Refused
from deploydash.core.run.orders import DirectCommand
from deploydash.core.run.records import ItemAdded, RequestIntended, RunOpened
from deploydash.core.run.state import ItemProgress, ItemStatus, RunState
from deploydash.session.clock import SystemClock
from deploydash.session.run_controller import RunController
from deploydash.session.session import Session
from deploydash.systems.sal.act import SalAction
from deploydash.systems.sal.commanding.acks import AckSeen
from deploydash.systems.sal.commanding.csc import CscCommands
from deploydash.systems.sal.commanding.csc_transition import Timeouts
from deploydash.systems.sal.scripts.scriptqueue import Scripts
from deploydash.systems.sal.scripts.watch import Reader
from tests.servers.command_reader import CommandReader
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_scenes import plain_settings
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import wait_until, within
from tests.support.runs import small_runbook
from tests.systems.sal.commanding.context import live_session
from tests.systems.sal.commanding.lines import command_line
from tests.systems.sal.commanding.sal_cscs import COMPLETE, Reaction, SalCscs

pytestmark = pytest.mark.server

S = SummaryState
QUICK = Timeouts(command=2.0, seen=2.0, silence=6.0, decided=4.0, settled=1.0)
LEAD = "lead@console"
MTDOME = CscId("MTDome")


def no_scripts(_: object) -> AbstractAsyncContextManager[Reader]:
    raise AssertionError("nobody looks for scripts")


class Journal:
    """Remembers what reached the disk."""

    def __init__(self) -> None:
        self.lines: list[object] = []

    def append_all(self, records: Sequence[object], utc: float, phase: str | None) -> None:  # noqa: ARG002 - the shape of a journal
        self.lines.extend(records)


@dataclass(slots=True)
class Scene:
    """CSCs on Kafka, the grid that watches them, and a run that may command them."""

    cscs: SalCscs
    session: Session
    controller: RunController
    journal: Journal

    async def command(self, csc: str, command: str, seen: SummaryState, override: str = "") -> ItemProgress:
        """Let one direct command go and return how it ended."""
        order = DirectCommand((CscId.parse(csc),), command, (seen,), 1, override)
        decision = await self.controller.order(order)
        assert not isinstance(decision, Refused), decision.why
        async with within(20):
            await self.controller.idle()
        return self.controller.state.progress(DIRECT).item(csc_item(CscId.parse(csc)))


@pytest.fixture
def scene(kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str) -> Callable[..., object]:
    @asynccontextmanager
    async def made(states: Mapping[str, SummaryState]) -> AsyncIterator[Scene]:
        async with AsyncExitStack() as stack:
            cscs = stack.enter_context(SalCscs(kafka, schema_registry, subname, states))
            session = await stack.enter_async_context(
                live_session(kafka.bootstrap, schema_registry.url, subname, cscs.lives)
            )

            def heard(seen: AckSeen) -> None:
                if not seen.ours:
                    session.tell(CommandSeen(seen.csc, seen.identity, seen.what, seen.at, seen.command))

            settings = plain_settings(kafka.bootstrap, subname)
            line = await stack.enter_async_context(command_line(settings, schema_registry.url, heard=heard))
            clock = SystemClock()
            commands = CscCommands(line, clock, subname=subname, timeouts=QUICK, exited=session.tell)
            action = SalAction(commands, Scripts(line, no_scripts, clock, subname=subname, descr=""), clock)
            journal = Journal()
            state = RunState(small_runbook())
            controller = RunController(
                state,
                journal,
                session.snapshot,
                clock,
                LEAD,
                {SAL: action},
                tell=session.order,
                lines=lambda _: (),
                subname=subname,
            )
            await controller.begin(RunOpened("test", "test", "full-cycle", "c1", LEAD, rehearsal=True))
            session.recorded = controller.noticed
            session.attach = controller.attach
            session.subscribe(controller.saw)
            watching = asyncio.create_task(controller.watch())
            try:
                yield Scene(cscs, session, controller, journal)
            finally:
                watching.cancel()
                await controller.aclose()
        reader = CommandReader(kafka.bootstrap, schema_registry.url, subname)
        found = reader.read()
        assert (found.malformed, found.twice()) == ([], [])

    return made


async def test_a_fault_is_cleared_and_the_csc_started_with_an_override(scene: Callable[..., object]) -> None:
    async with scene({"MTDome": S.FAULT}) as made:  # type: ignore[attr-defined]
        cleared = await made.command("MTDome", "standby", S.FAULT)
        assert (cleared.status, cleared.why) == (ItemStatus.REACHED, "seen STANDBY")
        started = await made.command("MTDome", "start", S.STANDBY, "bar.yaml")
        assert (started.status, started.why) == (ItemStatus.REACHED, "seen DISABLED")
        assert made.cscs.commands("MTDome") == ["standby", "start"]
        assert made.cscs.taken[-1].fields["configurationOverride"] == "bar.yaml"
        kinds = [type(line) for line in made.journal.lines if isinstance(line, ItemAdded | RequestIntended)]
        assert kinds == [ItemAdded, RequestIntended] * 2
        told = [(event.subject, event.change) for event in made.session.snapshot().events]
        assert told.count(("MTDome", "direct command done")) == 2


async def test_one_command_is_all_that_goes_whatever_the_csc_does(scene: Callable[..., object]) -> None:
    async with scene({"MTDome": S.DISABLED, "ESS:1": S.DISABLED, "ATDome": S.DISABLED}) as made:  # type: ignore[attr-defined]
        made.cscs.reacts("MTDome", "enable", Reaction("hang"))
        made.cscs.reacts("ESS:1", "enable", Reaction("refuse"))
        made.cscs.reacts("ATDome", "enable", Reaction("fault", code=9, report="brake: stuck"))
        hung = await made.command("MTDome", "enable", S.DISABLED)
        assert (hung.status, hung.why) == (ItemStatus.UNKNOWN, "enable: no answer within 2 s")
        refused = await made.command("ESS:1", "enable", S.DISABLED)
        assert refused.status is ItemStatus.FAILED
        faulted = await made.command("ATDome", "enable", S.DISABLED)
        assert (faulted.status, faulted.why) == (ItemStatus.FAILED, "went to FAULT on enable: error 9: brake: stuck")
        for csc in ("MTDome", "ESS:1", "ATDome"):
            assert made.cscs.commands(csc) == ["enable"]


async def test_a_csc_that_is_moved_before_the_command_is_left_alone(scene: Callable[..., object]) -> None:
    async with scene({"MTDome": S.ENABLED}) as made:  # type: ignore[attr-defined]
        decision = await made.controller.order(DirectCommand((MTDOME,), "standby", (S.FAULT,), 1))
        assert decision == Refused("MTDome is ENABLED now; it was FAULT when you chose")
        assert made.cscs.commands("MTDome") == []


async def test_anothers_command_is_an_event_and_a_record(scene: Callable[..., object]) -> None:
    async with scene({"MTDome": S.ENABLED}) as made:  # type: ignore[attr-defined]
        theirs = {"identity": "somebody@elsewhere", "origin": 99, "error": 0, "cmdtype": 3, "timeout": 0.0}
        made.cscs.tell_ack("MTDome", {**theirs, "ack": COMPLETE, "result": "Done"}, seq=5)

        def noticed() -> list[CommandNoticed]:
            return [line for line in made.journal.lines if isinstance(line, CommandNoticed)]

        await asyncio.to_thread(wait_until, lambda: bool(noticed()), 10, "the record on disk")
        assert [(one.csc, one.identity, one.outcome) for one in noticed()] == [(MTDOME, "somebody@elsewhere", "done")]
        told = [(event.subject, event.change, event.detail) for event in made.session.snapshot().events]
        assert ("MTDome", "commanded by another", "somebody@elsewhere: exitControl, done") in told
