"""A process that is stopped for thirteen real seconds while a CSC beats in STANDBY never says OFFLINE."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deploydash.core.model import CscId, SummaryState
from tests.e2e.observatory import row
from tests.e2e.sites import small_site
from tests.e2e_run.books import CLOSE, SYSTEMS, WAIT, write_book
from tests.e2e_run.world import journals, records
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.registry import SchemaRegistry
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import CommandLine

pytestmark = [pytest.mark.server, pytest.mark.timeout(patient(120))]

ONE = CscId.parse("ESS:106")
OTHER = CscId.parse("ATDome")
STOPPED_S = 13.0
"""Longer than the usual limit of silence, ten seconds."""


def stopped(process: int) -> None:
    """Stop a process for thirteen real seconds."""
    os.kill(process, signal.SIGSTOP)
    time.sleep(STOPPED_S)
    os.kill(process, signal.SIGCONT)


def below_a_shell(words: Sequence[str]) -> list[str]:
    """Return a command whose process is not the terminal's first: tmux continues that one whenever it is stopped."""
    return ["sh", "-c", f"{shlex.join(words)}; exit $?"]


def child_of(process: int) -> int:
    """Return the one process that another has started."""
    return int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])


@pytest.fixture
def beater(kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str) -> Iterator[Beater]:
    """Two CSCs that beat in STANDBY."""
    writer = SalWriter(kafka.topics, schema_registry, subname)
    with Beater(writer, [ONE, OTHER]) as beater:
        for csc in (ONE, OTHER):
            writer.tell_state(csc, SummaryState.STANDBY, origin=beater.origin(csc))
        yield beater


@pytest.fixture
def site(beater: Beater, tmp_path: Path, kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str) -> Path:
    """A site of these two, with the usual limits."""
    names = [str(csc) for csc in (ONE, OTHER) if beater.origin(csc)]
    limits = {"late": 5, "silent": 10}
    return small_site(tmp_path, kafka, schema_registry, subname, names, limits=limits, systems=SYSTEMS)


def test_wait_that_is_stopped_for_real_seconds_goes_on_and_ends_when_the_csc_does(
    cli: CommandLine, site: Path, beater: Beater
) -> None:
    words = ("wait", site, "--target", "OFFLINE", "--only", str(ONE), "--timeout", "600s", "--json")
    with cli.started(*words) as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline())]
        assert (lines[0]["effective"], lines[0]["verdict"]) == ("STANDBY", "off_target")
        stopped(process.pid)
        lines.append(json.loads(process.stdout.readline()))
        assert (lines[1]["effective"], lines[1]["verdict"]) == ("STANDBY", "unknown")
        assert "deploydash stood still for 1" in lines[1]["reason"]
        lines.append(json.loads(process.stdout.readline()))
        assert (lines[2]["effective"], lines[2]["verdict"]) == ("STANDBY", "off_target")
        beater.kill(ONE)
        out, _ = process.communicate(timeout=patient(40))
        assert process.returncode == 0
        assert json.loads(out.splitlines()[-1])["result"] == "arrived"


