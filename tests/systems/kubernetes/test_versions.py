"""The step that compares what runs: from the pods that run now and what CSCs report; it sends nothing."""

from __future__ import annotations

from typing import Any

import pytest

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Liveness
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId
from deploydash.core.run.ports import Found
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.systems.kubernetes.act import KubernetesAction
from deploydash.systems.kubernetes.objects import pod_of
from deploydash.systems.kubernetes.settings import KubernetesSettings
from deploydash.systems.kubernetes.steps import KubernetesSteps
from deploydash.systems.table import Entry
from tests.support.builders import roster
from tests.support.clock import ManualClock
from tests.support.item_context import RecordingContext
from tests.support.snapshots import view
from tests.systems.kubernetes.paper import PaperCluster, PaperJob

CSCS = ("ESS:106", "ESS:201", "Watcher", "MTCamera")
SETTINGS = KubernetesSettings.model_validate(
    {
        "context": "hill",
        "kubeconfig": "~/.kube/hill.yaml",
        "namespaces": (
            {"namespace": "envsys", "selector": "csc", "jobs": {"m2-ess106": "ESS:106", "ess201": "ESS:201"}},
            {"namespace": "obssys", "selector": "csc", "jobs": {"watcher": "Watcher"}},
        ),
    }
)


def entry(only: frozenset[CscId] | None = None, **own: Any) -> Entry:
    return Entry(StepId("versions"), {"compares": "c0046"} | own, roster(*CSCS), SETTINGS, only=only)


def item(only: frozenset[CscId] | None = None) -> Item:
    (made,) = KubernetesSteps().items(entry(only))
    return made


def views(**changes: Any) -> dict[CscId, CscView]:
    return {csc: view(csc, xml_version="28.0.1", **changes) for csc in map(CscId.parse, CSCS)}


def cluster(**images: str) -> PaperCluster:
    tags = {"m2-ess106": "c0046.002", "ess201": "c0046", "watcher": "c0046"} | images
    made = PaperCluster()
    for space, names in (("envsys", ("m2-ess106", "ess201")), ("obssys", ("watcher",))):
        made.spaces[space] = {
            name: PaperJob(f"u-{name}", pods={f"{name}-x": 1}, image=f"reg:5000/x:{tags[name]}") for name in names
        }
    return made


async def test_it_is_reached_when_nobody_is_odd_and_sends_nothing() -> None:
    paper = cluster()
    action, seen = KubernetesAction(paper, ManualClock()), views()
    plan = await action.describe([item()], seen.get)
    said = "4 of 4 CSCs that send heartbeats run c0046, XML 28.0.1"
    assert [(one.lines, one.why, one.blocked) for one in plan.items] == [((), said, False)]
    context = RecordingContext(seen)
    end = await action.run(item(), plan.items[0].approved, context)
    assert (end.outcome, end.why, end.left) == (Outcome.REACHED, said, "")
    assert context.intended() == []
    assert {method for method, _ in paper.sent} == {"GET"}


async def test_the_odd_ones_end_it_with_what_each_runs_and_a_retry_looks_anew() -> None:
    paper = cluster(ess201="c0044")
    action, seen = KubernetesAction(paper, ManualClock()), views()
    camera = CscId("MTCamera", 0)
    seen[camera] = view(camera, xml_version="27.0.0", csc_version="1.4")
    end = await action.run(item(), "", RecordingContext(seen))
    assert (end.outcome, end.left) == (Outcome.FAILED, "ESS:201, MTCamera")
    assert end.why == (
        "2 of 4 CSCs that send heartbeats run c0046, XML 28.0.1; "
        "odd: ESS:201 runs image c0044, not c0046, MTCamera reports XML 27.0.0, not 28.0.1 (version 1.4)"
    )
    paper.spaces["envsys"]["ess201"].image = "reg/x:c0046"
    seen[camera] = view(camera, xml_version="28.0.1")
    assert (await action.run(item(), "", RecordingContext(seen))).outcome is Outcome.REACHED


async def test_whom_nobody_can_tell_about_is_no_success_and_who_is_silent_is_counted() -> None:
    action = KubernetesAction(cluster(), ManualClock())
    seen = views() | {CscId("MTCamera", 0): view(CscId("MTCamera", 0))}
    seen[CscId("Watcher", 0)] = view(CscId("Watcher", 0), liveness=Liveness.SILENT)
    end = await action.run(item(), "", RecordingContext(seen))
    assert end.outcome is Outcome.FAILED
    assert end.why.endswith("; nothing is known of MTCamera; not compared, without heartbeats: 1")
    none = await action.run(item(), "", RecordingContext({}))
    assert (none.outcome, none.why) == (Outcome.FAILED, "no CSC sends heartbeats: there is nothing to compare")


async def test_after_a_resume_it_is_to_be_done_again() -> None:
    finding = await KubernetesAction(cluster(), ManualClock()).probe(item(), ItemProgress(), lambda _: None)
    assert finding.found is Found.NOT_DONE


def test_a_run_for_named_cscs_compares_these_the_watcher_and_the_queues() -> None:
    assert '"cscs": ["ESS:201", "Watcher"]' in item(frozenset({CscId("ESS", 201)})).spec


@pytest.mark.parametrize(
    ("own", "path"), [({"compares": 46}, "compares"), ({"compares": ""}, "compares"), ({"deletes": "jobs"}, "deletes")]
)
def test_a_wrong_comparison_is_refused(own: dict[str, Any], path: str) -> None:
    assert [one.path for one in KubernetesSteps().problems(entry(**own))] == [(path,)]
    assert list(KubernetesSteps().problems(entry())) == []


@pytest.mark.parametrize(
    ("image", "tag"),
    [("reg:5000/ess:c0046.002", "c0046.002"), ("ess:c0046@sha256:12", "c0046"), ("reg:5000/ess", ""), ("", "")],
)
def test_the_tag_of_an_image_is_not_the_port_of_its_registry(image: str, tag: str) -> None:
    assert pod_of({"spec": {"containers": [{"image": image}]}}).tag == tag
