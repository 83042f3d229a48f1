"""What a site file may say of hosts: nothing that a shell would read otherwise, nothing that no probe can prove."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from deploydash.core.model import Roster
from deploydash.systems.ssh.settings import SshSettings

ODD = ("a;b", "a b", "a'b", 'a"b', "a$(b)", "a`b`", "a\nb", "a|b", "-a", "")
AT = {"address": "127.0.0.1", "host_key": "ssh-ed25519 AAAA"}
ROSTER = Roster("x", rehearsal=False, cscs=(), groups=())
CAMERA = {"csc": "ATCamera", "host": "h.example.org", "unit": "x.service", "ccs_target": "x"}
SERVICE = {"name": "s", "ssh": "h.example.org", "as": "dco", "stop": "./stop_it", "containers": ["c"]}
CHECKOUT = {"ssh": "h.example.org", "directory": "docker-compose-ops"}
CONTROLLER = {"ssh": "h.example.org", "stop": ["./a"], "start": ["./b"]}
CRIO = {
    "ssh": "h.example.org",
    "cscs": ["MTVMS:1"],
    "interfaces": ["MTVMS"],
    "repository": "ts_vms",
    "binary": "ts-VMSd",
    "start": "/etc/init.d/ts-VMS start",
}


def section(**lists: Any) -> SshSettings:
    return SshSettings.model_validate({"domain": "example.org", **lists})


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    ("of", "row", "key"),
    [
        ("cameras", CAMERA, "host"),
        ("cameras", CAMERA, "unit"),
        ("cameras", CAMERA, "ccs_target"),
        ("cameras", CAMERA, "as"),
        ("bare_metal", SERVICE, "ssh"),
        ("bare_metal", SERVICE, "as"),
        ("checkouts", CHECKOUT, "directory"),
        ("checkouts", CHECKOUT, "as"),
        ("ess_controllers", CONTROLLER, "directory"),
        ("crios", CRIO, "repository"),
        ("crios", CRIO, "binary"),
    ],
)
def test_no_name_holds_what_a_shell_would_read(of: str, row: dict[str, Any], key: str, odd: str) -> None:
    section(**{of: [row]})
    with pytest.raises(ValidationError):
        section(**{of: [{**row, key: odd}]})


@pytest.mark.parametrize(
    "odd", ["./a; reboot", "./a $(b)", "./a 'b'", "./a\nb", "./a | b", "./a && b", "./a > b", "-c a"]
)
def test_a_command_is_plain_words(odd: str) -> None:
    for of, row in (
        ("bare_metal", {**SERVICE, "stop": odd}),
        ("ess_controllers", {**CONTROLLER, "stop": [odd]}),
        ("crios", {**CRIO, "start": odd}),
    ):
        with pytest.raises(ValidationError):
            section(**{of: [row]})


@pytest.mark.parametrize(
    "proof", [{}, {"containers": ["c"], "process": "p"}, {"process": "p", "unit": "u.service"}, {"unit": "u.service"}]
)
def test_one_thing_proves_a_service(proof: dict[str, Any]) -> None:
    """A unit is its own start and stop, so that one with a script besides is refused, too."""
    with pytest.raises(ValidationError):
        section(bare_metal=[{**{k: v for k, v in SERVICE.items() if k != "containers"}, **proof}])


def test_every_host_is_of_the_site_s_domain_jump_hosts_too() -> None:
    elsewhere = section(
        jump="me@gate.other.org",
        cameras=[{**CAMERA, "host": "h.other.org"}],
        checkouts=[CHECKOUT, {**CHECKOUT, "ssh": "evilexample.org"}],
    )
    found = [(place, sentence) for place, sentence, _ in elsewhere.contradictions(ROSTER)]
    assert found == [
        (("jump",), "gate.other.org is not a host of this site"),
        (("cameras", 0, "host"), "h.other.org is not a host of this site"),
        (("checkouts", 1, "ssh"), "evilexample.org is not a host of this site"),
    ]


def test_a_real_site_has_no_hosts_on_this_machine_and_a_rehearsal_s_are_told() -> None:
    led = section(at={"h.example.org": AT, "i.example.org": {**AT, "jump": "j.example.org"}})
    assert [place for place, _, _ in led.contradictions(ROSTER)] == [("at",), ("at", "i.example.org", "jump")]
    assert [host for _, host in led.hosts()] == ["127.0.0.1", "127.0.0.1"]
