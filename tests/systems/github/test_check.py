"""What check says of GitHub: the token, the repositories, the rules of the branch; it only reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deploydash.errors import FeedError
from deploydash.systems.github.check import check, of_repository, of_rules, of_token
from deploydash.systems.github.objects import Rules
from deploydash.systems.table import Place
from tests.support.builders import roster
from tests.systems.github.hub import BRANCH, Hub, hub


def place(here: Hub) -> Place:
    return Place(here.settings, replace(roster(), rehearsal=True))


async def test_a_token_that_may_merge_and_repositories_that_are_there_are_good(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        found = await check(place(here))
        assert [(one.level, one.sentence) for one in found] == [
            ("ok", "logged in as deployment-lead, token of the demo observatory"),
            ("ok", "lsst-sqre/phalanx can be read and written to"),
            ("ok", "lsst-ts/LOVE-integration-tools can be read and written to"),
            ("ok", "main asks for 2 checks, an approval of a code owner where one is named before a merge"),
        ]
        assert not {"merge", "open_pull", "graphql"} & set(here.github.asked)


async def test_what_github_refuses_is_red_or_ends_the_check_in_words(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        here.on("missing")
        reds = [one.sentence for one in await check(place(here)) if one.level == "red"]
        assert len(reds) == 3
        assert "GitHub has nothing at /repos/lsst-sqre/phalanx for the token of the demo observatory" in reds[0]
        here.on("unauthorized")
        with pytest.raises(FeedError, match="does not accept the token"):
            await check(place(here))


async def test_the_pull_request_of_the_cycles_branch_is_told_as_it_stands(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        known = replace(place(here), words={"branch": BRANCH})

        async def last() -> tuple[str, str]:
            told = (await check(known))[-1]
            return told.level, told.sentence

        await here.found()  # GitHub computes at the first question whether it can be merged
        level, words = await last()
        assert (level, words.partition(": ")[2]) == (
            "ok",
            "6 checks passed; approved by codeowner; GitHub says clean",
        )
        here.on("unapproved")
        level, words = await last()
        assert (level, "an approval of a code owner is missing" in words) == ("warning", True)
        here.on("red-check")
        level, words = await last()
        assert (level, "1 check failed: lint (failure)" in words) == ("red", True)
        here.on("no-branch")
        assert await last() == ("warning", f"lsst-ts/LOVE-integration-tools has no branch {BRANCH}")
        assert not {"merge", "open_pull", "graphql"} & set(here.github.asked)


async def test_a_branch_without_a_pull_request_is_no_reason_to_stop(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        here.on("unopened")
        told = await check(replace(place(here), words={"branch": BRANCH}))
        assert (told[-1].level, told[-1].sentence) == (
            "warning",
            f"lsst-sqre/phalanx has no open pull request of {BRANCH}",
        )


def test_a_token_that_could_not_merge_and_few_questions_left_are_said() -> None:
    assert [one.level for one in of_token("lead", "GH_TOKEN", "gist, read:org", 20)] == ["ok", "red", "warning"]
    assert [one.level for one in of_token("lead", "GH_TOKEN", None, None)] == ["ok"]
    assert of_repository("a/b", {"permissions": {"push": False}}, merges=True).level == "red"
    assert of_repository("a/b", {}, merges=False).level == "ok"
    assert of_rules("main", Rules(queue=True)).sentence == "main asks for its merge queue before a merge"
