"""A session that may act, behind the gate and the journal: ``run`` and ``resume``, and nothing else, load this."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from deploydash.config.load import Site
from deploydash.core.fleet.observations import CommandSeen, Observation
from deploydash.core.ports import Clock
from deploydash.core.procedure.names import OWN, SAL, SystemName
from deploydash.core.run.composing import Composer
from deploydash.core.run.eta import learned
from deploydash.core.run.orders import Disarm, Hold, Note
from deploydash.core.run.ports import Action
from deploydash.core.run.records import RunOpened, RunResumed
from deploydash.core.run.state import RunState
from deploydash.core.views.run_view import Lines
from deploydash.errors import UserError
from deploydash.journal.earlier import earlier_runs
from deploydash.journal.write import JournalWriter
from deploydash.session.hold_request import serve_holds
from deploydash.session.run_controller import RunController
from deploydash.session.run_inbox import RunControllerInbox
from deploydash.systems.kubernetes.act import KubernetesAction
from deploydash.systems.kubernetes.client import connected
from deploydash.systems.kubernetes.settings import KubernetesSettings
from deploydash.systems.kubernetes.work import KUBERNETES
from deploydash.systems.registry.steps import REGISTRY
from deploydash.systems.registry.store import SchemaStore
from deploydash.systems.sal.act import SalAction
from deploydash.systems.sal.commanding.acks import AckSeen
from deploydash.systems.sal.commanding.csc import CscCommands
from deploydash.systems.sal.commanding.kafka_commands import CommandChannel
from deploydash.systems.sal.commanding.ready_line import ReadyChannel
from deploydash.systems.sal.commanding.schemas import RegistryLatest
from deploydash.systems.sal.scripts.identities import identities_of
from deploydash.systems.sal.scripts.script_reader import reading
from deploydash.systems.sal.scripts.scriptqueue import Scripts
from deploydash.systems.sal.wire.commands import Sender
from deploydash.systems.settings import Connections
from deploydash.systems.table import NO_SYSTEMS, Table
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
    unseen: asyncio.Event

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

        What was armed does not go off any more; observers, and whoever asks who holds the run, are told. Actions that
        only wait for what goes on by itself outside let go of it: a resume looks for it.
        """
        self.unseen.set()
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


@dataclass(frozen=True, slots=True)
class Means:
    """What an action is made of. ``tell`` takes what it saw beside; ``state`` returns the run as it stands.

    ``reading``: the systems of this process as they are read. ``unseen``: says whether nobody looks any more.
    """

    site: Site
    connections: Connections
    schemas: SchemaStore
    clock: Clock
    sender: Sender
    tell: Callable[[Observation], None]
    state: Callable[[], RunState]
    reading: Table = field(default_factory=lambda: NO_SYSTEMS)
    unseen: Callable[[], bool] = lambda: False


EVERYWHERE = frozenset({SAL, REGISTRY, OWN})
"""Systems of which every site file says where they are, without a section of their own."""

Factory = Callable[[Means], AbstractAsyncContextManager[Action]]
"""Makes an action and holds what it needs for the whole of a run, such as a connection."""


@asynccontextmanager
async def sal(means: Means) -> AsyncIterator[Action]:
    """Make what commands CSCs and adds scripts. Kafka is connected to beside, as soon as it lets us."""
    outside, clock, sender = means.connections.kafka, means.clock, means.sender
    latest = RegistryLatest(means.schemas.registry)

    def heard(seen: AckSeen) -> None:
        if not seen.ours and seen.identity not in identities_of(means.state(), clock.utc()):
            means.tell(CommandSeen(seen.csc, seen.identity, seen.what, seen.at, seen.command))

    def new_line() -> CommandChannel:
        return CommandChannel(outside, latest, means.schemas, clock, sender=sender, heard=heard, tell=means.tell)

    line = ReadyChannel(new_line, sender)
    cscs = CscCommands(line, clock, subname=outside.topic_subname, exited=means.tell)
    descr = f"{means.state().runbook.title}, run by {sender.identity} with deploydash"
    scripts = Scripts(
        line,
        lambda take: reading(outside, means.schemas, take),
        clock,
        subname=outside.topic_subname,
        descr=descr,
    )
    connecting = asyncio.create_task(line.keep_open(), name="command line")
    try:
        yield SalAction(cscs, scripts, clock)
    finally:
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        await line.close()
        await latest.aclose()


@asynccontextmanager
async def kubernetes(means: Means) -> AsyncIterator[Action]:
    """Make what deletes Jobs and lab namespaces. The cluster is asked when a step of its own is looked at."""
    settings = means.site.sections[KUBERNETES]
    assert isinstance(settings, KubernetesSettings)  # noqa: S101 - the table says so
    async with connected(settings, rehearsal=means.site.rehearsal) as cluster:
        yield KubernetesAction(cluster, means.clock)


def factories(table: Mapping[SystemName, str]) -> Mapping[SystemName, Factory]:
    """Return what makes the action of each system: of its module and function as they stand in the table."""
    found: dict[SystemName, Factory] = {}
    for name, where in table.items():
        module, _, function = where.partition(":")
        found[name] = getattr(import_module(module), function)
    return found


@asynccontextmanager
async def acting(
    reader: ReadOnly,
    state: RunState,
    journal: JournalWriter,
    first: RunOpened | RunResumed,
    *,
    table: Mapping[SystemName, Factory],
    composer: Composer | None = None,
    lines: Lines = lambda _: (),
    reading: Table = NO_SYSTEMS,
) -> AsyncIterator[Acting]:
    """Wire a run: its actions, the journal, the controller. ``first`` is the record that opens or resumes it.

    ``table``: what makes the action of each system. ``composer``: makes items of what the lead types; ``lines``: their
    requests, as far as they are known without asking. ``reading``: the systems as this process reads them. A Kafka that
    is down keeps no run from being opened: the gate says so, and the first command would.

    Raises:
        UserError: the journal cannot be written.
    """
    clock = reader.session.clock
    outside = reader.connections
    me = operator()
    controller: RunController | None = None

    def now() -> RunState:
        return controller.state if controller is not None else state

    sender = Sender(me, os.getpid())
    unseen = asyncio.Event()
    tell = reader.session.tell
    means = Means(reader.site, outside, reader.schemas, clock, sender, tell, now, reading, unseen.is_set)
    async with AsyncExitStack() as stack:
        everywhere = EVERYWHERE if reader.site.kafka is not None else frozenset()
        here = {system: make for system, make in table.items() if system in everywhere | set(reader.site.sections)}
        actions = {system: await stack.enter_async_context(make(means)) for system, make in here.items()}
        controller = RunController(
            state,
            journal,
            reader.session.snapshot,
            clock,
            me,
            actions,
            tell=reader.session.order,
            lines=lines,
            subname=outside.kafka.topic_subname,
        )
        stack.push_async_callback(controller.aclose)
        await controller.begin(first)
        reader.session.attach = controller.attach
        reader.session.recorded = controller.noticed
        stack.callback(reader.session.subscribe(controller.saw))
        learning = asyncio.create_task(_learn(controller, journal.path), name="earlier runs")
        try:
            yield Acting(reader, controller, RunControllerInbox(controller, composer), journal, unseen)
        finally:
            learning.cancel()
            await asyncio.gather(learning, return_exceptions=True)


async def _learn(controller: RunController, journal: Path) -> None:
    """Learn from earlier runs beside everything else; nothing waits for it."""
    opened = controller.state.opened
    if opened is not None:
        found = await asyncio.to_thread(earlier_runs, journal.parent.parent, opened)
        await controller.learn(learned(found))
