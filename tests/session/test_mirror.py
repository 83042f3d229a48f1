"""The lead sees how many others look on, without ever waiting for the answer."""

import asyncio
from pathlib import Path

import pytest

from deploydash.session.mirror import Mirrors, others
from tests.servers.waiting import within


@pytest.mark.parametrize(
    ("clients", "watching"),
    [
        ("", 0),
        ("0\n", 0),
        ("0\n1\n", 1),
        ("1\n0\n1\n", 2),
        ("1\n", 1),
        ("0\n0\n", 1),
    ],
)
def test_the_one_who_types_is_the_lead_and_everybody_else_watches(clients: str, watching: int) -> None:
    assert others(clients) == watching


async def test_outside_of_tmux_nobody_is_asked() -> None:
    mirrors = Mirrors({"TMUX": ""})
    await asyncio.wait_for(mirrors.watch(), 5)
    assert mirrors.count == 0


def fake_tmux(folder: Path, script: str) -> Path:
    path = folder / "tmux"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_our_session_is_asked_for_by_socket_and_pane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tmux(tmp_path, f'echo "$@" > {tmp_path}/asked; printf "0\\n1\\n1\\n"')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    mirrors = Mirrors({"TMUX": "/tmp/a,b/socket,123,0", "TMUX_PANE": "%7"})
    watching = asyncio.create_task(mirrors.watch())
    async with within(10):
        while mirrors.count != 2:  # noqa: ASYNC110 - a process answers
            await asyncio.sleep(0.01)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert (tmp_path / "asked").read_text().split() == (
        ["-S", "/tmp/a,b/socket", "list-clients", "-t", "%7", "-F", "#{client_readonly}"]
    )


async def test_a_tmux_that_hangs_is_given_up_and_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_tmux(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 1000")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("deploydash.session.mirror.ANSWER_S", 2.0)
    monkeypatch.setattr("deploydash.session.mirror.POLL_S", 1000.0)
    mirrors = Mirrors({"TMUX": "/tmp/socket,1,0", "TMUX_PANE": "%0"})
    mirrors.count = 3
    watching = asyncio.create_task(mirrors.watch())
    async with within(20):
        while mirrors.count:  # noqa: ASYNC110 - a process is waited for
            await asyncio.sleep(0.01)
    assert not runs(int((tmp_path / "pid").read_text()))
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
