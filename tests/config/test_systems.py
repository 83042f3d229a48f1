"""What a site file says of the systems beside Kafka: the published errors are caught, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploydash.config.load import Site, parse_site
from deploydash.config.runbook_words import loops
from deploydash.core.model import CscId, SummaryState, Target
from deploydash.core.ports import Clock, Feed
from deploydash.errors import ConfigurationError, Problem
from deploydash.systems.ssh.settings import SshSettings
from deploydash.systems.ssh.steps import SSH
from deploydash.systems.table import Place, Reading, Table
from deploydash.wiring.tables import READING

SITES = Path(__file__).parents[2] / "sites"
SUMMIT = (SITES / "summit.yaml").read_text("utf-8")
NAMES = ("summit", "tucson-teststand", "base-teststand")


def changed(old: str, new: str) -> tuple[str, int]:
    """Return the Summit's file with one place changed, and the line of that place."""
    assert SUMMIT.count(old) == 1, old
    return SUMMIT.replace(old, new), SUMMIT[: SUMMIT.index(old)].count("\n") + 1


def problems(old: str, new: str) -> tuple[list[Problem], int]:
    text, line = changed(old, new)
    with pytest.raises(ConfigurationError) as caught:
        parse_site(text, SITES / "summit.yaml", READING)
    return list(caught.value.problems), line


def load(name: str) -> Site:
    return parse_site((SITES / f"{name}.yaml").read_text("utf-8"), SITES / f"{name}.yaml", READING)


@pytest.mark.parametrize("name", NAMES)
def test_every_csc_is_run_by_a_job_a_bridge_or_a_service_that_the_file_names(name: str) -> None:
    site = load(name)
    ours = {csc for section in site.sections.values() for _, csc in section.named_cscs()}
    published_nowhere = {"MTVMS:3"} if name == "summit" else set()
    assert {str(spec.csc) for spec in site.roster.cscs} - ours == published_nowhere


def test_the_summit_has_ten_ess_controllers_and_four_crios_and_the_test_stands_none() -> None:
    counts = {}
    for name in NAMES:
        hosts = load(name).sections[SSH]
        assert isinstance(hosts, SshSettings)
        counts[name] = (len(hosts.ess_controllers), len(hosts.crios), len(hosts.bare_metal))
    assert counts == {"summit": (10, 4, 10), "tucson-teststand": (0, 0, 0), "base-teststand": (0, 0, 0)}


def test_what_was_stopped_has_start_up_targets_of_its_own() -> None:
    standby = Target(SummaryState.STANDBY)
    assert load("summit").stopped == {CscId("MTM1M3"): standby, CscId("MTM1M3TS"): standby}
    assert load("base-teststand").stopped == {}


M1M3 = """\
        stop: /etc/init.d/ts-M1M3support stop
        start: /etc/init.d/ts-M1M3support start
"""
RED = """\
        cscs: ["FiberSpectrograph:101"]
        as: dco
        stop: ./shutdown_fiberspec
        start: ./launch_fiberspec
        containers: [fiberspectrograph_red]
"""


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        (RED, RED.replace("./shutdown_f", "./launch_f"), "stop is './launch_fiberspec'", "on the host"),
        (
            RED,
            RED.replace("./launch_fiberspec", "./launch_gc"),
            "stop is about 'fiberspec' but start about 'gc'",
            "one",
        ),
        (
            RED,
            RED.replace("n_fiberspec", "n_gc").replace("h_fiberspec", "h_gc"),
            "FiberSpectrograph:101 is run by the scripts *_fiberspec, not *_gc",
            "write ./shutdown_fiberspec",
        ),
        (RED, RED.replace("./launch_f", "./shutdown_f"), "start is './shutdown_fiberspec'", "on the host"),
        (
            M1M3,
            M1M3.replace("start: /", "start: "),
            "start is 'etc/init.d/ts-M1M3support start', without",
            "/etc/init.d",
        ),
        (
            M1M3,
            M1M3.replace("support start", "supportd start"),
            "stop is about 'ts-M1M3support' but start about 'ts-M1M3supportd'",
            "one of them",
        ),
    ],
)
def test_the_published_errors_of_services_are_caught(old: str, new: str, message: str, hint: str) -> None:
    found, line = problems(old, new)
    (problem,) = found
    assert problem.message.startswith(message)
    assert hint in problem.hint
    assert line - 4 <= problem.line <= line


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("host: lsstcam-mcm.cp", "host: lsstcam-mcm.ls", "systems.ssh.cameras.1.host", "is not a host of this site"),
        ("unit: ocs-bridge.service", "unit: ocs-bridge", "systems.ssh.cameras.1.unit", "is not a systemd unit"),
        (
            "      - {csc: CCCamera, host",
            "      - {csc: CCCam, host",
            "systems.ssh.cameras.2.csc",
            "CCCam is not in the roster",
        ),
        ("    context: yagan", "    contxt: yagan", "systems.kubernetes.contxt", "unknown key"),
        ('announce: "#summit-announce"', "announce: summit", "systems.slack.announce", "is not a Slack channel"),
        (
            '      - ssh: admin@m2-crio-vms01.cp.lsst.org\n        cscs: ["MTVMS:2"]\n        interfaces',
            '      - ssh: admin@m2-crio-vms01.tu.lsst.org\n        cscs: ["MTVMS:2"]\n        interfaces',
            "systems.ssh.crios.3.ssh",
            "m2-crio-vms01.tu.lsst.org is not a host of this site",
        ),
        (
            "          ataos: ATAOS",
            "          ataos: ATAOSS",
            "systems.kubernetes.namespaces.0.jobs.ataos",
            "not in the",
        ),
    ],
)
def test_names_hosts_and_units_are_checked(old: str, new: str, key: str, message: str) -> None:
    found, line = problems(old, new)
    named = {problem.key: problem for problem in found}
    assert key in named, found
    assert message in named[key].message
    assert named[key].line == line


