"""What a card says of work on GitHub, what is then sent, and how it ends: against the demo's GitHub over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.observations import FactRead, FeedChanged
from deploydash.core.model import FeedState
from deploydash.core.run.ports import End, Found
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress, ItemStatus
from deploydash.demo.fakes.github_answers import simple
from tests.servers.waiting import wait_until
from tests.support.item_context import Answered, Intended, RecordingContext
from tests.systems.github.hub import BRANCH, Hub, hub

MERGE = "PUT /repos/lsst-sqre/phalanx/pulls/6384/merge"


async def seen(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    await asyncio.to_thread(wait_until, condition, 20, "what is waited for")


async def carried_out(here: Hub, item: object, approved: str | None = None) -> tuple[End, RecordingContext]:
    """Describe an item, and carry it out as it was described."""
    context = RecordingContext()
    agreed = (await here.plan(item)).approved if approved is None else approved  # type: ignore[arg-type]
    return await here.action.run(item, agreed, context), context  # type: ignore[arg-type]


async def test_the_pull_request_of_the_branch_is_found_and_read_as_cscs(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        here.on("more-changes", adds="obssys/authorize", removes="auxtel/ataos")
        plan = await here.plan(here.find())
        assert plan.lines == (
            "imageTag c0044 → c0045: every CSC of the environment",
            "nublado: images.cycle 44 → 45",
            "nublado: recommendedTag recommended_c0044 → recommended_c0045",
            "remove auxtel/ataos (ATAOS)",
            "add obssys/authorize: ts-dockerhub.lsst.org/authorize of the cycle",
            "change obssys/mtqueue (ScriptQueue:1): RUN_ARG 1 → 1 --state standby",
        )
        assert "added, and not in the site file: obssys/authorize" in plan.why
        assert "removed, and still in the site file: auxtel/ataos (ATAOS)" in plan.why
        end, context = await carried_out(here, here.find())
        assert (end.outcome, end.values) == (Outcome.REACHED, (("pr", "6384"),))
        assert "6 checks passed; approved by codeowner" in end.why
        assert context.intended() == []


async def test_a_pull_request_that_nobody_opened_is_opened_once_and_its_checks_are_waited_for(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        here.on("unopened")
        item = here.find()
        plan = await here.plan(item)
        assert plan.lines[0] == f"POST /repos/lsst-sqre/phalanx/pulls: {BRANCH} into main"
        context = RecordingContext()
        running = asyncio.create_task(here.action.run(item, plan.approved, context))
        await seen(lambda: any("check" in one.line for one in context.progressed()))
        here.pass_time()
        end = await running
        assert (end.outcome, end.values) == (Outcome.REACHED, (("pr", "6384"),))
        assert here.github.asked["open_pull"] == 1
        pull = here.github.phalanx.pulls[6384]
        assert pull.title == f"[{BRANCH}] full cycle upgrade to c0045 at hill"


async def test_of_several_the_open_one_counts_and_one_closed_without_being_merged_is_none(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        await here.found()
        listed = simple("", "lsst-sqre/phalanx", here.github.phalanx.pulls[6384], asks=False)
        closed, merged = {**listed, "number": 7, "state": "closed"}, {**listed, "number": 8, "state": "closed"}
        merged["merged_at"] = "2026-11-30T00:00:00Z"
        told = [closed]

        async def pages(*_: str) -> list[dict[str, object]]:
            return told

        here.client.pages = pages  # type: ignore[assignment, method-assign]
        assert await here.reader.find("lsst-sqre/phalanx", BRANCH) is None
        for more, number in ((merged, 8), (listed, 6384)):
            told.append(more)
            found = await here.reader.find("lsst-sqre/phalanx", BRANCH)
            assert found is not None
            assert found.number == number


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("red-check", "1 check failed: lint (failure)"),
        ("conflict", f"it conflicts with main: rebase {BRANCH}"),
        ("stale-tag", "its imageTag is c0044, the run is for c0045"),
    ],
)
async def test_a_pull_request_that_could_not_be_deployed_fails_its_step(tmp_path: Path, fault: str, words: str) -> None:
    async with hub(tmp_path) as here:
        here.on(fault)
        end, _ = await carried_out(here, here.find())
        assert end.outcome is Outcome.FAILED
        assert words in end.why


async def test_nublado_and_the_other_repositories_are_looked_at(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        words = {"branch": BRANCH, "cycle": "c0045"}
        (nublado,) = here.step(words, do="nublado", tag="<cycle>")
        _, love = here.step(words, do="find", tag="<cycle>", repositories="configuration")
        assert [(await carried_out(here, item))[0].outcome for item in (nublado, love)] == [Outcome.REACHED] * 2
        here.on("no-branch")
        await here.found()
        here.on("stale-nublado")
        late, lacking = [(await carried_out(here, item))[0] for item in (nublado, love)]
        assert "images.cycle is 44 and recommendedTag is recommended_c0044" in late.why
        assert lacking.why == f"lsst-ts/LOVE-integration-tools has no branch {BRANCH}: push it, then retry"
        assert {late.outcome, lacking.outcome} == {Outcome.FAILED}


async def test_it_is_merged_once_with_the_head_that_was_seen_and_argo_cd_deploys_it(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        item = here.merge(await here.found())
        plan = await here.plan(item)
        sha = here.github.phalanx.pulls[6384].sha
        assert plan.lines[0] == f"{MERGE} sha={sha} merge_method=merge"
        assert json.loads(plan.approved) == {"number": 6384, "sha": sha, "method": "merge"}
        end, context = await carried_out(here, item, plan.approved)
        commit = here.world.commit
        assert (end.outcome, end.values) == (Outcome.REACHED, (("sha", commit),))
        assert here.world.merged == "c0045"
        assert context.told == [Intended(plan.lines[0], sha, begins=True), Answered(True, f"merged as {commit}")]
        again = await here.plan(item)
        assert again.lines == ()
        assert "is merged by deployment-lead" in again.why
        assert (await carried_out(here, item))[0].values == (("sha", commit),)
        assert here.github.asked["merge"] == 1


async def test_a_head_that_moved_is_another_plan_and_is_not_merged(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        item = here.merge(await here.found())
        plan = await here.plan(item)
        here.on("head-moves")
        here.pass_time()
        await here.found()
        assert (await here.plan(item)).approved != plan.approved
        end, context = await carried_out(here, item, plan.approved)
        assert end.outcome is Outcome.FAILED
        assert "not merged: its head moved from " in end.why
        assert context.told == []
        here.on("moves-at-merge")
        end, _ = await carried_out(here, item)
        assert "GitHub refuses, something has changed meanwhile: Head branch was modified" in end.why
        assert (end.outcome, here.world.merged) == (Outcome.FAILED, "")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("red-check", "1 check failed: lint (failure)"),
        ("conflict", "conflicts with main"),
        ("unapproved", "an approval of a code owner is missing: codeowners-observatory is asked"),
        ("computing", "GitHub is computing whether it can be merged"),
        ("checks-run", "6 checks not ended"),
    ],
)
async def test_what_github_would_refuse_blocks_the_card_and_shuts_the_gate(
    tmp_path: Path, fault: str, words: str
) -> None:
    async with hub(tmp_path) as here:
        number = await here.found()
        here.on(fault)
        plan = await here.plan(here.merge(number))
        assert plan.blocked
        assert words in plan.why
        await here.watch(pr=str(number)).read(number)
        fact = told_fact(here)
        assert not fact.ok
        assert words in fact.sentence
        end, context = await carried_out(here, here.merge(number))
        assert (end.outcome, context.told) == (Outcome.FAILED, [])
        here.off(fault)
        await here.watch(pr=str(number)).read(number)
        assert told_fact(here).ok


def told_fact(here: Hub) -> Fact:
    return [one.fact for one in here.told if isinstance(one, FactRead)][-1]


async def test_an_optional_check_shuts_the_gate_and_lets_github_merge(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        number = await here.found()
        here.on("red-check", check="docs")
        await here.watch(pr=str(number)).read(number)
        assert not told_fact(here).ok
        assert not (await here.plan(here.merge(number))).blocked


async def test_that_the_pull_request_cannot_be_read_is_told_and_the_run_says_which_one_it_is(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        number = await here.found()
        here.on("failing")
        watching = asyncio.create_task(here.watch(pr=f"https://github.com/lsst-sqre/phalanx/pull/{number}").run())
        await seen(lambda: here.told)
        here.off("failing")
        await seen(lambda: any(isinstance(one, FactRead) for one in here.told))
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        states = [one.state for one in here.told if isinstance(one, FeedChanged)]
        assert states[0] is FeedState.DOWN
        assert states[-1] is FeedState.UP


async def test_after_a_time_out_it_is_asked_whether_it_is_merged_and_nothing_is_sent_again(tmp_path: Path) -> None:
    async with hub(tmp_path, budget=0.5) as here:
        item = here.merge(await here.found())
        here.on("silent-merge", seconds=3600.0)
        end, context = await carried_out(here, item)
        assert (end.outcome, end.values) == (Outcome.REACHED, (("sha", here.world.commit),))
        assert [one.ok for one in context.told if isinstance(one, Answered)] == [None]
        assert here.github.asked["merge"] == 1


async def test_a_merge_before_which_github_cannot_be_read_is_not_unknown_for_nothing_was_sent(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        item = here.merge(await here.found())
        approved = (await here.plan(item)).approved
        for fault in ("down", "unauthorized", "sso", "limited"):
            here.on(fault)
            end, context = await carried_out(here, item, approved)
            assert end.outcome is Outcome.FAILED
            assert end.why.startswith("not merged, nothing was sent: ")
            assert context.told == []
            here.off(fault)
            here.client.wait_until = 0.0
        assert here.github.asked["merge"] == 0


async def test_a_merge_that_github_shows_nothing_of_stays_unknown(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        item = here.merge(await here.found())
        plan = await here.plan(item)
        context = RecordingContext()
        here.github.phalanx.merge = lambda *_: "0" * 40  # type: ignore[method-assign]
        end = await here.action.run(item, plan.approved, context)
        assert end.outcome is Outcome.UNKNOWN
        assert "was to be merged, and GitHub shows it open" in end.why


async def test_what_became_of_a_merge_is_found_after_a_kill(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        item = here.merge(await here.found())
        sent = ItemProgress(ItemStatus.UNKNOWN, request=MERGE, key=here.github.phalanx.pulls[6384].sha)
        finding = await here.action.probe(item, sent, lambda _: None)
        assert (finding.found, "open and not merged" in finding.sentence) == (Found.NOT_DONE, True)
        commit = here.github.phalanx.merge(here.github.phalanx.pulls[6384], "somebody")
        assert (await here.action.probe(item, sent, lambda _: None)).found is Found.UNDER_WAY
        end = await here.action.follow(item, sent, RecordingContext())
        assert (end.outcome, end.values) == (Outcome.REACHED, (("sha", commit),))
        assert here.github.asked["merge"] == 0


async def test_what_is_put_into_the_merge_queue_is_not_merged_before_github_says_so(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        here.on("queue", seconds=5.0)
        item = here.merge(await here.found())
        plan = await here.plan(item)
        assert plan.lines[0].startswith("POST /graphql enqueuePullRequest #6384 expectedHeadOid=")
        context = RecordingContext()
        running = asyncio.create_task(here.action.run(item, plan.approved, context))
        await seen(lambda: any(one.state == "queued" for one in context.progressed()))
        assert not running.done()
        assert here.world.merged == ""
        here.pass_time(6)
        end = await running
        assert (end.outcome, end.values) == (Outcome.REACHED, (("sha", here.world.commit),))
        assert here.github.asked["merge"] == 0


async def test_the_way_back_opens_a_pull_request_that_an_owner_must_approve_and_it_is_said_before(
    tmp_path: Path,
) -> None:
    async with hub(tmp_path) as here:
        number = await here.found()
        (revert,) = here.step({"pr": f"#{number}"}, do="revert", pull="<pr>")
        too_early = await here.plan(revert)
        assert (too_early.blocked, "is not merged" in too_early.why) == (True, True)
        here.github.phalanx.merge(here.github.phalanx.pulls[number], "lead")
        plan = await here.plan(revert)
        assert plan.lines == (f"POST /graphql revertPullRequest lsst-sqre/phalanx#{number}",)
        assert "it needs a code owner's approval before it can be merged, by night too" in plan.why
        end, _ = await carried_out(here, revert, plan.approved)
        assert (end.outcome, end.values) == (Outcome.REACHED, (("revert", "6385"),))
        assert (await carried_out(here, revert))[0].values == (("revert", "6385"),)
        await here.reader.pull("lsst-sqre/phalanx", 6385)
        merge = here.merge(6385)
        assert "an approval of a code owner is missing" in (await here.plan(merge)).why
        here.pass_time()
        end, _ = await carried_out(here, merge)
        assert (end.outcome, here.world.merged) == (Outcome.REACHED, "c0044")


async def test_what_others_merged_in_a_scenario_can_be_taken_back_as_well(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        here.world.merge("c0045")
        (revert,) = here.step({"pr": "6384"}, do="revert", pull="<pr>")
        assert "was merged as" in (await here.plan(revert)).why
        end, _ = await carried_out(here, revert)
        assert (end.outcome, end.values) == (Outcome.REACHED, (("revert", "6385"),))
        assert here.world.commit == here.github.phalanx.pulls[6384].merge_commit


async def test_a_card_says_for_what_it_waits_and_why_nothing_can_be_read(tmp_path: Path) -> None:
    async with hub(tmp_path) as here:
        (item,) = here.step({}, do="merge", pull="<pr>")
        assert "it waits for <pr>, the number of the pull request" in (await here.plan(item)).why
        here.on("sso")
        plan = await here.plan(here.find())
        assert (plan.blocked, "single sign-on" in plan.why) == (True, True)
