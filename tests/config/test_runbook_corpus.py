"""Every mutated runbook is refused with exactly the problems that it expects of itself, all at once.

Each file differs in one thing from ``small.yaml``, which is good, and ends in lines
``# expect: LINE KEY | message | hint``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploydash.config.runbook import load_runbook
from deploydash.errors import ConfigurationError
from deploydash.wiring.tables import READING
from tests.support.runbooks import SCRIPTS, site

RUNBOOKS = Path(__file__).parents[1] / "data" / "runbooks"
FILES = sorted((RUNBOOKS / "broken").glob("*.yaml"))
EXPECT = re.compile(r"^# expect: (\d+) (\S*) ?\| (.*?) \|(.*)$", re.MULTILINE)


def test_the_corpus_is_there() -> None:
    assert len(FILES) >= 70


def test_what_all_of_it_was_made_from_is_good() -> None:
    book = load_runbook(RUNBOOKS / "small.yaml", site("summit"), SCRIPTS, systems=READING)
    assert [step.id for step in book.steps()][:2] == ["watcher", "cscs"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_mutated_runbook_is_refused_with_every_problem_it_has(path: Path) -> None:
    expected = EXPECT.findall(path.read_text("utf-8"))
    assert expected
    with pytest.raises(ConfigurationError) as caught:
        load_runbook(path, site("summit"), SCRIPTS, systems=READING)
    found = [(str(one.line), one.key, one.message, one.hint) for one in caught.value.problems]
    assert found == [(line, key, message, hint.strip()) for line, key, message, hint in expected]
    assert {one.file for one in caught.value.problems} == {str(path)}


def test_the_published_line_without_its_comma_is_refused_with_file_and_line() -> None:
    path = RUNBOOKS / "broken" / "no_comma_published.yaml"
    with pytest.raises(ConfigurationError) as caught:
        load_runbook(path, site("summit"), SCRIPTS, systems=READING)
    line = path.read_text("utf-8").splitlines().index("              - [ESS:109 ENABLED]") + 1
    assert str(caught.value) == (
        f"{path}:{line}: phases.0.steps.2.fallback.config.data.0: 'ESS:109 ENABLED' lacks its comma: "
        "it is one text, not a CSC and a state (write [ESS:109, ENABLED])"
    )


def test_an_ignore_key_for_set_summary_state_is_refused_with_file_and_line() -> None:
    path = RUNBOOKS / "broken" / "ignore_for_set_summary_state.yaml"
    with pytest.raises(ConfigurationError) as caught:
        load_runbook(path, site("summit"), SCRIPTS, systems=READING)
    line = path.read_text("utf-8").splitlines().index("            ignore: [MTM1M3]") + 1
    assert f"{path}:{line}: " in str(caught.value)
    assert "the script refuses the key 'ignore'" in str(caught.value)
