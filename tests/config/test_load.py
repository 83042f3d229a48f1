"""Reading site files: what is left out, what is odd, and files that are none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploydash.config.load import MAX_BYTES, Site, load_site, parse_site
from deploydash.core.model import CameraSubstate, CscId, CscSpec, Limits, SummaryState, Target
from deploydash.errors import ConfigurationError, Problem

HEAD = """\
site: tiny
kafka: {bootstrap: "kafka.example.org:9094"}
schema_registry: {url: https://registry.example.org}
groups: [AT, MT]
"""
ROSTER = """\
cscs:
  - {csc: ATDome, group: AT}
  - {csc: "ESS:104", group: MT}
"""
SUMMIT = (Path(__file__).parents[2] / "sites" / "summit.yaml").read_text("utf-8")


def parse(text: str, name: str = "tiny.yaml") -> Site:
    return parse_site(text, Path(name))


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return caught.value.problems


def spec(line: str) -> CscSpec:
    return parse(HEAD.replace(", MT", "") + f"cscs:\n  - {line}\n").roster.cscs[0]


def test_what_is_left_out_has_the_documented_defaults() -> None:
    site = parse(HEAD + ROSTER)
    standby, offline = Target(SummaryState.STANDBY), Target(SummaryState.OFFLINE)
    assert site.roster.cscs == (
        CscSpec(CscId("ATDome"), "AT", standby, standby, offline, limits=Limits(5, 10)),
        CscSpec(CscId("ESS", 104), "MT", standby, standby, offline, limits=Limits(5, 10)),
    )
    assert (site.roster.site, site.roster.groups, site.roster.time_zone) == ("tiny", ("AT", "MT"), "UTC")
    assert not site.rehearsal
    assert site.kafka is not None
    assert (site.kafka.topic_subname, site.kafka.hosts, site.efd, site.demo) == ("sal", (), None, None)
    assert site.warnings == ()


def test_the_end_is_the_start_up_target_unless_told() -> None:
    assert str(spec("{csc: HVAC, group: AT, startup: ENABLED}").end) == "ENABLED"
    assert str(spec("{csc: GIS, group: AT, end: ENABLED}").startup) == "STANDBY"


def test_outside_a_run_a_protected_csc_was_kept_running() -> None:
    kept = spec(
        "{csc: MTM1M3, group: AT, startup: {kept: DISABLED, stopped: STANDBY}, shutdown: DISABLED, protected: true}"
    )
    assert [str(target) for target in (kept.startup, kept.end, kept.shutdown)] == ["DISABLED"] * 3
    assert kept.protected


def test_a_camera_may_want_a_substate() -> None:
    camera = spec("{csc: ATCamera, group: AT, startup: OFFLINE/AVAILABLE, camera: true}")
    assert camera.startup == Target(SummaryState.OFFLINE, CameraSubstate.AVAILABLE)
    assert camera.camera


def test_limits_are_the_csc_s_own_then_the_site_s_then_ours() -> None:
    lines = [
        "{csc: ATDome, group: AT}",
        "{csc: ATPtg, group: AT, limits: {silent: 30}}",
        '{csc: "ESS:1", group: MT, limits: {late: 6.5}}',
    ]
    cscs = "cscs:\n" + "".join(f"  - {line}\n" for line in lines)
    site = parse(HEAD + "limits: {late: 7}\n" + cscs)
    assert [spec.limits for spec in site.roster.cscs] == [Limits(7, 10), Limits(7, 30), Limits(6.5, 10)]


def test_an_index_is_no_time_of_day_and_yes_is_no_boolean() -> None:
    text = HEAD.replace("AT, MT", "yes, 12:30, on")
    site = parse(text + "cscs: [{csc: ESS:12, group: yes}, {csc: ATDome, group: 12:30}, {csc: A1e3, group: on}]\n")
    assert [(str(spec.csc), spec.group) for spec in site.roster.cscs] == [
        ("ESS:12", "yes"),
        ("ATDome", "12:30"),
        ("A1e3", "on"),
    ]


def test_a_rehearsal_on_this_machine_is_accepted() -> None:
    site = parse(
        "site: summit\nrehearsal: true\n"
        'kafka: {bootstrap: "127.0.0.1:9094,[::1]:9095,localhost:9", hosts: [127.9.9.9, "::1"], '
        "security_protocol: PLAINTEXT}\n"
        'schema_registry: {url: "http://[::1]:8081/path"}\nefd: {url: "http://LocalHost:8086/"}\n'
        "demo: {speed: 20, scenario: csc-faults, seed: 7}\ngroups: [AT, MT]\n" + ROSTER,
        "rehearsal.yaml",
    )
    assert site.rehearsal
    assert site.demo is not None
    assert (site.demo.speed, site.demo.scenario, site.demo.seed) == (20.0, "csc-faults", 7)
    assert site.warnings == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("site: huge", "the file is called tiny, the site huge"),
        ("published_end: [HVAC]", "published, but not in the roster: HVAC"),
        ("published_end: [HVAC:1, HVAC:1]", "listed twice: HVAC:1; published, but not in the roster: HVAC:1"),
        ('published_end: ["DSM:*"]', "published, but not in the roster: DSM:*"),
        ("published_end: [ATDome]", "ATDome is published as ENABLED at the end, not STANDBY"),
        ('published_end: ["ESS:*"]', "ESS:104 is published as ENABLED at the end, not STANDBY"),
    ],
)
def test_what_is_odd_is_a_warning(line: str, message: str) -> None:
    text = HEAD.replace("site: tiny\n", "") if line.startswith("site") else HEAD
    site = parse(f"{text}{line}\n{ROSTER}")
    assert "; ".join(problem.message for problem in site.warnings) == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{csc: ATCamera, group: AT}", "ATCamera is a camera"),
        ("{csc: ATDome, group: AT, camera: true}", "ATDome is no camera"),
        (
            "{csc: MTM1M3, group: AT, shutdown: DISABLED, protected: true}",
            "MTM1M3 is kept DISABLED in a shutdown but starts up STANDBY",
        ),
    ],
)
def test_what_is_odd_about_a_csc_is_a_warning_with_its_line(line: str, message: str) -> None:
    (problem,) = parse(HEAD.replace(", MT", "") + f"cscs:\n  - {line}\n").warnings
    assert (problem.message, problem.line, problem.key) == (message, 6, "cscs.0")


def test_a_csc_that_ends_enabled_without_being_published_is_a_warning() -> None:
    roster = ROSTER + "".join(f"  - {{csc: {name}, group: MT, end: ENABLED}}\n" for name in ("GIS", "Watcher"))
    (problem,) = parse(HEAD + "published_end: [Watcher]\n" + roster).warnings
    assert problem.message == "GIS ends ENABLED, but is not in published_end"


def test_a_missing_file_is_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml: cannot be read: No such file .*deploydash sites"):
        load_site(Path("none.yaml"))


def test_a_fifo_is_a_sentence_and_nobody_waits_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "site.yaml")
    with pytest.raises(ConfigurationError, match="cannot be read: it is a FIFO, not a file"):
        load_site(tmp_path / "site.yaml")


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "a:\n" + "- " * 100_000, "&a [*a]", "- " * 33 + "x"])
def test_what_is_nested_without_end_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "site.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"nested too deeply|anchors and aliases") as refused:
        load_site(tmp_path / "site.yaml")
    assert refused.value.problems[0].line in {1, 2}


def test_a_directory_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: it is a directory, not a file"):
        load_site(tmp_path)


def test_a_name_that_no_file_can_have_is_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: embedded null byte"):
        load_site(Path("a\0b.yaml"))


def test_a_link_that_leads_nowhere_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "loop.yaml"
    path.symlink_to(path)
    with pytest.raises(ConfigurationError, match="cannot be read: Too many levels of symbolic links"):
        load_site(path)


def test_a_file_in_another_encoding_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(f"{HEAD}cluster: Cerro Pachón\n".encode("latin-1"))
    with pytest.raises(ConfigurationError) as caught:
        load_site(path)
    assert caught.value.problems == (Problem(str(path), 5, "", "is not UTF-8 text", "save it as UTF-8"),)


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + ROSTER).encode())
    assert load_site(path).path == path


def test_a_file_far_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(ConfigurationError, match="is larger than"):
        load_site(path)


def test_control_characters_name_their_line() -> None:
    (problem,) = problems(HEAD + 'cluster: "\x00"\n' + ROSTER)
    assert "control characters are not allowed" in problem.message
    assert problem.line == 5


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_endless_nesting_is_refused(opening: str) -> None:
    (problem,) = problems("site: " + ("\n" if opening == "- " else "") + opening * 100_000)
    assert "nested too deeply" in problem.message or problem.message.startswith("not YAML")


def test_a_lone_surrogate_is_refused() -> None:
    (problem,) = problems(HEAD + "cluster: \ud800\n" + ROSTER)
    assert (problem.message, problem.line) == ("not YAML: not Unicode text", 5)


def test_a_number_of_absurd_length_stays_text() -> None:
    (problem,) = problems(HEAD + f"limits: {{late: {'9' * 5000}}}\n" + ROSTER)
    assert problem.message.startswith("must be a number")


def test_ten_thousand_cscs_load() -> None:
    lines = "".join(f'  - {{csc: "Csc{n % 54}:{n}", group: AT}}\n' for n in range(1, 10_001))
    assert len(parse(HEAD.replace(", MT", "") + "cscs:\n" + lines).roster.cscs) == 10_000


def site_or_problems(text: str) -> Site | tuple[Problem, ...]:
    """Return what became of a text; any other exception is a failure."""
    try:
        return parse(text, "summit.yaml")
    except ConfigurationError as error:
        return error.problems


@given(st.text())
def test_any_text_is_a_site_or_a_sentence(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert caught.value.problems
    assert str(caught.value)


FRAGMENTS = [
    "{",
    "}",
    "[",
    "]",
    ":",
    " ",
    "\n",
    "- ",
    "&a",
    "*a",
    "!!int ",
    '"',
    "'",
    "#",
    "|",
    ">",
    "%",
    "12:30",
    "\t",
]


@given(st.integers(0, len(SUMMIT)), st.integers(0, 60), st.sampled_from(FRAGMENTS) | st.text(max_size=5))
def test_any_damage_to_a_real_file_is_a_site_or_a_sentence(at: int, cut: int, put: str) -> None:
    found = site_or_problems(SUMMIT[:at] + put + SUMMIT[at + cut :])
    if isinstance(found, Site):
        assert 100 < len(found.roster.cscs) <= 117
    else:
        assert found
        assert all(problem.message for problem in found)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(["site", "rehearsal", "kafka", "schema_registry", "efd", "limits", "groups", "cscs", "demo"]),
    VALUES,
)
def test_any_value_of_any_key_is_a_site_or_a_sentence(key: str, value: object) -> None:
    lines = [line for line in (HEAD + ROSTER).splitlines() if not line.startswith(key)]
    if key == "cscs":
        lines = lines[:4]
    text = "\n".join([*lines, f"{key}: {json.dumps(value)}"])  # every JSON text is YAML
    assert site_or_problems(text)
