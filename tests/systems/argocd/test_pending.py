"""Whether what is synced was compared with the merged commit, by what a real server answered before and after that."""

from __future__ import annotations

import pytest

from deploydash.systems.argocd.objects import Application, application
from deploydash.systems.argocd.pending import fact_of, known, pending
from deploydash.systems.argocd.steps import SyncSpec
from tests.systems.argocd.replay import body

BEFORE, MERGED = "9b5c515058f57e6454ff8d9653f6dea0e76f7c01", "88dbd7fc41bd842bd47cd16a31eeecb020f22470"
OLD, NEW = application(body("tag-propagation", 0)), application(body("tag-propagation", 1))
CHILD = application(body("tag-propagation", 2))


def told(*apps: Application, revision: str = MERGED, names: tuple[str, ...] = ()) -> tuple[bool, str, str]:
    specs = [SyncSpec(name, revision=revision) for name in names or [app.name for app in apps]]
    return pending(specs, {app.name: app for app in apps})


def test_what_was_compared_with_the_merged_commit_may_be_synced() -> None:
    assert told(NEW) == (True, "merged", "science-platform is OutOfSync at the merged 88dbd7fc")


def test_what_is_synced_at_the_commit_before_may_not() -> None:
    why = "science-platform is Synced at 9b5c5150, and not at the merged 88dbd7fc"
    assert told(OLD) == (False, "other", why)


def test_a_child_that_was_not_compared_anew_holds_the_whole_step() -> None:
    good, _, why = told(NEW, CHILD)
    assert (good, why) == (False, "obssys is Synced at 9b5c5150, and not at the merged 88dbd7fc")


def test_out_of_sync_with_another_commit_is_not_what_was_merged() -> None:
    assert told(NEW, revision=BEFORE)[:2] == (False, "other")


def test_synced_at_the_merged_commit_has_nothing_to_sync() -> None:
    assert told(OLD, revision=BEFORE)[2] == (
        "science-platform is Synced, so that nothing is left to sync, at the merged 9b5c5150"
    )
    assert told(OLD, CHILD, revision=BEFORE) == (
        True,
        "merged",
        "2 applications stand at the merged 9b5c5150: 0 OutOfSync, 2 with nothing to sync",
    )


def test_what_could_not_be_compared_holds_it() -> None:
    broken = application(body("comparison-error", 0))
    good, value, why = told(broken)
    assert (good, value) == (False, "other")
    assert "ComparisonError" in why


def test_one_that_is_not_there_holds_it() -> None:
    assert told(NEW, names=("science-platform", "auxtel")) == (False, "other", "Argo CD does not show auxtel")


@pytest.mark.parametrize("revision", ["", "<sha>"])
def test_a_commit_that_nobody_knows_holds_it(revision: str) -> None:
    good, value, why = told(NEW, revision=revision)
    assert (good, value) == (False, "unknown")
    assert "which commit was merged is not known" in why
    assert not known([SyncSpec("science-platform", revision=revision)])


@pytest.mark.parametrize(("typed", "good"), [(MERGED[:8], True), (MERGED[:7], True), (MERGED[:6], False), ("", False)])
def test_a_commit_may_be_typed_in_short(typed: str, good: bool) -> None:
    assert told(NEW, revision=typed)[0] is good


def test_the_fact_is_of_its_step_and_as_old_as_it_was_read() -> None:
    fact = fact_of("argo-rest", [SyncSpec("science-platform", revision=MERGED)], {"science-platform": NEW}, 5.0)
    assert (fact.name, fact.ok, fact.read_utc) == ("argocd-pending/argo-rest", True, 5.0)
