"""Sending and being answered on real Kafkas, and what is known when they fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import admin as confluent_admin

from deploydash.core.fleet.observations import Observation, RecordsUndecodable
from deploydash.core.model import CscId, SummaryState
from deploydash.errors import FeedError
from deploydash.systems.sal.commanding.acks import AckSeen, Answer
from deploydash.systems.sal.commanding.kafka_commands import CannotCommand, CommandChannel
from deploydash.systems.sal.commanding.kafka_write import MaybeWritten, NotWritten
from tests.servers.command_reader import CommandReader
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_cluster import KafkaCluster
from tests.servers.kafka_scenes import plain_settings, sasl_settings
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import within
from tests.systems.sal.commanding.lines import LEAD, command_line
from tests.systems.sal.commanding.sal_cscs import MOVES, Reaction, SalCscs

_api: Any = confluent_admin  # its types are incomplete and partly wrong

pytestmark = pytest.mark.server

S = SummaryState
ESS, WATCHER = CscId("ESS", 104), CscId("Watcher")
STATES = {"ESS:104": S.STANDBY, "Watcher": S.STANDBY}


async def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    async with within(seconds):
        while not condition():  # noqa: ASYNC110  a broker tells nobody
            await asyncio.sleep(0.02)


async def send(line: CommandChannel, csc: CscId, command: str, limit_s: float = 5.0) -> Answer:
    return await line.send(await line.prepare(csc, command), limit_s)


async def test_a_command_is_answered_by_its_csc_alone(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    with SalCscs(kafka, schema_registry, subname, {**STATES, "ESS:105": S.STANDBY}) as cscs:
        settings = plain_settings(kafka.bootstrap, subname)
        async with command_line(settings, schema_registry.url) as line:
            orders = [await line.prepare(csc, "start") for csc in (ESS, WATCHER, CscId("ESS", 105))]
            answers = await asyncio.gather(*(line.send(order, 5.0) for order in orders))
            assert [answer.words for answer in answers] == ["done"] * 3
            assert len({order.seq_num for order in orders}) == 3
            refused = await send(line, ESS, "start")
            assert refused.words == "failed: start not allowed in state <State.DISABLED: 1>"
        assert {taken.fields["private_identity"] for taken in cscs.taken} == {LEAD.identity}
    found = CommandReader(kafka.bootstrap, schema_registry.url, subname).read()
    assert found.malformed == []
    assert found.twice() == []
    assert sorted(str(command.csc) for command in found.commands) == ["ESS:104", "ESS:104", "ESS:105", "Watcher"]


async def test_an_answer_that_overtakes_the_broker_s_is_not_lost(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SalCscs(kafka, schema_registry, subname, STATES):
        async with command_line(plain_settings(kafka.bootstrap, subname), schema_registry.url) as line:
            order = await line.prepare(ESS, "start")
            write = line._writer.write

            async def slow_write(*arguments: Any) -> int:
                offset = await write(*arguments)
                await until(line._awaited["ESS", order.seq_num]._final.done)
                return offset

            monkeypatch.setattr(line._writer, "write", slow_write)
            assert (await line.send(order, 5.0)).words == "done"


async def test_what_others_are_answered_is_told_and_what_is_under_way_is_not(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    heard: list[AckSeen] = []
    with SalCscs(kafka, schema_registry, subname, STATES) as cscs:
        settings = plain_settings(kafka.bootstrap, subname)
        async with command_line(settings, schema_registry.url, heard=heard.append) as line:
            script = {
                "identity": "Script:100009",
                "origin": 812,
                "cmdtype": 3,
                "error": 0,
                "result": "",
                "timeout": 3.0,
            }
            cscs.tell_ack("ESS:104", {**script, "ack": 301}, seq=5)
            cscs.tell_ack("ESS:104", {**script, "ack": 303, "result": "Done"}, seq=5)
            twin = {**script, "identity": LEAD.identity, "origin": LEAD.origin + 1}
            cscs.tell_ack("Watcher", {**twin, "ack": -302, "result": "Failed: no"}, seq=6)
            await until(lambda: len(heard) == 2)
            assert (await send(line, ESS, "start")).words == "done"
        told = {(str(ack.csc), ack.identity, ack.origin, ack.seq_num, ack.what, ack.ours) for ack in heard}
    assert told == {
        ("ESS:104", "Script:100009", 812, 5, "done", False),
        ("Watcher", LEAD.identity, LEAD.origin + 1, 6, "failed: no", False),
    }


async def test_an_answer_after_its_time_is_told_as_ours(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    heard: list[AckSeen] = []
    with SalCscs(kafka, schema_registry, subname, STATES) as cscs:
        cscs.reacts("ESS:104", "start", Reaction(took=1.0))
        settings = plain_settings(kafka.bootstrap, subname)
        async with command_line(settings, schema_registry.url, heard=heard.append) as line:
            assert await send(line, ESS, "start", 0.3) == Answer(0, 0, "no answer within 0.3 s")
            await until(lambda: heard)
    assert [(ack.csc, ack.ours, ack.what) for ack in heard] == [(ESS, True, "done")]


async def test_an_acknowledgement_of_another_index_is_not_taken_for_ours(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    heard: list[AckSeen] = []
    with SalCscs(kafka, schema_registry, subname, {**STATES, "ESS:105": S.STANDBY}) as cscs:
        cscs.reacts("ESS:104", "start", Reaction("hang"))
        settings = plain_settings(kafka.bootstrap, subname)
        async with command_line(settings, schema_registry.url, heard=heard.append) as line:
            order = await line.prepare(ESS, "start")
            waiting = asyncio.create_task(line.send(order, 1.5))
            await until(lambda: cscs.commands("ESS:104"))
            of_ours = {"identity": LEAD.identity, "origin": LEAD.origin, "cmdtype": 3, "error": 0, "timeout": 0.0}
            cscs.tell_ack("ESS:105", {**of_ours, "ack": 303, "result": "Done"}, seq=order.seq_num)
            assert (await waiting).code == 0
    assert [(ack.csc, ack.ours) for ack in heard] == [(CscId("ESS", 105), True)]


async def test_garbage_on_an_ack_topic_ends_nothing_and_is_counted(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    told: list[Observation] = []
    with SalCscs(kafka, schema_registry, subname, STATES):
        settings = plain_settings(kafka.bootstrap, subname)
        async with command_line(settings, schema_registry.url, tell=told.append) as line:
            topic = f"lsst.{subname}.ESS.ackcmd"
            kafka.topics.produce(
                [(topic, None, value) for value in (None, b"", b"\x00\x00\x00\x00\x07x", b"\x07" * 40)]
            )
            assert (await send(line, ESS, "start")).words == "done"
    unread = [one for one in told if isinstance(one, RecordsUndecodable)]
    assert len(unread) == len(told), told
    assert {one.topic for one in unread} == {topic}
    assert sum(one.count for one in unread) == 4
    assert unread[0].example == "null value"


@pytest.mark.parametrize(
    ("csc", "command", "why"),
    [
        ("MTPtg", "start", "does not exist on this Kafka"),
        ("ESS:104", "explode", "does not exist on this Kafka"),
        ("ESS:104", "start.x", "no command topic"),
        ("Watcher:7", "start", "has no index"),
    ],
)
async def test_what_would_not_be_obeyed_is_not_sent_and_nothing_is_created(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, csc: str, command: str, why: str
) -> None:
    SalCscs(kafka, schema_registry, subname, STATES)
    topics, subjects = kafka.topics.names(), schema_registry.subjects()
    async with command_line(plain_settings(kafka.bootstrap, subname), schema_registry.url) as line:
        with pytest.raises(CannotCommand, match=why):
            await line.prepare(CscId.parse(csc), command)
    assert kafka.topics.names() == topics
    assert schema_registry.subjects() == subjects
    assert CommandReader(kafka.bootstrap, schema_registry.url, subname).read().commands == []


async def test_without_a_registered_schema_or_an_ack_topic_nothing_is_sent(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    kafka.topics.create([f"lsst.{subname}.MTPtg.command_start", f"lsst.{subname}.MTPtg.ackcmd"])
    kafka.topics.create([f"lsst.{subname}.DIMM.command_start"])
    async with command_line(plain_settings(kafka.bootstrap, subname), schema_registry.url) as line:
        with pytest.raises(FeedError, match=r"has no lsst\.sal.*\.MTPtg\.command_start-value"):
            await line.prepare(CscId("MTPtg"), "start")
        with pytest.raises(CannotCommand, match=r"ackcmd does not exist or has no leader"):
            await line.prepare(CscId("DIMM", 1), "start")


async def test_a_component_that_first_appears_during_the_run_can_be_commanded(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    async with command_line(plain_settings(kafka.bootstrap, subname), schema_registry.url) as line:
        with SalCscs(kafka, schema_registry, subname, STATES):
            assert (await send(line, ESS, "start")).words == "done"
            with SalCscs(kafka, schema_registry, subname, {"MTAOS": S.STANDBY}):
                assert (await send(line, CscId("MTAOS"), "start")).words == "done"
                assert (await send(line, ESS, "enable")).words == "done"


async def test_an_account_that_may_only_read_learns_that_nothing_was_sent(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    SalCscs(kafka, schema_registry, subname, STATES)
    async with command_line(sasl_settings(kafka, subname), schema_registry.url) as line:
        with pytest.raises(NotWritten, match=r"may not write to .*TopicAuthorizationFailedError \(29\)") as refused:
            await send(line, ESS, "start")
        assert "right WRITE" in refused.value.hint
    assert CommandReader(kafka.bootstrap, schema_registry.url, subname).read().commands == []


async def test_an_account_that_may_not_read_acknowledgements_sends_nothing(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    SalCscs(kafka, schema_registry, subname, STATES)
    rights = [
        _api.AclBinding(
            _api.ResourceType.TOPIC,
            f"lsst.{subname}",
            _api.ResourcePatternType.PREFIXED,
            "User:nobody",
            "*",
            operation,
            _api.AclPermissionType.ALLOW,
        )
        for operation in (_api.AclOperation.DESCRIBE, _api.AclOperation.WRITE)
    ]
    for future in kafka.topics.admin.create_acls(rights).values():
        future.result(20)
    async with command_line(sasl_settings(kafka, subname, "nobody"), schema_registry.url) as line:

        async def refusal() -> str:
            try:
                await line.prepare(ESS, "start")
            except CannotCommand as error:
                return str(error)
            return ""

        async with within(20):
            may_not = f"lsst.{subname}.ESS.ackcmd may not be read"
            while not (words := await refusal()).startswith(may_not):  # noqa: ASYNC110  a broker tells nobody
                await asyncio.sleep(0.05)
        assert "nothing is sent" in words


async def test_a_frozen_broker_leaves_it_unknown_and_what_it_does_later_it_does_once(
    own_kafka: KafkaServer, schema_registry: SchemaRegistry
) -> None:
    SalCscs(own_kafka, schema_registry, "sal", STATES)
    reader = CommandReader(own_kafka.bootstrap, schema_registry.url)
    async with command_line(plain_settings(own_kafka.bootstrap, "sal"), schema_registry.url) as line:
        assert (await send(line, ESS, "start", 0.1)).code == 0
        doubtful = await line.prepare(WATCHER, "start")
        own_kafka.freeze()
        with pytest.raises(MaybeWritten, match="may or may not have been sent"):
            await line.send(doubtful, 1.0)
        own_kafka.thaw()
        await until(lambda: len(reader.read().commands) == 2)
        later = await line.prepare(WATCHER, "enable")
        assert (await line.send(later, 0.1)).code == 0
    found = reader.read()
    assert found.twice() == []
    numbers = [command.seq_num for command in found.commands if command.csc == WATCHER]
    assert sorted(numbers) == sorted([doubtful.seq_num, later.seq_num])


async def test_a_killed_broker_leaves_no_command_behind_that_comes_later_or_twice(
    own_kafka: KafkaServer, schema_registry: SchemaRegistry
) -> None:
    cscs = SalCscs(own_kafka, schema_registry, "sal", STATES)
    async with command_line(plain_settings(own_kafka.bootstrap, "sal"), schema_registry.url) as line:
        assert (await send(line, ESS, "start", 0.1)).code == 0
        doubtful = await line.prepare(ESS, "enable")
        refused = await line.prepare(ESS, "disable")
        own_kafka.freeze()
        sending = asyncio.create_task(line.send(doubtful, 1.0))
        connections: Any = line._writer._client._conns  # type: ignore[union-attr]
        await until(lambda: any(connection._requests for connection in connections.values()))
        own_kafka.kill()
        with pytest.raises(MaybeWritten, match="may or may not have been sent"):
            await sending
        began = time.monotonic()
        with pytest.raises(NotWritten, match="nothing was sent"):
            await line.send(refused, 1.0)
        assert time.monotonic() - began < 12
        await asyncio.to_thread(own_kafka.restart)
        cscs = SalCscs(own_kafka, schema_registry, "sal", STATES)
        with cscs:
            after = await line.prepare(WATCHER, "start")
            assert (await line.send(after, 10.0)).words == "done"
    found = CommandReader(own_kafka.bootstrap, schema_registry.url).read()
    numbers = [command.seq_num for command in found.commands]
    assert found.twice() == []
    assert numbers.count(doubtful.seq_num) <= 1
    assert refused.seq_num not in numbers
    assert after.seq_num in numbers


async def test_a_command_follows_the_leader_when_another_broker_takes_over(
    kafka_cluster: KafkaCluster, schema_registry: SchemaRegistry, subname: str
) -> None:
    names = ["ackcmd", *(f"command_{command}" for command in MOVES)]
    kafka_cluster.topics.create([f"lsst.{subname}.Watcher.{name}" for name in names], brokers=[2, 3])
    SalCscs(kafka_cluster, schema_registry, subname, {"Watcher": S.STANDBY})
    bootstrap = kafka_cluster.bootstrap
    async with command_line(plain_settings(bootstrap, subname), schema_registry.url) as line:
        first = await line.prepare(WATCHER, "start")
        assert (await line.send(first, 0.1)).code == 0
        second = await line.prepare(WATCHER, "start")
        await asyncio.to_thread(kafka_cluster.kill, 2)
        assert (await line.send(second, 0.1)).code == 0
    found = CommandReader(bootstrap, schema_registry.url, subname).read()
    assert [command.seq_num for command in found.commands] == [first.seq_num, second.seq_num]


async def test_nobody_there_is_an_error_in_words(schema_registry: SchemaRegistry) -> None:
    with pytest.raises(FeedError, match=r"127\.0\.0\.1:1 \(LSST_KAFKA_BROKER_ADDR\): no broker can be reached"):
        async with command_line(plain_settings("127.0.0.1:1", "sal"), schema_registry.url):
            pass
