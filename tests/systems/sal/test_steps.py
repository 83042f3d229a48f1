"""Scripts and CSC commands as exact lines, and scripts that the lead adds: what is refused, told and made of them."""

from __future__ import annotations

import dataclasses
import json

import pytest

from deploydash.cli.sites import shipped_sites
from deploydash.config.runbook_scripts import load_catalogue
from deploydash.config.script_check import OPAQUE, ScriptCheck
from deploydash.core.model import CscId, SummaryState, Target
from deploydash.core.procedure.csc_work import direct_command, transition
from deploydash.core.procedure.items import CscEffect
from deploydash.core.procedure.names import SAL, StepId, numbered
from deploydash.core.procedure.runbook import Fallback
from deploydash.systems.sal.steps import SalSteps, sal_lines, script_item, script_template
from deploydash.systems.table import Steps
from tests.support.runbooks import runbook, site

OFFLINE = Target(SummaryState.OFFLINE)
QUEUE = CscId("ScriptQueue", 1)
ROSTER = site("summit").roster
CHECK = ScriptCheck(ROSTER, load_catalogue(shipped_sites() / "scripts"))
STEPS: Steps = SalSteps(ROSTER, "sal", CHECK)


@pytest.mark.parametrize(
    ("target", "commands"),
    [
        ("OFFLINE", ["disable", "standby", "exitControl"]),
        ("OFFLINE/AVAILABLE", ["disable", "standby", "exitControl"]),
        ("STANDBY", ["disable", "standby"]),
        ("DISABLED", ["start"]),
        ("ENABLED", ["start", "enable"]),
    ],
)
def test_the_commands_towards_a_target_are_told_exactly(target: str, commands: list[str]) -> None:
    item = transition(CscId("ESS", 104), Target.parse(target))
    assert sal_lines(item, "demo") == tuple(f"lsst.demo.ESS.command_{command} salIndex=104" for command in commands)


def test_only_start_carries_the_override() -> None:
    item = transition(CscId("ATDome"), Target(SummaryState.ENABLED), override="night.yaml")
    assert sal_lines(item, "sal") == (
        "lsst.sal.ATDome.command_start configurationOverride=night.yaml",
        "lsst.sal.ATDome.command_enable",
    )


def test_a_direct_command_is_one_line() -> None:
    assert sal_lines(direct_command(CscId("ESS", 104), "standby"), "sal") == (
        "lsst.sal.ESS.command_standby salIndex=104",
    )


def test_a_script_is_its_queue_its_path_and_its_configuration() -> None:
    item = script_item(numbered(1), QUEUE, "maintel/point_azel.py", False, "{el: 80.0}\n")
    assert (item.id, item.label, item.system, item.runs_in) == ("#2", "maintel/point_azel.py", SAL, (QUEUE,))
    assert json.loads(item.spec) == {
        "do": "script",
        "queue": "ScriptQueue:1",
        "path": "maintel/point_azel.py",
        "standard": False,
        "config": "{el: 80.0}\n",
    }
    assert sal_lines(item, "sal") == (
        "lsst.sal.ScriptQueue.command_add salIndex=1 isStandard=false path=maintel/point_azel.py",
        "{el: 80.0}",
    )
    assert item.manual == ("# add to ScriptQueue:1: external maintel/point_azel.py", "{el: 80.0}")


def test_the_offer_asks_for_queue_script_and_configuration() -> None:
    [offer] = STEPS.offers()
    assert (offer.id, offer.system, offer.title) == ("script", SAL, "Add a script outside the runbook")
    assert [(field.label, field.initial) for field in offer.fields] == [
        ("queue", "ScriptQueue:1"),
        ("script", ""),
        ("configuration", ""),
    ]
    without = dataclasses.replace(ROSTER, cscs=tuple(spec for spec in ROSTER.cscs if spec.csc.name != "ScriptQueue"))
    assert SalSteps(without, "sal", CHECK).offers() == ()


def test_a_script_that_fits_is_made_and_shown_exactly() -> None:
    made = STEPS.compose("script", (" ScriptQueue:2 ", " maintel/point_azel.py ", "el: 80.0"))
    assert made.item is not None
    assert (made.item.label, made.item.effects, made.item.opaque) == ("maintel/point_azel.py", (), False)
    assert made.told == (
        "ScriptQueue:2 standard maintel/point_azel.py",
        "The configuration fits the schema of maintel/point_azel.py that is known here.",
    )
    assert made.exact == (
        "lsst.sal.ScriptQueue.command_add salIndex=2 isStandard=true path=maintel/point_azel.py",
        "{el: 80.0}",
    )


