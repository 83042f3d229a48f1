"""Whatever applies: no step begins while an earlier one that it builds on is open."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploydash.config.runbook import parse_runbook
from deploydash.core.model import FeedName, FeedState, SummaryState
from deploydash.core.procedure.names import WHOLE, StepId
from deploydash.core.procedure.runbook import Runbook, Step
from deploydash.core.run.decide import Refused, decide, settle
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.gate import EVERYTHING_BEFORE, reasons
from deploydash.core.run.orders import Answer, Finish, RunOrder, SignOff, Skip
from deploydash.core.run.records import ItemSignedOff, RunRecord, StepApproved, StepDone
from deploydash.core.run.state import RunState
from tests.support.runbooks import SCRIPTS, runbook, site
from tests.support.runs import OPERATOR, WATCHER, after, down, fleet, opened, view

CHOICES = ("first", "second")
QUIET = fleet(view(WATCHER, SummaryState.STANDBY))


def step(name: str, **keys: Any) -> dict[str, Any]:
    always = {"title": name, "kind": "manual", "system": "person", "tier": "mild", "ends": "it is done", "link": "x"}
    return {"id": name, **always, "commands": ["do it"], **keys}


def book(phases: list[list[dict[str, Any]]]) -> Runbook:
    """The runbook of these steps, with a question or two that are asked before all of them, and a step that closes."""
    options = [{"answer": answer, "text": answer} for answer in ("yes", "no")]
    asking = [step("asks", asks=list(CHOICES)), *phases[0]]
    close = [step("close", kind="close", system="deploydash", tier="moderate")]
    text = json.dumps(
        {
            "runbook": "any",
            "title": "any",
            "sites": ["summit"],
            "choices": [{"choice": choice, "question": "or?", "options": options} for choice in CHOICES],
            "phases": [
                {"phase": f"p{at}", "title": f"p{at}", "wanted": "none", "steps": steps}
                for at, steps in enumerate([asking, *phases[1:], close])
            ],
        }
    )
    return parse_runbook(text, Path("any.yaml"), site("summit"), SCRIPTS)


ONLY_IF = st.builds(
    lambda choice, answer: {"choice": choice, "answers": [answer]},
    st.sampled_from(CHOICES),
    st.sampled_from(["yes", "no"]),
)


@st.composite
def any_steps(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    phases: list[list[dict[str, Any]]] = []
    known: list[str] = []
    for at in range(draw(st.integers(1, 4))):
        steps = []
        for number in range(draw(st.integers(1, 5))):
            name = f"s{at}x{number}"
            keys: dict[str, Any] = {"lane": draw(st.sampled_from(["main", "cameras", "hosts"]))}
            if known:
                keys["after"] = draw(st.lists(st.sampled_from(known), max_size=1))
            if draw(st.booleans()):
                keys["when"] = [draw(ONLY_IF)]
            if draw(st.integers(0, 3)) == 0:
                keys |= {"kind": "wait", "system": "sal", "targets": ["Watcher"], "target": "startup", "limit": "30m"}
            made = step(name, **keys)
            if made["kind"] == "wait":
                del made["commands"]
            steps.append(made)
            known.append(name)
        phases.append(steps)
    return phases


@dataclass(frozen=True)
class Place:
    """Where a step stands, told by the file alone."""

    phase: int
    lane: str
    after: tuple[str, ...]


def builds_on(name: str, phases: list[list[dict[str, Any]]]) -> set[str]:
    """Everything that a step builds on by the file: earlier phases, its lane before it, what it names, and so on."""
    places = {
        one["id"]: Place(at, one["lane"], tuple(one.get("after", ()))) for at, ph in enumerate(phases) for one in ph
    }
    order = list(places)
    found: set[str] = set()
    ahead = [name]
    while ahead:
        here = ahead.pop()
        mine = places[here]
        for other in order[: order.index(here)]:
            place = places[other]
            before = place.phase < mine.phase or (place.phase == mine.phase and place.lane == mine.lane)
            if (before or other in mine.after) and other not in found:
                found.add(other)
                ahead.append(other)
    return found


def began(records: tuple[RunRecord, ...]) -> set[StepId]:
    return {record.step for record in records if isinstance(record, StepApproved | StepDone | ItemSignedOff)}


@settings(max_examples=150)
@given(phases=any_steps(), data=st.data())
def test_no_step_begins_while_an_earlier_one_that_applies_is_open(
    phases: list[list[dict[str, Any]]], data: st.DataObject
) -> None:
    plan = book(phases)
    names = [StepId(one["id"]) for steps in phases for one in steps]
    state = opened(plan)
    for _ in range(data.draw(st.integers(1, 25))):
        name = data.draw(st.sampled_from([StepId("asks"), *names]))
        answer = Answer(data.draw(st.sampled_from(CHOICES)), data.draw(st.sampled_from(["yes", "no"])))
        orders: list[RunOrder] = [SignOff(name, "ops"), Finish(name), Skip(name, "because"), answer]
        order = data.draw(st.sampled_from(orders))
        decided = decide(order, state, QUIET, OPERATOR)
        state = checked(state, () if isinstance(decided, Refused) else decided, phases)
        state = checked(state, settle(state, QUIET), phases)


def checked(state: RunState, records: tuple[RunRecord, ...], phases: list[list[dict[str, Any]]]) -> RunState:
    for name in began(records) - {StepId("asks")}:
        first = [state.runbook.step(StepId(other)) for other in builds_on(name, phases)]
        open_ = [other.id for other in first if not state.settled(other) and other.applies(state.answers) is not False]
        assert not open_, f"{name} began while {open_} were open"
    return after(state, *records)


def signed(*names: str) -> tuple[RunRecord, ...]:
    return tuple(
        record
        for name in names
        for record in (
            StepApproved(StepId(name), OPERATOR, 1),
            ItemSignedOff(StepId(name), WHOLE, "ops", OPERATOR),
            StepDone(StepId(name)),
        )
    )


ANSWERS = {
    "cameras": "cycle",
    "m1m3": "kept",
    "vms-logger": "kept",
    "love-bare-metal": "kept",
    "nublado-labs": "kept",
    "schema": "compatible",
    "nublado": "told",
    "sasquatch": "leave",
    "testing": "skip",
}


def all_but(*open_: str) -> RunState:
    """The Summit's upgrade with every step done but these and what comes behind the wait."""
    plan = runbook("summit", "full-cycle")
    state = opened(plan)
    for choice, answer in ANSWERS.items():
        decided = decide(Answer(choice, answer), state, QUIET, OPERATOR)
        assert not isinstance(decided, Refused)
        state = after(state, *decided)
    before = [each for phase in plan.phases[: [one.id for one in plan.phases].index("wait")] for each in phase.steps]
    return after(state, *signed(*(each.id for each in before if each.id not in open_ and applies(each, state))))


