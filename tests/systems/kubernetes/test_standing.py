"""What is said of a CSC's Job and pods, by values and by what a real API server was recorded to say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from deploydash.systems.kubernetes.objects import Job, Pod, job_of, pod_of
from deploydash.systems.kubernetes.space import MOST_PODS, Space
from deploydash.systems.kubernetes.standing import standing
from tests.systems.kubernetes.replay import exchanges

SCHEDULED = {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-20T12:31:05Z"}
JOB = Job("m2-ess106", "u1", {}, active=1)


def raw(waiting: dict[str, Any] | None = None, *, name: str = "m2-ess106-x7k2p", **more: Any) -> dict[str, Any]:
    """Return a pod as the API server writes it."""
    state = more.pop("state", {"waiting": waiting} if waiting else {})
    last = more.pop("last", {})
    status = {"containerStatuses": [{"state": state, "lastState": last, "restartCount": more.pop("restarts", 0)}]}
    meta = {
        "name": name,
        "uid": f"uid-{name}",
        "creationTimestamp": more.pop("created", "2026-11-20T12:31:00Z"),
        "ownerReferences": [{"kind": "Job", "name": "m2-ess106", "uid": "u1"}],
        **more.pop("meta", {}),
    }
    return {"metadata": meta, "status": {"phase": "Pending", "conditions": [SCHEDULED], **status, **more}}


BACK_OFF = 'Back-off pulling image "reg/ess:c0045": ErrImagePull: rpc error: code = NotFound desc = manifest unknown'
UNSCHEDULED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/9 nodes are available",
    "lastTransitionTime": "2026-11-20T12:31:05Z",
}


@pytest.mark.parametrize(
    ("pod", "value", "sentence"),
    [
        (
            raw({"reason": "ErrImagePull", "message": "rpc error: code = NotFound desc = manifest unknown"}),
            "ErrImagePull",
            "ErrImagePull since 12:31:05Z: manifest unknown",
        ),
        (
            raw({"reason": "ImagePullBackOff", "message": BACK_OFF}),
            "ErrImagePull",
            "ErrImagePull since 12:31:05Z: manifest unknown",
        ),
        (raw({"reason": "ContainerCreating"}), "ContainerCreating", "ContainerCreating since 12:31:05Z: pulling it"),
        (
            raw(
                {"reason": "CrashLoopBackOff", "message": "back-off 20s"},
                last={"terminated": {"exitCode": 1}},
                restarts=3,
            ),
            "CrashLoopBackOff",
            "CrashLoopBackOff since 12:31:05Z, exit code 1, after 3 crashes: back-off 20s",
        ),
        (
            raw(state={"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-20T12:40:00Z"}}),
            "OOMKilled",
            "OOMKilled since 12:40:00Z, exit code 137",
        ),
        (
            raw(state={"terminated": {"exitCode": 2, "reason": "Error", "finishedAt": "2026-11-20T12:40:00Z"}}),
            "Error",
            "Error since 12:40:00Z, exit code 2",
        ),
        (
            raw(state={"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": "2026-11-20T12:40:00Z"}}),
            "Completed",
            "Completed since 12:40:00Z, exit code 0",
        ),
        (
            raw(reason="Evicted", message="The node was low on resource: memory.", startTime="2026-11-20T12:30:00Z"),
            "Evicted",
            "Evicted since 12:30:00Z: The node was low on resource: memory.",
        ),
        (
            raw(conditions=[UNSCHEDULED]),
            "Unschedulable",
            "Unschedulable since 12:31:05Z: 0/9 nodes are available",
        ),
        (raw(state={"running": {"startedAt": "2026-11-20T12:32:00Z"}}), "running", "running since 12:32:00Z"),
        (
            raw(
                state={"running": {"startedAt": "2026-11-20T12:32:00Z"}},
                meta={
                    "deletionTimestamp": "2026-11-20T12:41:30Z",
                    "deletionGracePeriodSeconds": 30,
                    "finalizers": ["batch.kubernetes.io/job-tracking", "example.org/hold"],
                },
            ),
            "terminating",
            "terminating since 12:41:00Z, held by example.org/hold",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) and " " not in one else "",
)
def test_a_pod_is_told_in_one_sentence_with_its_moment(pod: dict[str, Any], value: str, sentence: str) -> None:
    found = standing("envsys", "m2-ess106", JOB, [pod_of(pod)], "pulling it")
    assert (found.value, found.sentence) == (value, f"{sentence} (pod m2-ess106-x7k2p)")
    assert found.ok is (value == "running")


def test_without_pods_the_job_is_told() -> None:
    assert standing("envsys", "m2-ess106", None, []).sentence == "there is no Job m2-ess106 in envsys"
    assert standing("envsys", "m2-ess106", JOB, []).sentence == "Job m2-ess106: no pod"
    orphan = standing("envsys", "m2-ess106", None, [pod_of(raw(state={"running": {}}))])
    assert orphan.sentence == "Running without its Job, which is gone (pod m2-ess106-x7k2p)"


def test_the_newest_pod_counts_and_the_crashes_before_it() -> None:
    old = pod_of(raw(name="a", state={"terminated": {"exitCode": 1, "reason": "Error"}}))
    new = pod_of(raw({"reason": "ContainerCreating"}, name="b", created="2026-11-20T12:35:00Z"))
    found = standing("envsys", "m2-ess106", Job("m2-ess106", "u1", {}, active=1, failed=1), [new, old])
    assert found.sentence == "ContainerCreating since 12:31:05Z, after 1 crash (pod b)"


def failed_pod(name: str, minute: int, reason: str = "Error", code: int = 1) -> Pod:
    """Return a pod of the Job that ended by itself, as each does that crashed."""
    ended = {"exitCode": code, "reason": reason, "finishedAt": f"2026-11-20T12:{minute}:30Z"}
    created = f"2026-11-20T12:{minute}:00Z"
    return pod_of(raw(name=name, state={"terminated": ended}, created=created, phase="Failed"))


def told(job: Job, *pods: Pod) -> tuple[str, str]:
    """Return the word and the sentence."""
    found = standing("envsys", "m2-ess106", job, pods, "pulling it")
    return found.value, found.sentence


def test_a_job_whose_pods_crash_one_after_the_other_is_in_the_loop_that_operators_call_by_its_name() -> None:
    """A Job's pods are never started anew: each crash is a pod of its own, and the cluster says ``Error`` of each."""
    a, b, c = (failed_pod(name, 30 + at) for at, name in enumerate("abc"))
    assert told(replace(JOB, failed=0), a) == ("Error", "Error since 12:30:30Z, exit code 1, after 1 crash (pod a)")
    loop = "CrashLoopBackOff since 12:31:30Z, exit code 1, after 2 crashes (pod b)"
    assert told(replace(JOB, failed=1), a, b) == told(replace(JOB, failed=2), a, b) == ("CrashLoopBackOff", loop)
    begins = pod_of(raw({"reason": "ContainerCreating"}, name="d", created="2026-11-20T12:35:00Z"))
    words = "CrashLoopBackOff, exit code 1, after 3 crashes, now ContainerCreating since 12:31:05Z: pulling it (pod d)"
    assert told(replace(JOB, failed=3), a, b, c, begins) == ("CrashLoopBackOff", words)
    started = {"running": {"startedAt": "2026-11-20T12:36:00Z"}}
    runs = pod_of(raw(name="d", state=started, created="2026-11-20T12:35:00Z", phase="Running"))
    assert told(replace(JOB, failed=3), a, b, c, runs) == (
        "running",
        "running since 12:36:00Z, after 3 crashes (pod d)",
    )


