"""Recorded answers of a real Argo CD, in the words of an operator."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploydash.errors import FeedError
from deploydash.systems.argocd.client import LIST_FIELDS, ArgoClient, ArgoError
from deploydash.systems.argocd.login import Endpoint
from deploydash.systems.argocd.objects import Application, Key
from tests.servers.http_server import HttpServer, Request
from tests.systems.argocd.replay import ROOT, TOKEN, Argo, Reply, body, replied, reply, serving
from tests.systems.argocd.test_login import token, written

LIST = "GET /api/v1/applications"


async def asked(answer: Reply, path: str = "/api/v1/applications") -> FeedError:
    with serving(Argo(fixed={f"GET {path}": answer})) as endpoint:
        client = ArgoClient(endpoint)
        try:
            with pytest.raises(FeedError) as caught:
                await client.ask(path)
        finally:
            await client.aclose()
    assert TOKEN not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            replied("unauthenticated", 0),
            "Argo CD does not accept the token of the demo observatory: no session information (start the demo",
        ),
        (replied("unauthenticated", 2), "token signature is invalid"),
        (replied("unauthenticated", 4), "token is expired"),
        (replied("unauthenticated", 6), "does not have token with id"),
        (
            replied("errors", 1),
            "Argo CD does not let this login do that: permission denied (an application that does not exist is refused",
        ),
        (replied("errors", 2), 'Argo CD knows nothing of it: applications.argoproj.io "nosuch" not found'),
        (replied("list-fields", 3), "is out of order (HTTP 500): failed to marshal error message"),
        (replied("session", 3), "answers HTTP 415: Invalid content type"),
        (
            (404, {"content-type": "text/plain"}, b"404 page not found\n"),
            "is systems.argocd.root_path of the site file",
        ),
        ((200, {"content-type": "text/html"}, b"<html>"), "a web page: is there a proxy or a login in between?"),
        ((502, {"content-type": "text/html"}, b"<html>"), "is out of order (HTTP 502)"),
        ((503, {"content-type": "text/plain"}, b"upstream connect error"), "(HTTP 503): upstream connect error"),
        ((302, {"location": "https://login.example.org/?next=x"}, b""), "sends us to https://login.example.org"),
        (reply([1]), "and no JSON object"),
        ((200, {"content-type": "application/json"}, b"{"), "and no JSON object"),
    ],
)
async def test_refusals_in_words(answer: Reply, words: str) -> None:
    assert words in str(await asked(answer))


async def test_only_what_stands_in_between_leaves_open_whether_a_request_was_taken() -> None:
    for answer, unsure in (
        (replied("errors", 1), False),
        (replied("operation-in-progress", 2), False),
        ((503, {}, b""), True),
        ((504, {"content-type": "text/html"}, b""), True),
    ):
        error = await asked(answer)
        assert isinstance(error, ArgoError)
        assert error.unsure is unsure


async def test_a_token_that_was_renewed_meanwhile_is_used_at_once(tmp_path: Path) -> None:
    used: list[str] = []

    def answer(request: Request) -> Reply:
        used.append(request.headers["authorization"])
        assert "cookie" not in request.headers
        return replied("unauthenticated", 4) if len(used) == 1 else replied("list-fields", 1)

    with HttpServer(answer) as server:
        address = server.url.removeprefix("http://")
        old, new = token(sub="old"), token(sub="new")
        contexts = [{"name": "x", "server": address, "user": "x"}]
        environ = written(tmp_path, users=[{"name": "x", "auth-token": old}], contexts=contexts)
        client = ArgoClient(Endpoint(address, ROOT, plain=True), environ)
        await client.login()
        written(tmp_path, users=[{"name": "x", "auth-token": new}], contexts=contexts)
        found, _ = await client.applications(["telescope"])
        await client.aclose()
    assert [app.name for app in found] == ["envsys", "obssys"]
    assert used == [f"Bearer {old}", f"Bearer {new}"]


async def read(argo: Argo, question: Any) -> Any:
    with serving(argo) as endpoint:
        client = ArgoClient(endpoint)
        try:
            return await question(client)
        finally:
            await client.aclose()
            assert set(argo.tokens) == {f"Bearer {TOKEN}"}


async def test_a_list_without_applications_is_none_and_no_error() -> None:
    argo = Argo(fixed={LIST: replied("errors", 0)})
    assert await read(argo, lambda client: client.applications(["telescope"])) == ((), "974")


async def test_children_are_asked_for_by_their_parent_with_few_fields() -> None:
    argo = Argo(fixed={LIST: replied("list-fields", 10)})
    found, version = await read(argo, lambda client: client.applications(instance="science-platform", only=LIST_FIELDS))
    assert ([app.name for app in found], version) == (["envsys", "obssys"], "1217")
    assert {app.instance for app in found} == {"science-platform"}
    assert "selector=argocd.argoproj.io%2Finstance%3Dscience-platform" in argo.asked[0]
    assert "fields=items.metadata.name%2C" in argo.asked[0]


async def test_an_application_is_read_with_its_operation_and_results() -> None:
    argo = Argo(apps={"obssys": [body("sync-first", 1)]})
    app: Application = await read(argo, lambda client: client.application("obssys", "telescope"))
    assert (app.name, app.project, app.sync, app.health, app.tag) == (
        "obssys",
        "telescope",
        "Synced",
        "Progressing",
        "c0044",
    )
    assert app.last is not None
    assert (app.last.phase, app.last.initiator, app.operation, app.under_way) == ("Succeeded", "operator", None, None)
    assert Key("Job", "mtqueue", "obssys", "batch") in {one.key for one in app.resources}
    assert app.last.finished is not None
    assert not app.automatic
    assert not app.trouble


async def test_rights_version_and_user_are_read() -> None:
    argo = Argo(
        fixed={
            "GET /api/version": replied("version", 0),
            "GET /api/v1/session/userinfo": replied("session", 7),
            "GET /api/v1/account/can-i/applications/sync/infrastructure/science-platform": replied("can-i", 5),
            "GET /api/v1/account/can-i/applications/sync/telescope/obssys": replied("can-i", 2),
        }
    )
    assert await read(argo, lambda client: client.version()) == "v3.5.1+109ca7c"
    assert await read(argo, lambda client: client.user()) == "operator"
    assert not await read(argo, lambda client: client.may("sync", "infrastructure", "science-platform"))
    assert await read(argo, lambda client: client.may("sync", "telescope", "obssys"))
    argo.fixed["GET /api/v1/session/userinfo"] = replied("session", 5)
    assert await read(argo, lambda client: client.user()) == ""


async def test_a_comparison_that_never_ends_says_what_may_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploydash.systems.argocd.client.REFRESH_S", 0.05)
    over = threading.Event()

    def never() -> Iterator[bytes]:
        yield b"{"
        over.wait(60)

    with HttpServer(lambda _: (200, {"content-type": "application/json"}, never())) as server:
        client = ArgoClient(Endpoint(server.url.removeprefix("http://"), ROOT, plain=True, token="x", rehearsal=True))
        with pytest.raises(ArgoError) as caught:
            await client.application("obssys", "telescope", refresh="hard")
        over.set()
        await client.aclose()
    assert str(caught.value) == (
        "obssys was not compared within 0.05 s (is the application controller of Argo CD running?)"
    )
