"""Whether the recorded ends of syncs are what was wanted, whatever their phase says."""

from __future__ import annotations

from typing import Any

import pytest

from deploydash.systems.argocd.objects import Application, Key, Operation, Result, application
from deploydash.systems.argocd.operation import Judged, Stands, done_of, judged, news, of_children, stands, without_pod
from tests.systems.argocd.replay import body

REVISION = "88dbd7fc41bd842bd47cd16a31eeecb020f22470"


def ended(file: str, number: int) -> Operation:
    last = application(body(file, number)).last
    assert last is not None
    return last


def job(name: str, namespace: str = "obssys") -> Key:
    return Key("Job", name, namespace, "batch")


def test_a_sync_that_did_everything_is_good() -> None:
    last = ended("sync-first", 1)
    found = judged(last, last.revision, [job("mtqueue")])
    assert (found.good, found.why, found.left) == (True, f"Succeeded at {last.revision[:8]}", "")
    assert done_of(last) == (5, 5)


def test_jobs_that_exist_are_named_and_what_was_applied_is_left() -> None:
    found = judged(ended("sync-immutable", 1), REVISION)
    assert not found.good
    assert found.why.startswith("Failed: ")
    assert found.why.endswith("not deleted before; delete it with its pod, then retry")
    assert "mtqueue" in found.why
    assert found.left == "applied and left as it is: csc-env-config"


def test_a_selective_sync_without_its_job_has_failed_though_it_succeeded() -> None:
    last = ended("sync-resources", 3)
    assert last.phase == "Succeeded"
    assert judged(last, "", [job("nosuch")]) == Judged(
        False, "Succeeded without nosuch: the application does not have it"
    )
    assert judged(ended("sync-resources", 1), "", [job("watcher")]).good


def test_what_was_not_pruned_is_left() -> None:
    found = judged(ended("prune", 3), "")
    assert (found.good, found.left) == (True, "not pruned: watcher")


@pytest.mark.parametrize(
    ("file", "number", "words"),
    [
        ("comparison-error", -2, "Error: ComparisonError: Failed to load target state"),
        ("sync-revision", 3, "Failed: "),
    ],
)
def test_ends_in_words(file: str, number: int, words: str) -> None:
    states = [body(file, at) for at in range(4)] if number < 0 else [body(file, number)]
    lasts = [last for each in states if isinstance(each, dict) and (last := application(each).last) is not None]
    assert any(judged(last, "").why.startswith(words) for last in lasts)


def test_another_revision_and_a_dry_run_are_not_what_was_wanted() -> None:
    last = ended("sync-first", 1)
    assert judged(last, REVISION).why == f"it synced revision {last.revision[:8]}, not {REVISION[:8]}"
    assert not judged(Operation("Succeeded", dry=True), "").good


def app(**told: Any) -> Application:
    return Application("obssys", "telescope", "OutOfSync", "Progressing", REVISION, **told)


@pytest.mark.parametrize(
    ("operation", "last", "where"),
    [
        (None, None, Stands.NOWHERE),
        (Operation("", key="ours"), None, Stands.NOT_BEGUN),
        (Operation("", key="other"), None, Stands.ANOTHER),
        (Operation("", key="ours"), Operation("Running", key="ours"), Stands.UNDER_WAY),
        (Operation("", key="ours"), Operation("Terminating", key="ours"), Stands.UNDER_WAY),
        (Operation("", key="ours"), Operation("Succeeded", key="before"), Stands.NOT_BEGUN),
        (Operation("", key="other"), Operation("Running", key="other"), Stands.ANOTHER),
        (Operation("", key="other"), Operation("Failed", key="ours"), Stands.ANOTHER),
        (None, Operation("Failed", key="ours"), Stands.OVER),
        (None, Operation("Succeeded", key="other"), Stands.NOWHERE),
        (None, Operation("Running", key="ours"), Stands.NOWHERE),
    ],
)
def test_where_our_operation_is(operation: Operation | None, last: Operation | None, where: Stands) -> None:
    assert stands(app(operation=operation, last=last), "ours") is where


def test_progress_is_told_once_for_each_object_and_change() -> None:
    key = job("mtqueue")
    before, first = news({}, [Result(key, "", "", "Running"), Result(job("watcher"), "Synced", "created", "Running")])
    assert first == ["Job mtqueue Running", "Job watcher Synced created"]
    again, none = news(before, [Result(job("watcher"), "Synced", "created", "Running")])
    assert (again, none) == (before, [])
    _, then = news(again, [Result(key, "", "", "Failed", "PreSync")])
    assert then == ["Job mtqueue PreSync hook Failed"]


def test_jobs_without_a_pod_are_found_in_the_tree() -> None:
    nodes = body("tree-synced", 2)["nodes"]
    names = [node["name"] for node in nodes if node["kind"] == "Job"]
    assert names
    assert without_pod(nodes, [job(name) for name in names]) == []
    assert without_pod(nodes, [job("nosuch")]) == [job("nosuch")]


def child(name: str, tag: str, sync: str, *images: str) -> Application:
    return Application(name, "telescope", sync, "Progressing", REVISION, tag=tag, images=images)


@pytest.mark.parametrize(
    ("children", "good", "words"),
    [
        ([], False, "none of its children carries a tag"),
        ([child("uws", "", "Synced")], False, "none of its children carries a tag"),
        (
            [child("a", "c0046", "OutOfSync"), child("b", "c0045", "Synced")],
            False,
            "1 of 2 children do not show c0046: b c0045",
        ),
        ([child("a", "c0046", "Synced", "x/ess:c0045.001")], False, "not compared with c0046 yet: a"),
        (
            [child("a", "c0046", "OutOfSync"), child("b", "c0046", "Synced", "x/ess:c0046.001")],
            True,
            "2 children show c0046, 1 of them OutOfSync",
        ),
    ],
)
def test_children_show_the_tag_and_were_compared_with_it(children: list[Application], good: bool, words: str) -> None:
    assert of_children(children, "c0046") == Judged(good, words)
