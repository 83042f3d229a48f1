"""The schema store against a real Confluent-compatible registry, stopped, frozen and set up anew."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deploydash.core.model import FeedState
from deploydash.core.run.records import Outcome
from deploydash.systems.registry.act import RegistryAction
from deploydash.systems.registry.compatibility import Compatibility
from deploydash.systems.registry.framing import unframe
from deploydash.systems.registry.store import SchemaStore, SchemaUnavailable, SchemaUnknown
from deploydash.systems.settings import RegistrySettings
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import within
from tests.support.clock import ManualClock
from tests.support.item_context import RecordingContext
from tests.systems.registry.levels import level_item
from tests.systems.sal.wire.captures import captured, comparable, schema_texts

pytestmark = pytest.mark.server


def store_of(registry: SchemaRegistry, folder: Path, timeout: float = 5.0) -> SchemaStore:
    return SchemaStore(RegistrySettings(registry.url, "site file"), folder, timeout=timeout)


def register(registry: SchemaRegistry, *schema_ids: int) -> dict[int, int]:
    """Register captured schemas; return the registry's own id of each."""
    texts = schema_texts()
    return {number: registry.register(f"captured-{number}-value", texts[number]) for number in schema_ids}


def state(store: SchemaStore) -> FeedState:
    return store.health[0]


async def test_captured_records_decode_by_the_schemas_a_real_registry_gives_back(
    schema_registry: SchemaRegistry, tmp_path: Path
) -> None:
    records = captured("evolution") + captured("camera") + captured("camera-unions")
    ids = await asyncio.to_thread(register, schema_registry, *{record.schema_id for record in records})
    store = store_of(schema_registry, tmp_path)
    await asyncio.gather(*(store.schema(number) for number in ids.values()))
    for record in records:
        schema = store.known(ids[record.schema_id])
        assert schema is not None
        assert comparable(schema.decode(unframe(record.value)[1])) == comparable(record.truth)
    assert store.health == (FeedState.UP, f"{schema_registry.url} (site file)")
    with pytest.raises(SchemaUnknown):
        await store.schema(999_999)
    assert state(store) is FeedState.UP
    await store.aclose()


async def test_an_address_without_its_base_path_is_told_apart_from_an_unknown_schema(
    schema_registry: SchemaRegistry, tmp_path: Path
) -> None:
    root = schema_registry.url.removesuffix("/apis/ccompat/v7")
    store = SchemaStore(RegistrySettings(root, "site file"), tmp_path)
    with pytest.raises(SchemaUnavailable, match="does not answer as a schema registry does: HTTP 404") as failed:
        await store.probe()
    assert "base path" in failed.value.hint
    await store.aclose()


async def test_a_stopped_registry_stops_nothing_that_was_read_and_what_is_missing_comes_with_it(
    own_schema_registry: SchemaRegistry, tmp_path: Path
) -> None:
    ids = list((await asyncio.to_thread(register, own_schema_registry, 1, 2, 3)).values())
    store = store_of(own_schema_registry, tmp_path)
    await store.schema(ids[0])
    await store.schema(ids[1])
    await store.aclose()
    await asyncio.to_thread(own_schema_registry.stop)

    store = store_of(own_schema_registry, tmp_path)
    assert (await store.schema(ids[0])).schema_id == ids[0]
    assert (await store.schema(ids[1])).schema_id == ids[1]
    assert state(store) is FeedState.DEGRADED
    assert store.health[1].endswith("cannot be reached: Connection refused; 2 schemas from the cache")
    with pytest.raises(SchemaUnavailable):
        await store.schema(ids[2])
    assert state(store) is FeedState.DOWN

    await asyncio.to_thread(own_schema_registry.restart)
    assert list((await asyncio.to_thread(register, own_schema_registry, 1, 2, 3)).values()) == ids
    async with within(20):
        while True:
            try:
                schema = await store.schema(ids[2])
                break
            except SchemaUnavailable:
                await asyncio.sleep(0.1)
    assert schema.schema_id == ids[2]
    assert state(store) is FeedState.UP
    await store.aclose()


async def test_a_frozen_registry_is_given_up_in_time_and_used_again_once_it_thaws(
    own_schema_registry: SchemaRegistry, tmp_path: Path
) -> None:
    (number,) = (await asyncio.to_thread(register, own_schema_registry, 1)).values()
    store = store_of(own_schema_registry, tmp_path, timeout=0.5)
    own_schema_registry.freeze()
    with pytest.raises(SchemaUnavailable, match=r"did not answer within 0\.5 s"):
        await store.schema(number)
    assert state(store) is FeedState.DOWN
    own_schema_registry.thaw()
    async with within(20):
        while state(store) is not FeedState.UP:
            try:
                await store.schema(number)
            except SchemaUnavailable:
                await asyncio.sleep(0.1)
    assert store.known(number) is not None
    await store.aclose()


async def test_a_registry_set_up_anew_with_other_schemas_is_noticed_before_a_record_is_misread(
    own_schema_registry: SchemaRegistry, tmp_path: Path
) -> None:
    (first,) = (await asyncio.to_thread(register, own_schema_registry, 1)).values()
    store = store_of(own_schema_registry, tmp_path)
    before = await store.schema(first)
    await store.aclose()
    await asyncio.to_thread(own_schema_registry.restart)
    (again,) = (await asyncio.to_thread(register, own_schema_registry, 2)).values()
    assert again == first, "the registry counts from the start"
    store = store_of(own_schema_registry, tmp_path)
    after = await store.schema(first)
    assert (before.name, after.name) == ("ackcmd", "logevent_arrays")
    await store.aclose()


async def test_the_level_of_a_real_registry_is_changed_and_put_back(own_schema_registry: SchemaRegistry) -> None:
    await asyncio.to_thread(own_schema_registry.set_compatibility, "FULL_TRANSITIVE")
    registry = Compatibility(RegistrySettings(own_schema_registry.url, "site file"), rehearsal=True)
    action, look = RegistryAction(registry, ManualClock()), lambda _: None
    seen = []
    for item in (level_item("NONE", "schema-back"), level_item("FULL_TRANSITIVE")):
        plan = await action.describe([item], look)
        end = await action.run(item, plan.items[0].approved, RecordingContext())
        seen.append((end.outcome, end.why, await registry.level()))
    assert seen == [
        (Outcome.REACHED, "it reads NONE; before it read FULL_TRANSITIVE", "NONE"),
        (Outcome.REACHED, "it reads FULL_TRANSITIVE; before it read NONE", "FULL_TRANSITIVE"),
    ]
    assert await registry.mode() == ""
    await registry.aclose()
