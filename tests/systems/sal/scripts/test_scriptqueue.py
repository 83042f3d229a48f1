"""Following scripts on a real Kafka and registry, by the records of a real ScriptQueue; and adding them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from deploydash.core.model import SummaryState
from deploydash.core.procedure.items import Item
from deploydash.core.run.ports import End, Found
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.errors import UserError
from deploydash.systems.registry.framing import frame
from deploydash.systems.registry.store import SchemaStore
from deploydash.systems.sal.act import SalAction
from deploydash.systems.sal.commanding.acks import Answer
from deploydash.systems.sal.commanding.kafka_commands import Order
from deploydash.systems.sal.commanding.kafka_write import MaybeWritten
from deploydash.systems.sal.commanding.specs import ScriptSpec
from deploydash.systems.sal.scripts.refusals import itself
from deploydash.systems.sal.scripts.script_reader import reading
from deploydash.systems.sal.scripts.scriptqueue import ScriptTimeouts
from deploydash.systems.sal.scripts.told import QueueTold, ScriptsListed
from deploydash.systems.settings import RegistrySettings
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_scenes import plain_settings
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import within
from tests.support.item_context import Answered, Intended
from tests.support.runs import view
from tests.systems.sal.commanding.fake_line import FakeLine
from tests.systems.sal.scripts.told_queue import (
    ADDED,
    FAILING,
    GOOD,
    LISTED,
    QUEUE,
    QUICK,
    SET_STATE,
    Told,
    action_of,
    added,
    context_of,
    events,
    facts_of,
    item_of,
    known,
    line_of,
    speaking,
)
from tests.systems.sal.wire.captures import Captured, schema_texts


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
) -> AsyncIterator[SalAction]:
    schemas = SchemaStore(RegistrySettings(registry.url, "site file"), None, timeout=2.0)
    settings = plain_settings(kafka.bootstrap, subname)
    try:
        yield action_of(FakeLine(), lambda take: reading(settings, schemas, take), timeouts)
    finally:
        await schemas.aclose()


NO_TRACE = "no trace of it in its queue: it was not added, or is long over"


@pytest.mark.server
@pytest.mark.parametrize(
    ("number", "end", "found", "sentence"),
    [
        (GOOD, End(Outcome.REACHED, "done"), Found.DONE, "Script:100000 is done"),
        (
            FAILING,
            End(Outcome.FAILED, "failed: Error in run: Failed in run after wait: fail_run=True"),
            Found.NOT_DONE,
            "Script:100001 is failed: Error in run: Failed in run after wait: fail_run=True",
        ),
        (SET_STATE, End(Outcome.REACHED, "done"), Found.DONE, "Script:100009 is done"),
        (123, End(Outcome.FAILED, f"{NO_TRACE}; retry adds it"), Found.NOT_DONE, NO_TRACE),
    ],
)
async def test_a_script_that_was_added_before_is_looked_for_in_the_log_and_not_added_again(
    kafka: KafkaServer,
    schema_registry: SchemaRegistry,
    subname: str,
    number: int,
    end: End,
    found: Found,
    sentence: str,
) -> None:
    replay = Replay(kafka, schema_registry, subname)
    replay.write(events())
    context = context_of()
    async with following(kafka, schema_registry, subname) as action:
        assert await action.follow(item_of(), known(number), context) == end
        finding = await action.probe(item_of(), known(number), context.view)
    assert (finding.found, finding.sentence) == (found, sentence)
    assert context.intended() == []


@pytest.mark.server
async def test_a_script_is_followed_live_from_topics_that_appear_while_it_is_waited_for(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    replay = Replay(kafka, schema_registry, subname)
    of_queue = [one for one in events() if one.component == "ScriptQueue"]
    at = next(number for number, one in enumerate(events()) if one.truth.get("scriptSalIndex") == 100000)
    replay.write([one for one in events()[: at + 1] if one in of_queue])
    context = context_of()
    async with following(kafka, schema_registry, subname) as action:
        work = asyncio.create_task(action.follow(item_of(), known(GOOD), context))
        async with within(15):
            while not context.told:  # noqa: ASYNC110  a broker tells nobody
                await asyncio.sleep(0.02)
        assert not work.done()
        replay.write(events()[at + 1 : at + 60])
        async with within(15):
            assert await work == End(Outcome.REACHED, "done")
    states = [(one.state, one.line) for one in context.progressed()]
    assert states[0] == ("LOADING", "")
    assert states[-1][0] == "DONE"
    assert {one.known_as for one in context.progressed()} == {"Script:100000"}


@pytest.mark.server
async def test_a_script_of_which_nobody_tells_any_more_is_unknown(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    replay = Replay(kafka, schema_registry, subname)
    at = next(number for number, one in enumerate(events()) if one.truth.get("state") == 3)
    replay.write(events()[: at + 1])
    async with following(kafka, schema_registry, subname, ScriptTimeouts(quiet=1.5)) as action:
        end = await action.follow(item_of(), known(GOOD), context_of())
        finding = await action.probe(item_of(), known(GOOD), context_of().view)
    assert end == End(Outcome.UNKNOWN, "nothing heard of it for 1.5 s; it was running")
    assert (finding.found, finding.sentence) == (Found.UNDER_WAY, "Script:100000 is running")


async def test_a_script_is_added_at_the_end_with_who_adds_it_and_followed_to_its_failure() -> None:
    told = Told((LISTED,))
    line, context = line_of({"add": ADDED}), context_of()
    line.then = speaking(told)
    end = await added(line, told, item_of(config="wait: 1\n"), context)
    [order] = line.sent
    assert order.values == {
        "isStandard": True,
        "path": "auxtel/enable_atcs.py",
        "config": "wait: 1\n",
        "descr": "cycle 45",
        "location": 2,
    }
    key = json.dumps({"seq": FAILING, "identity": "lead@console", "origin": 4711})
    assert context.told[:2] == [
        Intended("add auxtel/enable_atcs.py to ScriptQueue:1", key, begins=True),
        Answered(True, "100001"),
    ]
    assert end == End(Outcome.FAILED, "failed: Error in run: Failed in run after wait: fail_run=True")
    last = context.progressed()[-1]
    assert (last.state, last.line, last.known_as) == (
        "FAILED",
        "checkpoint start · Run started",
        "Script:100001",
    )


async def test_what_is_told_of_a_script_is_its_checkpoint_and_its_last_line() -> None:
    told = Told(tuple(facts_of(events())))
    context = context_of()
    end = await action_of(FakeLine(), told.reading).follow(item_of(), known(SET_STATE), context)
    assert end == End(Outcome.REACHED, "done")
    assert context.progressed()[-1].line.startswith("checkpoint set Test:3 · ")


async def test_a_failed_script_says_that_its_queue_is_paused() -> None:
    told = Told((LISTED,))
    paused = next(
        number
        for number, one in enumerate(events())
        if one.sal_name == "logevent_queue" and one.truth["currentSalIndex"] == 100001 and not one.truth["running"]
    )
    line, context = line_of({"add": ADDED}), context_of()
    line.then = speaking(told, events()[: paused + 1])
    end = await added(line, told, context=context)
    assert end.why.endswith("fail_run=True; it left ScriptQueue:1 paused")
    assert context.progressed()[-1].paused


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (
            item_of("auxtel/enable_lattis.py"),
            "lists no standard script auxtel/enable_lattis.py; it has auxtel/enable_latiss.py",
        ),
        (item_of("auxtel/enable_atcs.py", standard=False), "lists no external script auxtel/enable_atcs.py"),
    ],
)
async def test_what_the_queue_does_not_list_is_refused_with_the_nearest_name(item: Item, why: str) -> None:
    line = line_of()
    assert await added(line, Told((LISTED,)), item) == End(Outcome.FAILED, f"ScriptQueue:1 {why}")
    assert line.sent == []


async def test_a_queue_that_never_listed_its_scripts_is_asked_for_them() -> None:
    told = Told()
    line, context = line_of({"add": ADDED}, number=FAILING - 1), context_of()

    def speak(order: Order) -> None:
        if order.command == "showAvailableScripts":
            told.take(LISTED)
        speaking(told)(order)

    line.then = speak
    await added(line, told, context=context)
    assert line.commands() == ["showAvailableScripts", "add"]
    asked = [(one.text, one.asks_only) for one in context.told if isinstance(one, Intended)]
    assert asked == [
        ("ask ScriptQueue:1 which scripts it has", True),
        ("add auxtel/enable_atcs.py to ScriptQueue:1", False),
    ]
    end = await added(line_of(), Told())
    assert end == End(Outcome.FAILED, "ScriptQueue:1 does not tell which scripts it has")


async def test_an_external_script_is_said_to_be_one() -> None:
    context = context_of()
    await added(line_of({"add": Answer(-302, 1, "no")}), Told((LISTED,)), item_of("mine.py", standard=False), context)
    assert context.intended() == ["add external mine.py to ScriptQueue:1"]


@pytest.mark.parametrize(
    ("answer", "ok", "outcome", "why"),
    [
        (Answer(-302, 1, "Failed: Cannot find script x"), False, Outcome.FAILED, "add: failed: Cannot find script x"),
        (Answer(0, 0, "no answer within 5 s"), None, Outcome.UNKNOWN, "add: no answer within 5 s"),
        (MaybeWritten("may have been sent"), None, Outcome.UNKNOWN, "add may have been sent"),
    ],
)
async def test_what_became_of_an_add_is_told_apart(
    answer: Answer | Exception, ok: bool | None, outcome: Outcome, why: str
) -> None:
    context = context_of()
    end = await added(line_of({"add": answer}), Told((LISTED,)), context=context)
    assert end.outcome is outcome
    assert end.why.startswith(why)
    assert [one.ok for one in context.told if isinstance(one, Answered)] == [ok]


async def test_an_add_whose_answer_is_lost_is_found_by_its_number() -> None:
    told = Told((LISTED,))
    line = line_of({"add": Answer(0, 0, "no answer within 5 s")})
    line.then = speaking(told)
    assert (await added(line, told)).why.startswith("failed: Error in run")


async def test_nothing_is_sent_that_the_run_refuses() -> None:
    line, context = line_of(), context_of()
    context.refuses = {"add": "the run is held by ops2"}
    assert await added(line, Told((LISTED,)), context=context) == End(Outcome.FAILED, "the run is held by ops2")
    assert line.sent == []


async def test_a_queue_that_would_not_take_it_is_sent_nothing() -> None:
    line = line_of()
    end = await added(line, Told((LISTED,)), context=context_of(view(QUEUE, SummaryState.DISABLED)))
    assert end == End(Outcome.FAILED, "ScriptQueue:1 is DISABLED: it takes scripts only when ENABLED")
    assert line.sent == []


async def test_another_script_than_the_approved_one_is_not_added() -> None:
    line, context = line_of(), context_of()
    action = action_of(line, Told((LISTED,)).reading)
    approved = (await action.describe((item_of(config="wait: 1\n"),), context.view)).items[0].approved
    end = await action.run(item_of(config="wait: 9\n"), approved, context)
    assert end == End(Outcome.FAILED, "auxtel/enable_atcs.py: another was approved; look at the card once more")
    assert line.sent == []


async def test_a_kafka_that_is_gone_keeps_a_script_from_being_added() -> None:
    line, told = line_of(), Told(down="Kafka is down")
    assert await added(line, told) == End(Outcome.FAILED, "add was not sent: Kafka is down")
    assert line.sent == []
    action = action_of(line, told.reading)
    with pytest.raises(UserError, match="Kafka is down"):
        await action.follow(item_of(), known(GOOD), context_of())
    finding = await action.probe(item_of(), known(GOOD), context_of().view)
    assert (finding.found, finding.sentence) == (Found.CANNOT_TELL, "Kafka is down")


async def test_a_queue_that_restarts_leaves_its_script_unknown() -> None:
    told = Told((LISTED,))
    first = next(number for number, one in enumerate(events()) if one.truth.get("scriptSalIndex") == 100001)
    restarted = QueueTold(QUEUE, 99, enabled=False, running=True, current=0, waiting=())
    line = line_of({"add": ADDED})

    def speak(order: Order) -> None:
        speaking(told, events()[: first + 1])(order)
        told.take(restarted)

    line.then = speak
    end = await added(line, told)
    assert end.outcome is Outcome.UNKNOWN
    assert end.why.startswith("ScriptQueue:1 restarted while it was")
    again = Told((*facts_of(events()[: first + 1]), restarted))
    finding = await action_of(line, again.reading).probe(item_of(), known(FAILING), context_of().view)
    assert finding.found is Found.CANNOT_TELL
    assert finding.sentence.startswith("ScriptQueue:1 restarted while Script:100001 was")


async def test_a_script_is_not_said_to_be_gone_where_records_cannot_be_read() -> None:
    told = Told((LISTED,), undecodable=3, example="lsst.sal.ScriptQueue.logevent_script: no such schema")
    action = action_of(line_of(), told.reading)
    why = "not found among what could be read; lsst.sal.ScriptQueue.logevent_script: no such schema"
    finding = await action.probe(item_of(), known(GOOD), context_of().view)
    assert (finding.found, finding.sentence) == (Found.CANNOT_TELL, why)
    assert await action.follow(item_of(), known(GOOD), context_of()) == End(Outcome.UNKNOWN, why)


@pytest.mark.parametrize("key", ["", "nonsense", "[]", '{"seq": "7"}'])
async def test_a_script_that_was_never_sent_is_not_looked_for(key: str) -> None:
    action = action_of(line_of(), Told(down="nobody reads").reading)
    finding = await action.probe(item_of(), ItemProgress(key=key), context_of().view)
    assert (finding.found, finding.sentence) == (Found.NOT_DONE, "it was not added")


def spec(config: str) -> ScriptSpec:
    return ScriptSpec(QUEUE, "set_summary_state.py", True, config)


@pytest.mark.parametrize("config", ["[" * 5000, "data: 2026-13-45", f"data: {'9' * 5000}", "data: {a: 1}", "data: 7"])
def test_a_stored_configuration_that_cannot_be_read_is_not_sent(config: str) -> None:
    assert "is no list of CSCs and states" in itself(spec(config))


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
    config = f"data:\n- [ATAOS, OFFLINE]\n- {row}\n"
    assert bool(itself(spec(config))) is refused
    if refused:
        line, item = line_of(), item_of("set_summary_state.py", config=config)
        why = "ScriptQueue:1 cannot run the script that takes itself down"
        planned = (await action_of(line, Told().reading).describe((item,), lambda _: view(QUEUE))).items[0]
        assert (planned.blocked, planned.why) == (True, why)
        end = await added(line, Told((ScriptsListed(QUEUE, ("set_summary_state.py",), ()),)), item)
        assert end == End(Outcome.FAILED, why)
        assert line.sent == []
