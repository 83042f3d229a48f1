"""What GitHub refuses, said as an operator can use it: each way, over real HTTP, against the demo's GitHub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploydash.errors import FeedError
from deploydash.systems.github.client import GithubClient
from deploydash.systems.github.errors import GithubError
from deploydash.systems.github.login import Endpoint
from deploydash.systems.http import HttpError
from tests.servers.http_server import HttpServer, Request
from tests.systems.github.hub import BRANCH, Hub, hub

REPOSITORY = "lsst-sqre/phalanx"


async def refusal(here: Hub, path: str = f"/repos/{REPOSITORY}") -> str:
    """Ask, and return why there was no answer, with what to do."""
    with pytest.raises(FeedError) as error:
        await here.client.get(path)
    return str(error.value)


@pytest.mark.parametrize(
    ("fault", "words", "todo"),
    [
        ("down", "is out of order (HTTP 503)", "githubstatus"),
        ("failing", "is out of order (HTTP 502)", "githubstatus"),
        ("unauthorized", "GitHub does not accept the token of the demo observatory: Bad credentials", "start the demo"),
        ("sso", "is not authorized for the organization's single sign-on", "Configure SSO"),
        ("missing", f"GitHub has nothing at /repos/{REPOSITORY} for the token of the demo observatory", "private"),
    ],
)
async def test_each_refusal_has_its_own_words_and_what_to_do(tmp_path: Path, fault: str, words: str, todo: str) -> None:
    async with hub(tmp_path) as here:
        here.on(fault)
        told = await refusal(here)
        assert words in told
        assert todo in told
        assert "authorization_request" not in told
        here.off(fault)
        assert (await here.client.get(f"/repos/{REPOSITORY}"))["full_name"] == REPOSITORY


async def test_a_rate_limit_is_kept_without_asking_again_and_its_end_is_said(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        here.on("limited", seconds=3600.0)
        assert "GitHub's rate limit is used up until " in await refusal(here)
        asked = here.github.asked.total()
        assert "GitHub wants no question before " in await refusal(here)
        assert here.github.asked.total() == asked
        here.off("limited")
        here.client.wait_until = 0.0
        here.on("secondary")
        assert "rate limit" in await refusal(here)
        assert here.client.wait_until > 0


async def test_a_missing_right_to_write_names_the_right(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        here.on("forbidden")
        with pytest.raises(GithubError, match="does not let the token of the demo observatory do that") as error:
            await here.client.send("POST", f"/repos/{REPOSITORY}/pulls", {"title": "t", "head": BRANCH, "base": "main"})
        assert "Contents: write" in str(error.value.hint)
        assert not error.value.unsure


async def test_what_cannot_be_taken_is_said_in_githubs_own_words(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        number = await here.found()
        with pytest.raises(GithubError, match="A pull request already exists for lsst-sqre:OSW-1234"):
            await here.client.send("POST", f"/repos/{REPOSITORY}/pulls", {"title": "t", "head": BRANCH, "base": "main"})
        with pytest.raises(GithubError, match="Head branch was modified"):
            await here.client.send("PUT", f"/repos/{REPOSITORY}/pulls/{number}/merge", {"sha": "1" * 40})
        with pytest.raises(GithubError, match="Could not resolve to a node"):
            await here.client.graphql("mutation { revertPullRequest }", pull="PR_0")


async def test_nobody_there_and_no_answer_in_time_are_told_apart(tmp_path: Path) -> None:
    nobody = GithubClient(Endpoint("http://127.0.0.1:1", "t", rehearsal=True), {})
    with pytest.raises(HttpError, match="Connection refused") as error:
        await nobody.get("/user")
    assert error.value.unsent
    async with hub(tmp_path, budget=0.3) as here:
        here.on("stalled", seconds=3600.0)
        with pytest.raises(HttpError, match="did not answer within") as late:
            await here.client.get("/user")
        assert late.value.timed_out
        assert not late.value.unsent
        here.off("stalled")


async def test_what_has_not_changed_costs_nothing_and_what_has_is_seen(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        number = await here.found()
        path = f"/repos/{REPOSITORY}/pulls/{number}"
        first = await here.client.get(path)
        assert (await here.client.get(path)) == first
        here.on("head-moves")
        assert (await here.client.get(path))["head"]["sha"] != first["head"]["sha"]


async def test_a_token_that_is_renewed_in_place_is_used_at_once(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        environ = {"GH_TOKEN": "old"}
        endpoint = Endpoint(here.settings.api, "", rehearsal=False)
        client = GithubClient(endpoint, environ)
        with pytest.raises(GithubError, match="does not accept the token of GH_TOKEN"):
            await client.get("/user")
        environ["GH_TOKEN"] = here.github.token
        assert (await client.get("/user"))["login"] == "deployment-lead"
        await client.aclose()


PAGES = {"/rows": ([1, 2], "/rows?page=2"), "/rows?page=2": ([3], "")}


def _paged(request: Request) -> tuple[int, dict[str, str], bytes]:
    """Answer two pages, each with its ETag; a third address leads elsewhere."""
    kind = {"content-type": "application/json; charset=utf-8"}
    if request.path == "/elsewhere":
        return 200, {**kind, "link": '<https://example.org/rows>; rel="next"'}, b"[1]"
    if request.path == "/page":
        return 200, {"content-type": "text/html"}, b"<html>Sign in</html>"
    rows, following = PAGES[request.path]
    etag = f'"{request.path}"'
    if request.headers.get("if-none-match") == etag:
        return 304, {"etag": etag}, b""
    link = {"link": f'<http://{request.headers["host"]}{following}>; rel="next"'} if following else {}
    return 200, {**kind, **link, "etag": etag}, json.dumps(rows).encode()


async def test_every_page_is_read_asked_for_by_its_etag_and_none_of_another_address() -> None:
    with HttpServer(_paged) as server:
        client = GithubClient(Endpoint(server.url, "secret", rehearsal=True), {})
        assert await client.pages("/rows") == [1, 2, 3]
        assert await client.pages("/rows") == [1, 2, 3]
        assert [one.headers.get("if-none-match") for one in server.requests] == [
            None,
            None,
            '"/rows"',
            '"/rows?page=2"',
        ]
        assert {one.headers["authorization"] for one in server.requests} == {"token secret"}
        assert {one.headers["x-github-api-version"] for one in server.requests} == {"2022-11-28"}
        with pytest.raises(HttpError, match="names an address elsewhere"):
            await client.pages("/elsewhere")
        with pytest.raises(GithubError, match="answers with no JSON"):
            await client.get("/page")
        await client.aclose()
