"""The registry's latest schema, and every way of not having it."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from deploydash.errors import FeedError
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.client import RegistryClient
from deploydash.systems.registry.framing import Undecodable, frame
from deploydash.systems.sal.commanding.schemas import RegistryLatest, read_by
from tests.servers.http_server import HttpServer, Request
from tests.servers.process import free_port
from tests.servers.registry import SchemaRegistry
from tests.support.leaping import leaping
from tests.systems.sal.commanding.sal_cscs import command_schema

START = command_schema("ESS", "command_start", indexed=True)
SUBJECT = "lsst.sal.ESS.command_start-value"


def client(url: str, source: str = "site file", timeout: float = 5.0) -> RegistryClient:
    return RegistryClient(url, source, timeout, time.monotonic)


@pytest.mark.server
async def test_a_schema_that_was_registered_a_moment_ago_is_the_latest(
    schema_registry: SchemaRegistry, subname: str
) -> None:
    subject = f"lsst.{subname}.ESS.command_start-value"
    newer = json.loads(START)
    newer["fields"].append({"name": "addition", "type": "int", "default": 0})
    registry = client(schema_registry.url)
    latest = RegistryLatest(registry, kept_s=0.0)
    try:
        with pytest.raises(FeedError, match=f"has no {subject}"):
            await latest.latest(subject)
        first = schema_registry.register(subject, START)
        assert (await latest.latest(subject)).schema_id == first
        second = schema_registry.register(subject, json.dumps(newer))
        found = await latest.latest(subject)
        assert found.schema_id == second != first
        assert "addition" in found.fields
    finally:
        await latest.aclose()
        await registry.aclose()


def test_commands_of_one_subject_share_an_answer_for_three_seconds_and_no_longer() -> None:
    asked: list[str] = []

    class Counted(RegistryLatest):
        async def _ask(self, subject: str) -> dict[str, Any]:
            asked.append(subject)
            await asyncio.sleep(0.5)
            return {"id": len(asked), "schema": START}

    async def ids() -> list[list[int]]:
        latest = Counted(client("http://127.0.0.1:1"))
        found = []
        for _ in range(4):
            schemas = await asyncio.gather(*(latest.latest(SUBJECT) for _ in range(20)))
            found.append([schema.schema_id for schema in schemas])
            await asyncio.sleep(1.1)
        await latest.aclose()
        return found

    assert leaping(ids()) == [[1] * 20, [1] * 20, [1] * 20, [2] * 20]
    assert asked == [SUBJECT] * 2


def test_a_failure_is_told_to_whoever_waits_for_it_and_not_kept() -> None:
    class Down(RegistryLatest):
        up = False

        async def _ask(self, subject: str) -> dict[str, Any]:
            await asyncio.sleep(0.5)
            if not self.up:
                raise FeedError("schema registry", f"{subject} cannot be had")
            return {"id": 7, "schema": START}

    async def schema_id() -> int:
        latest = Down(client("http://127.0.0.1:1"))
        outcomes = await asyncio.gather(*(latest.latest(SUBJECT) for _ in range(3)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [FeedError] * 3
        latest.up = True
        found = await latest.latest(SUBJECT)
        await latest.aclose()
        return found.schema_id

    assert leaping(schema_id()) == 7


async def refusal(url: str, timeout: float = 5.0) -> str:
    registry = client(url, "LSST_SCHEMA_REGISTRY_URL", timeout)
    latest = RegistryLatest(registry)
    try:
        with pytest.raises(FeedError) as refused:
            await latest.latest(SUBJECT)
    finally:
        await latest.aclose()
        await registry.aclose()
    return str(refused.value)


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, {"id": 0, "schema": START}, "cannot be used: its id is 0"),
        (200, {"id": "7", "schema": START}, "cannot be used: its id is '7'"),
        (200, {"id": 7, "schema": "{}"}, "cannot be used: schema 7 is not usable"),
        (200, {"id": 7, "schema": "message M {}", "schemaType": "PROTOBUF"}, "it is PROTOBUF, not Avro"),
        (200, ["not", "an", "object"], "does not answer as a schema registry does: HTTP 200"),
        (200, {"id": 7}, "does not answer as a schema registry does: HTTP 200"),
        (404, {"error_code": 40403}, "does not answer as a schema registry does: HTTP 404"),
        (404, {"error_code": 40401}, f"has no {SUBJECT}"),
        (401, {}, "refuses us: HTTP 401"),
        (503, {}, "is in trouble itself: HTTP 503"),
    ],
)
async def test_an_answer_that_is_no_schema_is_refused_in_words(status: int, body: object, why: str) -> None:
    def answer(_: Request) -> tuple[int, dict[str, str], bytes]:
        return status, {}, json.dumps(body).encode()

    with HttpServer(answer) as server:
        words = await refusal(server.url)
        assert [request.path for request in server.requests] == [f"/subjects/{SUBJECT}/versions/latest"]
    assert why in words
    assert "LSST_SCHEMA_REGISTRY_URL" in words


async def test_a_registry_that_is_not_there_or_has_no_address_is_told() -> None:
    assert "cannot be reached" in await refusal(f"http://127.0.0.1:{free_port()}")
    assert "cannot be reached" in await refusal("http://[broken")


async def test_a_password_in_the_address_is_not_told() -> None:
    words = await refusal(f"http://user:secret@127.0.0.1:{free_port()}")
    assert "secret" not in words


class Anew:
    """A registry that was set up anew: what we hold under an id is not what it has."""

    def __init__(self, held: WriterSchema, has: WriterSchema | None) -> None:
        self._held = held
        self._has = has

    async def schema(self, _: int) -> WriterSchema:
        return self._held

    async def instead(self, misfit: WriterSchema) -> WriterSchema | None:
        assert misfit is self._held
        if self._has is None:
            raise FeedError("schema_registry", "away")
        return None if self._has is misfit else self._has


def of_fields(**fields: str) -> WriterSchema:
    listed = [{"name": name, "type": kind} for name, kind in fields.items()]
    return WriterSchema(7, json.dumps({"type": "record", "name": "lsst.sal.Test.ackcmd", "fields": listed}))


async def test_a_record_that_does_not_fit_is_read_by_what_the_registry_has_by_now() -> None:
    held, has = of_fields(one="int", two="string"), of_fields(one="int")
    value = frame(7, has.encode({"one": 5}))
    assert await read_by(Anew(held, has), value, lambda fields: fields["one"]) == 5
    for same in (held, None):
        with pytest.raises(Undecodable, match="does not fit schema 7"):
            await read_by(Anew(held, same), value, lambda fields: fields["one"])
