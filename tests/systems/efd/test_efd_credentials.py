"""The credential service of the EFD's clients, as a small real HTTP server."""

from __future__ import annotations

import json

import pytest

from deploydash.core.fleet.observations import EfdAnswered
from deploydash.core.model import CscId, FeedState
from deploydash.session.clock import SystemClock
from deploydash.systems.efd.client import EfdError
from deploydash.systems.efd.credentials import from_service
from deploydash.systems.efd.feed import EfdFeed
from deploydash.systems.settings import EfdSettings
from tests.servers.http_server import HttpServer, Request
from tests.servers.process import free_port
from tests.support.collected import running

KNOWN = {
    "host": "summit-lsp.example.org",
    "schema_registry": "https://summit-lsp.example.org/schema-registry",
    "port": "443",
    "username": "efdreader",
    "password": "very-secret",
    "path": "/influxdb/",
}


def _service(request: Request) -> tuple[int, dict[str, str], bytes]:
    if request.path == "/segwarides/creds/summit_efd":
        return 200, {}, json.dumps(KNOWN).encode()
    return 404, {}, b'{"detail":"not found"}'


async def test_an_alias_becomes_an_address_and_an_account() -> None:
    with HttpServer(_service) as server:
        settings = await from_service(f"{server.url}/segwarides/", "summit_efd")
    assert settings == EfdSettings(
        "https://summit-lsp.example.org/influxdb",
        "efd",
        "credential service, alias summit_efd",
        "efdreader",
        "very-secret",
    )
    assert "very-secret" not in repr(settings)


async def test_port_and_path_may_be_left_out_or_be_others() -> None:
    answer = {**KNOWN, "port": 8086, "path": None}
    with HttpServer(lambda _: (200, {}, json.dumps(answer).encode())) as server:
        settings = await from_service(server.url, "a", "lsst.obsenv")
    assert (settings.url, settings.database) == ("https://summit-lsp.example.org:8086", "lsst.obsenv")


async def test_an_alias_cannot_reach_another_path_of_the_service() -> None:
    with HttpServer(_service) as server:
        with pytest.raises(EfdError):
            await from_service(server.url, "../../admin?x=1")
        assert server.requests[0].path == "/creds/..%2F..%2Fadmin%3Fx%3D1"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, b"", "knows no EFD 'summit_efd' (correct efd.alias in the site file"),
        (500, b"", "refuses: HTTP 500 (export EFD_USERNAME and EFD_PASSWORD instead)"),
        (200, b"hello", "answers without host, username or password"),
        (200, b'{"host":"h","username":"u","password":""}', "answers without host, username or password"),
        (
            200,
            b'{"host":"h","username":"u","password":"hidden","port":"x"}',
            "answers without host, username or password",
        ),
    ],
)
async def test_a_service_that_does_not_tell_is_named_with_the_way_out(status: int, body: bytes, words: str) -> None:
    with HttpServer(lambda _: (status, {}, body)) as server:
        with pytest.raises(EfdError) as caught:
            await from_service(server.url, "summit_efd")
        assert str(caught.value).startswith(f"the EFD credential service {server.url} ")
    assert words in str(caught.value)
    assert "hidden" not in str(caught.value)


async def test_a_service_that_is_not_there_is_named() -> None:
    with pytest.raises(EfdError, match="cannot be reached: Connection refused"):
        await from_service(f"http://127.0.0.1:{free_port()}", "summit_efd")


async def test_the_feed_asks_the_service_again_until_it_tells() -> None:
    with HttpServer(lambda _: (503, {}, b"")) as service:
        settings = EfdSettings(
            "https://efd.example.org", "efd", "site file", alias="summit_efd", credential_service=service.url
        )
        feed = EfdFeed(settings, SystemClock(), back_off=(0.02,))
        async with running(feed) as inbox:
            feed.request(frozenset({CscId("Watcher")}))
            await inbox.until(lambda: inbox.health().state is FeedState.DOWN)
            assert "refuses: HTTP 503" in inbox.health().detail
            port = free_port()
            moved = {**KNOWN, "host": "127.0.0.1", "port": port, "path": "/"}
            service.answer = lambda _: (200, {}, json.dumps(moved).encode())
            await inbox.until(lambda: f"https://127.0.0.1:{port} cannot be reached" in inbox.health().detail)
            assert "alias summit_efd" in inbox.health().detail
            assert not inbox.of(EfdAnswered)


async def test_a_user_from_the_environment_needs_no_service() -> None:
    with HttpServer(_service) as service:
        port = free_port()
        settings = EfdSettings(
            f"http://127.0.0.1:{port}", "efd", "site file", "me", "pw", alias="x", credential_service=service.url
        )
        async with running(EfdFeed(settings, SystemClock(), back_off=(0.02,))) as inbox:
            await inbox.until(lambda: inbox.health().state is FeedState.DOWN)
        assert not service.requests
