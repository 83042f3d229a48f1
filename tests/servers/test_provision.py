"""Provisioning is done once, whole or not at all, and a server that cannot be had is named."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.servers import cache, fixtures
from tests.servers.cache import UnavailableError, install_once, run_tool, tool
from tests.servers.fixtures import have
from tests.servers.process import ChildProcess, ServerFailedError


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(fixtures, "_missing", {})
    return tmp_path / "cache"


def test_an_installation_that_fails_leaves_nothing_behind(own_cache: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise UnavailableError("the line was cut")

    def fill(folder: Path) -> None:
        (folder / "whole").write_text("")

    with pytest.raises(UnavailableError):
        install_once("thing", fail)
    assert [path.name for path in own_cache.iterdir()] == ["thing.lock"]
    home = install_once("thing", fill)
    assert [path.name for path in home.iterdir()] == ["whole"]


def test_installations_at_once_are_done_once() -> None:
    built: list[Path] = []
    at_the_gate = threading.Barrier(4)

    def install() -> None:
        at_the_gate.wait(10)
        install_once("thing", built.append)

    threads = [threading.Thread(target=install) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(built) == 1


def test_a_command_that_fails_is_unavailable_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no such artifact"):
        run_tool(["sh", "-c", "echo no such artifact >&2; exit 1"], tmp_path)
    with pytest.raises(UnavailableError, match="no-such-tool is not installed"):
        tool("no-such-tool")


def test_a_missing_server_skips_by_name_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def get() -> None:
        tries.append("try")
        raise UnavailableError("mvn is not installed")

    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="Kafka cannot be had: mvn is not installed"):
        have("Kafka", get)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Kafka cannot be had: mvn is not installed"):
        have("Kafka", get)
    assert tries == ["try"]


def test_a_server_that_ends_at_once_shows_its_log(tmp_path: Path) -> None:
    process = ChildProcess("broken server", tmp_path / "log")
    process.start(["sh", "-c", "echo port is taken; exit 1"])
    with pytest.raises(ServerFailedError, match="broken server ended before it was ready\nport is taken"):
        process.wait_ready(lambda: False, 10)


def test_a_server_that_ignores_the_polite_signal_is_ended_all_the_same(tmp_path: Path) -> None:
    process = ChildProcess("stubborn server", tmp_path / "log")
    process.start(["sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"])
    process.wait_ready(lambda: "up" in process.log_tail(), 10)
    process.stop(0.2)
    assert not process.running
