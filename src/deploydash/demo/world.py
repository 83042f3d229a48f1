"""The world: the processes of all CSCs, what is due when, and the records that come of it.

There is one: whoever stops or starts a CSC, a scenario or a fake that was asked to (a host's service, a Job, an
application), does it by `World.stop` and `World.start`, to the very processes that beat on Kafka.

It knows no outside system. Fakes connect themselves to it: ``on_topics`` is called with the topics of components that
are new, ``on_records`` with what was written, ``on_forgotten`` with records that only an archive has, ``on_opened``
once the past is written, ``on_turn`` at the beginning of each turn with the time.
"""

from __future__ import annotations

import heapq
import itertools
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol

from deploydash.demo.csc import Process
from deploydash.demo.deeds import Deeds
from deploydash.demo.goal import Goal
from deploydash.demo.scriptqueue import ScriptQueue
from deploydash.demo.site import Csc, Site
from deploydash.demo.states import Reaction, ScriptManner, Traits
from deploydash.demo.wire import Codec, Emit, PoisonedRecordError, Raw, TopicSchema, Writer, schemas_of

HISTORY_S = 90.0
"""Seconds of beats that a running CSC has behind it when the world opens."""
_HISTORY_RECORDS = 60_000
_PHASES = 8

_LONG = {"Watcher": {"start": Reaction(delay=6.5, progress=120.0)}}
"""Commands that take long on every site: the Watcher's start reads every CSC's configuration."""

How = Literal["kill", "hang", "deafen"]
"""A process is killed, by SIGTERM or SIGKILL, and says no more; hangs, neither beating nor answering; or is deaf to
commands and goes on beating. Its last state stays as it is: only exitControl is followed by OFFLINE."""


class Actor(Protocol):
    """Anything that writes records in its own time: a CSC's process, a Script."""

    @property
    def next_due(self) -> float | None:
        """When it wants to act; None for never again."""

    def advance(self, now: float) -> list[Emit]:
        """Everything due by ``now``."""


