"""The three real sites: rosters as published in phalanx, targets as the upgrade procedure has them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from deploydash.config.load import Site, load_site
from deploydash.config.schema import site_schema
from deploydash.core.model import CscId, CscSpec, Limits
from deploydash.wiring.tables import READING

SITES = Path(__file__).parents[2] / "sites"
DATA = Path(__file__).parents[1] / "data" / "sites"
NAMES = ("summit", "tucson-teststand", "base-teststand")
GROUPS = {
    "AT": "AT",
    "MT": "MT",
    "Envsys": "Envsys",
    "Calibration Systems": "Calibration",
    "Observatory Systems": "Observatory",
    "Test": "Test",
}
ESS_PUBLISHED_AT_SUMMIT = {
    *(104, 105, 106, 109, 110, 111, 112, 113, 114, 115, 116, 117, 121, 122),
    *(201, 202, 204, 301, 302, 303, 304, 305, 306, 308),
}


def site(name: str) -> Site:
    return load_site(SITES / f"{name}.yaml", READING)


def targets(name: str, kind: str) -> dict[str, str]:
    """Return one kind of target of every CSC."""
    return {str(spec.csc): str(getattr(spec, kind)) for spec in site(name).roster.cscs}


def others(found: dict[str, str], usual: str) -> dict[str, str]:
    return {csc: target for csc, target in found.items() if target != usual}


@pytest.mark.parametrize(("name", "count"), [("summit", 117), ("tucson-teststand", 105), ("base-teststand", 106)])
def test_the_roster_is_the_published_one_in_its_order(name: str, count: int) -> None:
    with (DATA / f"csc-{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = [(CscId(row["name"], int(row["index"])), GROUPS[row["display_group"]]) for row in rows]
    assert [(spec.csc, spec.group) for spec in site(name).roster.cscs] == expected
    assert len(expected) == count


@pytest.mark.parametrize("name", NAMES)
def test_groups_are_in_display_order_and_every_csc_has_the_usual_limits(name: str) -> None:
    roster = site(name).roster
    assert roster.groups == ("AT", "MT", "Envsys", "Calibration", "Observatory", "Test")
    assert list(dict.fromkeys(spec.group for spec in roster.cscs)) == list(roster.groups)
    assert {spec.limits for spec in roster.cscs} == {Limits(5.0, 10.0)}
    assert roster.site == name
    assert not roster.rehearsal


def test_what_comes_up_in_another_state_than_standby_at_the_summit() -> None:
    assert others(targets("summit", "startup"), "STANDBY") == {
        "ATCamera": "OFFLINE/AVAILABLE",
        "CCCamera": "OFFLINE/AVAILABLE",
        "MTCamera": "OFFLINE/AVAILABLE",
        "MTAirCompressor:1": "DISABLED",
        "MTAirCompressor:2": "DISABLED",
        "MTM1M3": "DISABLED",
        "MTM1M3TS": "ENABLED",
        "HVAC": "ENABLED",
        "WeatherForecast": "ENABLED",
        "ScriptQueue:1": "ENABLED",
        "ScriptQueue:2": "ENABLED",
        "ScriptQueue:3": "ENABLED",
    }


@pytest.mark.parametrize(
    ("name", "camera"), [("tucson-teststand", "CCCamera"), ("base-teststand", "MTCamera")], ids=["tucson", "base"]
)
def test_what_comes_up_in_another_state_than_standby_at_a_test_stand(name: str, camera: str) -> None:
    assert others(targets(name, "startup"), "STANDBY") == {
        "ATCamera": "OFFLINE/AVAILABLE",
        camera: "OFFLINE/AVAILABLE",
        "MTAirCompressor:1": "DISABLED",
        "MTAirCompressor:2": "DISABLED",
        "DSM:1": "ENABLED",
        "DSM:2": "ENABLED",
        "HVAC": "ENABLED",
        "WeatherForecast": "ENABLED",
        "ScriptQueue:1": "ENABLED",
        "ScriptQueue:2": "ENABLED",
        "ScriptQueue:3": "ENABLED",
    }


def test_the_summit_keeps_m1m3_disabled_and_its_thermal_system_enabled_in_a_shutdown() -> None:
    assert others(targets("summit", "shutdown"), "OFFLINE") == {"MTM1M3": "DISABLED", "MTM1M3TS": "ENABLED"}
    protected = [str(spec.csc) for spec in site("summit").roster.cscs if spec.protected]
    assert protected == ["MTM1M3", "MTM1M3TS"]


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_test_stand_protects_nothing(name: str) -> None:
    assert others(targets(name, "shutdown"), "OFFLINE") == {}
    assert not any(spec.protected for spec in site(name).roster.cscs)


@pytest.mark.parametrize("name", NAMES)
def test_the_end_is_the_start_up_state_but_for_the_published_list(name: str) -> None:
    def is_published(spec: CscSpec) -> bool:
        if spec.csc.name == "ESS":
            return name != "summit" or spec.csc.index in ESS_PUBLISHED_AT_SUMMIT
        return spec.csc.name == "Watcher" or (name == "summit" and spec.csc.name == "GIS")

    specs = site(name).roster.cscs
    raised = {spec.csc for spec in specs if spec.end != spec.startup}
    assert raised == {spec.csc for spec in specs if is_published(spec)}
    assert {str(spec.end) for spec in specs if spec.csc in raised} == {"ENABLED"}
    assert len(raised) == {"summit": 26, "tucson-teststand": 39, "base-teststand": 39}[name]


def test_the_summit_is_warned_where_the_published_list_and_the_roster_differ() -> None:
    lacking, forgotten = (problem.message for problem in site("summit").warnings)
    assert lacking == "published, but not in the roster: ESS:107, ESS:108, ESS:118, ESS:119, ESS:120"
    assert forgotten.partition(": ")[2].split(", ") == [
        *(f"ESS:{index}" for index in (123, 124, 125, 126, 127, 128, 129, 309, 310, 311, 404, 405, 441, 442, 443)),
    ]


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_test_stand_has_no_warning(name: str) -> None:
    assert site(name).warnings == ()


@pytest.mark.parametrize("name", NAMES)
def test_exactly_the_cameras_are_cameras(name: str) -> None:
    specs = site(name).roster.cscs
    assert {spec.csc.name for spec in specs if spec.camera} == {
        spec.csc.name for spec in specs if spec.csc.name.endswith("Camera") and spec.csc.name != "GenericCamera"
    }


@pytest.mark.parametrize(
    ("name", "bootstrap", "brokers", "fqdn", "alias", "zone", "cluster"),
    [
        ("summit", "summit", (6, 7, 8), "summit-lsp", "summit_efd", "America/Santiago", "yagan"),
        ("tucson-teststand", "tts", (0, 1, 2), "tucson-teststand", "tucson_teststand_efd", "America/Phoenix", "pillan"),
        ("base-teststand", "base", (0, 1, 2), "base-lsp", "base_efd", "America/Santiago", "manke"),
    ],
)
def test_where_a_site_is_reached(
    name: str, bootstrap: str, brokers: tuple[int, ...], fqdn: str, alias: str, zone: str, cluster: str
) -> None:
    found = site(name)
    prefix = f"sasquatch-{bootstrap}-kafka"
    assert found.kafka is not None
    assert found.schema_registry is not None
    assert found.kafka.bootstrap == f"{prefix}-bootstrap.lsst.codes:9094"
    assert found.kafka.hosts == (
        f"{prefix}-bootstrap.lsst.codes",
        *(f"{prefix}-{number}.lsst.codes" for number in brokers),
    )
    assert (found.kafka.security_protocol, found.kafka.mechanism) == ("SASL_SSL", "SCRAM-SHA-512")
    assert found.kafka.topic_subname == "sal"
    assert found.schema_registry.url == f"https://{fqdn}.lsst.codes/schema-registry"
    assert found.efd is not None
    assert (found.efd.url, found.efd.database, found.efd.alias) == (
        f"https://{fqdn}.lsst.codes/influxdb",
        "efd",
        alias,
    )
    assert found.efd.credential_service == "https://roundtable.lsst.codes/segwarides"
    assert (found.roster.time_zone, found.roster.cluster) == (zone, cluster)


def test_the_committed_json_schema_is_the_one_of_the_model() -> None:
    committed = (SITES / "site.schema.json").read_text("utf-8")
    assert committed == site_schema(READING), "run make schemas"


@pytest.mark.parametrize("name", NAMES)
def test_the_json_schema_accepts_the_real_sites(name: str) -> None:
    schema = json.loads(site_schema(READING))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    data = yaml.safe_load((SITES / f"{name}.yaml").read_text("utf-8"))
    assert not list(validator.iter_errors(data))
    data["cscs"][0]["startup"] = "FAULT"
    data["kafka"]["bootsrap"] = "x:1"
    assert len(list(validator.iter_errors(data))) == 2
