"""``demo`` without a terminal and ``demo --serve``: a rehearsal that cannot reach anything but loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from tests.servers.waiting import patient, wait_until
from tests.support.command_line import CommandLine

OBSERVATORY = {
    "LSST_TOPIC_SUBNAME": "summit",
    "LSST_KAFKA_SECURITY_USERNAME": "ts-salkafka",
    "LSST_KAFKA_SECURITY_PASSWORD": "secret",
    "LSST_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "LSST_KAFKA_SECURITY_MECHANISM": "PLAIN",
    "LSST_KAFKA_REPLICATION_FACTOR": "3",
    "LSST_SITE": "summit",
    "EFD_USERNAME": "efdreader",
    "EFD_PASSWORD": "secret",
}


@contextmanager
def an_observatory() -> Iterator[tuple[dict[str, str], list[object]]]:
    """Give an environment that points everything at one listening port, and who called there."""
    called: list[object] = []
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        real = f"127.0.0.1:{listener.getsockname()[1]}"

        def listen() -> None:
            while not over.is_set():
                try:
                    called.append(listener.accept())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        addresses = {
            "LSST_KAFKA_BROKER_ADDR": real,
            "LSST_SCHEMA_REGISTRY_URL": f"http://{real}",
            "LSST_KAFKA_HOST": "127.0.0.1",
            "LSST_KAFKA_BROKER_PORT": real.rpartition(":")[2],
            "HTTP_PROXY": f"http://{real}",
            "http_proxy": f"http://{real}",
            "ALL_PROXY": f"http://{real}",
        }
        try:
            yield OBSERVATORY | addresses, called
        finally:
            over.set()
            thread.join()


def test_a_rehearsal_prints_one_decided_snapshot_and_reaches_nothing_the_shell_names(
    cli: CommandLine, tmp_path: Path
) -> None:
    with an_observatory() as (environment, called):
        environment["TMPDIR"] = str(tmp_path)
        ran = cli.run("demo", "--seed", "1", env=environment)
    assert called == []
    assert ran.code == 0
    assert ran.err == ""
    assert "\x1b" not in ran.out
    assert ran.out.startswith("SUMMIT REHEARSAL  ")
    assert "of 117 at target startup" in ran.out
    assert "not everything is decided yet" not in ran.out
    assert "kafka up  127.0.0.1:" in ran.out
    assert "LSST_" not in ran.out
    assert "F! MTDome" in ran.out
    assert list(tmp_path.glob("deploydash-demo-*")) == [], "a rehearsal cleans up behind itself"


@contextmanager
def served(cli: CommandLine, *words: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    with TemporaryFile("w+") as said, cli.started("demo", "--serve", *words, messages=said) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            said.seek(0)
        assert line, said.read()
        yield process, json.loads(line)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_everything_is_and_ends_on_a_signal(cli: CommandLine, number: signal.Signals) -> None:
    with served(cli, "--scenario", "calm") as (process, addresses):
        assert {"kafka", "schema_registry", "efd", "site_file"} <= set(addresses)
        site_file = Path(addresses["site_file"])
        assert site_file.is_file()
        process.send_signal(number)
        assert process.wait(patient(10)) == 0
        assert not site_file.exists()


def test_a_served_rehearsal_is_read_by_status_wait_and_check_whatever_the_shell_exports(cli: CommandLine) -> None:
    with served(cli, "--scenario", "calm", "--speed", "3") as (_, addresses), an_observatory() as (environment, called):
        site = addresses["site_file"]
        ran = cli.status(site, "--json", env=environment)
        assert (ran.code, ran.err) == (0, "")
        document = json.loads(ran.out)
        assert document["summary"]["at_target"] == document["summary"]["expected"] == 117
        assert document["feeds"]["kafka"]["detail"] == f"{addresses['kafka']} (site file)"
        ran = cli.run("wait", site, "--json", "--only", "ESS:*,Watcher", env=environment)
        assert ran.code == 0
        changes = [json.loads(line) for line in ran.out.splitlines()]
        assert changes[-1]["result"] == "arrived"
        assert {change["csc"].partition(":")[0] for change in changes[:-1]} == {"ESS", "Watcher"}
        ran = cli.run("check", site, env=environment)
        assert ran.code == 0, ran.out
        assert not [line for line in ran.out.splitlines() if line.startswith("RED")]
        assert called == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_observatory_ends_with_the_demo_however_that_ends(
    cli: CommandLine, tmp_path: Path, number: signal.Signals
) -> None:
    def children(pid: int) -> list[int]:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def gone(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    with cli.started("demo", "--scenario", "cold", env={"TMPDIR": str(tmp_path)}) as process:
        wait_until(lambda: list(tmp_path.glob("deploydash-demo-*/*.yaml")), 20, "the observatory runs")
        [observatory] = children(process.pid)
        os.kill(process.pid, number)
        expected = -number if number is signal.SIGKILL else 128 + number
        assert process.wait(patient(15)) == expected
        wait_until(lambda: gone(observatory), 10, "the observatory has ended, too")
        if number is not signal.SIGKILL:
            assert list(tmp_path.glob("deploydash-demo-*")) == []