def test_a_camera_without_a_bridge_is_told() -> None:
    text = "      - {csc: CCCamera, host: comcam-mcm.cp.lsst.org"
    line = next(row for row in SUMMIT.splitlines(keepends=True) if row.startswith(text))
    found, _ = problems(line, "")
    assert [problem.message for problem in found] == ["CCCamera is a camera without a bridge"]


def rehearsed(table: Table, address: str = "lsstcam-mcm.cp.lsst.org") -> Site:
    """Return a site of one camera, a rehearsal, with where the host of its bridge is."""
    text = f"""\
site: hill
rehearsal: true
kafka: {{bootstrap: "127.0.0.1:9092"}}
schema_registry: {{url: http://127.0.0.1:8081}}
groups: [AT]
cscs: [{{csc: ATCamera, group: AT, startup: OFFLINE/AVAILABLE, camera: true}}]
systems:
  docs: {{root: https://docs.example.org, folder: hill, anchor: hill}}
  ssh:
    domain: example.org
    cameras: [{{csc: ATCamera, host: a.example.org, unit: a.service, ccs_target: a}}]
    at: {{a.example.org: {{address: {address}, host_key: ssh-ed25519 AAAA}}}}
"""
    return parse_site(text, Path("hill.yaml"), table)


def test_a_system_that_reaches_out_names_loopback_addresses_only_in_a_rehearsal() -> None:
    def feed(place: Place, clock: Clock) -> Feed:
        raise NotImplementedError(f"{place} {clock}")

    acting = {**READING, SSH: Reading(SSH, SshSettings, feed=feed)}
    printing = {**READING, SSH: Reading(SSH, SshSettings)}
    assert rehearsed(printing).rehearsal  # nothing is reached: what people would type may name real hosts
    assert rehearsed(acting, "127.0.0.1").rehearsal
    with pytest.raises(ConfigurationError) as caught:
        rehearsed(acting)
    [problem] = caught.value.problems
    assert (problem.key, problem.line) == ("systems.ssh.at.a.example.org.address", 12)
    assert problem.message == "lsstcam-mcm.cp.lsst.org is not this machine"


@pytest.mark.parametrize("named", [None, frozenset({CscId("ESS", 104)})])
def test_what_deploys_to_a_namespace_concerns_the_cscs_of_its_jobs(named: frozenset[CscId] | None) -> None:
    every = loops(load("summit"), named)
    uws = [row["cscs"] for row in every["applications"] if row["application"] == "uws"]
    assert uws == ([] if named else [["OCPS:1", "OCPS:2", "OCPS:3", "OCPS:101"]])
    synced = [row["application"] for row in every["all_applications"]]
    assert ("envsys" in synced, "control-system-test" in synced, "love" in synced) == (True, not named, True)
    ess = [row for row in every["job_classes"] if row["class"] == "ess"]
    assert [row["selector"] for row in ess] == (["'csc in (tma-ess104)'"] if named else [])
