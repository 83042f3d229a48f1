"""Whose token is used for GitHub, and that in a rehearsal no token of the lead's own leaves this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploydash.systems.github.client import GithubClient
from deploydash.systems.github.login import API, Endpoint, LoginError, read_login
from deploydash.systems.github.settings import GithubSettings
from tests.servers.http_server import HttpServer
from tests.support.builders import roster

GITHUB = Endpoint(API)
OWN = "ghp_aRealLookingTokenOfTheLeadsOwn0000001"


def hosts(folder: Path, text: str, mode: int = 0o600) -> dict[str, str]:
    """Write gh's file; the environment that leads to it."""
    path = folder / "hosts.yml"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return {"GH_CONFIG_DIR": str(folder)}


def test_the_environment_goes_before_ghs_file_in_ghs_own_order(tmp_path: Path) -> None:
    file = hosts(tmp_path, "github.com: {user: vtvr, oauth_token: of-the-file}")
    assert read_login(GITHUB, {**file, "GH_TOKEN": "a", "GITHUB_TOKEN": "b"}).token == "a"
    assert read_login(GITHUB, {**file, "GITHUB_TOKEN": " b\n"}).token == "b"
    found = read_login(GITHUB, file)
    assert (found.token, found.source) == ("of-the-file", str(tmp_path / "hosts.yml"))
    assert "of-the-file" not in repr(found)


def test_of_several_accounts_the_active_one_counts(tmp_path: Path) -> None:
    told = "github.com: {user: two, users: {one: {oauth_token: first}, two: {oauth_token: second}}}"
    assert read_login(GITHUB, hosts(tmp_path, told)).token == "second"


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("github.com: {user: one, users: {one: {}}}", 0o600, "may be in the keyring: export GH_TOKEN"),
        ("enterprise.example.org: {oauth_token: other}", 0o600, "has no token for github.com"),
        ("github.com: {oauth_token: t}", 0o644, "may be read by others .mode 644., so no token of it is used"),
        ("a: b: c", 0o600, "is not a file of gh"),
    ],
)
def test_a_file_without_a_token_that_could_be_used_says_what_to_do(
    tmp_path: Path, text: str, mode: int, words: str
) -> None:
    with pytest.raises(LoginError, match=words):
        read_login(GITHUB, hosts(tmp_path, text, mode))


def test_without_any_login_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(LoginError, match=r"there is no token for GitHub \(run gh auth login"):
        read_login(GITHUB, {"HOME": str(tmp_path)})
    with pytest.raises(LoginError, match="GH_TOKEN is no token"):
        read_login(GITHUB, {"GH_TOKEN": "two\nlines"})


async def test_in_a_rehearsal_a_token_of_the_leads_own_is_not_sent_even_to_the_demo() -> None:
    with HttpServer(lambda _: (200, {"content-type": "application/json"}, b"{}")) as server:
        environ = {"GH_TOKEN": OWN, "GITHUB_TOKEN": OWN}
        client = GithubClient(Endpoint(server.url, "of-the-demo", rehearsal=True), environ)
        await client.get("/user")
        await client.aclose()
        assert [one.headers["authorization"] for one in server.requests] == ["token of-the-demo"]
        assert OWN not in str(server.requests)


async def test_a_rehearsal_asks_no_github_but_that_of_this_machine() -> None:
    client = GithubClient(Endpoint(API, "", rehearsal=True), {"GH_TOKEN": OWN})
    with pytest.raises(LoginError, match="this rehearsal has no GitHub"):
        await client.get("/user")


def test_a_site_file_names_no_token_and_no_address_in_clear() -> None:
    told = {"phalanx": {"environment": "hill"}, "api": "http://api.github.com", "token": "t"}
    wrong = [message for _, message, _ in GithubSettings.model_validate(told).contradictions(roster())]
    assert wrong == ["a token must not stand in a file", "http://api.github.com would be sent the token in clear"]
    assert "'t'" not in repr(GithubSettings.model_validate(told))
    settings = GithubSettings.model_validate({"phalanx": {"environment": "hill"}})
    assert (list(settings.hosts()), settings.api) == ([], API)
