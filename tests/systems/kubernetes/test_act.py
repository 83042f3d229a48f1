"""What is deleted, what is waited for, and what is never touched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId, StepId
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.plans import difference
from deploydash.core.run.ports import Found
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress, ItemStatus
from deploydash.errors import UserError
from deploydash.systems.kubernetes.act import KubernetesAction
from deploydash.systems.kubernetes.errors import KubernetesError
from deploydash.systems.kubernetes.looking import left_of
from deploydash.systems.kubernetes.objects import Job, Pod
from deploydash.systems.kubernetes.work import KUBERNETES, JobsWork, spec_of, uids_of
from tests.support.clock import ManualClock
from tests.support.item_context import Answered, RecordingContext
from tests.systems.kubernetes.paper import PaperCluster, PaperJob

NOBODY = lambda _: None  # noqa: E731


def jobs_item(namespace: str, *, names: Sequence[str] = (), owes: Sequence[str] = ("standby",)) -> Item:
    work = JobsWork(namespace, "csc", tuple(names), ("rumba-*",), tuple(owes), within_s=60.0)
    return Item(ItemId("#1"), namespace, KUBERNETES, spec_of(work))


def paper(**jobs: PaperJob) -> PaperCluster:
    cluster = PaperCluster()
    cluster.spaces["envsys"] = dict(jobs)
    return cluster


def acting(cluster: PaperCluster) -> tuple[KubernetesAction, ManualClock]:
    clock = ManualClock()

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)
        await asyncio.sleep(0)

    return KubernetesAction(cluster, clock, sleep), clock


async def approved(action: KubernetesAction, item: Item) -> str:
    return (await action.describe([item], NOBODY)).items[0].approved


async def test_the_card_names_what_runs_what_is_spared_and_every_exact_request() -> None:
    cluster = paper(
        ess106=PaperJob("u1"),
        ess201=PaperJob("u2", active=0),
        request=PaperJob("u3", {"type": "uws-job"}),
        other=PaperJob("u4", {}),
        **{"rumba-29": PaperJob("u5", owner="rumba")},
    )
    action, _ = acting(cluster)
    plan = await action.describe([jobs_item("envsys")], NOBODY)
    (one,) = plan.items
    assert one.lines == tuple(
        f"DELETE /apis/batch/v1/namespaces/envsys/jobs/{name} "
        f'{{"propagationPolicy": "Background", "preconditions": {{"uid": "{uid}"}}}}'
        for name, uid in (("ess106", "u1"), ("ess201", "u2"))
    )
    assert one.why == (
        "2 Jobs selected by csc; running: ess106; spared: other (not selected by csc), request (a request's own), "
        "rumba-29 (of CronJob rumba)"
    )
    assert uids_of(one.approved) == {"ess106": "u1", "ess201": "u2"}
    assert plan.sentence == "2 Jobs deleted, 1 of them running: ess106; at paper"
    assert cluster.deleted == []


async def test_a_namespace_that_does_not_exist_or_is_forbidden_is_blocked_and_never_nothing_to_delete() -> None:
    cluster = paper(ess106=PaperJob("u1"))
    cluster.forbidden.add("envsys")
    action, _ = acting(cluster)
    plan = await action.describe([jobs_item("envsys"), jobs_item("nosuch")], NOBODY)
    assert [(one.blocked, one.lines, one.approved) for one in plan.items] == [(True, (), ""), (True, (), "")]
    assert plan.items[0].why.startswith("no right to delete Jobs in envsys")
    assert plan.items[1].why.startswith("there is no namespace nosuch")


async def test_each_job_is_deleted_by_its_own_request_and_its_pods_are_waited_for() -> None:
    cluster = paper(ess106=PaperJob("u1", pods={"ess106-x": 3}), ess201=PaperJob("u2"))
    action, _ = acting(cluster)
    context = RecordingContext()
    end = await action.run(jobs_item("envsys"), await approved(action, jobs_item("envsys")), context)
    assert (end.outcome, end.why, end.left) == (Outcome.REACHED, "gone: 2 Jobs and their pods", "")
    assert cluster.deleted == [("envsys", "ess106", "u1"), ("envsys", "ess201", "u2")]
    owed = Debt("kubernetes/envsys", "the CSCs of envsys to come up again", (StepId("standby"),))
    assert {one.owes for one in context.told if hasattr(one, "owes")} == {owed}
    assert [(one.done, one.of) for one in context.progressed()] == [(0, 2), *[(1, 2)] * 3]
    assert context.progressed()[1].line == "pod ess106-x terminating since 18:25:07Z"


async def test_a_refused_delete_stops_there_and_names_what_is_left() -> None:
    cluster = paper(ess106=PaperJob("u1"), ess201=PaperJob("u2"))
    action, _ = acting(cluster)
    let = await approved(action, jobs_item("envsys"))
    cluster.refuses["envsys"] = 403
    context = RecordingContext()
    end = await action.run(jobs_item("envsys"), let, context)
    assert end.outcome is Outcome.FAILED
    assert end.why.startswith("0 of 2 deleted, then no right: cannot delete ess106")
    assert end.left == "ess106, ess201"
    assert [one.ok for one in context.told if isinstance(one, Answered)] == [False]


async def test_a_finalizer_that_hangs_is_named_and_ends_the_wait() -> None:
    cluster = paper(ess106=PaperJob("u1", finalizers=["example.org/hold"]), ess201=PaperJob("u2"))
    action, _ = acting(cluster)
    end = await action.run(jobs_item("envsys"), await approved(action, jobs_item("envsys")), RecordingContext())
    assert end.outcome is Outcome.FAILED
    assert end.why == (
        "after 60 s 1 left of 2 Jobs and their pods: "
        "Job ess106 being deleted since 18:25:37Z, held by finalizer example.org/hold"
    )
    assert end.left == "ess106"


def test_a_finalizer_is_named_where_the_pods_of_its_job_run_on_too() -> None:
    work = JobsWork("envsys", "csc")
    held = Job("ess106", "u1", labels={"csc": "ESS"}, deleting=1.0, held_by=("foregroundDeletion", "example.org/hold"))
    pods = [Pod("ess106-x", "p1", "ess106", "u1", 0.0, "Running", "Running")]
    left = left_of(work, [held], pods, {"ess106": "u1"})
    assert left.names == ("ess106",)
    assert [words.split(" since")[0] for words in left.holds] == ["pod ess106-x is Running", "Job ess106 being deleted"]
    assert left.holds[1].endswith("held by finalizer foregroundDeletion, example.org/hold")


def test_a_pod_that_no_job_made_is_not_waited_for() -> None:
    pods = [Pod("simulator-5d9f", "p1", "", "", 0.0, "Running", "Running")]
    assert left_of(JobsWork("envsys", "csc"), [], pods, {"ess106": "u1"}).names == ()
    orphan = [Pod("ess106-x", "p2", "ess106", "", 0.0, "Running", "Running")]
    assert left_of(JobsWork("envsys", "csc"), [], orphan, {"ess106": "u1"}).names == ("ess106",)


async def test_a_job_created_anew_between_card_and_key_is_left_and_named() -> None:
    cluster = paper(ess106=PaperJob("u1"), ess201=PaperJob("u2"))
    action, _ = acting(cluster)
    let = await approved(action, jobs_item("envsys"))
    cluster.spaces["envsys"]["ess106"] = PaperJob("another")
    end = await action.run(jobs_item("envsys"), let, RecordingContext())
    assert (end.outcome, end.left) == (Outcome.FAILED, "ess106")
    assert "created anew since: ess106" in end.why
    assert cluster.deleted == [("envsys", "ess201", "u2")]


async def test_nothing_is_deleted_that_nobody_approved() -> None:
    cluster = paper(ess106=PaperJob("u1"))
    action, _ = acting(cluster)
    end = await action.run(jobs_item("envsys"), "", RecordingContext())
    assert (end.outcome, end.left) == (Outcome.FAILED, "ess106")
    cluster.spaces["envsys"].clear()
    end = await action.run(jobs_item("envsys"), "", RecordingContext())
    assert end.outcome is Outcome.REACHED
    assert cluster.deleted == []


async def test_only_the_named_jobs_of_a_run_are_deleted() -> None:
    cluster = paper(ess106=PaperJob("u1"), ess201=PaperJob("u2"))
    action, _ = acting(cluster)
    item = jobs_item("envsys", names=("ess201", "ess999"))
    plan = (await action.describe([item], NOBODY)).items[0]
    assert plan.why == "1 Job of this run; running: ess201; not there: ess999; spared: ess106 (not of this run)"
    assert (await action.run(item, plan.approved, RecordingContext())).outcome is Outcome.REACHED
    assert cluster.deleted == [("envsys", "ess201", "u2")]


@pytest.mark.parametrize(
    ("change", "changed"),
    [("less", False), ("more", True), ("anew", True), ("same", False)],
)
async def test_a_set_that_grew_disarms_and_one_that_shrank_does_not(change: str, changed: bool) -> None:
    cluster = paper(ess106=PaperJob("u1"), ess201=PaperJob("u2"), ess202=PaperJob("u3"))
    action, _ = acting(cluster)
    before = await action.describe([jobs_item("envsys")], NOBODY)
    jobs = cluster.spaces["envsys"]
    if change == "less":
        del jobs["ess201"]
    elif change == "more":
        jobs["ess301"] = PaperJob("u4")
    elif change == "anew":
        jobs["ess201"] = PaperJob("u9")
    now = await action.describe([jobs_item("envsys")], NOBODY)
    assert bool(difference(before, now)) is changed


def under_way(let: str) -> ItemProgress:
    return ItemProgress(ItemStatus.UNKNOWN, approved=let)


async def test_after_a_resume_it_is_looked_at_what_is_left() -> None:
    cluster = paper(ess106=PaperJob("u1", pods={"ess106-x": 3}), ess201=PaperJob("u2"))
    action, _ = acting(cluster)
    item, look = jobs_item("envsys"), NOBODY
    let = await approved(action, item)
    assert (await action.probe(item, under_way(let), look)).found is Found.NOT_DONE
    context = RecordingContext(refuses={"DELETE /apis/batch/v1/namespaces/envsys/jobs/ess201": "killed here"})
    await action.run(item, let, context)
    finding = await action.probe(item, under_way(let), look)
    assert (finding.found, finding.sentence) == (Found.NOT_DONE, "1 of 2 deleted, left: ess201")
    rest = await approved(action, item)
    assert uids_of(rest) == {"ess201": "u2"}
    del cluster.spaces["envsys"]["ess201"]
    assert (await action.probe(item, under_way(let), look)).found is Found.UNDER_WAY
    assert (await action.follow(item, under_way(let), RecordingContext())).outcome is Outcome.REACHED
    assert (await action.probe(item, under_way(let), look)).found is Found.DONE


async def test_pods_of_jobs_that_were_deleted_before_are_waited_for_though_no_job_is_left_to_delete() -> None:
    cluster = paper(ess106=PaperJob("u1", pods={"ess106-x": 9_999}), ess201=PaperJob("u2"))
    action, _ = acting(cluster)
    item = jobs_item("envsys")
    await action.run(item, await approved(action, item), RecordingContext())
    plan = (await action.describe([item], NOBODY)).items[0]
    assert (plan.lines, plan.approved) == ((), "")
    assert plan.why == "0 Jobs selected by csc; still ending: pod ess106-x terminating since 18:25:07Z"
    end = await action.run(item, "", RecordingContext())
    assert (end.outcome, end.left) == (Outcome.FAILED, "ess106")
    cluster.dying.clear()
    assert (await action.run(item, "", RecordingContext())).outcome is Outcome.REACHED


@pytest.mark.parametrize("stands", [True, False])
async def test_of_a_delete_without_an_answer_it_is_looked_what_became(stands: bool) -> None:
    cluster = paper(ess106=PaperJob("u1"))
    action, _ = acting(cluster)
    let = await approved(action, jobs_item("envsys"))

    def lost(method: str, _: str) -> None:
        if method == "DELETE":
            if not stands:
                cluster.spaces["envsys"].clear()
            raise KubernetesError("paper breaks off")

    cluster.before = lost
    context = RecordingContext()
    end = await action.run(jobs_item("envsys"), let, context)
    assert end.outcome is (Outcome.FAILED if stands else Outcome.REACHED)
    assert [one.ok for one in context.told if isinstance(one, Answered)] == [not stands]


async def test_what_cannot_be_seen_after_a_lost_answer_is_unknown() -> None:
    cluster = paper(ess106=PaperJob("u1"))
    action, _ = acting(cluster)
    let = await approved(action, jobs_item("envsys"))

    def down(_: str, __: str) -> None:
        raise KubernetesError("paper cannot be reached")

    cluster.before = down
    context = RecordingContext()
    with pytest.raises(UserError, match="whether it was deleted cannot be read"):
        await action.run(jobs_item("envsys"), let, context)
    assert [one.ok for one in context.told if isinstance(one, Answered)] == [None]


NAMES = ("ess104", "ess105", "ess106")


@given(
    at_first=st.sets(st.sampled_from(NAMES), min_size=1),
    meanwhile=st.lists(st.tuples(st.integers(0, 30), st.sampled_from(NAMES), st.booleans()), max_size=8),
    killed_at=st.integers(0, 40),
)
def test_whatever_is_created_anew_and_whenever_it_is_killed_only_what_was_approved_is_deleted(
    at_first: set[str], meanwhile: list[tuple[int, str, bool]], killed_at: int
) -> None:
    asyncio.run(_interleaved(at_first, meanwhile, killed_at))


async def _interleaved(at_first: set[str], meanwhile: list[tuple[int, str, bool]], killed_at: int) -> None:
    cluster = paper(**{name: PaperJob(f"{name}-0", pods={f"{name}-pod": 2}) for name in at_first})
    action, _ = acting(cluster)
    item = jobs_item("envsys")
    asked = 0

    def before(_: str, __: str) -> None:
        nonlocal asked
        asked += 1
        for at, name, comes in meanwhile:
            if at == asked:
                cluster.spaces["envsys"].pop(name, None)
                if comes:
                    cluster.spaces["envsys"][name] = PaperJob(f"{name}-{at + 1}")
        if asked == killed_at:
            raise asyncio.CancelledError

    let: set[tuple[str, str]] = set()
    for _ in range(3):  # the lead approves, and after what became of it once more
        cluster.before = lambda _, __: None
        shown = await approved(action, item)
        let |= set(uids_of(shown).items())
        cluster.before = before
        try:
            end = await action.run(item, shown, RecordingContext())
        except (asyncio.CancelledError, UserError):
            finding = await action.probe(item, under_way(shown), NOBODY) if shown else None
            if finding is not None and finding.found is Found.UNDER_WAY:
                await action.follow(item, under_way(shown), RecordingContext())
        else:
            there = {(name, job.uid) for name, job in cluster.spaces["envsys"].items()}
            if end.outcome is Outcome.REACHED:
                assert not there & set(uids_of(shown).items())
    gone = {(name, uid) for _, name, uid in cluster.deleted}
    assert gone <= let
    assert len(cluster.deleted) == len(gone)


def test_a_spec_comes_back_as_it_was_written() -> None:
    item = jobs_item("envsys", names=("a",))
    assert json.loads(item.spec)["deletes"] == "jobs"
