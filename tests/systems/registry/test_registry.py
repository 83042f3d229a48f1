"""The schema store against servers that fail in ways a real registry cannot be made to."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import time
from pathlib import Path

import pytest

from deploydash.core.model import FeedState
from deploydash.systems.registry.framing import Undecodable
from deploydash.systems.registry.store import UNKNOWN_KEPT_S, SchemaStore, SchemaUnavailable, SchemaUnknown
from deploydash.systems.settings import RegistrySettings
from tests.servers.certificates import make_certificates
from tests.systems.registry.registry_server import PRODUCTS, Handler, always, answering, dripping, recorded, schemas


def text(name: str = "logevent_x") -> str:
    fields = [{"name": "salIndex", "type": "int"}]
    return json.dumps({"type": "record", "name": name, "namespace": "lsst.sal.Test", "fields": fields})


class ManualClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_schema_is_asked_for_once_however_many_need_it_at_once(tmp_path: Path) -> None:
    async with answering(schemas({7: text()})) as server:
        store = SchemaStore(server.settings, tmp_path)
        assert store.known(7) is None
        assert store.health[0] is FeedState.CONNECTING
        found = await asyncio.gather(*(store.schema(7) for _ in range(50)))
        assert {id(schema) for schema in found} == {id(store.known(7))}
        assert server.asked == ["/api/schemas/ids/7"]
        assert store.health == (FeedState.UP, f"{server.url} (site file)")
        await store.aclose()


@pytest.mark.parametrize("product", PRODUCTS)
async def test_the_recorded_answers_of_real_registries_are_understood(product: str, tmp_path: Path) -> None:
    async with answering(recorded(product)) as server:
        store = SchemaStore(server.settings, tmp_path)
        schema = await store.schema(1)
        assert (schema.namespace, schema.name) == ("lsst.sal.Demo", "logevent_heartbeat")
        with pytest.raises(SchemaUnknown, match="schema 999999 is unknown to the registry"):
            await store.schema(999_999)
        assert await store.probe() == f"{server.url} answers (site file)"
        await store.aclose()


async def test_an_unknown_id_is_told_from_memory_for_a_while_and_then_asked_for_again(tmp_path: Path) -> None:
    texts: dict[int, str] = {}
    clock = ManualClock()
    async with answering(schemas(texts)) as server:
        store = SchemaStore(server.settings, tmp_path, clock=clock)
        for _ in range(5):
            with pytest.raises(SchemaUnknown):
                await store.schema(7)
        assert len(server.asked) == 1
        assert store.health[0] is FeedState.UP, "the registry did answer"
        texts[7] = text()
        clock.now += UNKNOWN_KEPT_S - 1
        with pytest.raises(SchemaUnknown):
            await store.schema(7)
        clock.now += 2
        assert (await store.schema(7)).schema_id == 7
        assert len(server.asked) == 2
        await store.aclose()


async def test_an_id_that_is_garbage_troubles_nobody(tmp_path: Path) -> None:
    async with answering(schemas({})) as server:
        store = SchemaStore(server.settings, tmp_path)
        with pytest.raises(SchemaUnknown, match="schema id 1934023942"):
            await store.schema(1_934_023_942)
        assert server.asked == []
        await store.aclose()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"schema": "{not json"}, "schema 7 is not usable"),
        ({"schema": '"string"'}, "it is no Avro record"),
        ({"schema": 'syntax = "proto3";', "schemaType": "PROTOBUF"}, "schema 7 is PROTOBUF, not Avro"),
    ],
)
async def test_a_schema_that_cannot_be_used_is_the_records_fault_not_the_registrys(
    body: dict[str, str], reason: str, tmp_path: Path
) -> None:
    async with answering(always(json.dumps(body))) as server:
        store = SchemaStore(server.settings, tmp_path)
        for _ in range(3):
            with pytest.raises(Undecodable, match=reason):
                await store.schema(7)
        assert len(server.asked) == 1
        assert store.health[0] is FeedState.UP
        assert os.listdir(tmp_path) == [], "nothing unusable is kept"  # noqa: PTH208  sync pathlib calls are not for coroutines
        await store.aclose()


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (always("<html>Welcome</html>"), "does not answer as a schema registry does: HTTP 200"),
        (always(b""), "does not answer as a schema registry does: HTTP 200"),
        (always(b"\xff\xfe\x00"), "does not answer as a schema registry does: HTTP 200"),
        (always("[" * 100_000), "does not answer as a schema registry does: HTTP 200"),
        (always('{"schema": 5}'), "does not answer as a schema registry does: HTTP 200"),
        (always("[]"), "does not answer as a schema registry does: HTTP 200"),
        (always('"Not Found"', 404), "does not answer as a schema registry does: HTTP 404"),
        (always('{"error_code": 0}', 404), "does not answer as a schema registry does: HTTP 404"),
        (always("", 304), "does not answer as a schema registry does: HTTP 304"),
        (always("", 401), "refuses us: HTTP 401"),
        (always("", 403), "refuses us: HTTP 403"),
        (always("", 503), "is in trouble itself: HTTP 503"),
    ],
)
async def test_an_answer_that_is_no_registrys_is_told_and_what_needs_it_may_ask_again(
    handler: Handler, reason: str, tmp_path: Path
) -> None:
    async with answering(handler) as server:
        store = SchemaStore(server.settings, tmp_path)
        with pytest.raises(SchemaUnavailable) as failed:
            await store.schema(7)
        assert failed.value.message == f"schema registry {server.url} {reason}"
        assert failed.value.system == "schema_registry"
        assert "site file" in failed.value.hint
        with pytest.raises(SchemaUnavailable, match=reason):
            await store.probe()
        state, words = store.health
        assert state is FeedState.DOWN
        assert words == f"{server.url} (site file) {reason}; 1 missing schema, records written with it cannot be read"
        server.handler = schemas({7: text()})
        assert (await store.schema(7)).schema_id == 7
        assert store.health[0] is FeedState.UP
        await store.aclose()


async def test_a_registry_that_drips_is_given_up_in_time(tmp_path: Path) -> None:
    async with answering(dripping) as server:
        store = SchemaStore(server.settings, tmp_path, timeout=0.3)
        before = time.monotonic()
        with pytest.raises(SchemaUnavailable, match=r"did not answer within 0\.3 s"):
            await store.schema(7)
        assert time.monotonic() - before < 3
        await store.aclose()


async def test_a_registry_that_does_not_answer_is_left_alone_for_a_moment(tmp_path: Path) -> None:
    clock = ManualClock()
    async with answering(dripping) as server:
        store = SchemaStore(server.settings, tmp_path, timeout=0.1, clock=clock)
        for schema_id in range(1, 400):
            with pytest.raises(SchemaUnavailable):
                await store.schema(schema_id)
        assert len(server.asked) == 1
        assert "399 missing schemas" in store.health[1]
        server.handler = schemas({7: text()})
        clock.now += 5
        assert (await store.schema(7)).schema_id == 7
        await store.aclose()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1", "cannot be reached: Connection refused"),
        ("http://no-such-host.invalid:8081", "cannot be reached: (Name or|No address|Temporary failure)"),
        ("schema-registry:8081", "cannot be reached: "),
        ("", "cannot be reached: "),
        ("http://[", "cannot be reached: "),
        ("http://127.0.0.1:99999", "cannot be reached: it is no address of HTTP"),
    ],
)
async def test_an_address_that_leads_nowhere_is_a_sentence_not_a_crash(url: str, reason: str, tmp_path: Path) -> None:
    store = SchemaStore(RegistrySettings(url, "LSST_SCHEMA_REGISTRY_URL"), tmp_path, timeout=2)
    with pytest.raises(SchemaUnavailable, match=reason) as failed:
        await store.schema(7)
    assert "LSST_SCHEMA_REGISTRY_URL" in failed.value.hint
    assert store.health[0] is FeedState.DOWN
    await store.aclose()


async def test_a_certificate_nobody_vouches_for_is_named_as_the_reason(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(make_certificates(tmp_path).keystore)
    async with answering(schemas({7: text()}), tls) as server:
        assert server.url.startswith("https://")
        store = SchemaStore(server.settings, None)
        with pytest.raises(
            SchemaUnavailable, match="certificate is not trusted: self-signed certificate in certificate chain"
        ):
            await store.schema(7)
        assert server.asked == []
        await store.aclose()


async def test_an_id_that_turns_out_unknown_is_no_longer_missing_for_the_registrys_sake(tmp_path: Path) -> None:
    clock = ManualClock()
    async with answering(always("", 503)) as server:
        store = SchemaStore(server.settings, tmp_path, clock=clock)
        with pytest.raises(SchemaUnavailable):
            await store.schema(7)
        server.handler = schemas({})
        with pytest.raises(SchemaUnknown):
            await store.schema(7)
        server.handler = always("", 503)
        with pytest.raises(SchemaUnavailable):
            await store.probe()
        assert store.health[0] is FeedState.DEGRADED
        await store.aclose()


async def test_a_password_in_the_address_is_shown_nowhere(tmp_path: Path) -> None:
    store = SchemaStore(RegistrySettings("http://lead:geheim@127.0.0.1:1/api", "site file"), tmp_path)
    with pytest.raises(SchemaUnavailable) as failed:
        await store.schema(7)
    shown = f"{failed.value} {failed.value.hint} {store.health[1]}"
    assert "geheim" not in shown
    assert "http://127.0.0.1:1/api" in shown
    await store.aclose()


async def test_no_proxy_of_the_shell_comes_between_a_rehearsal_and_its_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with answering(schemas({7: text()})) as server:
        store = SchemaStore(server.settings, tmp_path)
        assert (await store.schema(7)).schema_id == 7
        await store.aclose()
