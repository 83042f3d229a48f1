"""What a sync would change, in objects, images and keys; values of others are not told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploydash.systems.argocd.difference import Does, difference
from deploydash.systems.argocd.objects import Key
from tests.systems.argocd.replay import body

CSCS = {("obssys", "mtqueue"): "ScriptQueue:1", ("obssys", "watcher"): "Watcher"}


def lines(items: list[dict[str, Any]]) -> list[str]:
    return [one.line for one in difference(items, CSCS).changes]


def test_a_job_with_another_image_is_stuck() -> None:
    found = difference(body("diff", 0)["items"], CSCS)
    (one,) = found.changes
    assert one.line == "change Job mtqueue (ScriptQueue:1): image scriptqueue:c0045 → scriptqueue:c0046"
    assert one.stuck == "Job mtqueue exists with another template, which cannot be changed"
    assert (found.stuck, found.prunes, found.words()) == ((one,), (), "changes 1 Job")


def test_what_git_does_not_have_any_more_is_pruned() -> None:
    assert lines(body("prune", 1)["items"]) == ["prune Job watcher (Watcher): watcher:c0046"]


def test_what_was_deleted_is_made_again() -> None:
    assert lines(body("jobs-deleted", 2)["items"]) == ["create Job mtqueue (ScriptQueue:1): scriptqueue:c0046"]


def test_what_is_in_sync_does_not_differ() -> None:
    found = difference(body("tree-synced", 1)["items"], CSCS)
    assert (found.changes, found.words()) == ((), "nothing differs")


def test_the_tag_that_a_child_is_given_is_told() -> None:
    assert lines(body("tag-propagation", 3)["items"]) == ["change Application obssys: imageTag c0045 → c0046"]


def test_of_a_release_is_told_what_its_manifests_tell() -> None:
    csc = "no chart version nor appVersion in its manifests"
    assert difference(body("diff", 0)["items"], CSCS).release() == f"image tag c0045 → c0046, {csc}"
    assert difference(body("jobs-deleted", 2)["items"], CSCS).release() == f"image tag c0046, {csc}"
    assert difference(body("tag-propagation", 3)["items"], CSCS).release() == f"image tag c0045 → c0046, {csc}"
    assert difference(body("tree-synced", 1)["items"], CSCS).release() == ""


def labelled(image: str, chart: str, version: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"helm.sh/chart": chart, "app.kubernetes.io/version": version}}, **job(image)}


def test_chart_and_version_are_told_where_a_chart_labels_them() -> None:
    before = labelled("r/hub:1.0", "nublado-1.0.0", "8.13.0")
    after = labelled("r:5000/hub:1.1", "nublado-1.0.0", "8.14.0")
    found = difference([item(before, after, "Deployment", "apps")], {})
    assert found.release() == "image tag 1.0 → 1.1, chart version nublado-1.0.0, appVersion 8.13.0 → 8.14.0"
    bare = difference([item(None, labelled("r:5000/hub@sha256:ab", "mtqueue", ""))], {})
    assert bare.release() == "no image tag nor chart version nor appVersion in its manifests"


def item(before: Any, after: Any, kind: str = "ConfigMap", group: str = "", **more: Any) -> dict[str, Any]:
    states = {
        "liveState": before,
        "normalizedLiveState": before,
        "targetState": after,
        "predictedLiveState": after,
    }
    told = {"kind": kind, "group": group, "namespace": "obssys", "name": "x"}
    return {**told, **{name: json.dumps(state) for name, state in states.items()}, **more}


def job(image: str, **env: str) -> dict[str, Any]:
    told = [{"name": name, "value": value} for name, value in env.items()]
    return {"spec": {"template": {"spec": {"containers": [{"name": "csc", "image": image, "env": told}]}}}}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"data": {"A": "1", "B": "2"}}, {"data": {"A": "1", "B": "3", "C": "4"}}, "B, +C"),
        ({"data": {"A": "1"}}, {"data": {}}, "-A"),
        ({"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}, "spec.replicas"),
        (job("r/a:1", RUN_ARG="1"), job("r/a:2", RUN_ARG=""), "image a:1 → a:2, RUN_ARG 1 → nothing"),
        (job("a:1", PASSWORD="one"), job("a:1", PASSWORD="two"), "PASSWORD"),
        (
            {"spec": {"source": {"targetRevision": "main"}}},
            {"spec": {"source": {"targetRevision": "x"}}},
            "targetRevision main → x",
        ),
    ],
)
def test_keys_are_told_and_only_harmless_values(before: Any, after: Any, told: str) -> None:
    assert lines([item(before, after)]) == [f"change ConfigMap x: {told}"]


def test_what_no_sync_is_about_makes_no_difference() -> None:
    before = {"metadata": {"annotations": {"a": "1"}, "generation": 1}, "status": {"active": 1}, "data": {}}
    after = {"metadata": {"annotations": {"a": "2"}, "generation": 2}, "data": {}}
    assert lines([item(before, after), item({"data": {}}, {"data": {"A": "1"}}, hook=True)]) == []


def test_a_job_that_is_being_deleted_is_stuck_whatever_it_looks_like() -> None:
    going = {"metadata": {"deletionTimestamp": "2026-11-20T19:01:48Z"}, **job("a:1")}
    (one,) = difference([item(going, job("a:1"), "Job", "batch")], {}).changes
    assert one.stuck == "Job x is being deleted and not gone yet"


def test_deletions_come_first_then_those_of_cscs() -> None:
    found = [
        {"kind": "ConfigMap", "name": "a", "targetState": "{}", "namespace": "obssys"},
        item(None, {"data": {}}),
        {**item(None, job("w:1"), "Job", "batch"), "name": "watcher"},
        {**item(job("q:1"), None, "Job", "batch"), "name": "mtqueue"},
    ]
    every = difference(found, CSCS)
    assert [(one.does, one.key.name) for one in every.changes] == [
        (Does.PRUNE, "mtqueue"),
        (Does.CREATE, "watcher"),
        (Does.CREATE, "x"),
    ]
    assert every.words() == "prunes 1 Job; creates 1 Job, 1 ConfigMap"
    only = difference(found, CSCS, [Key("Job", "watcher", "obssys", "batch")])
    assert [one.key.name for one in only.changes] == ["watcher"]


@pytest.mark.parametrize("state", ["", "null", "[1]", "{", "[" * 5000])
def test_states_of_any_shape_are_no_crash(state: str) -> None:
    assert difference([{"kind": "Job", "liveState": state, "targetState": state}], {}).changes == ()