def applies(one: Step, state: RunState) -> bool:
    return one.applies(state.answers) is True


def seen() -> FleetView:
    """Everybody of the Summit down, so that no other reason is red."""
    plan = runbook("summit", "full-cycle")
    return with_registry(fleet(*(down(csc) for csc in plan.concerns)))


def with_registry(found: FleetView) -> FleetView:
    return replace(found, feeds={**found.feeds, FeedName.SCHEMA_REGISTRY: FeedState.UP})


@pytest.mark.parametrize(
    ("open_", "behind"),
    [
        ("bare-metal-start", "standby"),
        ("crio", "standby"),
        ("bare-metal-stop", "repos"),
        ("bare-metal-stop", "phalanx-merge"),
        ("k8s-clean", "phalanx-merge"),
    ],
)
def test_the_summits_upgrade_waits_for_what_stands_before_steps_that_do_not_apply(open_: str, behind: str) -> None:
    phase = {"standby": (), "repos": ("repos", "standby"), "phalanx-merge": ("phalanx-merge", "standby")}[behind]
    later = [each.id for each in runbook("summit", "full-cycle").steps()]
    later = later[later.index(StepId("phalanx-merge")) :] if phase else []
    state = all_but(open_, *later)
    red = [reason for reason in reasons(state.runbook.step(StepId(behind)), state, seen()) if not reason.met]
    assert open_ in ", ".join(reason.waits_for for reason in red)
    begun = {record.step for record in settle(state, seen()) if isinstance(record, StepApproved)}
    assert StepId("standby") not in begun
    ready = after(state, *signed(open_))
    red = [reason for reason in reasons(ready.runbook.step(StepId(behind)), ready, seen()) if not reason.met]
    assert not [reason for reason in red if not reason.sentence.startswith("the pull request")], (
        "GitHub is not asked here"
    )