def test_a_broker_that_goes_while_wait_is_stopped_for_real_seconds_makes_nobody_silent(
    cli: CommandLine, tmp_path: Path, own_kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(own_kafka.topics, schema_registry, subname)
    with Beater(writer, [ONE]) as beater:
        writer.tell_state(ONE, SummaryState.STANDBY, origin=beater.origin(ONE))
        site = small_site(tmp_path, own_kafka, schema_registry, subname, [str(ONE)], limits={"late": 5, "silent": 10})
        with cli.started("wait", site, "--target", "OFFLINE", "--timeout", "600s", "--json") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            lines = [json.loads(process.stdout.readline())]
            os.kill(process.pid, signal.SIGSTOP)
            own_kafka.stop()
            time.sleep(STOPPED_S)
            os.kill(process.pid, signal.SIGCONT)
            assert process.stderr.readline().startswith("kafka up: ")
            assert process.stderr.readline().startswith("kafka down: ")
            time.sleep(STOPPED_S)
            own_kafka.start()
            while lines[-1]["liveness"] != "beating" or len(lines) == 1:
                lines.append(json.loads(process.stdout.readline()))
            assert process.poll() is None
    assert {line["effective"] for line in lines} == {"STANDBY"}
    assert {line["verdict"] for line in lines} == {"off_target", "unknown"}
    assert "silent" not in {line["liveness"] for line in lines}


def test_status_that_is_stopped_for_real_seconds_while_it_starts_never_says_offline(
    cli: CommandLine, site: Path
) -> None:
    moments = (0.6, 1.2, 1.6, 2.0, 2.6, 3.4)
    running: list[subprocess.Popen[str]] = []
    for moment in moments:
        process = subprocess.Popen(
            [*map(str, cli.words("status", site, "--target", "OFFLINE", "--json"))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cli.cwd,
            env=cli.environment(),
        )
        running.append(process)
        time.sleep(moment)
        process.send_signal(signal.SIGSTOP)
    time.sleep(STOPPED_S)
    for process in running:
        process.send_signal(signal.SIGCONT)
    for process in running:
        out, err = process.communicate(timeout=patient(60))
        assert process.returncode in (1, 3), err
        for csc in json.loads(out)["cscs"]:
            assert csc["effective"] in ("STANDBY", "UNKNOWN"), csc
            assert csc["liveness"] != "silent"
            assert csc["verdict"] != "at_target"


def test_the_grid_that_is_stopped_for_real_seconds_says_so_and_shows_nobody_offline(
    tmux: Tmux, cli: CommandLine, site: Path
) -> None:
    tmux.start(below_a_shell(cli.words("watch", str(site))), columns=80, rows=24, env=cli.environment())
    tmux.wait_for("2/2 at startup")
    pane = int(tmux._tmux("display-message", "-p", "-t", "lead", "#{pane_pid}"))
    stopped(child_of(pane))
    screen = tmux.wait_for("stood still")
    shown = [screen]
    end = time.monotonic() + 4
    while time.monotonic() < end:
        shown.append(tmux.capture())
    for one in shown:
        assert "O*" not in one
        assert "OFFLINE" not in one
        assert "LOST" not in one
        assert "not answered" not in one, "the brokers owed nothing while we did not ask"
        assert "Kafka lost" not in one
    tmux.wait_for("2/2 at startup")
    assert "stood still" in row(tmux.capture(), "kafka"), "the header keeps it for a while"
    tmux.send_keys("q")
    assert tmux.wait_exit() == 0


def test_a_run_that_is_stopped_for_real_seconds_journals_that_and_no_silence(
    tmux: Tmux, cli: CommandLine, tmp_path: Path, site: Path
) -> None:
    book = write_book(tmp_path, WAIT, CLOSE, site="hill")
    command = cli.words("run", str(site), str(book), "--cycle", "c0045")
    tmux.start(below_a_shell(command), columns=80, rows=24, env=cli.environment())
    tmux.wait_for("● kafka", 40)
    (journal,) = journals(cli)
    wait_until(lambda: len(_of(journal, "beating")) == 2, 20, "both beat")
    lock = (journal.parent / "lock").read_text()
    stopped(int(json.loads(lock)["pid"]))
    tmux.wait_for("stood still")
    wait_until(lambda: len(_of(journal, "beating")) == 4, 30, "both beat again")
    found = records(journal, "StandstillNoted")
    assert max(one["lasted_s"] for one in found) >= STOPPED_S - 0.5
    assert [one["touched"] for one in found if one["lasted_s"] > 10] == [[str(ONE), str(OTHER)]]
    assert _of(journal, "silent") == []
    assert "O*" not in tmux.capture()


def _of(journal: Path, liveness: str) -> list[str]:
    return [one["csc"] for one in records(journal, "BeatsChanged") if one["liveness"] == liveness]
