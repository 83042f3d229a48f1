"""Output that nobody reads holds up no listening: what is decided meanwhile is so, and told when it is read."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from deploydash.core.model import CscId, SummaryState
from tests.cli.test_streams import full_pipe
from tests.e2e.sites import small_site
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import patient
from tests.support.command_line import CommandLine

pytestmark = [pytest.mark.server, pytest.mark.timeout(patient(120))]

ONE = CscId.parse("ESS:106")
OTHER = CscId.parse("ATDome")


def test_wait_goes_on_listening_while_nobody_reads_what_it_says(
    cli: CommandLine, tmp_path: Path, kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    """Another wait of the same, which is read, tells when the stalled one has seen what it waits for."""
    writer = SalWriter(kafka.topics, schema_registry, subname)
    with Beater(writer, [ONE, OTHER]) as beater:
        for csc in (ONE, OTHER):
            writer.tell_state(csc, SummaryState.STANDBY, origin=beater.origin(csc))
        site = small_site(tmp_path, kafka, schema_registry, subname, [str(ONE), str(OTHER)])
        words = ("wait", site, "--target", "OFFLINE", "--only", str(ONE), "--timeout", "600s", "--json")
        reading, writing = full_pipe(blocking=True)
        stalled = subprocess.Popen(
            cli.words(*map(str, words)),
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=subprocess.PIPE,
            cwd=cli.cwd,
            env=cli.environment(),
        )
        os.close(writing)
        with stalled, os.fdopen(reading, "rb") as reader, cli.started(*words) as read:
            assert stalled.stderr is not None
            assert read.stdout is not None
            assert stalled.stderr.readline().startswith(b"kafka up: ")
            assert json.loads(read.stdout.readline())["verdict"] == "off_target"
            writer.tell_state(ONE, SummaryState.DISABLED, origin=beater.origin(ONE))
            assert json.loads(read.stdout.readline())["effective"] == "DISABLED"
            writer.tell_state(ONE, SummaryState.STANDBY, origin=beater.origin(ONE))
            assert json.loads(read.stdout.readline())["effective"] == "STANDBY"
            beater.kill(ONE)
            writer.tell_state(OTHER, SummaryState.OFFLINE, origin=beater.origin(OTHER))
            read.communicate(timeout=patient(40))
            assert read.returncode == 0
            assert stalled.poll() is None
            lines = [json.loads(line) for line in reader.read().lstrip(b"x").splitlines()]
            assert stalled.wait(patient(10)) == 0
    told = [(line["effective"], line["verdict"]) for line in lines[:-1]]
    assert told[0] == ("STANDBY", "off_target")
    assert told[-1] == ("OFFLINE", "at_target")
    # A slow machine may see two states as one change, and be in doubt for a moment.
    assert {verdict for _, verdict in told[:-1]} <= {"off_target", "unknown"}
    assert not any("stood still" in line["reason"] for line in lines[:-1])
    assert lines[-1]["result"] == "arrived"