def test_what_is_open_behind_a_skipped_step_is_named_once() -> None:
    plan = book([[step("a", lane="main"), step("b", lane="main"), step("c", lane="main")]])
    state = opened(plan)
    for choice in CHOICES:
        state = after(state, *_records(decide(Answer(choice, "no"), state, QUIET, OPERATOR)))
    state = after(state, *signed("asks"), *_records(decide(Skip(StepId("b"), "no"), state, QUIET, OPERATOR)))
    red = [reason for reason in reasons(plan.step(StepId("c")), state, QUIET) if not reason.met]
    assert [(reason.sentence, reason.waits_for) for reason in red] == [(EVERYTHING_BEFORE, "a")]
    red = [reason for reason in reasons(plan.step(StepId("close")), state, QUIET) if not reason.met]
    assert [(reason.sentence, reason.waits_for) for reason in red] == [("c is settled", "c")], "c builds on a"


def test_an_answer_stands_when_the_step_that_asked_was_skipped() -> None:
    state = opened(book([[step("a", lane="main")]]))
    state = after(state, *_records(decide(Skip(StepId("asks"), "no"), state, QUIET, OPERATOR)))
    state = after(state, *_records(decide(Answer(CHOICES[0], "no"), state, QUIET, OPERATOR)))
    assert isinstance(decide(Answer(CHOICES[0], "yes"), state, QUIET, OPERATOR), Refused)


def test_an_answer_is_not_changed_once_what_follows_from_it_has_begun() -> None:
    second = CHOICES[1]
    only_if = step("a", lane="main") | {"when": [{"choice": second, "answers": ["no"]}]}
    state = opened(book([[only_if, step("b", lane="main")]]))
    state = after(state, *_records(decide(Answer(CHOICES[0], "no"), state, QUIET, OPERATOR)))
    state = after(state, *_records(decide(Answer(second, "yes"), state, QUIET, OPERATOR)))
    changed = after(state, *_records(decide(Answer(second, "no"), state, QUIET, OPERATOR)))
    assert changed.answers[second] == "no", "nothing has begun"
    begun = after(state, StepApproved(StepId("b"), OPERATOR, 1))
    refused = decide(Answer(second, "no"), begun, QUIET, OPERATOR)
    assert isinstance(refused, Refused)
    assert "b has begun" in refused.why
    assert not isinstance(decide(Answer(second, "yes"), begun, QUIET, OPERATOR), Refused)


def test_a_decision_about_what_is_left_is_not_made_before_it_is_known() -> None:
    plan = runbook("summit", "full-cycle")
    state = opened(plan)
    refused = decide(Finish(StepId("stragglers")), state, QUIET, OPERATOR)
    assert isinstance(refused, Refused)


def test_nothing_to_decide_is_settled_by_itself_and_what_came_up_again_is_not() -> None:
    plan = runbook("summit", "full-cycle")
    before = [each.id for phase in plan.phases[:2] for each in phase.steps]
    before = before[: before.index(StepId("stragglers"))]
    state = after(opened(plan), *signed(*before))
    assert StepDone(StepId("stragglers")) in settle(state, seen())
    one = plan.step(StepId("cscs")).cscs[0]
    again = with_registry(fleet(*(view(csc) if csc == one else down(csc) for csc in plan.concerns)))
    assert StepDone(StepId("stragglers")) not in settle(state, again)


def _records(decided: object) -> tuple[RunRecord, ...]:
    assert isinstance(decided, tuple)
    return decided
