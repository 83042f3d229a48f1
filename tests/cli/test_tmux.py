"""``--tmux`` says in words what it cannot do, and gives nobody more than it must."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploydash.cli import tmux
from deploydash.errors import UserError

RUN = "summit-c0045.001-20261120T2104Z"


def fake(folder: Path, version: str) -> dict[str, str]:
    path = folder / "tmux"
    path.write_text(f"#!/bin/sh\necho '{version}'\n")
    path.chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("tmux 3.3a", (3, 3)),
        ("tmux 3.2", (3, 2)),
        ("tmux next-3.6", (3, 6)),
        ("tmux openbsd-7.4", (7, 4)),
        ("tmux master", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_every_way_in_which_tmux_tells_its_version_is_read(said: str, version: tuple[int, int]) -> None:
    assert tmux.version_of(said) == version


def test_inside_of_tmux_no_second_one_is_started_and_the_way_to_mirror_it_is_told() -> None:
    with pytest.raises(UserError, match="inside tmux already") as refused:
        tmux.installed({"TMUX": "/tmp/tmux-1000/default,4711,0"})
    assert "tmux -S /tmp/tmux-1000/default attach -r" in refused.value.hint
    assert "leave --tmux out" in refused.value.hint


def test_without_tmux_the_way_without_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"tmux is not installed here .*deploydash observe"):
        tmux.installed({})


def test_a_tmux_whose_mirrors_would_shrink_the_lead_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", fake(tmp_path, "tmux 3.0a")["PATH"])
    with pytest.raises(UserError, match=r"tmux 3\.0a is too old: before 3\.2 a mirror would shrink the lead's screen"):
        tmux.installed({})


@pytest.mark.parametrize(("version", "shares"), [("tmux 3.2a", False), ("tmux 3.3a", True)])
def test_other_users_are_let_in_only_where_tmux_can_keep_them_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, shares: bool
) -> None:
    monkeypatch.setenv("PATH", fake(tmp_path, version)["PATH"])
    session = tmux.session_of(RUN, {"TMUX_TMPDIR": "/run/x"})
    said = tmux.instructions(session, tmux.installed({}))
    assert ("server-access -a -r USER" in said) is shares
    assert ("tmux 3.2a lets no other user in safely" in said) is not shares
    assert f"tmux -S {session.socket} attach -r -t {session.name}\n" in said
    assert f"deploydash observe {RUN}" in said


def test_a_session_has_a_name_that_tmux_takes_and_a_socket_of_its_own() -> None:
    session = tmux.session_of(RUN, {})
    assert session.name == "summit-c0045_001-20261120T2104Z"
    assert session.socket == Path(f"/tmp/deploydash-{os.getuid()}") / session.name
    assert not session.alive


def test_the_folder_of_sockets_is_ours_alone(tmp_path: Path) -> None:
    socket = tmux.session_of("x", {"TMUX_TMPDIR": str(tmp_path)}).socket
    tmux.own_folder(socket)
    tmux.own_folder(socket)
    assert socket.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_somebody_prepared_is_not_trusted(tmp_path: Path) -> None:
    socket = tmux.session_of("x", {"TMUX_TMPDIR": str(tmp_path)}).socket
    (tmp_path / "theirs").mkdir()
    socket.parent.symlink_to(tmp_path / "theirs")
    with pytest.raises(UserError, match="is not this user's alone"):
        tmux.own_folder(socket)
    socket.parent.unlink()
    socket.parent.mkdir()
    socket.parent.chmod(0o777)
    with pytest.raises(UserError, match="is not this user's alone"):
        tmux.own_folder(socket)


def test_a_path_too_long_for_a_socket_names_the_setting_that_helps(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"too long for a socket .set TMUX_TMPDIR"):
        tmux.own_folder(tmp_path / ("x" * 120) / "s")
