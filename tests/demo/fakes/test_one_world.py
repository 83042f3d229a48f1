"""One world: what a fake does to a CSC happens to the one that beats on Kafka, and the clock leaves it alone."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.demo.harness import SITE, Demo, demo
from tests.servers.waiting import patient

SCENARIO = """
name: hosts
timeline:
  - {once: {system: host, asked: stop}, at: 1, do: kill, csc: [Watcher, "ESS:105"]}
  - {once: {gone: [Watcher, "ESS:105"]}, at: 1, do: redeploy, csc: "*"}
  - {at: 0, fault: {system: host, name: kept, word: "as you say"}}
"""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("hosts")
    with demo(folder, "--speed", "4", scenario=SCENARIO, program="tests.demo.fakes.sample") as running:
        yield running


def _ask(running: Demo, path: str) -> str:
    request = urllib.request.Request(running.info["host"] + path, method="POST")
    with urllib.request.urlopen(request, timeout=patient(10)) as answer:
        text: str = answer.read().decode()
        return text


def _processes(running: Demo, csc: str, since: float = 0.0) -> list[int]:
    return list(dict.fromkeys(beat["private_origin"] for beat in running.beats_after(csc, since)))


def test_a_scenario_follows_a_fake_that_nobody_here_knows_and_the_clock_leaves_its_cscs_to_it(hosts: Demo) -> None:
    others = {"ssh", "kubernetes", "argocd", "github", "slack", "host"}
    assert set(hosts.info) == {"kafka", "schema_registry", "efd", "site_file", *others}
    assert hosts.site_file["systems"].keys() == {*SITE["systems"], "host"}
    assert hosts.site_file["systems"]["host"] == {"url": hosts.info["host"]}
    hosts.until(lambda: _processes(hosts, "ESS:104"))
    assert _ask(hosts, "/start/ESS:104") == "ran already"
    assert _ask(hosts, "/stop/ESS:104") == "as you say"
    running = time.time()
    hosts.until(lambda: hosts.beats_after("ESS:104", running))
    [first] = _processes(hosts, "ESS:104")

    # The first stop let the scenario go on: the Watcher was killed, and redeployed; what the host starts was not.
    hosts.until(lambda: len(_processes(hosts, "Watcher")) == 2, 20)
    stood = time.time()
    hosts.until(lambda: len(hosts.beats_after("Watcher", stood)) > 3)
    assert len(_processes(hosts, "ESS:105")) == 1
    assert hosts.beats_after("ESS:105", stood) == []

    assert _ask(hosts, "/start/ESS:105") == "started"
    hosts.until(lambda: len(_processes(hosts, "ESS:105")) == 2)
    assert _processes(hosts, "ESS:104") == [first]


def test_a_fake_stops_and_starts_the_csc_that_beats_on_kafka(tmp_path_factory: pytest.TempPathFactory) -> None:
    with demo(tmp_path_factory.mktemp("stop"), program="tests.demo.fakes.sample") as running:
        running.until(lambda: _processes(running, "ESS:104"))
        assert _ask(running, "/stop/ESS:104") == "stopped"
        stopped = time.time()
        running.until(lambda: len(running.beats_after("ESS:105", stopped)) > 3)
        assert running.beats_after("ESS:104", stopped) == []
        assert _ask(running, "/start/ESS:104") == "started"
        running.until(lambda: len(_processes(running, "ESS:104")) == 2)
        assert running.states("ESS:104")[-1] == 5
