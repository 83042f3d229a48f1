"""A script that somebody types in: checked as runbooks are, and plain about what is not known."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deploydash.cli.sites import shipped_sites
from deploydash.config.runbook_scripts import load_catalogue
from deploydash.config.script_check import OPAQUE, ScriptCheck
from tests.support.runbooks import site

CHECK = ScriptCheck(site("summit").roster, load_catalogue(shipped_sites() / "scripts"))


@pytest.fixture(scope="module")
def check() -> ScriptCheck:
    return CHECK


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
        ("run_command.py", "{component: MTM1M3, cmd: standby}", "MTM1M3 is protected at summit"),
        ("set_summary_state.py", "{data: [[concerned, STANDBY]], mute_alarms: false}", "MTM1M3 is protected at summit"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(check: ScriptCheck, path: str, config: str, wrong: str) -> None:
    assert wrong in " | ".join(check(path, True, config).wrong)


ANCHORS = """{a: &a [x,x,x,x,x,x,x,x,x], b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a], c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b],
d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c], e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d], f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]}"""


@pytest.mark.parametrize(
    ("config", "wrong"),
    [
        (f"{{a: {'[' * 330}{']' * 330}}}", "line 1: nested too deeply (at most 32 levels are read)"),
        (f"{{a: {'{b: ' * 5000}1{'}' * 5000}}}", "the configuration has 25006 characters; at most 20000 are taken"),
        ("a:\n" + "".join(f"{' ' * (n + 1)}b{n}:\n" for n in range(40)), "line 34: nested too deeply"),
        (ANCHORS, "line 1: anchors and aliases (& and *) are not supported (write the value out)"),
        ("{a: 1}\n---\n{b: 2}", "line 2: a second document starts here"),
        ("base: &base {a: 1}\nmore:\n  <<: *base", "line 1: anchors and aliases (& and *) are not supported"),
        ("a: 1\nb: *never", "line 2: anchors and aliases (& and *) are not supported"),
        (
            "a: !!python/object:os.system x",
            "line 1: the tag tag:yaml.org,2002:python/object:os.system is not supported",
        ),
        ("el: 80\nel: 81", "line 2: 'el' stands twice; the first is in line 1"),
        ("when: 2026-13-45", "the configuration cannot be read: month must be in 1..12; quote what is text"),
        (f"n: {'9' * 5000}", "the configuration cannot be read: Exceeds the limit"),
        ("el: .nan", "the configuration holds what is neither text, number, list nor map"),
        ("el: -.inf", "the configuration holds what is neither text, number, list nor map"),
        ("el: \x00", "line 1: the configuration is no YAML"),
        ("el: '\ud800'", "line 1: the configuration is no YAML: not Unicode text"),
    ],
)
@pytest.mark.parametrize("standard", [True, False])
def test_what_could_hurt_is_refused_in_words_with_its_line(
    check: ScriptCheck, config: str, wrong: str, standard: bool
) -> None:
    [said] = check("maintel/point_azel.py", standard, config).wrong
    assert said.startswith(wrong)


@given(st.text(max_size=300) | st.text(alphabet="[]{}&*<:!|>'\"-,? \n\tab1.~=@%", max_size=300))
def test_whatever_is_typed_the_check_answers(text: str) -> None:
    found = CHECK("maintel/point_azel.py", True, text)
    assert found.wrong or yaml.safe_load(found.config or "{}") is not None


def test_no_schema_matches_patterns_which_could_take_for_ever() -> None:
    text = repr(load_catalogue(shipped_sites() / "scripts").schemas)
    assert "'pattern'" not in text
    assert "'patternProperties'" not in text


def test_where_no_schema_is_known_that_is_said_and_the_script_may_go(check: ScriptCheck) -> None:
    listed = check("auxtel/offset_atcs.py", True, "{az: 1}")
    assert listed.wrong == ()
    assert listed.told[0].startswith("No schema of auxtel/offset_atcs.py is known here")
    told, unknown = check("auxtel/offset_atc.py", True, "").told
    assert told.endswith("Did you mean auxtel/offset_atcs.py?")
    assert unknown == OPAQUE
    assert listed.told[1:] == ()
    assert "external scripts" in check("mine.py", False, "{a: 1}").told[0]


def test_a_command_that_changes_no_state_may_go_to_a_protected_csc() -> None:
    assert CHECK("run_command.py", True, "{component: MTM1M3, cmd: setLogLevel}").wrong == ()
