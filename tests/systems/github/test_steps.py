"""A step on GitHub: what is wrong with one, what it consists of, what is known of it without asking."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from deploydash.core.model import CscId
from deploydash.systems.github.settings import GithubSettings
from deploydash.systems.github.steps import GithubSteps, read_spec
from deploydash.systems.table import Entry
from tests.support.builders import roster

SETTINGS = GithubSettings.model_validate(
    {"phalanx": {"environment": "summit"}, "configuration": ["lsst-ts/LOVE-integration-tools"]}
)


def entry(own: Mapping[str, object], only: frozenset[CscId] | None = None) -> Entry:
    return Entry(step="step", own=own, roster=roster(), settings=SETTINGS, only=only)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({}, "do is None"),
        ({"do": "rebase"}, "do is 'rebase'"),
        ({"do": "merge"}, "a step that does merge needs pull"),
        ({"do": "find"}, "a step that does find needs tag"),
        ({"do": "merge", "pull": "<pr>", "tag": "<cycle>"}, "a step that does merge has no tag"),
        ({"do": "find", "tag": "<cycle>", "repositories": "all"}, "repositories is 'all'"),
        (
            {"do": "merge", "pull": "<pr>", "repositories": "configuration"},
            "a step that does merge has no repositories",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_key(own: dict[str, object], message: str) -> None:
    assert [one.message for one in GithubSteps().problems(entry(own))] == [message]


def test_a_site_without_the_section_carries_nothing_out() -> None:
    bare = Entry(step="step", own={"do": "merge", "pull": "<pr>"}, roster=roster())  # type: ignore[arg-type]
    assert [one.message for one in GithubSteps().problems(bare)] == ["the site file has no section systems.github"]


def test_finding_is_an_item_for_phalanx_and_one_for_each_other_repository() -> None:
    only = frozenset({CscId("MTHexapod", 2), CscId("ATAOS")})
    items = GithubSteps().items(entry({"do": "find", "tag": "<cycle>", "repositories": "configuration"}, only))
    assert [item.label for item in items] == ["pull request of <branch>", "lsst-ts/LOVE-integration-tools <branch>"]
    spec = read_spec(items[0].spec)
    assert (spec.branch, spec.tag, spec.only) == ("<branch>", "<cycle>", ("ATAOS", "MTHexapod:2"))
    assert GithubSteps().lines(items[0]) == (
        "GET /repos/lsst-sqre/phalanx/pulls?head=<branch>",
        "POST /repos/lsst-sqre/phalanx/pulls: <branch> into what is deployed (if there is none)",
    )
    assert items[0].manual[0].startswith("gh pr list --repo lsst-sqre/phalanx --head <branch> --base main")


def test_nothing_that_a_person_would_type_waits_for_a_word_that_nothing_fills_in() -> None:
    for own in (
        {"do": "find", "tag": "<cycle>"},
        {"do": "nublado", "tag": "<cycle>"},
        {"do": "merge", "pull": "<pr>"},
        {"do": "revert", "pull": "<pr>"},
    ):
        (item,) = GithubSteps().items(entry(own))
        assert item.manual
        assert GithubSteps().lines(item)
        assert "<sha>" not in " ".join(item.manual)