def test_what_says_more_than_that_it_crashed_is_said_in_its_own_word() -> None:
    a, b = failed_pod("a", 30), failed_pod("b", 31, "OOMKilled", 137)
    words = "OOMKilled since 12:31:30Z, exit code 137, after 2 crashes (pod b)"
    assert told(replace(JOB, failed=2), a, b) == ("OOMKilled", words)


def test_a_pod_that_was_evicted_did_not_crash() -> None:
    evicted = pod_of(raw(name="a", reason="Evicted", message="low on memory", phase="Failed"))
    assert told(replace(JOB, failed=1), evicted) == ("Evicted", "Evicted: low on memory (pod a)")
    crashed = failed_pod("b", 32)
    assert told(replace(JOB, failed=2), evicted, crashed)[1].endswith("exit code 1, after 1 crash (pod b)")


def test_crashes_of_a_job_that_was_deleted_are_not_those_of_the_next() -> None:
    old = replace(failed_pod("a", 30), owner="u0")
    assert told(JOB, old, failed_pod("b", 31))[0] == "Error"


@pytest.mark.parametrize(
    ("last", "word", "rest"),
    [
        (failed_pod("a", 30), "BackoffLimitExceeded", ", exit code 1, after 7 crashes"),
        (
            failed_pod("a", 30, "OOMKilled", 137),
            "OOMKilled",
            ", exit code 137, after 7 crashes: BackoffLimitExceeded",
        ),
    ],
)
def test_a_job_that_gave_up_says_what_for(last: Pod, word: str, rest: str) -> None:
    job = replace(JOB, active=0, failed=7, ended="Failed", why="BackoffLimitExceeded", ended_utc=last.since)
    assert told(job, last) == (word, f"{word}: Job m2-ess106 failed at 12:30:30Z{rest}")


