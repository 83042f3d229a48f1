"""CSCs that answer commands as SAL programs do, in a thread, on a real Kafka; each may have manners of its own.

Order and words after ts_salobj (``base_csc.py``, ``controller_command.py``), seen on real programs.
"""

from __future__ import annotations

import heapq
import io
import itertools
import json
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import Any, Self

import fastavro
from confluent_kafka import Consumer, TopicPartition

from deploydash.core.model import CameraSubstate, CscId, SummaryState
from tests.servers.fleet import SCHEMAS, SalWriter, private_fields
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_cluster import KafkaCluster
from tests.servers.kafka_topics import KafkaTopics
from tests.servers.registry import SchemaRegistry

S = SummaryState
MOVES: Mapping[str, tuple[frozenset[SummaryState], SummaryState]] = {
    "start": (frozenset({S.STANDBY}), S.DISABLED),
    "enable": (frozenset({S.DISABLED}), S.ENABLED),
    "disable": (frozenset({S.ENABLED}), S.DISABLED),
    "standby": (frozenset({S.DISABLED, S.FAULT}), S.STANDBY),
    "exitControl": (frozenset({S.STANDBY}), S.OFFLINE),
    "enterControl": (frozenset({S.OFFLINE}), S.STANDBY),
}
CAMERAS = frozenset({"ATCamera", "CCCamera", "MTCamera"})
INPROGRESS, COMPLETE, FAILED, NOPERM = 301, 303, -302, -300
_FIRST_ORIGIN = 5000


@dataclass(frozen=True, slots=True)
class Reaction:
    """How a CSC takes one command.

    ``do``: ``obey``; ``hang`` (no answer, nothing happens); ``refuse`` (FAILED, stays); ``noperm``; ``fault`` (fails
    into FAULT with ``code`` and ``report``); ``obey_unanswered`` (does it and never says so); ``fail_but_move``
    (says FAILED and is moved by somebody else); ``untold`` (obeys and answers, but tells no state); ``undone``
    (somebody else takes it to STANDBY instead).
    ``took``: seconds of work; ``announced``: the timeouts of INPROGRESS acks at its beginning. ``ack_ahead``: how
    long the final ack comes before the event (negative: after it).
    """

    do: str = "obey"
    took: float = 0.0
    announced: tuple[float, ...] = ()
    ack_ahead: float = -0.002
    code: int = 7
    report: str = "sensor gone"
    final: int = FAILED
    result: str = "Failed: told to refuse"


OBEY = Reaction()