def test_who_goes_down_is_an_effect_and_is_told() -> None:
    text = "{data: [[ATDome, OFFLINE], ['ESS:104', STANDBY]], mute_alarms: false}"
    made = STEPS.compose("script", ("ScriptQueue:1", "set_summary_state.py", text))
    assert made.item is not None
    assert made.item.effects == (
        CscEffect(CscId("ATDome"), OFFLINE),
        CscEffect(CscId("ESS", 104), Target(SummaryState.STANDBY)),
    )
    assert made.told[-1] == "It sends to OFFLINE: ATDome"


def test_an_external_script_is_opaque_and_says_so() -> None:
    made = STEPS.compose("script", ("ScriptQueue:1", "external/mine.py", ""))
    assert made.item is not None
    assert made.item.opaque
    assert made.told[0] == "ScriptQueue:1 external mine.py, no configuration"
    assert OPAQUE in made.told


@pytest.mark.parametrize(
    ("texts", "wrong"),
    [
        (("", "a.py", ""), "nothing is no ScriptQueue here: ScriptQueue:1, ScriptQueue:2, ScriptQueue:3"),
        (("ScriptQueue:9", "a.py", ""), "ScriptQueue:9 is no ScriptQueue here"),
        (("ATDome", "a.py", ""), "ATDome is no ScriptQueue here"),
        (("ScriptQueue:1", " ", ""), "name the script by its path, as its queue lists it"),
        (("ScriptQueue:1", "external/", ""), "name the script by its path, as its queue lists it"),
        (("ScriptQueue:1", "a" * 201, ""), "a path has at most 200 characters"),
        (("ScriptQueue:1", "maintel/point_azel.py", "el: [80"), "the configuration is no YAML"),
        (
            ("ScriptQueue:1", "set_summary_state.py", "{data: [['ScriptQueue:1', OFFLINE]], mute_alarms: false}"),
            "ScriptQueue:1 cannot run the script that takes itself down: choose another queue",
        ),
    ],
)
def test_what_must_not_go_makes_no_item(texts: tuple[str, str, str], wrong: str) -> None:
    made = STEPS.compose("script", texts)
    assert made.item is None
    assert wrong in made.wrong[0]


def test_nothing_else_is_offered() -> None:
    assert STEPS.compose("tea", ()).item is None


CONFIG = "data:\n- [<csc>, OFFLINE]\nmute_alarms: false\n"
WAY = Fallback("by script", SAL, script_template(QUEUE, "set_summary_state.py", CONFIG), (OFFLINE,))


def test_a_fallback_names_each_csc_on_a_line_of_its_own() -> None:
    cscs = [CscId("ATDome"), CscId("ESS", 104)]
    item = STEPS.fallback(WAY, [transition(csc, OFFLINE) for csc in cscs])
    assert item.effects == tuple(CscEffect(csc, OFFLINE) for csc in cscs)
    assert item.runs_in == (QUEUE,)
    assert STEPS.lines(item) == (
        "lsst.sal.ScriptQueue.command_add salIndex=1 isStandard=true path=set_summary_state.py",
        *("data:", "- ['ATDome', OFFLINE]", "- ['ESS:104', OFFLINE]", "mute_alarms: false"),
    )


def test_the_fallbacks_of_a_runbook_are_made_into_scripts() -> None:
    step = runbook("summit", "full-cycle").step(StepId("stragglers"))
    made = [STEPS.fallback(way, [transition(CscId("ATDome"), OFFLINE)]) for way in step.fallbacks]
    assert [item.runs_in[0].index for item in made] == [1, 2, 3]
    assert all("- ['ATDome', OFFLINE]" in STEPS.lines(item) for item in made)


@pytest.mark.parametrize(
    ("csc", "target", "wrong"),
    [
        (QUEUE, OFFLINE, "ScriptQueue:1 cannot run the script that takes itself down: choose another queue"),
        (CscId("ATDome"), Target(SummaryState.STANDBY), "this way does not lead ATDome to STANDBY"),
    ],
)
def test_a_fallback_that_is_none_is_refused(csc: CscId, target: Target, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        STEPS.fallback(WAY, [transition(csc, target)])


def test_a_fallback_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="none of these is about a CSC"):
        STEPS.fallback(WAY, [])
