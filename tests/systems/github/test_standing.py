"""Whether a pull request may be merged: what is in the way, and whether GitHub itself would refuse it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deploydash.systems.github.objects import Check, PullRequest, Review, Rules, check_runs, reviews, rules
from deploydash.systems.github.standing import Standing

HEAD = "1a2b3c4d" * 5
PULL = PullRequest(
    6384, mergeable=True, mergeable_state="clean", head="OSW-1", sha=HEAD, base="main", asked=("codeowners",)
)
LINT = Check("lint", "passed", "success")
APPROVED = Review("owner", "APPROVED", HEAD)
GOOD = Standing(PULL, (LINT,), (APPROVED,), Rules(checks=("lint",), owners=True))


def told(standing: Standing) -> list[tuple[str, bool, bool]]:
    return [(one.why, one.closes, one.waits) for one in standing.hindrances("main")]


def pull(**changes: Any) -> Standing:
    return replace(GOOD, pull=replace(PULL, **changes))


def test_nothing_is_in_the_way_of_one_that_is_good_or_merged() -> None:
    assert told(GOOD) == []
    assert GOOD.words() == "#6384 at 1a2b3c4d: 1 check passed; approved by owner; GitHub says clean"
    merged = pull(merged=True, state="closed", merged_by="lead", merge_commit="f" * 40)
    assert told(merged) == []
    assert merged.words() == "#6384 is merged by lead as ffffffff"


@pytest.mark.parametrize(
    ("standing", "hindrance"),
    [
        (pull(state="closed"), ("#6384 was closed without being merged", True, False)),
        (pull(base="next"), ("#6384 goes into next, and main is deployed", True, False)),
        (pull(draft=True), ("#6384 is a draft: mark it as ready for review", True, False)),
        (pull(mergeable=None), ("GitHub is computing whether it can be merged", True, True)),
        (pull(mergeable=False), ("it conflicts with main: rebase OSW-1", True, False)),
        (pull(mergeable_state="behind"), ("OSW-1 is behind main, which must be in it first", True, False)),
        (
            replace(GOOD, checks=(Check("lint", "failed", "timed_out"),)),
            ("1 check failed: lint (timed_out)", True, False),
        ),
        (
            replace(GOOD, checks=(LINT, Check("docs", "failed", "failure"))),
            ("1 check failed: docs (failure)", False, False),
        ),
        (replace(GOOD, checks=()), ("1 check not ended: lint", True, True)),
        (
            replace(GOOD, checks=(LINT, Check("docs", "pending", "queued"))),
            ("1 check not ended: docs", False, True),
        ),
        (
            replace(GOOD, reviews=(Review("bo", "CHANGES_REQUESTED", HEAD),)),
            ("bo asks for changes", False, False),
        ),
        (
            pull(mergeable_state="blocked"),
            ("an approval of a code owner is missing: codeowners is asked; any later push dismisses it", True, False),
        ),
        (
            replace(pull(mergeable_state="blocked"), rules=Rules(checks=("lint",))),
            ("a rule of main is not met, GitHub does not say which: codeowners is asked", True, False),
        ),
    ],
)
def test_each_hindrance_says_whether_github_would_refuse_and_whether_it_goes_by(
    standing: Standing, hindrance: tuple[str, bool, bool]
) -> None:
    assert told(standing) == [hindrance]


def test_an_approval_of_an_older_commit_is_not_called_an_approval() -> None:
    assert "not approved" in replace(GOOD, reviews=(Review("owner", "APPROVED", "0" * 40),)).words()


def test_the_last_word_of_each_reviewer_and_the_newest_run_of_each_check_count() -> None:
    def said(by: str, state: str) -> dict[str, Any]:
        return {"user": {"login": by}, "state": state, "commit_id": HEAD}

    rows = [said("a", "CHANGES_REQUESTED"), said("a", "APPROVED"), said("a", "COMMENTED")]
    rows += [said("b", "APPROVED"), said("b", "DISMISSED")]
    assert reviews(rows) == (Review("a", "APPROVED", HEAD),)
    runs = [
        {"id": 2, "name": "lint", "status": "completed", "conclusion": "success"},
        {"id": 1, "name": "lint", "status": "completed", "conclusion": "failure"},
        {"id": 3, "name": "docs", "status": "waiting", "conclusion": None},
        {"id": 4, "name": "changes", "status": "completed", "conclusion": "skipped"},
    ]
    assert [(one.name, one.state) for one in check_runs(runs)] == [
        ("lint", "passed"),
        ("docs", "pending"),
        ("changes", "passed"),
    ]


def test_the_rules_of_several_rulesets_are_taken_together() -> None:
    def asks(count: int, *methods: str, owner: bool = False) -> dict[str, Any]:
        told = {"required_approving_review_count": count, "require_code_owner_review": owner}
        return {"type": "pull_request", "parameters": {**told, "allowed_merge_methods": list(methods)}}

    checks = {"required_status_checks": [{"context": "lint"}]}
    rows = [asks(0, "merge", "squash", owner=True), asks(2, "squash", "rebase"), {"type": "merge_queue"}]
    found = rules([*rows, {"type": "required_status_checks", "parameters": checks}])
    assert found == Rules(("lint",), 2, owners=True, queue=True, methods=("squash",))
    assert Standing(PULL, rules=found).method == "squash"
    assert Standing(PULL).method == "merge"
