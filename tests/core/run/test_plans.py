"""What was shown and what would be done now: the same or less may go, anything else is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.procedure.names import ItemId
from deploydash.core.run.plans import ItemPlan, Plan, difference, digest

A, B, C = (ItemId(name) for name in ("ATAOS", "ESS:104", "MTDome"))
DOWN = ("disable of ATAOS", "standby of ATAOS", "exitControl of ATAOS")
SHOWN = Plan("3 go", (ItemPlan(A, DOWN, approved='["d","s","e"]'), ItemPlan(B, ("standby of ESS:104",))), 10.0)


def plan(*items: ItemPlan) -> Plan:
    return Plan("", items, 20.0)


@pytest.mark.parametrize(
    "now",
    [
        plan(*SHOWN.items),
        plan(*reversed(SHOWN.items)),
        plan(ItemPlan(A, DOWN[1:], approved='["s","e"]'), SHOWN.items[1]),
        plan(ItemPlan(A, DOWN[2:], approved='["e"]'), ItemPlan(B, (), "is there")),
        plan(SHOWN.items[0]),
        plan(ItemPlan(A, (), "does not beat", blocked=True), ItemPlan(C, (), "is there")),
        plan(ItemPlan(A, ("told otherwise",), approved='["d","s","e"]'), SHOWN.items[1]),
    ],
    ids=[
        "the same",
        "in another order",
        "one is on its way",
        "one is there",
        "one is gone",
        "nothing",
        "same approved",
    ],
)
def test_the_same_or_less_than_was_shown_may_go(now: Plan) -> None:
    assert difference(SHOWN, now) == ""


@pytest.mark.parametrize(
    ("lines", "approved", "same"),
    [
        (("a", "c"), '{"a":1,"c":3}', True),
        (("b",), '{"b":2}', True),
        (("a", "x"), '{"a":1,"c":3}', False),
        (("a", "c"), '{"a":1,"c":4}', False),
        (("a", "d"), '{"a":1,"d":4}', False),
    ],
    ids=["without one in between", "one left", "another request", "read otherwise", "one more"],
)
def test_of_things_that_stand_for_themselves_any_may_be_missing(
    lines: tuple[str, ...], approved: str, *, same: bool
) -> None:
    shown = plan(ItemPlan(A, ("a", "b", "c"), approved='{"a":1,"b":2,"c":3}'))
    assert (difference(shown, plan(ItemPlan(A, lines, approved=approved))) == "") is same


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (plan(ItemPlan(A, ("start of ATAOS",), approved='["t"]')), "ATAOS: now start of ATAOS"),
        (plan(ItemPlan(A, DOWN[:2], approved='["d","s"]')), f"ATAOS: now {DOWN[0]}; {DOWN[1]}"),
        (plan(ItemPlan(A, DOWN, approved='["d","s","x"]')), f"ATAOS: now {DOWN[0]}; {DOWN[1]}"),
        (plan(ItemPlan(B, ("disable of ESS:104", "standby of ESS:104"))), "ESS:104: now disable of ESS:104; standby"),
        (plan(ItemPlan(C, ("standby of MTDome",))), "MTDome: now standby of MTDome"),
        (
            plan(ItemPlan(A, ("x",)), ItemPlan(B, ("y",)), ItemPlan(C, ("z",))),
            "ATAOS, ESS:104, MTDome: now x",
        ),
    ],
    ids=["another", "another end", "another reading of the same lines", "more", "one more item", "several"],
)
def test_whatever_else_is_told_with_what_would_be_sent_now(now: Plan, words: str) -> None:
    assert difference(SHOWN, now).startswith(f"what would be sent has changed for {words}")


def test_one_whose_beat_is_late_at_the_second_look_and_that_was_read_the_same_may_go() -> None:
    late = replace(SHOWN.items[0], why="its beat is late")
    assert difference(SHOWN, plan(late, SHOWN.items[1])) == ""


def test_one_of_which_nothing_was_shown_may_not_go_for_the_first_time() -> None:
    shown = plan(ItemPlan(A, (), "is not heard"))
    assert "has changed for ATAOS" in difference(shown, plan(ItemPlan(A, DOWN)))
    assert "has changed for ATAOS" in difference(shown, plan(ItemPlan(A, DOWN, approved='["d"]')))


def test_of_many_that_changed_four_are_named() -> None:
    many = plan(*(ItemPlan(ItemId(f"#{number}"), ("go",)) for number in range(1, 8)))
    assert difference(plan(), many) == "what would be sent has changed for #1, #2, #3, #4 and 3 more: now go"


def test_a_digest_tells_what_would_be_sent_and_not_why() -> None:
    assert SHOWN.digest == digest(SHOWN.items)
    assert replace(SHOWN, sentence="other", read_utc=99.0).digest == SHOWN.digest
    assert plan(replace(SHOWN.items[0], why="late"), SHOWN.items[1]).digest == SHOWN.digest
    assert plan(SHOWN.items[0]).digest != SHOWN.digest
    assert plan(replace(SHOWN.items[0], approved=""), SHOWN.items[1]).digest != SHOWN.digest
    assert plan(replace(SHOWN.items[0], lines=(*DOWN, "\ud800")), SHOWN.items[1]).digest != SHOWN.digest


def test_only_what_was_read_is_approved_and_an_item_is_found_by_its_name() -> None:
    assert SHOWN.approved == ((A, '["d","s","e"]'),)
    assert SHOWN.of(B) is SHOWN.items[1]
    assert SHOWN.of(C) is None
