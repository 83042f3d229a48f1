"""What a step to hosts becomes: its items, what they do to CSCs, what would be sent, and what is wrong with it."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.run.placeholders import filled_item
from deploydash.systems.ssh.specs import debt_of, spec_of
from tests.systems.ssh.entries import STEPS, items, wrong


def effects(item: Item) -> list[str]:
    return [f"{one.csc} {one.target}" for one in item.effects]


def test_a_bridge_is_stopped_as_a_debt_of_its_own() -> None:
    at, mt, cc = items(do="stop", of="cameras", paid_by=["bridges-start", "stage-2"])
    assert [one.label for one in (at, mt, cc)] == [
        "ATCamera on auxtel-mcm",
        "MTCamera on lsstcam-mcm",
        "CCCamera on comcam-mcm",
    ]
    assert effects(at) == ["ATCamera OFFLINE"]
    assert STEPS.lines(at) == ("auxtel-mcm.cp.lsst.org: sudo -n systemctl stop ats-ocs-bridge.service",)
    assert at.manual == ("ssh -t auxtel-mcm.cp.lsst.org sudo systemctl stop ats-ocs-bridge.service",)
    spec = json.loads(at.spec)
    assert (spec["debt"], spec["paid_by"]) == ("ssh/auxtel-mcm.cp.lsst.org/ats-ocs-bridge.service", ["bridges-start"])
    owed = debt_of(spec_of(at), "the bridge to start")
    assert owed is not None
    assert [(str(one.csc), str(one.target)) for one in owed.effects] == [("ATCamera", "OFFLINE/AVAILABLE")]


def test_a_bridge_that_is_started_makes_its_camera_available() -> None:
    at = items(do="start", of="cameras", names=["ATCamera"])[0]
    assert effects(at) == ["ATCamera OFFLINE/AVAILABLE"]
    assert [line.partition(": ")[2] for line in STEPS.lines(at)] == [
        "sudo -n systemctl start ats-ocs-bridge.service",
        "/opt/lsst/ccs/prod/bin/ccs-shell <<< set target ats-ocs-bridge; clearFault -w; getState",
        "/opt/lsst/ccs/prod/bin/ccs-shell <<< set target ats-ocs-bridge; setAvailable --withLock; getState",
    ]
    assert at.manual[1:] == (
        "ssh -t auxtel-mcm.cp.lsst.org /opt/lsst/ccs/prod/bin/ccs-shell",
        "ccs> set target ats-ocs-bridge",
        "ccs> setAvailable --withLock",
        "ccs> getState",
        "ccs> exit",
    )


def test_nothing_of_a_protected_csc_is_among_what_systems_stop_start_or_build() -> None:
    stopped = items(do="stop", of="bare_metal", paid_by=["bare-metal-start"])
    built = items(do="update", of="crios")
    assert not {CscId("MTM1M3"), CscId("MTM1M3TS")} & {csc for item in (*stopped, *built) for csc in item.cscs}
    assert [item.label for item in built] == ["m1m3-crio-vms", "m2-crio-vms01"]
    assert wrong(do="stop", of="bare_metal", names=["M1M3 support"], paid_by=["bare-metal-start"])


def test_what_a_crio_starts_pays_for_the_service_that_was_stopped() -> None:
    stopped = {
        json.loads(item.spec)["debt"] for item in items(do="stop", of="bare_metal", paid_by=["bare-metal-start"])
    }
    assert {json.loads(item.spec)["debt"] for item in items(do="update", of="crios")} < stopped


def test_what_is_asked_of_a_user_s_scripts_goes_by_sudo_into_that_user_s_home() -> None:
    cameras = items(do="restart", of="bare_metal", names=["generic cameras"])[0]
    assert STEPS.lines(cameras) == (
        "azar03.cp.lsst.org: sudo -n -iu dco ./shutdown_gc",
        "azar03.cp.lsst.org: sudo -n -iu dco ./launch_gc",
    )
    assert cameras.manual == (
        "ssh -t azar03.cp.lsst.org sudo -iu dco ./shutdown_gc",
        "ssh -t azar03.cp.lsst.org sudo -iu dco ./launch_gc",
    )
    assert effects(cameras) == [f"GenericCamera:{index} STANDBY" for index in (101, 102, 103)]


def test_a_controller_is_stopped_brought_to_the_branch_and_launched() -> None:
    (laser,) = items(do="update", of="ess_controllers", names=["laser-rpi.cp.lsst.org"])
    laser = filled_item(laser, {"branch": "c0045", "cycle": "c0045"})
    assert [line.partition("dco ")[2] for line in STEPS.lines(laser)] == [
        "./shutdown_ess",
        "./shutdown_audiotrigger",
        "./update_repo docker-compose-ops c0045",
        "./update_repo docker-compose-ops",
        "./launch_ess",
        "./launch_audiotrigger",
    ]
    assert laser.effects == ()


def test_a_run_for_named_cscs_touches_their_hosts_alone() -> None:
    found = items(do="stop", of="bare_metal", paid_by=["bare-metal-start"], only=frozenset({CscId("MTVMS", 1)}))
    assert [item.label for item in found] == ["M1M3 vibration monitoring"]


def test_in_a_rehearsal_nothing_can_be_pasted_into_a_real_shell() -> None:
    found = items(do="reboot", of="machines", rehearsal=True)
    assert [line for item in found for line in item.manual] == [
        "# rehearsal: ssh -t azar02.cp.lsst.org sudo systemctl reboot"
    ]


@pytest.mark.parametrize("branch", ["DM-1; reboot", "$(reboot)", "a'b", 'a"b', "a\nb", "a b"])
def test_whatever_a_branch_is_called_it_is_one_argument(branch: str) -> None:
    (one,) = items(do="update", of="checkouts", names=["azar03.cp.lsst.org"])
    line = STEPS.lines(filled_item(one, {"branch": branch}))[0]
    words = shlex.split(line.partition(": ")[2])
    assert words == ["sudo", "-n", "-iu", "dco", "./update_repo", "docker-compose-ops", branch]


@pytest.mark.parametrize(
    ("own", "place"),
    [
        ({"do": "stop", "of": "camera"}, ("for",)),
        ({"do": "reboot", "of": "cameras"}, ("do",)),
        ({"do": ["stop"], "of": "cameras"}, ("do",)),
        ({"of": "cameras"}, ("do",)),
        ({"do": "stop"}, ("for",)),
        ({"do": "stop", "of": "cameras"}, ("paid_by",)),
        ({"do": "stop", "of": "cameras", "paid_by": ["nobody"]}, ("paid_by",)),
        ({"do": "stop", "of": "cameras", "paid_by": "bridges-start"}, ("paid_by",)),
        ({"do": "start", "of": "cameras", "paid_by": ["bridges-start"]}, ("paid_by",)),
        ({"do": "start", "of": "cameras", "names": ["ATCamer"]}, ("names", 0)),
        ({"do": "start", "of": "cameras", "names": "ATCamera"}, ("names",)),
        ({"do": "update", "of": "checkouts", "branch": 45}, ("branch",)),
    ],
)
def test_what_is_wrong_with_a_step_is_told_with_its_place(own: dict[str, Any], place: tuple[str | int, ...]) -> None:
    assert [one.path for one in wrong(**own)] == [place]
    assert all(one.message and one.hint for one in wrong(**own))
