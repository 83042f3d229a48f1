"""A session that may act, behind the gate and the journal: ``run`` and ``resume``, and nothing else, load this."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploydash.core.fleet.observations import CommandSeen
from deploydash.core.procedure.runbook import StepKind
from deploydash.core.run.eta import learned
from deploydash.core.run.items import identities_of
from deploydash.core.run.orders import Disarm, Hold, Note
from deploydash.core.run.records import RunOpened, RunResumed
from deploydash.core.run.state import RunState
from deploydash.errors import UserError
from deploydash.journal.earlier import earlier_runs
from deploydash.journal.write import JournalWriter
from deploydash.session.hold_request import serve_holds
from deploydash.session.run_controller import RunController
from deploydash.session.run_inbox import RunControllerInbox
from deploydash.systems.sal.commanding.acks import AckSeen
from deploydash.systems.sal.commanding.csc import CscAction
from deploydash.systems.sal.commanding.kafka_commands import CommandLine
from deploydash.systems.sal.commanding.ready_line import ReadyChannel
from deploydash.systems.sal.commanding.schemas import RegistryLatest
from deploydash.systems.sal.scripts.script_reader import reading
from deploydash.systems.sal.scripts.scriptqueue import ScriptQueueAction
from deploydash.systems.sal.wire.commands import Sender
from deploydash.user import operator
from deploydash.wiring.read_only import ReadOnly

UNSEEN = "its screen has gone, it ends by itself with what is under way, or at once by SIGTERM"
"""What is said of a process that holds a run without a screen."""


@dataclass(frozen=True, slots=True)
class Acting:
    """A run that is open in this process."""

    reader: ReadOnly
    controller: RunController
    inbox: RunControllerInbox
    journal: JournalWriter

    @property
    def folder(self) -> Path:
        """The run's own folder."""
        return self.journal.path.parent

    async def work(self) -> None:
        """Run the session, look at the world, carry out orders and requests to hold until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.reader.session.run(), name="session")
            group.create_task(self.controller.watch(), name="keeper")
            group.create_task(self.inbox.serve(), name="desk")
            group.create_task(serve_holds(self.folder, self._hold), name="requests to hold")

    async def go_on_unseen(self) -> None:
        """Follow what is under way to its end while nobody looks.

        What was armed does not go off any more; observers, and whoever asks who holds the run, are told.
        """
        await self.controller.arm(Disarm())
        self.journal.say(UNSEEN)
        await self.controller.order(Note(f"nobody looks: {UNSEEN}"))
        await self.controller.idle()

    async def _hold(self, who: str) -> None:
        await self.controller.order(Hold(who))


def refuse_foreign(reader: ReadOnly) -> None:
    """Refuse to act through addresses that are not the site's own (CLI.md).

    Raises:
        UserError: Kafka's or the registry's address belongs to none of the site's.
    """
    outside = reader.connections
    if outside.kafka.foreign or outside.registry.foreign:
        what = outside.kafka if outside.kafka.foreign else outside.registry
        address = outside.kafka.bootstrap if outside.kafka.foreign else outside.registry.url
        raise UserError(
            f"{address} ({what.source}) is none of {reader.site.roster.site}'s addresses: no command goes through it",
            hint="unset the LSST_* variables of another site",
        )


@asynccontextmanager
async def acting(
    reader: ReadOnly, state: RunState, journal: JournalWriter, first: RunOpened | RunResumed
) -> AsyncIterator[Acting]:
    """Wire a run: Kafka for commands, the journal, the keeper. ``first`` is the record that opens or resumes it.

    A Kafka that is down keeps no run from being opened: the gate says so, and the first command would.

    Raises:
        UserError: the journal cannot be written.
    """
    clock = reader.session.clock
    outside = reader.connections
    me = operator()
    latest = RegistryLatest(reader.schemas.registry)
    tell = reader.session.tell

    def heard(seen: AckSeen) -> None:
        if not seen.ours and seen.identity not in identities_of(controller.state, clock.utc()):
            tell(CommandSeen(seen.csc, seen.identity, seen.what, seen.at))

    sender = Sender(me, os.getpid())

    def new_line() -> CommandLine:
        return CommandLine(outside.kafka, latest, reader.schemas, clock, sender=sender, heard=heard)

    line = ReadyChannel(new_line, sender)
    action = CscAction(line, clock, subname=outside.kafka.topic_subname, exited=tell)
    scripts = ScriptQueueAction(
        line,
        lambda take: reading(outside.kafka, reader.schemas, take),
        descr=f"{state.runbook.title}, run by {me} with deploydash",
    )
    controller = RunController(state, journal, reader.session.snapshot, clock, me, {StepKind.CSC: action}, scripts)
    controller.judge = controller.remark = reader.session.order
    controller.subname = outside.kafka.topic_subname
    await controller.begin(first)
    reader.session.attach = controller.attach
    reader.session.recorded = controller.noticed
    unsubscribe = reader.session.subscribe(controller.saw)
    connecting = asyncio.create_task(line.keep_open(), name="command line")
    learning = asyncio.create_task(_learn(controller, journal.path), name="earlier nights")
    try:
        yield Acting(reader, controller, RunControllerInbox(controller), journal)
    finally:
        connecting.cancel()
        learning.cancel()
        await asyncio.gather(connecting, learning, return_exceptions=True)
        unsubscribe()
        await controller.aclose()
        await line.close()
        await latest.aclose()


async def _learn(controller: RunController, journal: Path) -> None:
    """Learn from earlier nights beside everything else; nothing waits for it."""
    opened = controller.state.opened
    if opened is not None:
        found = await asyncio.to_thread(earlier_runs, journal.parent.parent, opened)
        await controller.learn(learned(found))
