"""Which login is used for a site's Argo CD, until when it is good, and what to do where there is none."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploydash.systems.argocd.login import Endpoint, Login, LoginError, config_file, read_login

SITE = Endpoint("argo.example.org", "/argo-cd")
LOGIN = "run argocd login argo.example.org --grpc-web-root-path /argo-cd --sso"


def token(**claims: Any) -> str:
    told = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{told}.c2ln"


def written(
    folder: Path, mode: int = 0o600, current: str = "argo.example.org/argo-cd", **changes: Any
) -> dict[str, str]:
    """Write a file as the argocd CLI does; the environment that leads to it."""
    name = "argo.example.org/argo-cd"
    told = {
        "current-context": current,
        "contexts": [
            {"name": "other", "server": "argo.example.net", "user": "other"},
            {"name": "older", "server": "argo.example.org", "user": "other"},
            {"name": name, "server": "argo.example.org", "user": name},
        ],
        "servers": [{"server": "argo.example.org", "grpc-web": True, "grpc-web-root-path": "/argo-cd"}],
        "users": [
            {"name": name, "auth-token": token(exp=1_800_000_000, email="lead@example.org"), "refresh-token": "r"},
            {"name": "other", "auth-token": token(sub="other")},
        ],
        **changes,
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(told), "utf-8")
    path.chmod(mode)
    return {"ARGOCD_CONFIG_DIR": str(folder), "HOME": str(folder)}


def test_the_current_context_of_the_cli_is_used_with_what_its_token_says(tmp_path: Path) -> None:
    login = read_login(SITE, written(tmp_path))
    assert (login.user, login.until_utc) == ("lead@example.org", 1_800_000_000.0)
    assert login.source == f"{tmp_path / 'config'}, context argo.example.org/argo-cd"
    assert login.again == "run argocd relogin --argocd-context argo.example.org/argo-cd; it is read again by itself"
    assert [login.minutes(now) for now in (1_799_999_940.0, 1_799_999_941.0, 1_800_000_001.0)] == [1, 0, -1]


def test_a_context_of_the_server_is_found_where_another_is_current(tmp_path: Path) -> None:
    login = read_login(SITE, written(tmp_path, current="other"))
    assert (login.user, login.until_utc, login.minutes(0.0)) == ("other", None, None)


def test_a_token_never_stands_in_a_repr(tmp_path: Path) -> None:
    login = read_login(SITE, written(tmp_path))
    assert login.token not in repr(login)
    assert "secret" not in repr(Endpoint("127.0.0.1", "/", token="secret"))


def test_the_authority_of_the_cli_is_trusted(tmp_path: Path) -> None:
    pem = "-----BEGIN CERTIFICATE-----\n"
    data = base64.b64encode(pem.encode()).decode()
    servers = [{"server": "argo.example.org", "certificate-authority-data": data}]
    assert read_login(SITE, written(tmp_path, servers=servers)).authority == pem
    servers[0]["certificate-authority-data"] = "!"
    with pytest.raises(LoginError, match="certificate-authority-data"):
        read_login(SITE, written(tmp_path, servers=servers))


def test_the_environment_comes_first_and_must_mean_this_site(tmp_path: Path) -> None:
    environ = {**written(tmp_path), "ARGOCD_AUTH_TOKEN": " abc ", "ARGOCD_SERVER": "ARGO.example.org:443"}
    login = read_login(SITE, environ)
    assert (login.token, login.source, login.user, login.until_utc) == ("abc", "ARGOCD_AUTH_TOKEN", "", None)
    with pytest.raises(LoginError, match=r"ARGOCD_SERVER names argo\.example\.net, which is not this site's Argo CD"):
        read_login(SITE, {**environ, "ARGOCD_SERVER": "argo.example.net"})


def test_a_rehearsal_never_looks_at_the_logins_of_the_user(tmp_path: Path) -> None:
    environ = {**written(tmp_path), "ARGOCD_AUTH_TOKEN": "real"}
    demo = Endpoint("127.0.0.1:8080", "/argo-cd", plain=True, token="fake", rehearsal=True)
    assert read_login(demo, environ) == Login("fake", "the demo observatory", "start the demo observatory anew")


@pytest.mark.parametrize(
    ("changes", "mode", "words"),
    [
        ({}, 0o644, "may be read by others (mode 644), so no token of it is used (chmod 600 "),
        ({"contexts": []}, 0o600, f"has no context for argo.example.org ({LOGIN})"),
        ({"users": None}, 0o600, "has no token (run argocd relogin --argocd-context argo.example.org/argo-cd; it is"),
        ({"contexts": "x"}, 0o600, "has no context for argo.example.org"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_do(
    tmp_path: Path, changes: dict[str, Any], mode: int, words: str
) -> None:
    with pytest.raises(LoginError) as caught:
        read_login(SITE, written(tmp_path, mode, **changes))
    assert words in str(caught.value)
    assert caught.value.system == "argocd"


@pytest.mark.parametrize("text", ["[", "a: &a [*a]", "\x00", "- 1"])
def test_whatever_stands_there_is_a_sentence(tmp_path: Path, text: str) -> None:
    environ = written(tmp_path)
    (tmp_path / "config").write_text(text, "utf-8")
    with pytest.raises(LoginError):
        read_login(SITE, environ)


def test_without_any_login_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoginError) as caught:
        read_login(SITE, {"HOME": str(tmp_path)})
    assert str(caught.value) == f"there is no login for Argo CD ({LOGIN})"


def test_the_file_stands_where_the_cli_looks_for_it(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert config_file(home) == tmp_path / ".config" / "argocd" / "config"
    assert config_file({**home, "XDG_CONFIG_HOME": "/x"}) == Path("/x/argocd/config")
    (tmp_path / ".argocd").mkdir()
    assert config_file({**home, "XDG_CONFIG_HOME": "/x"}) == tmp_path / ".argocd" / "config"
    assert config_file({**home, "ARGOCD_CONFIG_DIR": "/y"}) == Path("/y/config")


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a.!!!.c", "a.bnVsbA.c", "a.WzFd.c"])
def test_what_is_no_token_says_nothing_of_itself(token: str) -> None:
    login = read_login(Endpoint("127.0.0.1", "/", token=token, rehearsal=True), {})
    assert (login.user, login.until_utc) == ("", None)
