"""Records that arrive and cannot be read, on real servers: nobody behind them is silent, and no old state is news."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer

from deploydash.core.fleet.observations import BeatArrived, ErrorTold, RecordsUndecodable
from deploydash.core.model import CscId, Effective, FeedState, Liveness, SummaryState, Verdict
from deploydash.systems.sal.reading.unread import WITHHELD
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_scenes import Watching, ids, plain_settings, watching
from tests.servers.kafka_segments import spoil_last
from tests.servers.kafka_topics import Record
from tests.servers.registry import SchemaRegistry
from tests.servers.unreadable import UNKNOWN, UnreadableWriter, with_schema

pytestmark = pytest.mark.server

S = SummaryState
TEST = ids("Test:1", "Test:2", "Test:3")


@pytest.fixture
def writer(kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str) -> SalWriter:
    return SalWriter(kafka.topics, schema_registry, subname)


@asynccontextmanager
async def looking(kafka: KafkaServer, registry: SchemaRegistry, subname: str) -> AsyncIterator[Watching]:
    async with watching(plain_settings(kafka.bootstrap, subname), registry.url, TEST) as watch:
        yield watch


async def test_a_living_csc_whose_schema_nobody_knows_is_unknown_and_not_offline(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, writer: SalWriter
) -> None:
    writer.prepare(TEST)
    foreign = UnreadableWriter(kafka.topics, schema_registry, subname)
    for csc in TEST:
        writer.tell_state(csc, S.STANDBY)
    with Beater(writer, TEST[1:2]), Beater(foreign, TEST[:1]):
        async with looking(kafka, schema_registry, subname) as watch:
            snapshot = await watch.until_decided(30)
            assert {view.csc: view.liveness for view in snapshot.cscs} == {
                TEST[0]: Liveness.UNREADABLE,
                TEST[1]: Liveness.BEATING,
                TEST[2]: Liveness.UNREADABLE,
            }
            view = watch.view("Test:1")
            assert (view.effective, view.verdict) == (Effective.UNKNOWN, Verdict.UNKNOWN)
            assert view.reason.text == f"heartbeats arrive and cannot be read ({UNKNOWN})"
            assert [entry.topic for entry in snapshot.undecodable] == [writer.topic(TEST[0], "heartbeat")]
            assert snapshot.undecodable[0].records > 0
            await watch.until(lambda: watch.kafka_state() is FeedState.UP, 5, "the feed is up")
        with Beater(writer, TEST[:1]):
            async with looking(kafka, schema_registry, subname) as watch:
                await watch.until(lambda: watch.view("Test:1").effective is Effective.STANDBY, 20, "it can be read")


async def test_a_state_under_a_schema_that_nobody_knows_hides_the_one_before_it_live_and_read_back(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, writer: SalWriter
) -> None:
    hidden = f"not known: a newer summaryState cannot be read ({UNKNOWN})"
    writer.prepare(TEST)
    with Beater(writer, TEST) as beater:

        def state(csc: CscId, told: SummaryState) -> Record:
            return writer.record(csc, "summaryState", {"summaryState": int(told)}, origin=beater.origin(csc))

        writer.topics.produce([state(csc, S.STANDBY) for csc in TEST])
        async with looking(kafka, schema_registry, subname) as watch:
            await watch.until(lambda: watch.view("Test:1").effective is Effective.STANDBY, 20, "its state")
            writer.topics.produce([with_schema(state(TEST[0], S.ENABLED)), state(TEST[1], S.DISABLED)])
            await watch.until(lambda: watch.view("Test:1").reason.text == hidden, 10, "its newer state is unread")
            await watch.until(lambda: watch.view("Test:2").reported is S.DISABLED, 10, "told after it")
            assert watch.view("Test:3").reason.text == hidden
        async with looking(kafka, schema_registry, subname) as watch:
            await watch.until_decided(30)
            assert watch.view("Test:1").reason.text == watch.view("Test:3").reason.text == hidden
            assert watch.reported() == {TEST[0]: None, TEST[1]: S.DISABLED, TEST[2]: None}
            writer.topics.produce([state(TEST[0], S.ENABLED)])
            await watch.until(lambda: watch.view("Test:1").reported is S.ENABLED, 10, "it told one that can be read")


async def test_a_registry_that_does_not_answer_makes_nobody_silent_and_is_waited_for(
    kafka: KafkaServer, own_schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(kafka.topics, own_schema_registry, subname)
    writer.prepare(TEST)
    with Beater(writer, TEST) as beater:
        for csc in TEST:
            writer.tell_state(csc, S.STANDBY, origin=beater.origin(csc))
        own_schema_registry.freeze()
        try:
            async with looking(kafka, own_schema_registry, subname) as watch:
                await watch.until(
                    lambda: {view.liveness for view in watch.snapshot().cscs} == {Liveness.UNREADABLE}, 20, "unread"
                )
                assert "still asked for at the registry" in watch.view("Test:1").reason.text
                seen: list[Liveness] = []
                watch.session.subscribe(lambda now: seen.extend(view.liveness for view in now.cscs))
                await asyncio.sleep(12)
                assert set(seen) == {Liveness.UNREADABLE}
                own_schema_registry.thaw()
                await watch.until(
                    lambda: {view.effective for view in watch.snapshot().cscs} == {Effective.STANDBY}, 20, "all read"
                )
        finally:
            own_schema_registry.thaw()


async def test_states_refused_by_a_registry_that_was_set_up_empty_are_read_once_it_knows_their_schemas_again(
    kafka: KafkaServer, own_schema_registry: SchemaRegistry, subname: str
) -> None:
    """Of states that were told before we looked and while we looked; nobody tells one again."""
    writer = SalWriter(kafka.topics, own_schema_registry, subname)
    writer.prepare(TEST)
    with Beater(writer, TEST) as beater:
        for csc in TEST[1:]:
            writer.tell_state(csc, S.STANDBY, origin=beater.origin(csc))
        await asyncio.to_thread(own_schema_registry.restart)
        async with looking(kafka, own_schema_registry, subname) as watch:
            await watch.until(
                lambda: {view.liveness for view in watch.snapshot().cscs} == {Liveness.UNREADABLE}, 30, "unread"
            )
            writer.tell_state(TEST[0], S.ENABLED, origin=beater.origin(TEST[0]))
            writer.tell_state(TEST[1], S.DISABLED, origin=beater.origin(TEST[1]))
            topic = writer.topic(TEST[0], "summaryState")
            await watch.until(
                lambda: topic in {entry.topic for entry in watch.snapshot().undecodable}, 30, "states are refused"
            )
            assert set(watch.reported().values()) == {None}
            SalWriter(kafka.topics, own_schema_registry, subname).prepare(TEST)
            states = [Effective.ENABLED, Effective.DISABLED, Effective.STANDBY]
            await watch.until(
                lambda: [view.effective for view in watch.snapshot().cscs] == states, 60, "their states are read"
            )


async def test_records_under_ids_that_a_registry_set_up_anew_gave_to_other_schemas_are_read_with_those(
    kafka: KafkaServer, own_schema_registry: SchemaRegistry, subname: str, tmp_path: Path
) -> None:
    """Of the schemas that were kept none is that of its topic any more."""
    before, after = (SalWriter(kafka.topics, own_schema_registry, subname) for _ in range(2))
    before.prepare(TEST, ["heartbeat", "summaryState", "errorCode"])

    def all_are(watch: Watching, state: Effective) -> bool:
        return {view.effective for view in watch.snapshot().cscs} == {state}

    settings = plain_settings(kafka.bootstrap, subname)
    async with watching(settings, own_schema_registry.url, TEST, cache=tmp_path) as watch:
        with Beater(before, TEST) as beater:
            before.tell_error(TEST[0], 5, "it was cold", origin=beater.origin(TEST[0]))
            for csc in TEST:
                before.tell_state(csc, S.STANDBY, origin=beater.origin(csc))
            await watch.until(lambda: all_are(watch, Effective.STANDBY) and watch.told.of(ErrorTold), 20, "all is read")
        await asyncio.to_thread(own_schema_registry.restart)
        after.prepare(TEST, ["summaryState", "errorCode", "heartbeat"])
        with Beater(after, TEST, first_origin=2000) as beater:
            for csc in TEST:
                after.tell_state(csc, S.ENABLED, origin=beater.origin(csc))
            await watch.until(lambda: all_are(watch, Effective.ENABLED), 30, "states are read by their new schema")
            await watch.until(
                lambda: {one.process.origin for one in watch.told.of(BeatArrived)} >= {2000, 2001, 2002}, 30, "beats"
            )
        whys = {one.example for one in watch.told.of(RecordsUndecodable) if not one.waiting}
        assert whys == {"does not fit schema 3", "has no field summaryState"}


async def test_heartbeats_behind_an_open_transaction_are_not_silence(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, writer: SalWriter
) -> None:
    """A reader of committed records gets none that follow the first one of an open transaction, whoever wrote them."""
    writer.prepare(TEST)
    topic, key, value = writer.record(TEST[0], "heartbeat", {"heartbeat": False})
    _, _, state = writer.record(TEST[0], "summaryState", {"summaryState": int(S.STANDBY)}, origin=1000)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": subname}, logger=kafka.topics.silent)
    producer.init_transactions(20)
    with Beater(writer, TEST) as beater:
        for csc in TEST:
            writer.tell_state(csc, S.STANDBY, origin=beater.origin(csc))
        async with looking(kafka, schema_registry, subname) as watch:
            await watch.until(lambda: watch.view("Test:1").effective is Effective.STANDBY, 20, "it is seen")
            producer.begin_transaction()
            producer.produce(topic, key=key, value=value)
            producer.produce(writer.topic(TEST[0], "summaryState"), key=key, value=state)
            producer.flush(20)
            await watch.until(lambda: watch.view("Test:1").liveness is Liveness.UNREADABLE, 15, "held back")
            assert watch.view("Test:1").reason.text == f"heartbeats arrive and cannot be read ({WITHHELD})"
            assert watch.view("Test:1").reported is None
            producer.abort_transaction(20)
            await watch.until(
                lambda: {view.effective for view in watch.snapshot().cscs} == {Effective.STANDBY}, 20, "it has ended"
            )


async def test_a_state_in_a_corrupt_batch_hides_the_one_before_it(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, writer: SalWriter
) -> None:
    writer.prepare(TEST)
    with Beater(writer, TEST) as beater:
        for state in (S.STANDBY, S.DISABLED):
            writer.tell_state(TEST[0], state, origin=beater.origin(TEST[0]))
        spoil_last(kafka, writer.topic(TEST[0], "summaryState"))
        async with looking(kafka, schema_registry, subname) as watch:
            await watch.until_decided(30)
            assert watch.view("Test:1").state_unread == "a corrupt batch"
            writer.tell_state(TEST[0], S.ENABLED, origin=beater.origin(TEST[0]))
            await watch.until(lambda: watch.view("Test:1").reported is S.ENABLED, 15, "a state that can be read")
