"""Living CSCs whose records cannot be read, under ``status`` and ``wait``: never OFFLINE, never LOST, never yes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploydash.core.model import CscId, SummaryState
from tests.e2e.sites import small_site
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.registry import SchemaRegistry
from tests.servers.unreadable import UNKNOWN, UnreadableWriter
from tests.support.command_line import CommandLine

pytestmark = pytest.mark.server

NAMES = ("Test:1", "Test:2", "Watcher")
CSCS = [CscId.parse(name) for name in NAMES]


def told(ran: Any) -> dict[str, dict[str, Any]]:
    """Return the CSCs of a ``status --json`` by name."""
    return {csc["csc"]: csc for csc in json.loads(ran.out)["cscs"]}


def test_a_csc_that_beats_with_an_unknown_schema_is_unknown_at_target_offline_and_wait_says_no(
    cli: CommandLine, tmp_path: Path, kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(kafka.topics, schema_registry, subname)
    beater = Beater(writer, CSCS[1:])
    for csc in CSCS:
        writer.tell_state(csc, SummaryState.STANDBY)
    site = small_site(tmp_path, kafka, schema_registry, subname, NAMES)
    with beater, Beater(UnreadableWriter(kafka.topics, schema_registry, subname), CSCS[:1]):
        for target in ("OFFLINE", "shutdown"):
            ran = cli.status(site, "--json", "--target", target)
            assert ran.code == 1, ran.err
            seen = told(ran)["Test:1"]
            assert (seen["liveness"], seen["effective"], seen["verdict"]) == ("unreadable", "UNKNOWN", "unknown")
            assert seen["reason"] == f"heartbeats arrive and cannot be read ({UNKNOWN})"
            undecodable = json.loads(ran.out)["undecodable"]
            assert undecodable["topics"] == {writer.topic(CSCS[0], "heartbeat"): undecodable["records"]}
            assert undecodable["records"] > 0
        waited = cli.run("wait", site, "--target", "OFFLINE", "--only", "Test:1", "--timeout", "12s")
        assert waited.code == 1
        assert "0 of 1 at target" in waited.out
        assert UNKNOWN in waited.out


@pytest.mark.parametrize("how", ["restarted empty", "stopped"])
def test_without_the_registry_that_knew_them_living_cscs_are_unknown(
    cli: CommandLine, tmp_path: Path, kafka: KafkaServer, own_schema_registry: SchemaRegistry, subname: str, how: str
) -> None:
    writer = SalWriter(kafka.topics, own_schema_registry, subname)
    beater = Beater(writer, CSCS)
    for csc, state in zip(CSCS, (SummaryState.STANDBY, SummaryState.ENABLED, SummaryState.OFFLINE), strict=True):
        writer.tell_state(csc, state, origin=beater.origin(csc))
    site = small_site(tmp_path, kafka, own_schema_registry, subname, NAMES)
    with beater:
        if how == "stopped":
            own_schema_registry.stop()
        else:
            own_schema_registry.restart()
        ran = cli.status(site, "--json", "--target", "shutdown")
        assert ran.code == (3 if how == "stopped" else 1), ran.err
        assert {csc["liveness"] for csc in told(ran).values()} == {"unreadable"}
        assert {csc["effective"] for csc in told(ran).values()} == {"UNKNOWN"}
        assert {csc["verdict"] for csc in told(ran).values()} == {"unknown"}
        assert json.loads(ran.out)["undecodable"]["records"] > 0
        why = "is still asked for at the registry" if how == "stopped" else "is unknown to the registry"
        assert all(why in csc["reason"] for csc in told(ran).values())
