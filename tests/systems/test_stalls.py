"""Each client is stalled and cancelled a hundred times on a real socket; then the server answers, and so it must all.

Real time is the subject: what was cancelled while it connected must not keep a place in the pool (httpx 0.28.1 lost one
for each and never answered again).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from deploydash.systems.efd.client import EfdClient
from deploydash.systems.efd.credentials import from_service
from deploydash.systems.http import CONNECTIONS, HttpClient
from deploydash.systems.registry.store import SchemaStore
from deploydash.systems.sal.commanding.schemas import RegistryLatest
from deploydash.systems.settings import EfdSettings, RegistrySettings
from tests.servers.stalling import Stall, stalling

WAVES, EACH, AFTER = 4, 25, 30
RECOVERED_WITHIN_S = 2.0
SCHEMA = json.dumps({"type": "record", "name": "x", "namespace": "lsst.sal.Test", "fields": []})
CREDENTIALS = {"host": "efd.example.org", "username": "me", "password": "secret"}

Question = Callable[[int], Awaitable[Any]]
"""Asks for the thing of a number, each number another."""


def body(path: str) -> bytes:
    if path.startswith("/creds/"):
        return json.dumps(CREDENTIALS).encode()
    if path.startswith("/query"):
        return json.dumps({"results": [{"statement_id": 0}]}).encode()
    return json.dumps({"schema": SCHEMA, "id": 7}).encode()


@asynccontextmanager
async def registry_by_id(url: str) -> AsyncIterator[tuple[Question, HttpClient]]:
    store = SchemaStore(RegistrySettings(url, "site file"), None)
    yield lambda number: store.schema(number + 1), store.registry._http
    await store.aclose()


@asynccontextmanager
async def registry_latest(url: str) -> AsyncIterator[tuple[Question, HttpClient]]:
    store = SchemaStore(RegistrySettings(url, "site file"), None)
    latest = RegistryLatest(store.registry)
    yield lambda number: latest.latest(f"lsst.sal.Test{number}.command_start-value"), store.registry._http
    await latest.aclose()
    await store.aclose()


@asynccontextmanager
async def efd(url: str) -> AsyncIterator[tuple[Question, HttpClient]]:
    async with EfdClient(EfdSettings(url, "efd", "site file", "me", "secret")) as client:
        yield lambda _: client.query("SELECT"), client._http


@asynccontextmanager
async def credentials(url: str) -> AsyncIterator[tuple[Question, None]]:
    yield lambda number: from_service(url, f"efd{number}"), None


CLIENTS = {
    "registry, by id": registry_by_id,
    "registry, latest": registry_latest,
    "EFD": efd,
    "credential service": credentials,
}


def in_the_pool(http: HttpClient) -> list[Any]:
    pool: Any = http._opened._transport._pool  # type: ignore[union-attr]
    return [connection for connection in pool.connections if not connection.is_idle()]


async def given_up(ask: Question, number: int) -> None:
    """Ask, and be cancelled by a time-out: the order in which those come is what cost httpx its pool."""
    async with asyncio.timeout(0.3):
        await ask(number)


@pytest.mark.parametrize("stall", Stall, ids=lambda stall: stall.value)
@pytest.mark.parametrize("name", CLIENTS)
async def test_after_a_hundred_cancelled_questions_all_thirty_are_answered_within_two_seconds_of_real_time(
    name: str, stall: Stall
) -> None:
    async with stalling(stall, body) as server, CLIENTS[name](server.url) as (ask, http):
        for wave in range(WAVES):
            outcomes = await asyncio.gather(
                *(given_up(ask, wave * EACH + number) for number in range(EACH)), return_exceptions=True
            )
            assert [type(outcome) for outcome in outcomes] == [TimeoutError] * EACH, "the server stalls"
        await server.recover()
        before = time.monotonic()
        answers = await asyncio.gather(*(ask(1_000 + number) for number in range(AFTER)))
        took = time.monotonic() - before
        assert len(answers) == AFTER
        assert took < RECOVERED_WITHIN_S
        if http is not None:
            assert in_the_pool(http) == []


async def test_questions_that_ran_out_of_their_budget_leave_no_dead_place_in_the_pool_in_real_time() -> None:
    async with stalling(Stall.DEAF, body) as server:
        http = HttpClient("efd", server.url, budget=0.3, most_bytes=10_000, hint="")
        for _ in range(3):
            outcomes = await asyncio.gather(*(http.ask("/x") for _ in range(30)), return_exceptions=True)
            assert {getattr(outcome, "timed_out", None) for outcome in outcomes} == {True}
        await server.recover()
        answers = await asyncio.gather(*(http.ask("/x", budget=30) for _ in range(30)))
        assert [answer.status for answer in answers] == [200] * 30
        assert in_the_pool(http) == []
        assert len(http._opened._transport._pool.connections) <= CONNECTIONS  # type: ignore[union-attr]
        await http.aclose()
