"""A script that somebody types in: checked as runbooks are, and plain about what is not known."""

from __future__ import annotations

import pytest

from deploydash.cli.sites import shipped_sites
from deploydash.config.runbook_scripts import load_catalogue
from deploydash.config.script_check import ScriptCheck
from tests.support.runbooks import site


@pytest.fixture(scope="module")
def check() -> ScriptCheck:
    return ScriptCheck(site("summit").roster, load_catalogue(shipped_sites() / "scripts"))


def test_a_configuration_that_fits_is_sent_as_yaml_and_says_so(check: ScriptCheck) -> None:
    found = check("maintel/point_azel.py", True, "el: 80.0")
    assert (found.config, found.wrong) == ("{el: 80.0}\n", ())
    assert found.told == ("The configuration fits the schema of maintel/point_azel.py that is known here.",)


def test_who_goes_down_is_told_in_the_script_s_order(check: ScriptCheck) -> None:
    text = "{data: [[Watcher, OFFLINE], [ATDome, STANDBY], ['ESS:104', offline]], mute_alarms: false}"
    assert list(map(str, check("set_summary_state.py", True, text).downs)) == ["Watcher", "ESS:104"]


@pytest.mark.parametrize(
    ("path", "config", "wrong"),
    [
        ("maintel/point_azel.py", "", "nothing says what to do: az or el is missing"),
        ("maintel/point_azel.py", "{el: 80, elevation: 1}", "the script refuses the key 'elevation'"),
        ("maintel/point_azel.py", "{el: 180}", "el: does not fit the script's schema: 180 is greater"),
        ("maintel/point_azel.py", "el: [80", "the configuration is no YAML"),
        ("maintel/point_azel.py", "80", "the configuration is no mapping"),
        (
            "set_summary_state.py",
            "{data: [[ATDom, OFFLINE]], mute_alarms: false}",
            "'ATDom' stands for no CSC at summit",
        ),
        ("set_summary_state.py", "{data: [[MTM1M3, OFFLINE]], mute_alarms: false}", "MTM1M3 is protected at summit"),
        ("set_summary_state.py", "{data: [[ATDome, OFFLINE]]}", "add mute_alarms: false"),
        ("set_summary_state.py", "{data: [[ATDome, OFLINE]]}", "did you mean OFFLINE?"),
        ("system_wide_shutdown.py", "{user: a, reason: b}", "add start_with: [Watcher]"),
        ("run_command.py", "{component: ATDom, cmd: stop}", "'ATDom' stands for no CSC"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(check: ScriptCheck, path: str, config: str, wrong: str) -> None:
    assert wrong in " | ".join(check(path, True, config).wrong)


def test_where_no_schema_is_known_that_is_said_and_the_script_may_go(check: ScriptCheck) -> None:
    listed = check("auxtel/offset_atcs.py", True, "{az: 1}")
    assert listed.wrong == ()
    assert listed.told[0].startswith("No schema of auxtel/offset_atcs.py is known here")
    [told] = check("auxtel/offset_atc.py", True, "").told
    assert told.endswith("Did you mean auxtel/offset_atcs.py?")
    assert "external scripts" in check("mine.py", False, "{a: 1}").told[0]
