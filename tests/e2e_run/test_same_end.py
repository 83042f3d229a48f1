"""What the long proof calls a request that went twice, and a world that ended otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e_run.same_end import cut, elsewhere, kinds, more_or_less, repeated

OF = {"step": "k8s-clean", "item": "#3"}
SENT = {**OF, "kind": "RequestIntended", "text": "DELETE job"}


def ended(outcome: str) -> dict[str, Any]:
    return {**OF, "kind": "ItemEnded", "outcome": outcome}


def answered(ok: bool | None) -> dict[str, Any]:
    return {**OF, "kind": "RequestAnswered", "ok": ok}


@pytest.mark.parametrize("between", [[], [ended("unknown")], [ended("reached")], [answered(ok=True)], [answered(None)]])
def test_a_request_that_goes_again_though_nobody_said_that_it_was_not_done_is_found(
    between: list[dict[str, Any]],
) -> None:
    assert list(repeated([SENT, *between, SENT])) == [
        "k8s-clean #3: DELETE job was sent again and nobody had said that it was not done"
    ]


@pytest.mark.parametrize("between", [[ended("failed")], [answered(ok=False)]])
def test_one_that_goes_again_after_it_was_found_not_done_or_was_refused_is_not(between: list[dict[str, Any]]) -> None:
    assert list(repeated([SENT, *between, SENT])) == []
    assert list(repeated([SENT, {**SENT, "item": "#4"}, {**SENT, "text": "DELETE another"}])) == []


def test_what_was_asked_more_or_less_often_is_named_with_both_numbers() -> None:
    merge, post = ("github", "merge", "6384", "200"), ("slack", "post", "hello", "200")
    found = list(more_or_less({merge: 1, post: 1}, {merge: 2}, "asked"))
    assert found == ["asked github merge 6384 200: 2 times, not 1", "asked slack post hello 200: 0 times, not 1"]
    assert kinds({merge: 2, post: 1}) == {"github merge": 2, "slack post": 1}


def test_a_world_that_stands_otherwise_is_told_by_its_places() -> None:
    calm = {"registry": {"level": "FULL"}, "cluster": {"pods": {"a": 1}}}
    night = {"registry": {"level": "NONE"}, "cluster": {"pods": {"a": 1, "b": 1}}}
    assert list(elsewhere(calm, night)) == ["/cluster/pods/b: 1, not None", "/registry/level: 'NONE', not 'FULL'"]
    assert cut([str(number) for number in range(9)])[-1] == "and 3 more"
