"""The registry's latest schema, and every way of not having it."""

from __future__ import annotations

import json

import pytest

from deploydash.actions.schemas import RegistryLatest
from deploydash.config.settings import RegistrySettings
from deploydash.errors import FeedError
from tests.actions.sal_cscs import command_schema
from tests.servers.http_server import HttpServer, Request
from tests.servers.process import free_port
from tests.servers.registry import SchemaRegistry

START = command_schema("ESS", "command_start", indexed=True)
SUBJECT = "lsst.sal.ESS.command_start-value"


@pytest.mark.server
async def test_a_schema_that_was_registered_a_moment_ago_is_the_latest(
    schema_registry: SchemaRegistry, subname: str
) -> None:
    subject = f"lsst.{subname}.ESS.command_start-value"
    newer = json.loads(START)
    newer["fields"].append({"name": "addition", "type": "int", "default": 0})
    latest = RegistryLatest(RegistrySettings(schema_registry.url, "site file"))
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


async def refusal(url: str, timeout: float = 5.0) -> str:
    latest = RegistryLatest(RegistrySettings(url, "LSST_SCHEMA_REGISTRY_URL"), timeout)
    try:
        with pytest.raises(FeedError) as refused:
            await latest.latest(SUBJECT)
    finally:
        await latest.aclose()
    return str(refused.value)


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, {"id": 0, "schema": START}, "cannot be used: its id is 0"),
        (200, {"id": "7", "schema": START}, "cannot be used: its id is '7'"),
        (200, {"id": 7, "schema": "{}"}, "cannot be used: schema 7 is not usable"),
        (200, {"id": 7, "schema": "message M {}", "schemaType": "PROTOBUF"}, "it is PROTOBUF, not Avro"),
        (200, ["not", "an", "object"], "answers HTTP 200"),
        (404, {"error_code": 40401}, f"has no {SUBJECT}"),
        (401, {}, "answers HTTP 401"),
        (503, {}, "answers HTTP 503"),
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