class World:
    """All processes, and the time line of what they do. ``pace`` is the speed of the world."""

    def __init__(self, site: Site, seed: int, pace: float) -> None:
        self.site = site
        self.pace = pace
        self.now = 0.0
        """UTC unix seconds up to which everything has happened."""
        self.folder: Path | None = None
        """Where fakes may put files for their clients, beside the site file; it goes with the demo observatory."""
        self.merged = ""
        """The cycle whose branch people have merged into the deployed configuration; nothing before they did."""
        self.commit = ""
        """The commit of that merge, where it has one."""
        self.added: frozenset[tuple[str, str]] = frozenset()
        """Namespace and name of Jobs that the merge added to those of the site file."""
        self.removed: frozenset[tuple[str, str]] = frozenset()
        """Namespace and name of Jobs that it removed."""
        self.deeds = Deeds()
        """What fakes were asked to change, and how each stands."""
        self.deeds.stands["world"] = self._stands
        self.codec = Codec(site.subname)
        self.history = min(HISTORY_S, _HISTORY_RECORDS / max(1, len(site.cscs)))
        self.rng = random.Random(seed)
        self._agenda: list[tuple[float, int, Actor | None, Callable[[float], object] | None]] = []
        self._planned: dict[Actor, float] = {}
        self._order = itertools.count()
        self._out: list[Emit | Raw] = []
        self._running: dict[str, list[Process]] = {}
        self._last: dict[str, Process] = {}
        self._started: Counter[str] = Counter()
        self._listening: dict[str, list[Process]] = {}
        self._phases: dict[str, float] = {}
        self._traits: dict[str, Traits] = {}
        self._claims: dict[str, str] = {}
        self._queues: dict[Process, ScriptQueue] = {}
        self.answers: dict[str, Callable[[Emit], None]] = {}
        """Who is told of acknowledgements to an identity of this world, such as ``Script:100000``."""
        self.on_topics: list[Callable[[Mapping[str, TopicSchema]], None]] = []
        self.on_records: list[Callable[[list[Emit | Raw]], None]] = []
        self.on_forgotten: list[Callable[[list[Emit]], None]] = []
        self.on_opened: list[Callable[[], None]] = []
        self.on_turn: list[Callable[[float], None]] = []
        self._announced: set[str] = set()

    def merge(
        self,
        tag: str,
        commit: str = "",
        *,
        added: frozenset[tuple[str, str]] = frozenset(),
        removed: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        """Let the branch of a cycle be merged into the deployed configuration."""
        self.merged, self.commit, self.added, self.removed = tag, commit, added, removed

    # -- processes ----------------------------------------------------------------------------------------------

    def writer(self, csc: Csc, origin: int | None = None) -> Writer:
        """A new process of this CSC; its id is drawn unless given."""
        return Writer(csc.component, csc.index, origin or self.rng.randrange(300, 60_000))

    def process(self, csc: Csc, *, origin: int | None = None) -> Process:
        """A process that does nothing yet. Its beats keep the phase of the CSC."""
        phase = self._phases.setdefault(csc.name, self.rng.randrange(_PHASES) / _PHASES)
        made = Process(
            self.writer(csc, origin),
            self.traits(csc),
            pace=self.pace,
            phase=phase,
            rng=random.Random(self.rng.random()),
        )
        if csc.component == "ScriptQueue":
            self._queues[made] = ScriptQueue(self, made)
        self._running.setdefault(csc.name, []).append(made)
        self._last[csc.name] = made
        self._started[csc.name] += 1
        self._listening.setdefault(csc.component, []).append(made)
        return made

    def start(self, csc: Csc, goal: Goal | None = None, *, origin: int | None = None) -> bool:
        """Start a CSC's process; it goes on to a goal, its start-up target unless given. False: one runs already."""
        if self.running(csc):
            return False
        self.boot(csc, goal, origin=origin)
        return True

    def boot(self, csc: Csc, goal: Goal | None = None, *, origin: int | None = None) -> Process:
        """Start a process of a CSC as `start` does, whatever runs already."""
        process = self.process(csc, origin=origin)
        state, substate = (goal or Goal(target="startup")).of(csc)
        self.write(process.boot(self.now, state, substate))
        self.wake(process)
        return process

    def end(self, process: Process) -> None:
        """Kill one process."""
        process.kill()
        self.wake(process)

    def stop(self, csc: Csc, how: How = "kill") -> int:
        """Stop every process of a CSC; the id of the last one, 0 if none ran."""
        origin = 0
        for process in self.running(csc):
            origin = process.writer.origin
            {"kill": process.kill, "hang": process.hang, "deafen": process.deafen}[how]()
            self.wake(process)
        return origin

    def claim(self, system: str, cscs: Iterable[Csc]) -> None:
        """Say that a fake of this system stops and starts these CSCs; nobody redeploys them by the clock then."""
        self._claims.update((csc.name, system) for csc in cscs)

    def release(self, system: str, cscs: Iterable[Csc]) -> None:
        """Take back what this system has claimed of these CSCs."""
        for csc in cscs:
            if self._claims.get(csc.name) == system:
                del self._claims[csc.name]

    def claimed(self, csc: Csc) -> str:
        """The system whose fake starts this CSC, or nothing."""
        return self._claims.get(csc.name, "")

    def queue(self, process: Process) -> ScriptQueue:
        """The queue of a ScriptQueue's process. Raises KeyError for any other process."""
        return self._queues[process]

    def running(self, csc: Csc) -> list[Process]:
        """The live processes of a CSC: mostly one, two for a duplicate, none if it is dead."""
        alive = [each for each in self._running.get(csc.name, []) if each.alive]
        if csc.name in self._running:
            self._running[csc.name] = alive
        return alive

    def last(self, csc: Csc) -> Process | None:
        """The newest process that it ever had; None if it never ran."""
        return self._last.get(csc.name)

    def ended(self, csc: Csc) -> bool:
        """Whether it ran and no process of it is left."""
        return csc.name in self._running and not self.running(csc)

    def traits(self, csc: Csc) -> Traits:
        """How this CSC behaves; versions are drawn once from its name, so that they look like a release."""
        number = sum(map(ord, csc.component))
        versions = ("28.0.1", f"{1 + number % 3}.{number % 17}.{number % 5}")
        return self._traits.setdefault(csc.name, Traits(versions=versions, on=_LONG.get(csc.component, {})))

    def behave(
        self,
        csc: Csc,
        beat_every: float | None,
        reacts: Mapping[str, Reaction],
        scripts: Mapping[str, ScriptManner],
    ) -> None:
        """Let a CSC, its running processes included, behave otherwise from now on; None leaves its beats."""
        old = self.traits(csc)
        new = replace(
            old,
            beat_every=beat_every or old.beat_every,
            on={**old.on, **reacts},
            scripts={**old.scripts, **scripts},
        )
        self._traits[csc.name] = new
        for process in self.running(csc):
            process.traits = new

    # -- time ---------------------------------------------------------------------------------------------------

    def at(self, due: float, action: Callable[[float], object]) -> None:
        """Let something happen at a moment (UTC unix seconds)."""
        heapq.heappush(self._agenda, (due, next(self._order), None, action))

    def wake(self, actor: Actor) -> None:
        """Note when an actor is next due; to be called after whatever changed it."""
        due = actor.next_due
        if due is None:
            self._planned.pop(actor, None)
        elif self._planned.get(actor) != due:
            self._planned[actor] = due
            heapq.heappush(self._agenda, (due, next(self._order), actor, None))

    @property
    def next_due(self) -> float | None:
        """When the next thing happens."""
        return self._agenda[0][0] if self._agenda else None

    def advance(self, now: float) -> None:
        """Let everything happen that is due by ``now``."""
        self.now = now
        while self._agenda and self._agenda[0][0] <= now:
            due, _, actor, action = heapq.heappop(self._agenda)
            if action is not None:
                action(now)
            elif actor is not None and self._planned.get(actor) == due:
                del self._planned[actor]
                self.write(actor.advance(now))
                self.wake(actor)

    # -- records ------------------------------------------------------------------------------------------------

    def write(self, records: list[Emit] | list[Raw]) -> None:
        """Let records go out with the next `take`."""
        self._out += records
        for record in records:
            if isinstance(record, Emit) and record.sal_name == "ackcmd":
                heard = self.answers.get(record.fields["identity"])
                if heard is not None:
                    heard(record)

    def _stands(self) -> Mapping[str, object]:
        """Each CSC with the states of its running processes, and how many it ever had."""
        states = {csc.name: sorted(str(each.state) for each in self.running(csc)) for csc in self.site.cscs}
        return {"states": states, "processes": dict(sorted(self._started.items()))}

    def announce(self, components: Iterable[str]) -> None:
        """Let there be the topics of these components, before anything is written to them."""
        new = sorted(set(components) - self._announced)
        self._announced.update(new)
        topics = {self.codec.topic(each.component, each.sal_name): each for name in new for each in schemas_of(name)}
        for hear in self.on_topics if topics else ():
            hear(topics)

    def forget(self, records: list[Emit]) -> None:
        """Let records be known to archives alone: Kafka has forgotten them."""
        for hear in self.on_forgotten:
            hear(records)

    def open(self) -> None:
        """Publish the past, and wait until it stands where it belongs."""
        self.publish()
        for settle in self.on_opened:
            settle()

    def turn(self, now: float) -> None:
        """One turn: hear what came in, let happen what is due, publish what was written."""
        for hear in self.on_turn:
            hear(now)
        self.advance(now)
        self.publish()

    def publish(self) -> None:
        """Hand what was written to whoever carries it."""
        records = self.take()
        for hear in self.on_records if records else ():
            hear(records)

    def take(self) -> list[Emit | Raw]:
        """What was written since the last time, in the order of writing."""
        taken, self._out = self._out, []
        return taken

    def deliver(self, topic: str, value: bytes | None, now: float) -> None:
        """A record on a command topic reaches every process of the component."""
        component, sal_name = self.codec.split(topic)
        listeners = [each for each in self._listening.get(component, []) if each.alive]
        self._listening[component] = listeners
        fields: Mapping[str, Any] | None
        try:
            fields = self.codec.decode_command(topic, value)
        except PoisonedRecordError as error:
            sys.stderr.write(f"demo: {error}: every {component} process stops reading, beating and answering\n")
            for process in listeners:
                process.hang()
            return
        if fields is None:
            return
        for process in listeners:
            self.write(process.receive(sal_name.removeprefix("command_"), fields, now))
            self.wake(process)