def test_the_recorded_life_of_jobs_is_told() -> None:
    told: dict[str, str] = {}
    for exchange in exchanges("job-lists"):
        if exchange.status == 200 and isinstance(exchange.answer.get("items"), list):
            jobs = [job_of(one) for one in exchange.answer["items"]]
            told |= {job.name: standing("obssys", job.name, job, []).sentence for job in jobs}
    assert told["atqueue"] == "Completed: Job atqueue ended at 18:24:54Z"
    assert told["ocsqueue"] == "Job ocsqueue: no pod after 1 crash"


def test_a_recorded_watch_of_a_pod_is_told_as_it_goes() -> None:
    jobs, pods = [one for one in exchanges("watch") if one.lines]
    space = Space("watchns", {"mtptg": "MTPtg"})
    space.set_jobs(())
    space.set_pods(())
    told = []
    events = [("job", line) for line in jobs.lines or ()] + [("pod", line) for line in pods.lines or ()]
    for kind, line in events:
        event = json.loads(line)
        if event["type"] == "BOOKMARK":
            continue
        if kind == "job" and event["type"] != "DELETED":
            space.take_job(event["type"], job_of(event["object"]))
        elif kind == "pod":
            space.take_pod(event["type"], pod_of(event["object"]))
        told += [fact.value for fact in space.facts(0.0, every=False)]
    assert list(dict.fromkeys(told)) == ["no pod", "Pending", "running", "terminating"]


def test_one_trouble_is_told_once_however_often_it_is_tried_again() -> None:
    space = Space("envsys", {"m2-ess106": "ESS:106"})
    space.set_jobs([JOB])
    space.set_pods([pod_of(raw({"reason": "ErrImagePull", "message": "manifest unknown"}))])
    (first,) = space.facts(0.0, every=False)
    later = {**SCHEDULED, "lastTransitionTime": "2026-11-20T12:32:05Z"}
    for reason in ("ImagePullBackOff", "ErrImagePull", "ImagePullBackOff"):
        space.take_pod("MODIFIED", pod_of(raw({"reason": reason}, conditions=[later])))
        assert [fact.sentence for fact in space.facts(0.0, every=False)] == [first.sentence]


def test_what_is_kept_is_bounded_and_only_of_cscs() -> None:
    space = Space("envsys", {"m2-ess106": "ESS:106"})
    space.set_jobs([JOB, Job("uws-123", "u", {})])
    space.set_pods(pod_of(raw(name=f"pod-{n:03}", created=f"2026-11-20T12:{n % 60:02}:00Z")) for n in range(50))
    assert len(space._pods["m2-ess106"]) == MOST_PODS  # type: ignore[index]
    assert list(space._jobs or {}) == ["m2-ess106"]
    (fact,) = space.facts(7.0, every=True)
    assert (fact.name, fact.about, fact.read_utc) == ("kubernetes/ESS:106", "ESS:106", 7.0)
    assert list(space.facts(8.0, every=False)) == []
