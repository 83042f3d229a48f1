"""Following scripts on a real Kafka and registry, by the records of a real ScriptQueue; and adding them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import ScriptItem, StepId, numbered
from deploydash.core.run.ports import ScriptJob
from deploydash.core.run.records import (
    ControlOrdered,
    ItemEnded,
    ItemProgressed,
    Outcome,
    RequestAnswered,
    RequestIntended,
)
from deploydash.core.run.scripts import QueueTold, ScriptFact, ScriptsListed
from deploydash.core.run.state import ItemProgress
from deploydash.errors import UserError
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.framing import frame
from deploydash.systems.registry.store import SchemaStore
from deploydash.systems.sal.commanding.acks import Answer
from deploydash.systems.sal.commanding.kafka_commands import Order
from deploydash.systems.sal.commanding.kafka_write import MaybeWritten
from deploydash.systems.sal.scripts.script_reader import reading
from deploydash.systems.sal.scripts.scriptqueue import ScriptQueueAction, ScriptTimeouts, itself
from deploydash.systems.sal.wire.commands import Sender
from deploydash.systems.sal.wire.scripts import script_fact
from deploydash.systems.settings import RegistrySettings
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_scenes import plain_settings
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import within
from tests.systems.sal.wire.captures import Captured, captured, schema, schema_texts

QUEUE = CscId("ScriptQueue", 1)
STEP = StepId("testing")
SENDER = Sender("lead@console", 4711)
QUICK = ScriptTimeouts(command=5.0, listed=0.3, quiet=5.0, gone=0.5, seen=1.0)
GOOD, FAILING, SET_STATE = 38594986, 38594987, 38594994
"""The command numbers by which three of the captured scripts were added."""
LISTED = ScriptsListed(QUEUE, ("auxtel/enable_atcs.py", "auxtel/enable_latiss.py"), ("mine.py",))


@dataclass
class Context:
    """Keeps what is told; refuses what it is told to."""

    told: list[object] = field(default_factory=list)
    refuses: Mapping[str, str] = field(default_factory=dict)

    async def intend(self, record: RequestIntended) -> str | None:
        if record.command in self.refuses:
            return self.refuses[record.command]
        self.told.append(record)
        return None

    async def tell(self, record: RequestAnswered | ItemProgressed | ItemEnded) -> None:
        self.told.append(record)

    def view(self, csc: CscId) -> CscView | None:
        raise AssertionError(f"nobody asked to look at {csc}")

    async def seen(self, csc: CscId, when: Callable[[CscView], bool], limit_s: float) -> bool:
        raise AssertionError(f"nobody asked to look at {csc} for {limit_s} s ({when})")

    def end(self) -> tuple[Outcome, str]:
        [end] = [record for record in self.told if isinstance(record, ItemEnded)]
        assert end is self.told[-1]
        return end.outcome, end.why

    def states(self) -> list[tuple[str, str]]:
        return [(one.state, one.checkpoint) for one in self.told if isinstance(one, ItemProgressed)]

    def commands(self) -> list[str]:
        return [record.command for record in self.told if isinstance(record, RequestIntended)]


@dataclass
class Line:
    """Answers every command as told and lets the queue speak."""

    answers: dict[str, Answer | Exception] = field(default_factory=dict)
    sent: list[Order] = field(default_factory=list)
    then: Callable[[Order], None] = lambda _: None
    sender: Sender = SENDER

    async def prepare(self, csc: CscId, command: str, values: Mapping[str, Any] | None = None) -> Order:
        number = FAILING if command == "add" else 7
        return Order(
            csc, command, number, dict(values or {}), WriterSchema(1, '{"type":"record","name":"a","fields":[]}')
        )

    async def send(self, order: Order, limit_s: float) -> Answer:
        assert limit_s == QUICK.command
        self.sent.append(order)
        self.then(order)
        answer = self.answers[order.command]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Told:
    """A reader whose facts the test gives."""

    def __init__(self, *facts: ScriptFact) -> None:
        self.caught_up = asyncio.Event()
        self.undecodable = 0
        self.example = ""
        self.take: Callable[[ScriptFact], None] = lambda _: None
        self._facts = facts

    @contextlib.asynccontextmanager
    async def reading(self, take: Callable[[ScriptFact], None]) -> AsyncIterator[Told]:
        self.take = take
        for fact in self._facts:
            take(fact)
        self.caught_up.set()
        yield self


def job(path: str = "auxtel/enable_atcs.py", *, seq_num: int = 0, standard: bool = True, config: str = "") -> ScriptJob:
    return ScriptJob(STEP, numbered(2), ScriptItem(QUEUE, path, standard, config), ItemProgress(seq_num=seq_num))


def events() -> list[Captured]:
    return [one for one in captured("scriptqueue") if ".logevent_" in one.topic]


def facts_of(records: list[Captured]) -> list[ScriptFact]:
    decoded = [(one, schema(one.schema_id).decode(one.value[5:])) for one in records]
    found = [script_fact(one.component, one.sal_name, fields) for one, fields in decoded]
    return [fact for fact in found if fact is not None]


class Replay:
    """Puts captured records onto a real Kafka, with the ids under which a real registry has their schemas."""

    def __init__(self, kafka: KafkaServer, registry: SchemaRegistry, subname: str) -> None:
        self._kafka = kafka
        self._ids: dict[int, int] = {}
        self._registry = registry
        self._subname = subname

    def write(self, records: list[Captured]) -> None:
        """Write records, creating their topics as a SAL program does."""
        there = self._kafka.topics.names()
        self._kafka.topics.create(sorted({self._topic(one) for one in records} - there))
        self._kafka.topics.produce([(self._topic(one), one.key, self._framed(one)) for one in records])

    def _topic(self, one: Captured) -> str:
        return one.topic.replace("lsst.sal.", f"lsst.{self._subname}.", 1)

    def _framed(self, one: Captured) -> bytes:
        if one.schema_id not in self._ids:
            subject = f"{self._topic(one)}-value"
            self._ids[one.schema_id] = self._registry.register(subject, schema_texts()[one.schema_id])
        return frame(self._ids[one.schema_id], one.value[5:])


@contextlib.asynccontextmanager
async def following(
    kafka: KafkaServer, registry: SchemaRegistry, subname: str, timeouts: ScriptTimeouts = QUICK
) -> AsyncIterator[ScriptQueueAction]:
    schemas = SchemaStore(RegistrySettings(registry.url, "site file"), None, timeout=2.0)
    settings = plain_settings(kafka.bootstrap, subname)
    try:
        yield ScriptQueueAction(Line(), lambda take: reading(settings, schemas, take), descr="test", timeouts=timeouts)
    finally:
        await schemas.aclose()


@pytest.mark.server
@pytest.mark.parametrize(
    ("seq_num", "outcome", "why"),
    [
        (GOOD, Outcome.REACHED, "done"),
        (FAILING, Outcome.FAILED, "failed: Error in run: Failed in run after wait: fail_run=True"),
        (SET_STATE, Outcome.REACHED, "done"),
        (123, Outcome.FAILED, "no trace of it in its queue: it was not added, or is long over; retry adds it"),
    ],
)
async def test_a_script_that_was_added_before_is_looked_for_in_the_log_and_not_added_again(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, seq_num: int, outcome: Outcome, why: str
) -> None:
    replay = Replay(kafka, schema_registry, subname)
    replay.write(events())
    context = Context()
    async with following(kafka, schema_registry, subname) as action:
        await action.run(job(seq_num=seq_num), context)
    assert context.end() == (outcome, why)
    assert context.commands() == []


@pytest.mark.server
async def test_a_script_is_followed_live_from_topics_that_appear_while_it_is_waited_for(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    replay = Replay(kafka, schema_registry, subname)
    known = [one for one in events() if one.component == "ScriptQueue"]
    at = next(number for number, one in enumerate(events()) if one.truth.get("scriptSalIndex") == 100000)
    replay.write([one for one in events()[: at + 1] if one in known])
    context = Context()
    async with following(kafka, schema_registry, subname) as action:
        work = asyncio.create_task(action.run(job(seq_num=GOOD), context))
        async with within(15):
            while not context.told:  # noqa: ASYNC110  a broker tells nobody
                await asyncio.sleep(0.02)
        assert not work.done()
        replay.write(events()[at + 1 : at + 60])
        async with within(15):
            await work
    assert context.end() == (Outcome.REACHED, "done")
    assert context.states()[0] == ("UNKNOWN", "")
    assert context.states()[-1][0] == "DONE"


@pytest.mark.server
async def test_a_script_of_which_nobody_tells_any_more_is_unknown(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    replay = Replay(kafka, schema_registry, subname)
    at = next(number for number, one in enumerate(events()) if one.truth.get("state") == 3)
    replay.write(events()[: at + 1])
    context = Context()
    quiet = ScriptTimeouts(quiet=1.5)
    async with following(kafka, schema_registry, subname, quiet) as action:
        await action.run(job(seq_num=GOOD), context)
    outcome, why = context.end()
    assert outcome is Outcome.UNKNOWN
    assert why == "nothing heard of it for 1.5 s; it was running"


async def added(line: Line, told: Told, script: ScriptJob | None = None, context: Context | None = None) -> Context:
    context = context or Context()
    async with within(10):
        await ScriptQueueAction(line, told.reading, descr="cycle 45", timeouts=QUICK).run(script or job(), context)
    return context


def speaking(told: Told, records: list[Captured] | None = None) -> Callable[[Order], None]:
    """Let the captured queue go on once the script is added."""

    def speak(order: Order) -> None:
        if order.command == "add":
            for fact in facts_of(records if records is not None else events()):
                told.take(fact)

    return speak


async def test_a_script_is_added_at_the_end_with_who_adds_it_and_followed_to_its_failure() -> None:
    told = Told(LISTED)
    line = Line({"add": Answer(303, 0, "100001")}, then=speaking(told))
    context = await added(line, told, job(config="wait: 1\n"))
    [order] = line.sent
    assert order.values == {
        "isStandard": True,
        "path": "auxtel/enable_atcs.py",
        "config": "wait: 1\n",
        "descr": "cycle 45",
        "location": 2,
    }
    assert context.told[:2] == [
        RequestIntended(STEP, numbered(2), QUEUE, "add", FAILING, SENDER.identity, SENDER.origin, begins=True),
        RequestAnswered(STEP, numbered(2), "add", FAILING, 303, "100001"),
    ]
    assert context.end() == (Outcome.FAILED, "failed: Error in run: Failed in run after wait: fail_run=True")
    assert [one.log for one in context.told if isinstance(one, ItemProgressed)][-1] == "Run started"


async def test_a_failed_script_says_that_its_queue_is_paused() -> None:
    told = Told(LISTED)
    paused = next(
        number
        for number, one in enumerate(events())
        if one.sal_name == "logevent_queue" and one.truth["currentSalIndex"] == 100001 and not one.truth["running"]
    )
    line = Line({"add": Answer(303, 0, "100001")}, then=speaking(told, events()[: paused + 1]))
    context = await added(line, told)
    assert context.end()[1].endswith("fail_run=True; ScriptQueue:1 is paused until it is resumed")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            job("auxtel/enable_lattis.py"),
            "lists no standard script auxtel/enable_lattis.py; it has auxtel/enable_latiss.py",
        ),
        (job("auxtel/enable_atcs.py", standard=False), "lists no external script auxtel/enable_atcs.py"),
    ],
)
async def test_what_the_queue_does_not_list_is_refused_with_the_nearest_name(script: ScriptJob, why: str) -> None:
    line = Line()
    context = await added(line, Told(LISTED), script)
    assert context.end() == (Outcome.FAILED, f"ScriptQueue:1 {why}")
    assert line.sent == []


async def test_a_queue_that_never_listed_its_scripts_is_asked_for_them() -> None:
    told = Told()

    def speak(order: Order) -> None:
        if order.command == "showAvailableScripts":
            told.take(LISTED)
        speaking(told)(order)

    line = Line({"showAvailableScripts": Answer(303, 0, "Done"), "add": Answer(303, 0, "100001")}, then=speak)
    context = await added(line, told)
    assert context.commands() == ["showAvailableScripts", "add"]
    silent = Line({"showAvailableScripts": Answer(303, 0, "Done")})
    context = await added(silent, Told())
    assert context.end() == (Outcome.FAILED, "ScriptQueue:1 does not tell which scripts it has")


@pytest.mark.parametrize(
    ("answer", "outcome", "why"),
    [
        (Answer(-302, 1, "Failed: Cannot find script x"), Outcome.FAILED, "add: failed: Cannot find script x"),
        (Answer(0, 0, "no answer within 5 s"), Outcome.UNKNOWN, "add: no answer within 5 s"),
        (MaybeWritten("may or may not have been sent"), Outcome.UNKNOWN, "add may or may not have been sent"),
    ],
)
async def test_what_became_of_an_add_is_told_apart(answer: Answer | Exception, outcome: Outcome, why: str) -> None:
    context = await added(Line({"add": answer}), Told(LISTED))
    assert context.end()[0] is outcome
    assert context.end()[1].startswith(why)
    assert [one for one in context.told if isinstance(one, RequestAnswered)]


async def test_an_add_whose_answer_is_lost_is_found_by_its_number() -> None:
    told = Told(LISTED)
    line = Line({"add": Answer(0, 0, "no answer within 5 s")}, then=speaking(told))
    context = await added(line, told)
    assert context.end()[1].startswith("failed: Error in run")


async def test_nothing_is_sent_that_the_run_refuses() -> None:
    line = Line()
    context = await added(line, Told(LISTED), context=Context(refuses={"add": "the run is held by ops2"}))
    assert context.end() == (Outcome.FAILED, "the run is held by ops2")
    assert line.sent == []


async def test_a_queue_that_restarts_leaves_its_script_unknown() -> None:
    told = Told(LISTED)
    first = next(number for number, one in enumerate(events()) if one.truth.get("scriptSalIndex") == 100001)

    def speak(order: Order) -> None:
        speaking(told, events()[: first + 1])(order)
        told.take(QueueTold(QUEUE, 99, enabled=False, running=True, current=0, waiting=()))

    context = await added(Line({"add": Answer(303, 0, "100001")}, then=speak), told)
    assert context.end()[0] is Outcome.UNKNOWN
    assert context.end()[1].startswith("ScriptQueue:1 restarted while it was")


async def test_a_queue_is_paused_and_a_script_stopped_by_their_own_commands() -> None:
    line = Line({"pause": Answer(303, 0, "Done"), "stopScripts": Answer(303, 0, "Done")})
    action, context = ScriptQueueAction(line, Told().reading, descr="", timeouts=QUICK), Context()
    known = ScriptJob(STEP, numbered(2), job().script, ItemProgress(sal_index=100003))
    await action.order(ControlOrdered(STEP, numbered(2), "pause", "lead"), known, context)
    await action.order(ControlOrdered(STEP, numbered(2), "stopScripts", "lead"), known, context)
    assert context.commands() == ["pause", "stopScripts"]
    stop = line.sent[-1].values
    assert (stop["length"], stop["salIndices"][:2], len(stop["salIndices"])) == (1, [100003, 0], 400)
    assert stop["terminate"] is False


async def test_an_order_that_fails_says_why() -> None:
    line = Line({"resume": Answer(-302, 1, "Failed: resume not allowed in state=<State.STANDBY: 5>")})
    action = ScriptQueueAction(line, Told().reading, descr="", timeouts=QUICK)
    with pytest.raises(UserError, match="resume of ScriptQueue:1: failed: resume not allowed"):
        await action.order(ControlOrdered(STEP, numbered(2), "resume", "lead"), job(), Context())


@pytest.mark.parametrize("config", ["[" * 5000, "data: 2026-13-45", f"data: {'9' * 5000}", "data: {a: 1}", "data: 7"])
def test_a_stored_configuration_that_cannot_be_read_is_not_sent(config: str) -> None:
    assert "is no list of CSCs and states" in itself(job("set_summary_state.py", config=config))


@pytest.mark.parametrize(
    ("row", "refused"),
    [
        ("['ScriptQueue:1', OFFLINE]", True),
        ("['scriptqueue:*', standby]", True),
        ("['ScriptQueue:1', ENABLED]", False),
        ("['ScriptQueue:2', OFFLINE]", False),
    ],
)
async def test_a_queue_never_runs_the_script_that_takes_it_down(row: str, refused: bool) -> None:
    script = job("set_summary_state.py", config=f"data:\n- [ATAOS, OFFLINE]\n- {row}\n")
    assert bool(itself(script)) is refused
    if refused:
        line = Line()
        context = await added(line, Told(ScriptsListed(QUEUE, ("set_summary_state.py",), ())), script)
        assert context.end() == (Outcome.FAILED, "ScriptQueue:1 cannot run the script that takes itself down")
        assert line.sent == []
