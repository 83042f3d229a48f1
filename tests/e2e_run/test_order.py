"""The Summit goes from ENABLED to OFFLINE in the right order, one CSC hung, one faulting: so the topics say."""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.e2e.sites import summit, summit_cscs
from tests.e2e_run.books import CLOSE, SHUTDOWN, write_book
from tests.e2e_run.world import World, journals, open_run, real_world, records, world
from tests.servers.command_reader import Command
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient
from tests.support.command_line import CommandLine
from tests.support.run_driver import CLOSED, Frame, Lead

TROUBLE = """\
name: trouble
about: All 117 are ENABLED; MTRotator has stopped reading and beating, ATDome goes to FAULT on its way down.
fleet: ENABLED
cscs:
  - {csc: ATDome, state: ENABLED, reacts: {disable: {do: fault, code: 7, report: "brake: stuck"}}}
timeline:
  - {at: 0.1, do: hang, csc: MTRotator}
"""

PROTECTED = {"MTM1M3", "MTM1M3TS"}


def decide(lead: Lead, frame: Frame) -> None:
    """Waive the hung one by name, retry the other: FAULT is left by standby."""
    if frame.has("MTRotator"):
        if not frame.has("retry MTRotator") and not frame.has("waive MTRotator"):
            lead.press("Down")
        lead.waive("hung, its pod is deleted")
    else:
        lead.retry()


@pytest.fixture(scope="module", params=["demo", "real"])
def night(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Command], Path]:
    """Every command of one shutdown in the order of sending, and its journal: on the demo's Kafka and on a real one."""
    folder = tmp_path_factory.mktemp("summit")
    cli = CommandLine(folder / "home")
    scenario = folder / "trouble.yaml"
    scenario.write_text(TROUBLE, encoding="utf-8")
    with _world(request, cli, scenario, folder) as observatory, Tmux(folder / "tmux") as tmux:
        open_run(tmux, cli, observatory.site_file, write_book(folder, SHUTDOWN, CLOSE))
        lead = Lead(tmux, failures=decide)
        lead.play(lambda frame: frame.title == CLOSED, 200)
        commands = _in_order(observatory)
    return commands, journals(cli)[0]


def _world(
    request: pytest.FixtureRequest, cli: CommandLine, scenario: Path, folder: Path
) -> AbstractContextManager[World]:
    if request.param == "demo":
        return world(cli, "--scenario", str(scenario), "--speed", "20")
    kafka, registry = request.getfixturevalue("kafka"), request.getfixturevalue("schema_registry")
    return real_world(cli, scenario, folder, kafka, registry, f"sal{secrets.token_hex(4)}")


def _in_order(observatory: World) -> list[Command]:
    found = observatory.commands()
    return sorted(found.commands, key=lambda command: float(command.fields["private_sndStamp"]))


@pytest.mark.server
@pytest.mark.timeout(patient(360))
def test_the_watcher_is_down_before_anyone_else_is_touched(night: tuple[list[Command], Path]) -> None:
    commands, _ = night
    assert [(str(command.csc), command.name) for command in commands[:3]] == [
        ("Watcher", "disable"),
        ("Watcher", "standby"),
        ("Watcher", "exitControl"),
    ]
    assert "Watcher" not in {str(command.csc) for command in commands[3:]}


@pytest.mark.server
@pytest.mark.timeout(patient(360))
def test_the_script_queues_go_last_and_one_after_the_other(night: tuple[list[Command], Path]) -> None:
    commands, _ = night
    last = [(str(command.csc), command.name) for command in commands[-9:]]
    ways = ("disable", "standby", "exitControl")
    assert last == [(f"ScriptQueue:{index}", name) for index in (3, 2, 1) for name in ways]
    assert "ScriptQueue" not in {command.csc.name for command in commands[:-9]}


@pytest.mark.server
@pytest.mark.timeout(patient(360))
def test_what_is_protected_is_never_commanded_and_everyone_else_goes_the_shortest_way(
    night: tuple[list[Command], Path],
) -> None:
    commands, _ = night
    ways: dict[str, list[str]] = {}
    for command in commands:
        ways.setdefault(str(command.csc), []).append(command.name)
    cameras = {str(entry["csc"]) for entry in summit()["cscs"] if entry.get("camera")}
    usual = {"disable", "standby", "exitControl"}
    assert ways["ATDome"] == ["disable", "standby", "exitControl"]
    assert "MTRotator" not in ways
    assert {csc for csc, names in ways.items() if set(names) != usual or len(names) != 3} <= cameras
    assert {str(csc) for csc in summit_cscs()} - set(ways) == {*PROTECTED, "MTRotator"}


@pytest.mark.server
@pytest.mark.timeout(patient(360))
def test_the_journal_tells_who_failed_why_and_who_was_waived(night: tuple[list[Command], Path]) -> None:
    _, journal = night
    failed = {
        record["item"]: record["why"] for record in records(journal, "ItemEnded") if record["outcome"] != "reached"
    }
    assert set(failed) == {"ATDome", "MTRotator"}, failed
    assert failed["ATDome"] == "went to FAULT on disable: error 7: brake: stuck"
    assert "no heartbeat" in failed["MTRotator"]
    assert [record["cscs"] for record in records(journal, "CscsWaived")] == [["MTRotator"]]
    assert len(records(journal, "RequestIntended")) == len(records(journal, "RequestAnswered"))
