"""What a card says of a sync, what is then sent, and how it ends: against recorded answers over real HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Effective, Liveness, SummaryState
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.ports import Found
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress, ItemStatus
from deploydash.errors import UserError
from deploydash.systems.argocd.act import WAITING, ArgocdAction
from deploydash.systems.argocd.client import ArgoClient
from deploydash.systems.argocd.planning import Approved
from deploydash.systems.argocd.settings import ArgocdSettings
from deploydash.systems.argocd.steps import SyncSpec, sync_item
from tests.servers.waiting import within
from tests.support.clock import ManualClock
from tests.support.item_context import Answered, Intended, RecordingContext
from tests.support.runs import view
from tests.systems.argocd.replay import Argo, Reply, body, replied, reply, running, serving

CSCS = (("mtqueue", "ScriptQueue:1"), ("watcher", "Watcher"))
QUEUE = CscId("ScriptQueue", 1)
HTML: Reply = (200, {"content-type": "text/html"}, b"<html>Sign in</html>")
GONE: Reply = (503, {"content-type": "text/plain"}, b"upstream connect error")


class Stepping(ManualClock):
    """A clock that goes on by itself whenever it is looked at, so that no limit is waited for."""

    def monotonic(self) -> float:
        self.advance(0.5)
        return super().monotonic()


def nobody(csc: CscId) -> CscView | None:
    """See nothing of any CSC."""
    seen: dict[CscId, CscView] = {}
    return seen.get(csc)


@asynccontextmanager
async def acting(argo: Argo) -> AsyncIterator[ArgocdAction]:
    with serving(argo) as endpoint:
        settings = ArgocdSettings(server="127.0.0.1", rest=("obssys",))
        infos = {"reason": "full cycle upgrade c0046", "run": "summit-c0046"}
        action = ArgocdAction(ArgoClient(endpoint), settings, Stepping(), lambda: infos, poll_s=0.01)
        try:
            async with within(20):
                yield action
        finally:
            await action.aclose()


def sync(app: str = "obssys", **told: Any) -> Item:
    return sync_item(ItemId("#0"), SyncSpec(app, cscs=CSCS, **told), (f"argocd app sync {app}",))


def no_jobs(**status: Any) -> dict[str, Any]:
    """An application whose Jobs were deleted: OutOfSync, Missing."""
    found: dict[str, Any] = body("jobs-deleted", 0)
    return {
        **found,
        "metadata": {"name": "obssys", "resourceVersion": "7"},
        "spec": {"project": "telescope"},
        "status": {**found["status"], **status},
    }


def after(file: str = "sync-after-delete", number: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = body(file, number)
    return found


def managed(*items: dict[str, Any]) -> Reply:
    return reply({"items": list(items)})


def missing(name: str, kind: str = "Job", group: str = "batch") -> dict[str, Any]:
    """An object that is to be made."""
    spec = {"template": {"spec": {"containers": [{"name": name, "image": f"example.org/{name}:c0046"}]}}}
    told = {"kind": kind, "group": group, "namespace": "obssys", "name": name}
    return {**told, "targetState": json.dumps({"spec": spec}), "liveState": "null"}


def small(*items: dict[str, Any], **more: Any) -> Argo:
    """An Argo CD with one application, in which these objects are to be made."""
    argo = Argo(
        apps={"obssys": [no_jobs()]},
        fixed={"GET /api/v1/applications/obssys/managed-resources": managed(*items)},
        ways={"obssys": [running(no_jobs()), after()]},
    )
    argo.fixed["GET /api/v1/applications/obssys/resource-tree"] = replied("tree-synced", 2)
    for name, value in more.items():
        setattr(argo, name, value)
    return argo


async def planned(action: ArgocdAction, item: Item, *views: CscView) -> ItemPlan:
    plan = await action.describe([item], {one.csc: one for one in views}.get)
    return plan.items[0]


async def test_a_card_shows_the_request_and_every_object_with_its_csc_and_image() -> None:
    async with acting(small(missing("mtqueue"), missing("ocsqueue"))) as action:
        plan = await planned(action, sync())
    revision = no_jobs()["status"]["sync"]["revision"]
    assert plan.lines == (
        "create Job mtqueue (ScriptQueue:1): mtqueue:c0046",
        "create Job ocsqueue: ocsqueue:c0046",
        f"POST /api/v1/applications/obssys/sync at revision {revision[:8]}, without prune",
    )
    assert plan.why == "creates 2 Jobs; image tag c0046, no chart version nor appVersion in its manifests"
    assert not plan.blocked
    assert Approved.read(plan.approved) == Approved(revision, plan.lines[:-1], ("mtqueue", "ocsqueue"))


async def test_what_was_approved_is_sent_once_with_our_reason_and_followed_to_its_pods() -> None:
    argo, context = small(missing("mtqueue")), RecordingContext()
    revision = no_jobs()["status"]["sync"]["revision"]
    async with acting(argo) as action:
        plan = await planned(action, sync())
        end = await action.run(sync(), plan.approved, context)
    (sent,) = argo.synced
    key = next(one.key for one in context.told if isinstance(one, Intended))
    assert sent == {
        "project": "telescope",
        "prune": False,
        "revision": revision,
        "infos": [
            {"name": "reason", "value": "full cycle upgrade c0046"},
            {"name": "run", "value": "summit-c0046"},
            {"name": "deploydash", "value": key},
        ],
    }
    assert (end.outcome, end.values) == (Outcome.REACHED, (("revision", revision),))
    assert end.why == f"Succeeded at {revision[:8]}; every Job has a pod; Synced, Progressing"
    states = [one.state for one in context.progressed()]
    assert states[:2] == ["requested, not begun yet", "Running"]
    assert "Job mtqueue Synced job.batch/mtqueue created" in context.printed


async def test_a_job_with_another_template_blocks_and_nothing_is_sent() -> None:
    argo, context = small(), RecordingContext()
    argo.fixed["GET /api/v1/applications/obssys/managed-resources"] = replied("diff", 0)
    async with acting(argo) as action:
        plan = await planned(action, sync())
        end = await action.run(sync(), plan.approved, context)
    assert plan.blocked
    assert plan.why.startswith("Job mtqueue exists with another template, which cannot be changed: delete the Jobs")
    assert plan.lines == ("change Job mtqueue (ScriptQueue:1): image scriptqueue:c0045 → scriptqueue:c0046",)
    assert (end.outcome, end.why) == (Outcome.FAILED, f"not synced: {plan.why}")
    assert (argo.synced, context.told) == ([], [])


async def test_an_old_pod_that_still_sends_heartbeats_blocks() -> None:
    async with acting(small(missing("mtqueue"))) as action:
        alive = await planned(action, sync(), view(QUEUE))
        silent = view(QUEUE, SummaryState.ENABLED, Liveness.SILENT, Effective.LOST)
        assert not (await planned(action, sync(), silent)).blocked
    assert alive.blocked
    assert alive.why.startswith("ScriptQueue:1 still sends heartbeats: its old pod has not ended")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"conditions": [{"type": "ComparisonError", "message": "no chart"}]}, "ComparisonError: no chart"),
        ({"sync": {"status": "Unknown"}}, "its sync status is Unknown: what is shown of it is of before"),
    ],
)
async def test_there_is_no_plan_while_nothing_was_compared(status: dict[str, Any], words: str) -> None:
    async with acting(small(apps={"obssys": [no_jobs(**status)]})) as action:
        plan = await planned(action, sync())
    assert (plan.blocked, plan.why, plan.lines) == (True, words, ())


async def test_who_may_not_sync_is_told_before_anything() -> None:
    argo = small(missing("mtqueue"))
    argo.fixed["GET /api/v1/account/can-i/applications/sync/telescope/obssys"] = reply({"value": "no"})
    async with acting(argo) as action:
        plan = await planned(action, sync())
    assert (plan.blocked, plan.why) == (True, "this login may not sync telescope/obssys: ask for the right")


async def test_jobs_of_a_run_alone_are_synced_and_one_that_is_not_there_blocks() -> None:
    argo, context = small(missing("mtqueue"), missing("watcher")), RecordingContext()
    async with acting(argo) as action:
        item = sync(selective=True, jobs=("mtqueue",))
        plan = await planned(action, item)
        await action.run(item, plan.approved, context)
        other = await planned(action, sync(selective=True, jobs=("nosuch",)))
    assert plan.lines[:-1] == ("create Job mtqueue (ScriptQueue:1): mtqueue:c0046",)
    only = {"group": "batch", "kind": "Job", "name": "mtqueue", "namespace": "obssys"}
    assert argo.synced[0]["resources"] == [only]
    assert other.blocked
    assert other.why.startswith("the application has no nosuch")


async def test_what_is_in_sync_is_not_synced_again() -> None:
    argo, context = small(apps={"obssys": [after()]}), RecordingContext()
    argo.apps["obssys"][0]["status"]["sync"]["status"] = "Synced"
    async with acting(argo) as action:
        plan = await planned(action, sync())
        end = await action.run(sync(), plan.approved, context)
    assert (plan.lines, plan.blocked) == ((), False)
    assert end.outcome is Outcome.REACHED
    assert end.why.startswith("nothing differs, Synced at")
    assert argo.synced == []


def _compared(argo: Argo) -> int:
    """Return how often the application was compared with git: without it Argo CD sees no merge for minutes."""
    return sum("refresh=normal" in asked for asked in argo.asked)


async def test_what_was_merged_since_a_card_had_nothing_to_do_is_seen_before_it_counts_as_done() -> None:
    same = after()
    same["status"]["sync"]["status"] = "Synced"
    argo, context = small(missing("mtqueue"), apps={"obssys": [same]}), RecordingContext()
    argo.fixed["GET /api/v1/applications/obssys/managed-resources"] = managed()
    async with acting(argo) as action:
        plan = await planned(action, sync())
        assert _compared(argo) == 1
        argo.apps["obssys"] = [no_jobs()]
        argo.fixed["GET /api/v1/applications/obssys/managed-resources"] = managed(missing("mtqueue"))
        end = await action.run(sync(), plan.approved, context)
    assert _compared(argo) == 2
    assert (plan.lines, plan.approved) == ((), "")
    assert (end.outcome, argo.synced) == (Outcome.FAILED, [])
    assert end.why == "not synced: what it would do was not approved; look at it and retry"


@pytest.mark.parametrize("broken", [None, GONE])
async def test_a_sync_without_an_answer_is_never_sent_again_but_looked_for(broken: Reply | None) -> None:
    argo, context = small(missing("mtqueue")), RecordingContext()
    async with acting(argo) as action:
        plan = await planned(action, sync())
        argo.breaks["POST /api/v1/applications/obssys/sync"] = [broken]
        end = await action.run(sync(), plan.approved, context)
    sent = [one for one in argo.asked if one.startswith("POST")]
    assert len(sent) == 1
    assert next(one for one in context.told if isinstance(one, Answered)).ok is None
    taken = broken is None
    assert len(argo.synced) == taken
    assert (end.outcome is Outcome.UNKNOWN) == (not taken)
    if not taken:
        assert end.why.endswith("Argo CD shows nothing of it")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (replied("operation-in-progress", 2), "Argo CD refused: another operation is already in progress"),
        (replied("sync-revision", 0), "Argo CD refused: error resolving repo revision"),
        (replied("errors", 4), "Argo CD does not let this login do that: permission denied"),
        (replied("unauthenticated", 0), "Argo CD does not accept the token of the demo observatory"),
        (HTML, "answers HTTP 200, a web page: is there a proxy or a login in between?"),
    ],
)
async def test_a_refused_sync_has_failed_in_its_own_words(answer: Reply, words: str) -> None:
    argo, context = small(missing("mtqueue")), RecordingContext()
    async with acting(argo) as action:
        plan = await planned(action, sync())
        argo.breaks["POST /api/v1/applications/obssys/sync"] = [answer]
        end = await action.run(sync(), plan.approved, context)
    assert words in end.why
    assert (end.outcome, argo.synced) == (Outcome.FAILED, [])


async def test_a_sync_in_progress_is_named_waited_for_and_can_be_terminated() -> None:
    busy = {**running(no_jobs()), "operation": {"sync": {}, "initiatedBy": {"username": "somebody"}}}
    argo, context = small(missing("mtqueue"), apps={"obssys": [busy]}), RecordingContext()
    async with acting(argo) as action:
        plan = await planned(action, sync())
        assert "a sync by somebody is in progress" in plan.why or "a sync by Argo CD itself" in plan.why
        item, moving = sync(), ItemProgress(ItemStatus.UNDER_WAY, state=WAITING)
        (offer,) = action.controls(item, moving, nobody)
        assert offer.text == "terminate the sync that obssys waits for"
        argo.apps["obssys"] = [busy, busy, no_jobs()]
        end = await action.run(item, plan.approved, context)
    assert context.progressed()[0].state == WAITING
    assert len(argo.synced) == 1
    assert end.outcome is Outcome.REACHED


async def test_what_changed_while_another_sync_went_on_is_not_done() -> None:
    busy = {**running(no_jobs()), "operation": {"sync": {}, "initiatedBy": {"username": "somebody"}}}
    argo, context = small(missing("mtqueue")), RecordingContext()
    async with acting(argo) as action:
        plan = await planned(action, sync())
        later = {**no_jobs(), "metadata": {"name": "obssys", "resourceVersion": "8"}}
        argo.apps["obssys"] = [busy, later]
        argo.fixed["GET /api/v1/applications/obssys/managed-resources"] = managed(missing("mtqueue"), missing("more"))
        end = await action.run(sync(), plan.approved, context)
    assert end.why.startswith("not synced: what it would do has changed meanwhile: create Job more")
    assert argo.synced == []


async def test_a_stuck_sync_is_terminated_and_ends_failed_with_what_it_left() -> None:
    stuck = running(no_jobs(), message="waiting for healthy state of batch/Job/longjob")
    argo = small(missing("mtqueue"), ways={"obssys": [stuck]})
    async with acting(argo) as action:
        item = sync()
        moving = ItemProgress(ItemStatus.UNDER_WAY, key="k", state="Running")
        (offer,) = action.controls(item, moving, nobody)
        assert (offer.name, offer.why_not) == ("terminate", "")
        plan = await planned(action, item)

        class Impatient(RecordingContext):
            async def progress(self, state: str, line: str = "", **told: Any) -> None:
                await super().progress(state, line, **told)
                if line.startswith("waiting for healthy") and "DELETE" not in " ".join(argo.asked):
                    await action.control(item, "terminate", moving, self)

        context = Impatient()
        end = await action.run(item, plan.approved, context)
    assert "DELETE /api/v1/applications/obssys/operation?project=telescope" in argo.asked
    assert (end.outcome, end.why) == (Outcome.FAILED, "Failed: Operation terminated")


async def test_what_nobody_began_cannot_be_taken_back() -> None:
    argo = small(missing("mtqueue"))
    argo.breaks["DELETE /api/v1/applications/obssys/operation"] = [replied("controller-stopped", 1)]
    async with acting(argo) as action:
        moving = ItemProgress(ItemStatus.UNDER_WAY, key="k", state="requested, not begun yet")
        (offer,) = action.controls(sync(), moving, nobody)
        assert "cannot terminate what has not begun" in offer.why_not
        context = RecordingContext()
        async with context.slot():
            with pytest.raises(UserError, match="the sync of obssys is over, or it was not begun yet"):
                await action.control(sync(), "terminate", moving, context)


def key_of(argo: Argo) -> str:
    return next(str(one["value"]) for one in argo.synced[-1]["infos"] if one["name"] == "deploydash")


async def test_after_a_resume_a_probe_tells_what_became_of_a_sync() -> None:
    argo, context = small(missing("mtqueue")), RecordingContext()
    begun = 1.0
    async with acting(argo) as action:
        item = sync()
        plan = await planned(action, item)
        await action.run(item, plan.approved, context)
        history = ItemProgress(ItemStatus.UNKNOWN, key=key_of(argo), approved="", began_utc=begun)
        over = argo.apps["obssys"][-1]
        requested = {**no_jobs(operationState=None), "operation": {"sync": {}, "info": argo.synced[0]["infos"]}}
        found = {}
        for name, state in {
            "over": over,
            "not begun": requested,
            "never taken": no_jobs(operationState=None),
            "hidden": after("sync-immutable"),
        }.items():
            argo.apps["obssys"] = [state]
            found[name] = (await action.probe(item, history, nobody)).found
        argo.apps["obssys"] = [over]
        end = await action.follow(item, history, context)
    assert found == {
        "over": Found.UNDER_WAY,
        "not begun": Found.UNDER_WAY,
        "never taken": Found.NOT_DONE,
        "hidden": Found.CANNOT_TELL,
    }
    assert end.outcome is Outcome.REACHED
    assert len(argo.synced) == 1


async def test_a_token_that_ends_in_the_middle_is_told_and_the_sync_followed_all_the_same() -> None:
    argo = small(missing("mtqueue"))
    async with acting(argo) as action:
        plan = await planned(action, sync())
        expired = [replied("unauthenticated", 4)] * 2

        class Watching(RecordingContext):
            async def intend(self, *told: Any, **more: Any) -> str | None:
                argo.breaks["GET /api/v1/applications/obssys"] = list(expired)
                return await super().intend(*told, **more)

        context = Watching()
        end = await action.run(sync(), plan.approved, context)
    lines = [one.line for one in context.progressed() if one.state == "cannot be read"]
    assert len(lines) == 2
    assert "token is expired" in lines[0]
    assert (end.outcome, len(argo.synced)) == (Outcome.REACHED, 1)
