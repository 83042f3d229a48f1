"""The process as a whole: how it starts, where it listens, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.demo.harness import SITE, Demo, command_line, demo
from tests.servers.waiting import patient


@pytest.fixture(scope="module")
def hill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with demo(tmp_path_factory.mktemp("hill"), "--speed", "4", "--seed", "7") as running:
        yield running


def test_the_first_line_names_every_address_and_the_site_file(hill: Demo) -> None:
    systems = {"ssh", "kubernetes", "argocd", "github", "slack"}
    assert set(hill.info) == {"kafka", "schema_registry", "efd", *systems, "site_file"}
    assert hill.info["kafka"].startswith("127.0.0.1:")
    assert hill.info["schema_registry"].startswith("http://127.0.0.1:")
    assert hill.info["efd"].startswith("http://127.0.0.1:")


def test_the_written_site_file_is_a_rehearsal_on_loopback_with_the_same_roster(hill: Demo) -> None:
    written = hill.site_file

    assert written["rehearsal"] is True
    assert written["kafka"] == {
        "bootstrap": hill.info["kafka"],
        "hosts": ["127.0.0.1"],
        "security_protocol": "PLAINTEXT",
        "topic_subname": "sal",
    }
    assert written["schema_registry"] == {"url": hill.info["schema_registry"]}
    assert written["efd"] == {"url": hill.info["efd"], "database": "efd"}
    assert written["demo"] == {"speed": 4.0, "scenario": "calm", "seed": 7}
    assert [entry["csc"] for entry in written["cscs"]] == [entry["csc"] for entry in SITE["cscs"]]
    kubernetes = {**SITE["systems"]["kubernetes"], "kubeconfig": hill.info["kubernetes"]}
    argocd = written["systems"].pop("argocd")
    assert f"{argocd['server']}:{argocd['port']}" == hill.info["argocd"]
    github, slack = written["systems"].pop("github"), written["systems"].pop("slack")
    assert (github["api"], slack["url"]) == (hill.info["github"], hill.info["slack"])
    assert github["phalanx"] == SITE["systems"]["github"]["phalanx"]
    at = written["systems"]["ssh"].pop("at")
    assert written["systems"] == {"ssh": SITE["systems"]["ssh"], "kubernetes": kubernetes}
    assert Path(kubernetes["kubeconfig"]).parent == Path(hill.info["site_file"]).parent
    assert {name: f"{place['address']}:{place['port']}" for name, place in at.items()} == hill.info["ssh"]
    connected = {key: written[key] for key in ("kafka", "schema_registry", "efd")}
    assert "example.org" not in str(connected)


def test_limits_are_divided_by_the_speed_but_never_below_what_a_healthy_beat_needs(hill: Demo) -> None:
    assert hill.site_file["limits"] == {"late": 2.5, "silent": 4.0}
    [ess] = [entry for entry in hill.site_file["cscs"] if entry["csc"] == "ESS:104"]
    assert ess["limits"] == {"late": 2.5}


def _listening(pid: int) -> list[str]:
    """The local addresses, as /proc writes them, of all sockets on which a process listens."""
    inodes = set()
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            inodes.add(str(Path(entry.path).readlink()).removeprefix("socket:[").removesuffix("]"))
        except FileNotFoundError:
            continue
    addresses = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text("utf-8").splitlines()[1:]:
            columns = line.split()
            if columns[9] in inodes and columns[3] in {"0A", "07"}:
                addresses.append(columns[1])
    return addresses


def test_it_listens_on_the_loopback_address_only(hill: Demo) -> None:
    addresses = _listening(hill.process.pid)

    assert len(addresses) == 8
    assert {address.split(":")[0] for address in addresses} == {"0100007F"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_exit_code_0(tmp_path: Path, number: signal.Signals) -> None:
    with demo(tmp_path) as running:
        running.process.send_signal(number)
        assert running.process.wait(patient(5)) == 0
        assert not Path(running.info["site_file"]).exists()


def _answers(address: str) -> bool:
    """Whether a broker holds a connection open."""
    host, port = address.split(":")
    with socket.socket() as probe:
        probe.settimeout(0.3)
        try:
            probe.connect((host, int(port)))
            return probe.recv(1) != b""
        except TimeoutError:
            return True
        except OSError:
            return False


def test_it_ends_on_a_signal_while_its_broker_is_down(tmp_path: Path) -> None:
    with demo(tmp_path, scenario="timeline:\n  - {at: 1, fault: {system: broker, name: down}}\n") as running:
        assert _answers(running.info["kafka"])
        deadline = time.monotonic() + patient(10)
        while _answers(running.info["kafka"]):
            assert time.monotonic() < deadline, "the broker never went down"
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(patient(8)) == 0


def test_it_ends_when_its_parent_s_pipe_closes(tmp_path: Path) -> None:
    with demo(tmp_path, "--parent-pipe", "--out", str(tmp_path / "out")) as running:
        assert running.info["site_file"] == str(tmp_path / "out" / "hill.yaml")
        assert running.process.poll() is None
        assert running.process.stdin is not None
        running.process.stdin.close()
        assert running.process.wait(patient(5)) == 0


def test_no_lsst_variable_changes_anything(tmp_path: Path) -> None:
    called: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as observatory:
        real = f"127.0.0.1:{observatory.getsockname()[1]}"
        observatory.settimeout(0.1)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    called.append(observatory.accept())
                except TimeoutError:
                    continue

        listener = threading.Thread(target=listen)
        listener.start()
        shell = {
            "LSST_KAFKA_BROKER_ADDR": real,
            "LSST_SCHEMA_REGISTRY_URL": f"http://{real}",
            "LSST_TOPIC_SUBNAME": "summit",
            "LSST_KAFKA_SECURITY_USERNAME": "ts-salkafka",
            "LSST_KAFKA_SECURITY_PASSWORD": "secret",
            "LSST_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "LSST_KAFKA_SECURITY_MECHANISM": "PLAIN",
            "LSST_SITE": "summit",
            "EFD_USERNAME": "efdreader",
            "HTTP_PROXY": f"http://{real}",
        }
        try:
            with demo(tmp_path, environment=shell) as running:
                running.until(lambda: len(running.of("ATAOS", "logevent_heartbeat")) > 90)
                assert real not in json.dumps(running.info)
                assert real not in yaml.safe_dump(running.site_file)
                assert all(topic.startswith("lsst.sal.") for topic in running.topics)
        finally:
            over.set()
            listener.join()
    assert called == []


@pytest.mark.parametrize(
    ("scenario", "complaint"),
    [
        ("mixd", "there is no scenario 'mixd'; did you mean mixed?"),
        ("fleet: startup\ntimeline:\n  - {at: 3, do: kil, csc: ATAOS}\n", ":3: timeline[0].do: 'kil' is none of"),
    ],
)
def test_a_scenario_that_cannot_be_played_is_exit_code_2(tmp_path: Path, scenario: str, complaint: str) -> None:
    done = subprocess.run(
        command_line(tmp_path, scenario=scenario),
        capture_output=True,
        text=True,
        timeout=patient(20),
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_site_file_that_cannot_be_used_is_exit_code_2(tmp_path: Path) -> None:
    line = command_line(tmp_path)
    (tmp_path / "site.yaml").write_text("site: hill\n", "utf-8")
    done = subprocess.run(line, capture_output=True, text=True, timeout=patient(20), check=False)

    assert done.returncode == 2
    assert "a site file with a list `cscs` is wanted" in done.stderr


def test_scale_fills_the_roster_with_synthetic_cscs(tmp_path: Path) -> None:
    with demo(tmp_path, "--scale", "200") as running:
        names = [entry["csc"] for entry in running.site_file["cscs"]]
        assert len(set(names)) == 200
        assert running.site_file["groups"][-1] == "Scale"
        running.until(
            lambda: {r.csc for r in running.records if r.sal_name == "logevent_heartbeat"} >= {*names} - {"DREAM"}
        )


def test_a_broker_that_comes_back_still_has_its_records_and_gets_those_written_meanwhile(tmp_path: Path) -> None:
    outage = "timeline:\n  - {at: 1, fault: {system: broker, name: down}, for: 2}\n"
    with demo(tmp_path, scenario=outage) as running:
        running.until(lambda: running.states("ATAOS"))
        deadline = time.monotonic() + patient(10)
        while _answers(running.info["kafka"]):
            assert time.monotonic() < deadline, "the broker never went down"
        back = time.time() + 2.5
        running.until(lambda: len(running.beats_after("ATAOS", back)) >= 2, within=15)
        numbers = [beat["private_seqNum"] for beat in running.of("ATAOS", "logevent_heartbeat")]

    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
