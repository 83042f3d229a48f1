"""Steps of a runbook to syncs: what is refused with its place, which items come of it, what a person would type."""

from __future__ import annotations

from typing import Any

import pytest

from deploydash.core.model import CscId
from deploydash.core.procedure.names import ItemId, StepId, SystemName
from deploydash.core.procedure.runbook import Fallback
from deploydash.systems.argocd.login import ARGOCD
from deploydash.systems.argocd.objects import Key
from deploydash.systems.argocd.settings import ArgocdSettings
from deploydash.systems.argocd.steps import SYNC, ArgocdSteps, read_spec
from deploydash.systems.kubernetes.settings import KubernetesSettings
from deploydash.systems.table import Entry
from tests.support.builders import roster

STEPS = ArgocdSteps()
SETTINGS = ArgocdSettings(server="argo.example.org", rest=("auxtel", "obssys"))
CLUSTER = KubernetesSettings.model_validate(
    {
        "context": "yagan",
        "kubeconfig": "~/.kube/yagan.yaml",
        "namespaces": (
            {"namespace": "auxtel", "selector": "csc", "jobs": {"atdome": "ATDome", "atmcs": "ATMCS"}},
            {"namespace": "obssys", "selector": "csc", "jobs": {"mtqueue": "ScriptQueue:1", "watcher": "Watcher"}},
        ),
    }
)


def entry(only: frozenset[CscId] | None = None, *, rehearsal: bool = False, **own: Any) -> Entry:
    others = {SystemName("kubernetes"): CLUSTER}
    return Entry(StepId("sync"), own, roster("ATDome"), SETTINGS, rehearsal, only, others)


def wrong(**own: Any) -> list[tuple[tuple[str | int, ...], str]]:
    return [(one.path, one.message) for one in STEPS.problems(entry(**own))]


@pytest.mark.parametrize(
    "own",
    [
        {"applications": ["science-platform"], "tag": "<cycle>", "refresh": "hard"},
        {"applications": ["nublado", "sasquatch", "love", "control-system-test"], "beats": "5m", "prune": True},
        {"applications": "rest"},
        {"applications": "all", "beats": 30},
        {"jobs": "run"},
    ],
)
def test_good_steps(own: dict[str, Any]) -> None:
    assert wrong(**own) == []


@pytest.mark.parametrize(
    ("own", "place", "words"),
    [
        ({}, ("applications",), "either applications are synced, or the Jobs of this run"),
        ({"applications": "rest", "jobs": "run"}, ("applications",), "either applications are synced"),
        ({"applications": []}, ("applications",), "applications is []"),
        ({"applications": "everything"}, ("applications",), "applications is 'everything'"),
        ({"applications": ["auxtell"]}, ("applications", 0), "the site has no application 'auxtell'"),
        ({"jobs": "all"}, ("jobs",), "jobs is 'all'"),
        ({"applications": "rest", "prune": "yes"}, ("prune",), "prune is 'yes'"),
        ({"applications": "rest", "refresh": "soft"}, ("refresh",), "refresh is 'soft'"),
        ({"applications": "rest", "tag": 46}, ("tag",), "tag is 46"),
        ({"applications": "rest", "beats": "soon"}, ("beats",), "beats is 'soon'"),
    ],
)
def test_what_is_wrong_with_a_step(own: dict[str, Any], place: tuple[str | int, ...], words: str) -> None:
    ((found, message),) = wrong(**own)
    assert found == place
    assert message.startswith(words)


def test_the_application_of_applications_comes_with_its_project_and_its_tag() -> None:
    (item,) = STEPS.items(entry(applications=["science-platform"], tag="<cycle>"))
    spec = read_spec(item.spec)
    assert (item.label, item.system, item.effects) == ("science-platform", ARGOCD, ())
    assert (spec.project, spec.tag, spec.only) == ("infrastructure", "<cycle>", ())
    assert STEPS.lines(item) == (
        "POST /api/v1/applications/science-platform/sync at the revision that is shown, without prune",
    )
    cli = "argocd --server argo.example.org --grpc-web-root-path /argo-cd"
    assert item.manual == (
        f"{cli} app diff science-platform --refresh",
        f"{cli} app sync science-platform",
        f"{cli} app list -l argocd.argoproj.io/instance=science-platform   # each shows <cycle>",
    )


