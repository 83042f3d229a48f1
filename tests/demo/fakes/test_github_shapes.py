"""Each answer of the demo's GitHub has the shape that GitHub publishes (tests/data/github, OpenAPI 2022-11-28)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest

from tests.support.command_line import ROOT
from tests.systems.github.hub import BRANCH, Hub, hub

SCHEMAS = json.loads((ROOT / "tests/data/github/answers.json").read_text("utf-8"))
PHALANX = "/repos/lsst-sqre/phalanx"


def judge(name: str, told: Any) -> Any:
    """Hold an answer against what GitHub publishes."""
    jsonschema.Draft202012Validator(SCHEMAS[name]).validate(told)
    return told


async def ask(here: Hub, path: str, method: str = "GET", **body: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {here.github.token}"}
    async with httpx2.AsyncClient(base_url=here.settings.api, headers=headers, timeout=20) as client:
        return await client.request(method, path, json=body or None)


async def test_what_is_read_has_githubs_shapes(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        (listed,) = (await ask(here, f"{PHALANX}/pulls?head=lsst-sqre:{BRANCH}&state=all")).json()
        judge("PullRequestSimple", listed)
        number, sha = listed["number"], listed["head"]["sha"]
        for _ in range(2):
            judge("PullRequest", (await ask(here, f"{PHALANX}/pulls/{number}")).json())
        here.on("head-moves")
        here.pass_time()
        here.on("red-check")
        sha = judge("PullRequest", (await ask(here, f"{PHALANX}/pulls/{number}")).json())["head"]["sha"]
        said = (await ask(here, f"{PHALANX}/pulls/{number}/reviews")).json()
        assert [judge("PullRequestReview", one)["state"] for one in said] == ["DISMISSED", "APPROVED"]
        runs = (await ask(here, f"{PHALANX}/commits/{sha}/check-runs")).json()
        assert {judge("CheckRun", one)["conclusion"] for one in runs["check_runs"]} == {"failure", "success"}
        judge("CombinedCommitStatus", (await ask(here, f"{PHALANX}/commits/{sha}/status")).json())
        judge("BranchWithProtection", (await ask(here, f"{PHALANX}/branches/{BRANCH}")).json())
        judge("CommitComparison", (await ask(here, f"{PHALANX}/compare/main...{sha}")).json())
        path = f"{PHALANX}/contents/environments/values-hill.yaml"
        judge("ContentFile", (await ask(here, f"{path}?ref={sha}")).json())
        judge("FullRepository", (await ask(here, PHALANX)).json())
        judge("PublicUser", (await ask(here, "/user")).json())
        here.on("queue")
        rules = (await ask(here, f"{PHALANX}/rules/branches/main")).json()
        assert [judge(f"RepositoryRuleDetailed {one['type']}", one)["type"] for one in rules] == [
            *("pull_request", "required_status_checks", "merge_queue")
        ]


@pytest.mark.parametrize(
    ("fault", "status"),
    [("unauthorized", 401), ("sso", 403), ("limited", 403), ("secondary", 429), ("missing", 404)],
)
async def test_what_github_refuses_at_all_has_its_shape_where_it_is_githubs_own(
    tmp_path: Path, fault: str, status: int
) -> None:
    async with hub(tmp_path) as here:
        here.on(fault)
        answer = await ask(here, f"{PHALANX}/pulls/1")
        assert answer.status_code == status
        judge("BasicError", answer.json())


async def test_a_head_that_moved_is_refused_with_githubs_shape(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        number = await here.found()
        moved = await ask(here, f"{PHALANX}/pulls/{number}/merge", "PUT", sha="0" * 40)
        assert (moved.status_code, judge("BasicError", moved.json())["message"][:24]) == (
            409,
            "Head branch was modified",
        )


async def test_what_is_changed_and_what_is_refused_has_githubs_shapes(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        here.on("unopened")
        opened = await ask(here, f"{PHALANX}/pulls", "POST", title="t", head=BRANCH, base="main")
        assert opened.status_code == 201
        pull = judge("PullRequest", opened.json())
        again = await ask(here, f"{PHALANX}/pulls", "POST", title="t", head=BRANCH, base="main")
        assert again.status_code == 422
        judge("ValidationError", again.json())
        merge = f"{PHALANX}/pulls/{pull['number']}/merge"
        too_early = await ask(here, merge, "PUT", sha=pull["head"]["sha"])
        assert (too_early.status_code, judge("BasicError", too_early.json())["message"]) == (
            405,
            'Required status check "lint" is expected.',
        )
        here.pass_time()
        merged = await ask(here, merge, "PUT", sha=pull["head"]["sha"], merge_method="merge")
        told = judge("PullRequestMergeResult", merged.json())
        assert judge("PullRequest", (await ask(here, f"{PHALANX}/pulls/{pull['number']}")).json())["merged"]
        assert (here.world.merged, here.world.commit) == ("c0045", told["sha"])
        missing = await ask(here, "/repos/lsst-sqre/nothing")
        assert missing.status_code == 404
        judge("BasicError", missing.json())


def test_the_judge_can_refuse() -> None:
    with pytest.raises(jsonschema.ValidationError):
        judge("PullRequestMergeResult", {"sha": 7, "merged": True, "message": ""})
