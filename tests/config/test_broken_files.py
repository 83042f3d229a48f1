"""Every file of the corpus is refused with exactly the problems that it expects of itself, all at once.

A file ends in lines ``# expect: LINE KEY | part of the message | part of the hint``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploydash.config.load import load_site
from deploydash.errors import ConfigurationError

CORPUS = Path(__file__).parents[1] / "data" / "sites" / "broken"
FILES = sorted(CORPUS.glob("*.yaml"))
EXPECT = re.compile(r"^# expect: (\d+) (\S*) ?\| (.*?) \|(.*)$", re.MULTILINE)


def test_the_corpus_is_there() -> None:
    assert len(FILES) >= 35


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_broken_file_is_refused_with_every_problem_it_has(path: Path) -> None:
    expected = EXPECT.findall(path.read_text("utf-8"))
    assert expected
    with pytest.raises(ConfigurationError) as caught:
        load_site(path)
    found = [(str(problem.line), problem.key) for problem in caught.value.problems]
    assert sorted(found) == sorted((line, key) for line, key, _, _ in expected), str(caught.value)
    for line, key, message, hint in expected:
        fitting = [
            problem
            for problem in caught.value.problems
            if (str(problem.line), problem.key) == (line, key)
            and message in problem.message
            and hint.strip() in problem.hint
        ]
        assert fitting, f"{line} {key} | {message} | {hint} is not among\n{caught.value}"
        assert {problem.file for problem in fitting} == {str(path)}


def test_problems_come_in_the_order_of_the_lines() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_site(CORPUS / "everything_at_once.yaml")
    lines = [problem.line for problem in caught.value.problems]
    assert lines == sorted(lines)
    assert len(lines) == 10


def test_a_problem_names_file_line_key_and_what_to_do() -> None:
    path = CORPUS / "duplicate_key.yaml"
    with pytest.raises(ConfigurationError) as caught:
        load_site(path)
    assert (
        str(caught.value) == f"{path}:6: time_zone: 'time_zone' stands twice; the first is in line 4 (keep one of them)"
    )