@dataclass(slots=True)
class Life:
    """One CSC process."""

    state: SummaryState
    origin: int
    alive: bool = True
    beats_on: bool = False
    reactions: dict[str, Reaction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """A command as a CSC read it."""

    csc: CscId
    command: str
    fields: Mapping[str, Any]


@cache
def command_schema(component: str, sal_name: str, *, indexed: bool) -> str:
    """Return the schema of a command or of ackcmd of any component, under its own namespace."""
    recorded = json.loads(SCHEMAS.read_text())
    donor = "MTCamera" if sal_name == "command_enterControl" else ("ESS" if indexed else "MTMount")
    number = recorded["subjects"][f"lsst.sal.{donor}.{sal_name}-value"][0]
    schema = json.loads(recorded["schemas"][str(number)])
    schema["namespace"] = f"lsst.sal.{component}"
    return json.dumps(schema)


@cache
def _parsed(text: str) -> Any:
    return fastavro.parse_schema(json.loads(text))


class SalCscs:
    """A context manager: all CSCs beat, tell their state, and answer until it ends."""

    def __init__(
        self,
        kafka: KafkaServer | KafkaCluster,
        registry: SchemaRegistry,
        subname: str,
        cscs: Mapping[str, SummaryState],
        *,
        period: float = 0.2,
        silent: Iterable[str] = (),
    ) -> None:
        self.subname = subname
        self.taken: list[Taken] = []
        self.busiest = 0
        self._busy: set[tuple[CscId, int]] = set()
        self._kafka = kafka
        self._registry = registry
        self._writer = SalWriter(kafka.topics, registry, subname)
        self._period = period
        origins = itertools.count(_FIRST_ORIGIN)
        self.lives = {CscId.parse(name): Life(state, next(origins)) for name, state in cscs.items()}
        for name in silent:
            self.lives[CscId.parse(name)].alive = False
        self._ids: dict[str, int] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._lock = threading.RLock()
        self._thread = threading.Thread(target=self._run, name="cscs", daemon=True)
        self.crash: BaseException | None = None
        self._prepare()
        self._producer = kafka.topics.new_producer(linger_ms=0)

    def reacts(self, csc: str, command: str, reaction: Reaction) -> None:
        """Let a CSC take a command in its own way from now on."""
        with self._lock:
            self.lives[CscId.parse(csc)].reactions[command] = reaction

    def beats_on(self, csc: str) -> None:
        """Let a CSC go on beating after it told OFFLINE."""
        with self._lock:
            self.lives[CscId.parse(csc)].beats_on = True

    def state(self, csc: str) -> SummaryState:
        """Return the state a CSC is really in."""
        with self._lock:
            return self.lives[CscId.parse(csc)].state

    def commands(self, csc: str) -> list[str]:
        """Return the commands that reached a CSC, in order."""
        with self._lock:
            return [taken.command for taken in self.taken if taken.csc == CscId.parse(csc)]

    def tell_ack(self, csc: str, fields: Mapping[str, object], *, seq: int) -> None:
        """Write an ackcmd of a CSC out of turn: of somebody else's command."""
        with self._lock:
            self._write_ack(CscId.parse(csc), seq, fields)
            self._producer.poll(0)

    def _indexed(self, csc: CscId) -> bool:
        return csc.index != 0

    def _topic(self, csc: CscId, sal_name: str) -> str:
        return f"lsst.{self.subname}.{csc.name}.{sal_name}"

    def _sal_names(self, csc: CscId) -> list[str]:
        commands = [name for name in MOVES if name != "enterControl" or csc.name in CAMERAS]
        return ["ackcmd", *(f"command_{name}" for name in commands)]

    def _prepare(self) -> None:
        events = ["heartbeat", "summaryState", "errorCode"]
        self._writer.prepare(self.lives, events)
        cameras = [csc for csc in self.lives if csc.name in CAMERAS]
        self._writer.prepare(cameras, ["offlineDetailedState"])
        by_component = {csc.name: csc for csc in self.lives}
        topics = [self._topic(csc, name) for csc in by_component.values() for name in self._sal_names(csc)]
        self._kafka.topics.create(topics)
        for csc in by_component.values():
            for name in self._sal_names(csc):
                text = command_schema(csc.name, name, indexed=self._indexed(csc))
                topic = self._topic(csc, name)
                self._ids[topic] = self._registry.register(f"{topic}-value", text)
        told = [
            self._writer.record(csc, "summaryState", {"summaryState": int(life.state)}, origin=life.origin)
            for csc, life in self.lives.items()
        ]
        self._kafka.topics.produce(told)
        for csc in cameras:
            self._writer.tell_substate(csc, CameraSubstate.AVAILABLE, origin=self.lives[csc].origin)

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException as error:  # noqa: BLE001 - shown by the test that waits in vain
            self.crash = error

    def _serve(self) -> None:
        settings: dict[str, Any] = {
            "bootstrap.servers": self._kafka.bootstrap,
            "group.id": "cscs",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 10,
            "reconnect.backoff.max.ms": 200,
        }
        consumer = Consumer(settings, logger=KafkaTopics.silent)
        commands = [topic for topic in self._ids if ".command_" in topic]
        consumer.assign([TopicPartition(topic, 0, 0) for topic in commands])
        beat_at = time.monotonic()
        try:
            while not self._stop.is_set():
                message = consumer.poll(0.005)
                with self._lock:
                    now = time.monotonic()
                    if message is not None and message.error() is None:
                        self._take(str(message.topic()), message.value() or b"")
                    while self._due and self._due[0][0] <= now:
                        heapq.heappop(self._due)[2]()
                    if now >= beat_at:
                        beat_at = now + self._period
                        self._beat()
                    self._producer.poll(0)
        finally:
            self._producer.flush(5)
            consumer.close()

    def _beat(self) -> None:
        for csc, life in self.lives.items():
            if life.alive:
                self._event(csc, "heartbeat", {"heartbeat": False})

    def _event(self, csc: CscId, event: str, values: Mapping[str, object]) -> None:
        topic, key, value = self._writer.record(csc, event, values, origin=self.lives[csc].origin)
        self._producer.produce(topic, key=key, value=value)

    def _take(self, topic: str, value: bytes) -> None:
        component, _, command = topic.split(".", 2)[2].partition(".command_")
        text = next(
            command_schema(component, f"command_{command}", indexed=self._indexed(csc))
            for csc in self.lives
            if csc.name == component
        )
        assert struct.unpack(">I", value[1:5])[0] == self._ids[topic], "an unregistered schema"
        fields: Any = fastavro.schemaless_reader(io.BytesIO(value[5:]), _parsed(text), None)
        csc = CscId(component, fields.get("salIndex", 0))
        life = self.lives.get(csc)
        if life is None or not life.alive:
            return
        self.taken.append(Taken(csc, command, fields))
        self._react(csc, life, command, fields)

    def _react(self, csc: CscId, life: Life, command: str, fields: Mapping[str, Any]) -> None:
        reaction = life.reactions.get(command, OBEY)
        self._busy.add((csc, fields["private_seqNum"]))
        self.busiest = max(self.busiest, len(self._busy))
        if reaction.do == "hang":
            return
        for timeout in reaction.announced:
            self._ack(csc, fields, INPROGRESS, "working", timeout)
        self._later(reaction.took, lambda: self._finish(csc, life, command, fields, reaction))

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), do))

    def _finish(self, csc: CscId, life: Life, command: str, fields: Mapping[str, Any], reaction: Reaction) -> None:
        allowed, after = MOVES[command]
        do = reaction.do
        if life.state not in allowed:
            result = f"Failed: {command} not allowed in state <State.{life.state.name}: {int(life.state)}>"
            self._ack(csc, fields, FAILED, result)
        elif do in {"refuse", "noperm"}:
            final = NOPERM if do == "noperm" else reaction.final
            self._ack(csc, fields, final, reaction.result)
        elif do == "fault":
            self._event(csc, "errorCode", {"errorCode": reaction.code, "errorReport": reaction.report, "traceback": ""})
            self._tell(csc, life, SummaryState.FAULT)
            self._ack(csc, fields, FAILED, f"Failed: {reaction.report}")
        else:
            first, second = self._both(csc, life, fields, after, reaction)
            first()
            self._later(abs(reaction.ack_ahead), second)
            if after is SummaryState.OFFLINE and csc.name not in CAMERAS:
                self._later(0.3, lambda: self._end(life))

    def _both(
        self, csc: CscId, life: Life, fields: Mapping[str, Any], after: SummaryState, reaction: Reaction
    ) -> tuple[Callable[[], None], Callable[[], None]]:
        def ack() -> None:
            if reaction.do == "fail_but_move":
                self._ack(csc, fields, FAILED, "Failed: somebody was faster")
            elif reaction.do != "obey_unanswered":
                self._ack(csc, fields, COMPLETE, "Done")

        def event() -> None:
            if reaction.do == "untold":
                life.state = after
            else:
                self._tell(csc, life, SummaryState.STANDBY if reaction.do == "undone" else after)

        return (ack, event) if reaction.ack_ahead > 0 else (event, ack)

    def _end(self, life: Life) -> None:
        life.alive = life.beats_on

    def _tell(self, csc: CscId, life: Life, state: SummaryState) -> None:
        life.state = state
        self._event(csc, "summaryState", {"summaryState": int(state)})
        if state is SummaryState.OFFLINE and csc.name in CAMERAS:
            values = {"substate": int(CameraSubstate.AVAILABLE), "timestampTransition": time.time() + 37.0}
            self._event(csc, "offlineDetailedState", values)

    def _ack(self, csc: CscId, fields: Mapping[str, Any], code: int, result: str, timeout: float = 0.0) -> None:
        if code != INPROGRESS:
            self._busy.discard((csc, fields["private_seqNum"]))
        values = {
            "ack": code,
            "error": 0 if code > 0 else 1,
            "result": result,
            "identity": fields["private_identity"],
            "origin": fields["private_origin"],
            "cmdtype": 3,
            "timeout": timeout,
        }
        self._write_ack(csc, fields["private_seqNum"], values)

    def _write_ack(self, csc: CscId, seq: int, values: Mapping[str, object]) -> None:
        indexed = self._indexed(csc)
        private = private_fields(csc, indexed=indexed, origin=self.lives[csc].origin, seq=seq, at_utc=time.time())
        topic = self._topic(csc, "ackcmd")
        body = io.BytesIO(struct.pack(">bI", 0, self._ids[topic]))
        body.seek(0, io.SEEK_END)
        schema = _parsed(command_schema(csc.name, "ackcmd", indexed=indexed))
        fastavro.schemaless_writer(body, schema, {**private, **values})
        self._producer.produce(topic, value=body.getvalue())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(10)
        assert self.crash is None, self.crash
