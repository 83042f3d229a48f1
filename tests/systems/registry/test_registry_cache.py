"""Schemas on disk outlive the registry, and nothing on disk is believed that should not be."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from deploydash.core.model import FeedState
from deploydash.systems.registry.schema_cache import SchemaCache
from deploydash.systems.registry.store import INSTEAD_EVERY_S, SchemaStore, SchemaUnavailable, SchemaUnknown
from deploydash.systems.settings import RegistrySettings
from tests.systems.registry.registry_server import AnsweringServer, always, answering, dripping, schemas

NOWHERE = "http://127.0.0.1:1/api"


def text(field: str = "salIndex") -> str:
    return json.dumps({"type": "record", "name": "lsst.sal.Test.x", "fields": [{"name": field, "type": "int"}]})


def files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def state(store: SchemaStore) -> FeedState:
    return store.health[0]


async def fill(server: AnsweringServer, folder: Path, *schema_ids: int) -> None:
    store = SchemaStore(server.settings, folder)
    for schema_id in schema_ids:
        await store.schema(schema_id)
    await store.aclose()
    server.asked.clear()


async def test_a_registry_that_is_down_degrades_nothing_that_was_read_before(tmp_path: Path) -> None:
    for schema_id in (1, 2, 3):
        SchemaCache(tmp_path, NOWHERE).save(schema_id, text())
    store = SchemaStore(RegistrySettings(NOWHERE, "site file"), tmp_path)
    for schema_id in (1, 2, 3):
        assert (await store.schema(schema_id)).fields == {"salIndex"}
    now, words = store.health
    assert now is FeedState.DEGRADED
    assert words.startswith(f"{NOWHERE} (site file) cannot be reached: Connection refused")
    assert words.endswith("; 3 schemas from the cache")
    with pytest.raises(SchemaUnavailable):
        await store.schema(4)
    assert state(store) is FeedState.DOWN
    await store.aclose()


async def test_the_registry_is_asked_to_confirm_the_first_schema_from_disk_only(tmp_path: Path) -> None:
    async with answering(schemas({1: text(), 2: text(), 3: text()})) as server:
        await fill(server, tmp_path, 1, 2, 3)
        store = SchemaStore(server.settings, tmp_path)
        for schema_id in (3, 1, 2):
            await store.schema(schema_id)
        assert server.asked == ["/api/schemas/ids/3"]
        assert state(store) is FeedState.UP
        await store.aclose()


@pytest.mark.parametrize("now_has", [{1: text("other"), 2: text("another")}, {2: text("another")}])
async def test_another_registry_behind_the_same_address_empties_the_cache(
    now_has: dict[int, str], tmp_path: Path
) -> None:
    async with answering(schemas({1: text(), 2: text()})) as server:
        await fill(server, tmp_path, 1, 2)
        server.handler = schemas(now_has)
        store = SchemaStore(server.settings, tmp_path)
        if 1 in now_has:
            assert (await store.schema(1)).fields == {"other"}
        else:
            with pytest.raises(SchemaUnknown):
                await store.schema(1)
        assert (await store.schema(2)).fields == {"another"}
        await store.aclose()


async def test_another_registry_found_late_makes_every_schema_from_disk_be_asked_for_again(tmp_path: Path) -> None:
    async with answering(schemas({1: text(), 2: text()})) as server:
        await fill(server, tmp_path, 1, 2)
        server.handler = always("", 503)
        store = SchemaStore(server.settings, tmp_path)
        assert (await store.schema(1)).fields == {"salIndex"}
        assert state(store) is FeedState.DEGRADED
        server.handler = schemas({1: text("other"), 2: text("another")})
        await store.probe()
        assert store.known(1) is None
        assert (await store.schema(1)).fields == {"other"}
        assert (await store.schema(2)).fields == {"another"}
        assert state(store) is FeedState.UP
        await store.aclose()


async def test_a_schema_that_a_record_does_not_fit_is_asked_for_past_memory_and_disk(tmp_path: Path) -> None:
    now = [100.0]
    async with answering(schemas({1: text(), 2: text(), 3: text()})) as server:
        await fill(server, tmp_path, 1, 2, 3)
        store = SchemaStore(server.settings, tmp_path, clock=lambda: now[0])
        first, misfit = await store.schema(1), await store.schema(2)
        assert await store.instead(misfit) is None
        server.handler = schemas({1: text(), 2: text("other"), 3: text("another")})
        with pytest.raises(SchemaUnavailable, match="a moment ago"):
            await store.instead(misfit)
        assert server.asked == ["/api/schemas/ids/1", "/api/schemas/ids/2"]
        now[0] += INSTEAD_EVERY_S
        other = await store.instead(misfit)
        assert other is not None
        assert other is store.known(2)
        assert other.fields == {"other"}
        assert await store.instead(misfit) is other
        assert store.known(1) is None, "nothing else from disk is believed any more"
        assert await store.instead(first) is not first
        assert (await store.schema(3)).fields == {"another"}
        await store.aclose()
        server.handler = always("", 503)
        store = SchemaStore(server.settings, tmp_path)
        assert (await store.schema(2)).fields == {"other"}
        await store.aclose()


async def test_each_schema_that_was_replaced_is_kept_on_disk(tmp_path: Path) -> None:
    async with answering(schemas({1: text(), 2: text()})) as server:
        store = SchemaStore(server.settings, tmp_path)
        held = [await store.schema(1), await store.schema(2)]
        server.handler = schemas({1: text("one"), 2: text("two")})
        for one in held:
            await store.instead(one)
        await store.aclose()
        server.handler = always("", 503)
        store = SchemaStore(server.settings, tmp_path)
        assert [(await store.schema(number)).fields for number in (1, 2)] == [{"one"}, {"two"}]
        await store.aclose()


async def test_a_schema_is_kept_that_the_registry_has_no_more_and_is_not_asked_for_all_the_time(tmp_path: Path) -> None:
    async with answering(schemas({1: text()})) as server:
        store = SchemaStore(server.settings, tmp_path)
        held = await store.schema(1)
        server.handler = always("", 503)
        for _ in range(2):
            with pytest.raises(SchemaUnavailable):
                await store.instead(held)
        server.handler = schemas({})
        store.registry._leave_alone_until = 0.0
        with pytest.raises(SchemaUnknown):
            await store.instead(held)
        asked = len(server.asked)
        with pytest.raises(SchemaUnavailable):
            await store.instead(held)
        assert len(server.asked) == asked
        assert store.known(1) is held
        await store.aclose()


async def test_many_who_doubt_a_schema_at_once_ask_for_it_once(tmp_path: Path) -> None:
    async with answering(schemas({1: text()})) as server:
        store = SchemaStore(server.settings, tmp_path)
        held = await store.schema(1)
        server.asked.clear()
        server.handler = schemas({1: text("other")})
        found = await asyncio.gather(*(store.instead(held) for _ in range(20)))
        assert {schema and schema.fields for schema in found} == {frozenset({"other"})}
        assert server.asked == ["/api/schemas/ids/1"]
        await store.aclose()


async def test_the_same_schema_written_another_way_confirms_the_cache(tmp_path: Path) -> None:
    async with answering(schemas({1: text(), 2: text()})) as server:
        await fill(server, tmp_path, 1, 2)
        sorted_text = json.dumps(json.loads(text()), sort_keys=True, indent=2)
        server.handler = schemas({1: sorted_text})
        store = SchemaStore(server.settings, tmp_path)
        await store.schema(1)
        await store.schema(2)
        assert store.known(2) is not None
        await store.aclose()


async def test_a_registry_that_hangs_holds_the_start_up_for_a_second_at_most(tmp_path: Path) -> None:
    async with answering(schemas({1: text(), 2: text()})) as server:
        await fill(server, tmp_path, 1, 2)
        server.handler = dripping
        store = SchemaStore(server.settings, tmp_path, timeout=60)
        for schema_id in (1, 2):
            await store.schema(schema_id)
        now, words = store.health
        assert now is FeedState.DEGRADED
        assert "did not answer within 1 s; 2 schemas from the cache" in words
        assert len(server.asked) == 1
        await store.aclose()


async def test_two_registries_share_a_folder_and_never_a_schema(tmp_path: Path) -> None:
    async with answering(schemas({1: text("one")})) as one, answering(schemas({1: text("two")})) as two:
        await fill(one, tmp_path, 1)
        await fill(two, tmp_path, 1)
        for server, field in ((one, "one"), (two, "two")):
            server.handler = always("", 503)
            store = SchemaStore(server.settings, tmp_path)
            assert (await store.schema(1)).fields == {field}
            await store.aclose()


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda whole: whole[:-20],
        lambda whole: whole.replace(b"salIndex", b"salindex"),
        lambda whole: whole.replace(b'"id": 1', b'"id": 2'),
        lambda whole: whole.replace(b"127.0.0.1", b"127.0.0.2"),
        lambda _: b"\xff\xfe\x00garbage",
        lambda _: b"[" * 100_000,
        lambda _: b"[]",
        lambda _: b'{"schema": 5}',
        lambda _: b'{"schema": "\\ud800"}',
    ],
)
async def test_a_damaged_file_is_as_good_as_none_and_put_right(
    damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    async with answering(schemas({1: text()})) as server:
        await fill(server, tmp_path, 1)
        (file,) = files(tmp_path)
        whole = file.read_bytes()
        file.write_bytes(damage(whole))
        assert file.read_bytes() != whole
        store = SchemaStore(server.settings, tmp_path)
        assert (await store.schema(1)).fields == {"salIndex"}
        assert file.read_bytes() == whole
        await store.aclose()


async def test_a_kept_text_that_is_no_schema_is_asked_for_again(tmp_path: Path) -> None:
    async with answering(schemas({1: text()})) as server:
        SchemaCache(tmp_path, server.url).save(1, "no schema")
        store = SchemaStore(server.settings, tmp_path)
        assert (await store.schema(1)).fields == {"salIndex"}
        await store.aclose()


async def test_a_folder_that_cannot_be_written_costs_nothing_but_a_word(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    async with answering(schemas({1: text()})) as server:
        store = SchemaStore(server.settings, tmp_path / "file" / "schemas")
        assert (await store.schema(1)).fields == {"salIndex"}
        assert state(store) is FeedState.UP
        assert "schemas cannot be kept on disk: Not a directory" in store.health[1]
        await store.aclose()


async def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    async with answering(schemas({1: text()})) as server:
        store = SchemaStore(server.settings, None)
        assert (await store.schema(1)).fields == {"salIndex"}
        await store.aclose()
    assert files(tmp_path) == []


def test_processes_that_share_the_folder_never_see_half_a_file(tmp_path: Path) -> None:
    long_text = json.dumps({"text": "x" * 200_000})
    cache = SchemaCache(tmp_path, NOWHERE)
    cache.save(1, long_text)
    stop = threading.Event()
    writers = [threading.Thread(target=_write, args=(tmp_path, long_text, stop)) for _ in range(3)]
    for writer in writers:
        writer.start()
    seen = [SchemaCache(tmp_path, NOWHERE).load(1) for _ in range(100)]
    stop.set()
    for writer in writers:
        writer.join()
    assert seen == [long_text] * 100
    assert [file.suffix for file in files(tmp_path)] == [".json"]


def _write(folder: Path, content: str, stop: threading.Event) -> None:
    cache = SchemaCache(folder, NOWHERE)
    while not stop.is_set():
        cache.save(1, content)


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_huge_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10_000_000_000)


def brackets(path: Path) -> None:
    path.write_text("[" * 100_000)


@pytest.mark.parametrize("make", [a_fifo, a_device, a_huge_file, brackets, Path.mkdir])
def test_what_is_no_kept_schema_counts_as_none_and_nobody_waits_for_it(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    cache = SchemaCache(tmp_path, NOWHERE)
    cache.save(1, text())
    [kept] = files(tmp_path)
    kept.unlink()
    make(kept)
    assert cache.load(1) is None