def test_every_other_application_knows_which_csc_each_job_runs() -> None:
    auxtel, obssys = STEPS.items(entry(applications="rest", beats="5m"))
    spec = read_spec(auxtel.spec)
    assert (spec.project, spec.beats) == ("telescope", 300.0)
    assert spec.names() == {("auxtel", "atdome"): "ATDome", ("auxtel", "atmcs"): "ATMCS"}
    assert [auxtel.id, obssys.id] == ["#1", "#2"]


def test_only_the_jobs_of_the_run_with_watcher_and_queues_are_synced() -> None:
    auxtel, obssys = STEPS.items(entry(frozenset({CscId("ATDome")}), jobs="run"))
    assert (auxtel.label, obssys.label) == ("auxtel: atdome", "obssys: mtqueue, watcher")
    assert read_spec(auxtel.spec).only == (Key("Job", "atdome", "auxtel", "batch"),)
    assert auxtel.manual[1].endswith("app sync auxtel --resource batch:Job:atdome")
    assert STEPS.lines(auxtel) == (
        "POST /api/v1/applications/auxtel/sync at the revision that is shown, only Job atdome, without prune",
    )
    unnamed, always = STEPS.items(entry(None, jobs="run"))
    assert (unnamed.label, always.label) == ("<namespace>: <jobs>", "obssys: mtqueue, watcher")


def test_in_a_rehearsal_what_a_person_would_type_is_a_comment() -> None:
    (item,) = STEPS.items(entry(rehearsal=True, applications=["love"], prune=True))
    assert [line.startswith("# rehearsal: argocd ") for line in item.manual] == [True, True]
    assert item.manual[1].endswith("app sync love --prune")


def test_any_application_may_be_synced_beside_the_runbook() -> None:
    (offer,) = STEPS.offers()
    assert (offer.id, [field.initial for field in offer.fields]) == (SYNC, ["", "no", "normal"])
    made = STEPS.compose(SYNC, ["obssys ", "yes", "hard"])
    assert made.item is not None
    spec = read_spec(made.item.spec)
    assert (spec.app, spec.project, spec.prune, spec.refresh, made.item.id) == ("obssys", "", True, "hard", ItemId(""))
    assert made.exact[0].endswith("with prune")
    assert STEPS.compose(SYNC, ["Not a name", "maybe", "x"]).wrong == (
        "name an application, such as obssys",
        "prune is yes or no",
        "refresh is normal or hard",
    )


def test_there_is_no_way_round_a_failure() -> None:
    assert STEPS.fallbacks(entry(applications="rest")) == ()
    with pytest.raises(ValueError, match="no way called force"):
        STEPS.fallback(Fallback("force", ARGOCD, ""), ())


def test_what_only_a_demo_observatory_may_say_is_refused_at_a_site() -> None:
    told = {"server": "argo.example.org", "rest": ("a",), "token": "x", "plain_text": True}
    site = ArgocdSettings.model_validate(told)
    assert [place for place, _, _ in site.contradictions(roster("ATDome"))] == [("token",), ("plain_text",)]
    demo = ArgocdSettings.model_validate({**told, "server": "127.0.0.1", "port": 8080})
    assert list(demo.contradictions(roster("ATDome"))) == []
    assert (demo.endpoint.url, demo.endpoint.rehearsal) == ("http://127.0.0.1:8080/argo-cd", True)
    assert site.endpoint.rehearsal is False
    assert list(site.hosts()) == [(("server",), "argo.example.org")]
    assert "x'" not in repr(demo)
