"""What ``status`` and ``wait`` answer about two processes of one CSC, and where all are gone, on a real Kafka."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploydash.core.model import CscId, SummaryState
from tests.e2e.sites import small_site
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import wait_until
from tests.support.command_line import CommandLine

pytestmark = pytest.mark.server

NAMES = ("ATDome", "ESS:104", "ESS:105", "Watcher")
CSCS = [CscId.parse(name) for name in NAMES]
TWICE = CSCS[1]
USUAL = {"late": 5.0, "silent": 10.0}


def beats_of(kafka: KafkaServer, writer: SalWriter) -> int:
    return len(kafka.topics.read(writer.topic(TWICE, "heartbeat")))


def test_two_processes_of_one_csc_are_never_at_target(
    cli: CommandLine, tmp_path: Path, kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(kafka.topics, schema_registry, subname)
    first, second = Beater(writer, CSCS), Beater(writer, [TWICE], first_origin=4_000)
    site = small_site(tmp_path, kafka, schema_registry, subname, NAMES, limits=USUAL)
    for csc in CSCS:
        writer.tell_state(csc, SummaryState.STANDBY, origin=first.origin(csc))
    with first, second:
        wait_until(lambda: beats_of(kafka, writer) >= 15, 10, "both have taken turns for some seconds")
        for _ in range(4):
            ran = cli.status(site, "--json")
            reasons = {row["csc"]: row["reason"] for row in json.loads(ran.out)["cscs"]}
            assert (ran.code, reasons["ESS:104"]) == (1, "two processes beat as ESS:104")
        ran = cli.run("wait", site, "--target", "STANDBY", "--timeout", "5s")
        assert ran.code == 1
        assert "two processes beat as ESS:104" in ran.out


def test_status_decides_below_its_limit_in_real_time_where_everybody_is_gone(
    cli: CommandLine, tmp_path: Path, kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(kafka.topics, schema_registry, subname)
    beater = Beater(writer, CSCS)
    site = small_site(tmp_path, kafka, schema_registry, subname, NAMES)
    with beater:
        for csc in CSCS:
            writer.tell_state(csc, SummaryState.OFFLINE, origin=beater.origin(csc))
    ran = cli.status(site, "--json", "--target", "OFFLINE")
    assert ran.code == 0
    assert {row["effective"] for row in json.loads(ran.out)["cscs"]} == {"OFFLINE"}
