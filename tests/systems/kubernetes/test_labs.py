"""nublado-clean: the users are named, each lab is deleted by its uid, and followed until its namespace answers 404."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId
from deploydash.core.run.ports import Found
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress, ItemStatus
from deploydash.systems.kubernetes.act import KubernetesAction
from deploydash.systems.kubernetes.work import KUBERNETES, LabsWork, spec_of, uids_of
from tests.support.clock import ManualClock
from tests.support.item_context import RecordingContext
from tests.systems.kubernetes.paper import PaperCluster
from tests.systems.kubernetes.replay import exchanges

Object = dict[str, Any]
LABEL = "argocd.argoproj.io/instance=nublado-users"
ITEM = Item(ItemId("#1"), "running labs", KUBERNETES, spec_of(LabsWork(LABEL, within_s=60.0)))
REMAINS = next(
    one.answer["status"]
    for one in exchanges("namespace-delete")
    if isinstance(one.answer, dict) and "NamespaceFinalizersRemaining" in str(one.answer.get("status"))
    if "has 1 resource instances" in str(one.answer["status"])
)
"""How a real API server reports a namespace in which something remains."""


@dataclass
class Lab:
    """A lab's namespace. ``looks``: so many lists show it Terminating once it is deleted, None for ever."""

    uid: str
    looks: int | None = 2
    deleting: bool = False
    labels: dict[str, str] = field(default_factory=lambda: {"argocd.argoproj.io/instance": "nublado-users"})


class PaperLabs(PaperCluster):
    """Labs on paper: a deleted namespace is Terminating for a while, with what remains in it, then it is gone."""

    def __init__(self, **labs: Lab) -> None:
        super().__init__()
        self.labs = {f"nublado-{user}": lab for user, lab in labs.items()}
        self.allowed = True

    def _answer(self, method: str, path: str, query: dict[str, str], body: Object) -> tuple[int, Object]:
        if path == "/version":
            return 200, {"gitVersion": "v1.36.1"}
        if method == "POST":
            return 201, {"status": {"allowed": self.allowed}}
        if path == "/api/v1/namespaces":
            assert query["labelSelector"] == LABEL
            for name, one in list(self.labs.items()):
                if one.deleting and one.looks is not None:
                    one.looks -= 1
                    if one.looks < 0:
                        del self.labs[name]
            return 200, {"items": [_namespace(name, lab) for name, lab in self.labs.items()], "metadata": {}}
        name = path.rpartition("/")[2]
        lab = self.labs.get(name)
        if lab is None:
            return 404, {"message": f'namespaces "{name}" not found'}
        if method == "DELETE":
            if body["preconditions"]["uid"] != lab.uid:
                return 409, {"message": "the UID in the precondition does not match"}
            self.deleted.append(("", name, lab.uid))
            lab.deleting = True
        return 200, _namespace(name, lab)


def _namespace(name: str, lab: Lab) -> Object:
    meta: Object = {"name": name, "uid": lab.uid, "labels": lab.labels}
    if not lab.deleting:
        return {"metadata": meta, "status": {"phase": "Active"}}
    return {"metadata": {**meta, "deletionTimestamp": "2026-11-20T18:25:37Z"}, "status": REMAINS}


def acting(cluster: PaperLabs) -> KubernetesAction:
    clock = ManualClock()

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)
        await asyncio.sleep(0)

    return KubernetesAction(cluster, clock, sleep)


async def approved(action: KubernetesAction) -> str:
    return (await action.describe([ITEM], lambda _: None)).items[0].approved


async def test_the_card_names_the_users_and_what_terminates_already() -> None:
    cluster = PaperLabs(rra=Lab("u1"), athor=Lab("u2"), eve=Lab("u3", None, deleting=True))
    plan = await acting(cluster).describe([ITEM], lambda _: None)
    (one,) = plan.items
    assert one.why == "2 running labs of rra, athor; terminating already: nublado-eve"
    assert uids_of(one.approved) == {"nublado-rra": "u1", "nublado-athor": "u2"}
    assert [line.partition(" {")[0] for line in one.lines] == [
        "DELETE /api/v1/namespaces/nublado-athor",
        "DELETE /api/v1/namespaces/nublado-rra",
    ]
    assert cluster.deleted == []


async def test_they_are_followed_through_terminating_with_what_remains_until_they_are_gone() -> None:
    cluster = PaperLabs(rra=Lab("u1", 4), athor=Lab("u2", 1))
    action, context = acting(cluster), RecordingContext()
    end = await action.run(ITEM, await approved(action), context)
    assert (end.outcome, end.why, end.left) == (Outcome.REACHED, "gone: 2 lab namespaces", "")
    assert sorted(cluster.deleted) == [("", "nublado-athor", "u2"), ("", "nublado-rra", "u1")]
    counts = [(one.done, one.of) for one in context.progressed() if one.state == "terminating"]
    assert counts == sorted(counts)
    assert {(0, 2), (1, 2)} <= set(counts)
    told = next(one.line for one in context.progressed() if one.state == "terminating")
    assert told.startswith("nublado-athor terminating: Some ")
    assert "has 1 resource instances" in told


async def test_a_lab_that_somebody_else_deleted_is_waited_for_and_never_deleted_once_more() -> None:
    cluster = PaperLabs(rra=Lab("u1", 1), eve=Lab("u3", 4, deleting=True))
    action, context = acting(cluster), RecordingContext()
    end = await action.run(ITEM, await approved(action), context)
    assert (end.outcome, cluster.labs) == (Outcome.REACHED, {})
    assert [uid for _, _, uid in cluster.deleted] == ["u1"]
    assert context.progressed()[-1].line.startswith("nublado-eve terminating")


async def test_one_that_hangs_is_named_with_what_holds_it_and_a_resume_tells_that_it_goes_on() -> None:
    cluster = PaperLabs(rra=Lab("u1", None), athor=Lab("u2"))
    action = acting(cluster)
    let = await approved(action)
    end = await action.run(ITEM, let, RecordingContext())
    assert (end.outcome, end.left) == (Outcome.FAILED, "nublado-rra")
    assert end.why.startswith("after 60 s 1 left of 2 lab namespaces: nublado-rra terminating: Some ")
    history = ItemProgress(ItemStatus.UNKNOWN, approved=let)
    assert (await action.probe(ITEM, history, lambda _: None)).found is Found.UNDER_WAY
    cluster.labs.clear()
    assert (await action.probe(ITEM, history, lambda _: None)).found is Found.DONE


async def test_a_lab_that_its_user_opened_anew_meanwhile_is_left_and_named() -> None:
    cluster = PaperLabs(rra=Lab("u1"), athor=Lab("u2"))
    action = acting(cluster)
    let = await approved(action)
    cluster.labs["nublado-rra"] = Lab("u9")
    end = await action.run(ITEM, let, RecordingContext())
    assert (end.outcome, end.left) == (Outcome.FAILED, "nublado-rra")
    assert [uid for _, _, uid in cluster.deleted] == ["u2"]
    assert cluster.labs["nublado-rra"].deleting is False


async def test_without_the_right_it_is_blocked_and_without_labs_nothing_is_deleted() -> None:
    cluster = PaperLabs(rra=Lab("u1"))
    cluster.allowed = False
    (one,) = (await acting(cluster).describe([ITEM], lambda _: None)).items
    assert one.blocked
    assert "no right to delete namespaces" in one.why
    none = PaperLabs()
    end = await acting(none).run(ITEM, await approved(acting(none)), RecordingContext())
    assert (end.outcome, end.why, none.deleted) == (Outcome.REACHED, "nothing is left", [])
