"""The whole way on real Kafka: SAL records of 117 CSCs in, ``status --json`` out, CSC by CSC."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deploydash.core.model import CameraSubstate, CscId, SummaryState
from tests.e2e.sites import small_site, summit, summit_cscs, summit_on
from tests.servers.beater import Beater
from tests.servers.fleet import EVENTS, SalWriter
from tests.servers.influx import PASSWORDS, InfluxServer, telegraf_line
from tests.servers.kafka import KafkaServer
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import patient
from tests.support.command_line import ROOT, CommandLine

pytestmark = pytest.mark.server

S = SummaryState
SCHEMA = ROOT / "tests" / "data" / "golden" / "status.schema.json"
READER = {"EFD_USERNAME": "reader", "EFD_PASSWORD": PASSWORDS["reader"]}


def startup(line: dict[str, Any]) -> str:
    target = line.get("startup", "STANDBY")
    return str(target["kept"] if isinstance(target, dict) else target)


def test_the_roster_is_complete_and_right(
    cli: CommandLine,
    tmp_path: Path,
    kafka: KafkaServer,
    schema_registry: SchemaRegistry,
    influx: InfluxServer,
    subname: str,
) -> None:
    """All at their targets but a few, each of them wrong in another way; then nothing is wrong any more."""
    cscs = summit_cscs()
    cameras = [csc for csc in cscs if csc.name in {"ATCamera", "MTCamera", "CCCamera"}]
    writer = SalWriter(kafka.topics, schema_registry, subname, indexed=["DREAM"])
    writer.prepare(cscs, EVENTS)
    writer.prepare(cameras, ["offlineDetailedState"])
    wanted = {CscId.parse(line["csc"]): startup(line) for line in summit()["cscs"]}
    never, in_efd, died_up, died_low = (CscId.parse(name) for name in ("CBP", "ESS:112", "ESS:303", "DIMM:2"))
    fault, disabled, stranger = (CscId.parse(name) for name in ("MTDome", "OCPS:2", "ESS:999"))
    beater = Beater(writer, [csc for csc in [stranger, *cscs] if csc != never])
    told = {csc: SummaryState[wanted[csc].partition("/")[0]] for csc in cscs if csc not in {never, in_efd}}
    told |= {died_up: S.ENABLED, died_low: S.STANDBY, fault: S.FAULT, disabled: S.DISABLED, stranger: S.STANDBY}
    for csc, state in told.items():
        writer.tell_state(csc, state, origin=beater.origin(csc))
    for csc in cameras:
        writer.tell_substate(csc, CameraSubstate.AVAILABLE, origin=beater.origin(csc))
    writer.tell_error(fault, 101, "shutter drive: encoder lost", origin=beater.origin(fault))
    fields = writer.fields(in_efd, "summaryState", {"summaryState": int(S.STANDBY)}, origin=beater.origin(in_efd))
    influx.write([telegraf_line(writer.topic(in_efd, "summaryState"), fields)])
    for csc in (died_up, died_low):
        beater.kill(csc)
    site = summit_on(tmp_path, kafka, schema_registry, subname, efd=influx.url)
    with beater:
        ran = cli.status(site, "--json", env=READER)
        assert (ran.code, ran.err) == (1, "")
        document = json.loads(ran.out)
        jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
        assert [row["csc"] for row in document["cscs"]] == [*map(str, cscs), "ESS:999"]
        rows = {row["csc"]: row for row in document["cscs"]}
        off = {name for name, row in rows.items() if row["verdict"] != "at_target"} - {"ESS:999"}
        assert off == {"CBP", "ESS:303", "DIMM:2", "MTDome", "OCPS:2"}
        assert {name: row["reported"] for name, row in rows.items()} == {
            **{str(csc): state.name for csc, state in told.items()},
            "CBP": None,
            "ESS:112": "STANDBY",
        }
        assert {str(csc): rows[str(csc)]["target"] for csc in cscs} == {str(csc): wanted[csc] for csc in cscs}
        silent = {name for name, row in rows.items() if row["liveness"] != "beating"}
        assert silent == {"CBP", "ESS:303", "DIMM:2"}
        assert (rows["ESS:303"]["effective"], rows["ESS:303"]["inferred"]) == ("LOST", True)
        assert (rows["DIMM:2"]["effective"], rows["DIMM:2"]["inferred"]) == ("OFFLINE", True)
        assert (rows["CBP"]["effective"], rows["CBP"]["source"]) == ("UNKNOWN", "none")
        assert (rows["ESS:112"]["source"], rows["ESS:112"]["verdict"]) == ("efd", "at_target")
        assert rows["ATCamera"]["substate"] == "AVAILABLE"
        assert rows["MTDome"]["reason"].startswith("says FAULT")
        assert {row["source"] for name, row in rows.items() if name not in {"CBP", "ESS:112"}} == {"kafka"}
        assert document["summary"] == {
            "expected": 117, "at_target": 112, "moving": 0, "off_target": 4, "unknown": 1, "no_target": 0,
            "unexpected": ["ESS:999"],
        }  # fmt: skip
        assert document["undecodable"] == {"records": 0, "topics": {}}
        assert {name: feed["state"] for name, feed in document["feeds"].items()} == {
            "kafka": "up", "schema_registry": "up", "efd": "up",
        }  # fmt: skip
        assert document["feeds"]["kafka"]["detail"] == f"{kafka.bootstrap} (site file)"

        ran = cli.run("check", site, "--json", env=READER)
        assert ran.code == 0, ran.out
        sentences = [finding["sentence"] for finding in json.loads(ran.out)["findings"]]
        assert "1 expected and never seen: CBP" in sentences
        assert "seen and not expected: ESS:999" in sentences

        with cli.started("wait", site, "--json", "--timeout", "60s", env=READER) as waiting:
            assert waiting.stdout is not None
            assert json.loads(waiting.stdout.readline())["event"] == "change", "it is decided, and waits"
            for csc in (never, died_up, died_low):
                beater.start_csc(csc)
            for csc in (never, died_up, died_low, fault, disabled):
                writer.tell_state(csc, S.STANDBY, origin=beater.origin(csc))
            out = waiting.stdout.read()
            waiting.wait(patient(20))
        assert waiting.returncode == 0
        *changes, final = [json.loads(line) for line in out.splitlines()]
        assert (final["event"], final["result"], final["waited"], final["missing"]) == ("final", "arrived", 117, [])
        last = {change["csc"]: change["verdict"] for change in changes}
        assert {last[name] for name in off} == {"at_target"}

        ran = cli.status(site, env=READER)
        assert ran.code == 0, ran.out
        assert "117 of 117 at target startup" in ran.out


def test_wait_ends_at_its_limit_with_a_table_of_those_that_are_missing(
    cli: CommandLine, tmp_path: Path, kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    cscs = [CscId.parse(name) for name in ("ATDome", "ESS:104", "ESS:105")]
    writer = SalWriter(kafka.topics, schema_registry, subname)
    beater = Beater(writer, cscs)
    for csc, state in zip(cscs, (S.STANDBY, S.ENABLED, S.STANDBY), strict=True):
        writer.tell_state(csc, state, origin=beater.origin(csc))
    site = small_site(tmp_path, kafka, schema_registry, subname, map(str, cscs))
    with beater:
        ran = cli.run("wait", site, "--timeout", "6s")
        assert ran.code == 1
        head, *rows = ran.out.splitlines()
        assert head == "2 of 3 at target startup"
        assert [line.split()[:2] for line in rows] == [["ESS:104", "ENABLED"]]
        assert "ESS:104: ENABLED, off_target" in ran.err
        ran = cli.run("wait", site, "--only", "ESS:105,ATDome", "--timeout", "30s", "--json")
        assert ran.code == 0
        assert {json.loads(line).get("csc") for line in ran.out.splitlines()} == {"ATDome", "ESS:105", None}
