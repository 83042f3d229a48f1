"""The client against everything that a real API server was recorded to answer."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from deploydash.systems.kubernetes.client import OPENED, Cluster
from deploydash.systems.kubernetes.errors import MOST_WORDS, KubernetesError
from tests.servers.http_server import HttpServer
from tests.systems.kubernetes.replay import Exchange, asking, exchanges, replaying

CLIENT_METHODS = {"GET", "DELETE", "POST"}
ASKED = [one for one in exchanges() if one.lines is None and one.method in CLIENT_METHODS]
WATCHED = [one for one in exchanges() if one.lines is not None]
HEADERS = ("content-type", "cache-control", "audit-id", "CIMultiDict", "Bearer")


def by_kind(cases: list[Exchange]) -> list[Exchange]:
    """One of each status of each file: what a client does is decided by these."""
    return list({(one.name.rpartition("-")[0], one.method, one.status): one for one in cases}.values())


def by_file(cases: list[Exchange]) -> dict[str, list[Exchange]]:
    found: dict[str, list[Exchange]] = {}
    for one in cases:
        found.setdefault(one.name.rpartition("-")[0], []).append(one)
    return found


@pytest.mark.parametrize("file", by_file(by_kind(ASKED)))
async def test_an_answer_comes_back_or_is_an_error_in_words(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cluster, "_pause", lambda _, __: asyncio.sleep(0))
    cases = by_file(by_kind(ASKED))[file]
    async with asking(tmp_path, replaying(cases[0])) as (cluster, server):
        for case in cases:
            server.answer = replaying(case)
            server.requests.clear()
            await answered(cluster, case, server)


async def answered(cluster: Cluster, exchange: Exchange, server: HttpServer) -> None:
    if exchange.status < 300 and isinstance(exchange.answer, dict):
        answer = await cluster.send(exchange.method, exchange.path, query=exchange.query, body=exchange.body)
        assert answer.body == exchange.answer, exchange.name
        return
    with pytest.raises(KubernetesError) as caught:
        await cluster.send(exchange.method, exchange.path, query=exchange.query, body=exchange.body)
    said = str(caught.value)
    assert caught.value.status == (exchange.status if exchange.status >= 300 else 0), exchange.name
    assert len(said) < MOST_WORDS + 200
    assert not [word for word in HEADERS if word in said]
    times = {401: 2, 429: 4}.get(exchange.status, 1)  # sent again only where the server did not take it up
    assert len(server.requests) == times, exchange.name


async def watched(exchange: Exchange, folder: Path) -> tuple[list[str], KubernetesError | None]:
    kinds: list[str] = []
    query = {k: v for k, v in exchange.query.items() if k in {"labelSelector", "fieldSelector"}}
    asked = {k: v for k, v in exchange.query.items() if k in {"watch", *query}}
    exact = Exchange(**{**_fields(exchange), "query": asked})
    async with asking(folder, replaying(exact)) as (cluster, _):
        events = cluster.watch(exchange.path, query, exchange.query.get("resourceVersion", "1"), lasting_s=5)
        async with aclosing(events):
            try:
                async for event in events:
                    kinds.append(event["type"])  # noqa: PERF401 - those before an error count, too
            except KubernetesError as error:
                return kinds, error
    return kinds, None


def _fields(exchange: Exchange) -> dict[str, Any]:
    return {name: getattr(exchange, name) for name in Exchange.__slots__}


@pytest.mark.parametrize("exchange", WATCHED, ids=lambda one: one.name)
async def test_a_watch_yields_its_events_and_ends_as_it_was_recorded(exchange: Exchange, tmp_path: Path) -> None:
    kinds, error = await watched(exchange, tmp_path)
    if exchange.status != 200:
        assert kinds == []
        assert error is not None
        assert error.status == exchange.status
    elif exchange.cut:
        assert error is not None
        assert (error.status, "breaks off" in str(error)) == (0, True)
    elif any('"ERROR"' in line for line in exchange.lines or ()):
        assert error is not None
        assert error.status == 410
    else:
        assert error is None
        assert len(kinds) == 1 + len(exchange.lines or ())
        assert kinds[0] == OPENED


async def test_an_expired_token_and_a_missing_right_are_told_apart(tmp_path: Path) -> None:
    said: dict[int, str] = {}
    for exchange in exchanges("rights"):
        if exchange.status in {401, 403} and exchange.method == "GET" and exchange.status not in said:
            async with asking(tmp_path, replaying(exchange)) as (cluster, _):
                with pytest.raises(KubernetesError) as caught:
                    await cluster.get(exchange.path, exchange.query)
                said[exchange.status] = str(caught.value)
    assert "does not accept our credentials" in said[401]
    assert "got no credentials" in said[403]


async def test_a_refused_template_is_quoted_in_one_short_line(tmp_path: Path) -> None:
    (refused,) = [one for one in exchanges("conflict-invalid") if one.status == 422][:1]
    got = Exchange(**{**_fields(refused), "method": "POST"})
    async with asking(tmp_path, replaying(got)) as (cluster, _):
        with pytest.raises(KubernetesError) as caught:
            await cluster.send("POST", got.path, query=got.query, body=got.body)
    assert "is invalid" in caught.value.message
    assert len(caught.value.message) <= MOST_WORDS
