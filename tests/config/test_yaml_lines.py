"""YAML text to values and lines."""

from __future__ import annotations

import pytest
import yaml

from deploydash.config import yaml_lines
from deploydash.config.yaml_lines import Document, read_yaml

TEXT = """\
# a comment
site: summit
kafka:
  bootstrap: a:1
cscs:
  - {csc: ATDome,
     group: AT}
  -
    csc: "ESS:104"
"""


def test_every_key_and_item_has_its_line() -> None:
    document = read_yaml(TEXT, "f.yaml")
    assert document.problems == []
    assert document.data == {
        "site": "summit",
        "kafka": {"bootstrap": "a:1"},
        "cscs": [{"csc": "ATDome", "group": "AT"}, {"csc": "ESS:104"}],
    }
    lines = {
        ("site",): 2,
        ("kafka",): 3,
        ("kafka", "bootstrap"): 4,
        ("cscs",): 5,
        ("cscs", 0): 6,
        ("cscs", 0, "csc"): 6,
        ("cscs", 0, "group"): 7,
        ("cscs", 1): 9,
        ("cscs", 1, "csc"): 9,
    }
    assert {path: document.line(path) for path in lines} == lines


def test_a_missing_key_has_the_line_of_what_should_hold_it() -> None:
    document = read_yaml(TEXT, "f.yaml")
    assert document.line(("cscs", 1, "group", "x")) == 9
    assert Document().line(("site",)) == 0


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *(("true", True), ("false", False), ("null", None), ("~", None), ("", None)),
        *(("12", 12), ("-3", -3), ("007", 7), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("+2.", 2.0)),
        *(("yes", "yes"), ("No", "No"), ("on", "on"), ("True", "True"), ("12:30", "12:30"), ("190:20:30", "190:20:30")),
        *(("0x10", "0x10"), ("0o7", "0o7"), ("1_000", "1_000"), ("2026-11-20", "2026-11-20"), (".inf", ".inf")),
        *(
            ("ESS:104", "ESS:104"),
            ("'12'", "12"),
            ('"true"', "true"),
            ("'~'", "~"),
            ('""', ""),
            ("1e", "1e"),
            ("1e999", "1e999"),
        ),
    ],
)
def test_only_plain_numbers_true_false_and_null_are_not_text(word: str, value: object) -> None:
    found = read_yaml(f"key: {word}\n", "f").data["key"]
    assert (found, type(found)) == (value, type(value))


def test_every_duplicate_is_found_also_within_a_dropped_value() -> None:
    document = read_yaml("a: {x: 1, x: 2}\nb: 1\na: {y: 1,\n y: 2}\nb: 3\nb: 4\n", "f")
    assert [(problem.line, problem.message.partition(" ")[0]) for problem in document.problems] == [
        (1, "'x'"),
        (3, "'a'"),
        (4, "'y'"),
        (5, "'b'"),
        (6, "'b'"),
    ]
    assert document.data == {"a": {"x": 1}, "b": 1}


@pytest.mark.parametrize("text", [TEXT, "a: [1\n", 'a: "\x00"\n', "a: &x [*x]\n", "a: 'é\n", "\x85: 1\n", "?"])
def test_without_the_compiled_parser_the_answers_are_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = read_yaml(text, "f")
    monkeypatch.setattr(yaml_lines, "_LOADER", yaml.SafeLoader)
    slow = read_yaml(text, "f")
    assert (slow.data, slow.lines) == (fast.data, fast.lines)
    assert [problem.line for problem in slow.problems] == [problem.line for problem in fast.problems]
