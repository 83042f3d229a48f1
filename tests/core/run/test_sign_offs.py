"""A sign-off is believed of what nobody can see, and of nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.model import CscId, Liveness, SummaryState, Target
from deploydash.core.procedure.items import CscEffect
from deploydash.core.procedure.names import PERSON, WHOLE, Lane, StepId, numbered
from deploydash.core.procedure.preconditions import StepsSettled
from deploydash.core.procedure.runbook import Runbook, Step, StepKind, Tier
from deploydash.core.run.decide import Decision, Refused, decide, settle
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.gate import reasons
from deploydash.core.run.orders import Answer, SignOff, Waive
from deploydash.core.run.records import ItemEnded, ItemSignedOff, Outcome, Reply, RunRecord, StepApproved, StepDone
from deploydash.core.run.state import RunState, StepStatus
from deploydash.core.views.record_text import said
from deploydash.core.views.run_view import Own, run_view
from tests.support.runbooks import runbook
from tests.support.runs import (
    OFFLINE,
    OPERATOR,
    PLAIN,
    STANDBY,
    after,
    csc_step,
    down,
    fleet,
    opened,
    person,
    small_runbook,
    view,
)

CAMERA, OTHER = PLAIN[0], PLAIN[1]
STOP, TELL, START = StepId("bridges-stop"), StepId("stage-1"), StepId("bridges-start")
UP = replace(view(CAMERA, SummaryState.OFFLINE), camera=True)
"""A camera beats while it is OFFLINE, so that only silence shows that its bridge was stopped."""


def manual(name: str, *items: tuple[CscId, Target], before: str = "", silent: bool = False) -> Step:
    people = tuple(
        person(at, f"host {at}", effects=(CscEffect(csc, target, silent),)) for at, (csc, target) in enumerate(items)
    )
    conditions = (StepsSettled((StepId(before),)),) if before else ()
    return Step(
        StepId(name), name, StepKind.MANUAL, PERSON, Tier.MILD, Lane("c"), "so", people, preconditions=conditions
    )


def book(*more: Step) -> Runbook:
    """Two bridges are stopped, somebody is told, they are started again; the wait looks for the second one only."""
    stop = manual("bridges-stop", (CAMERA, OFFLINE), (OTHER, OFFLINE), silent=True)
    steps = (stop, manual("stage-1", before="bridges-stop"), *more)
    wait = Step(
        StepId("standby"),
        "wait",
        StepKind.WAIT,
        PERSON,
        Tier.READ,
        Lane("main"),
        "there",
        awaits=(CscEffect(OTHER, STANDBY),),
        preconditions=(StepsSettled((steps[-1].id,)),),
    )
    small = small_runbook()
    return replace(small, phases=(replace(small.phases[0], steps=(*steps, wait)),))


def signed(state: RunState, seen: FleetView, step: StepId = STOP, reason: str = "") -> RunState:
    decided = records(decide(SignOff(step, "camera team", reason=reason), state, seen, OPERATOR))
    return after(state, *decided, utc=state.last_utc + 60)


def records(decided: Decision) -> tuple[RunRecord, ...]:
    assert not isinstance(decided, Refused), decided
    return decided


def red(step: StepId, state: RunState, seen: FleetView) -> list[tuple[str, str]]:
    found = reasons(state.runbook.step(step), state, seen)
    return [(reason.sentence, reason.waits_for) for reason in found if not reason.met]


def evidence(state: RunState, seen: FleetView) -> str:
    return next(row.evidence for row in run_view(state, seen).rows if row.step == STOP)


def test_a_sign_off_says_what_is_seen_against_it_and_needs_a_reason_to_stand() -> None:
    state, seen = opened(book()), fleet(UP, down(OTHER))
    refused = decide(SignOff(STOP, "camera team"), state, seen, OPERATOR)
    assert isinstance(refused, Refused)
    assert "ATAOS: OFFLINE, heartbeat received, not stopped" in refused.why
    assert "ESS:104" not in refused.why, "that one is silent"
    decided = decide(SignOff(STOP, "camera team", reason="its bridge hangs"), state, seen, OPERATOR)
    assert ItemSignedOff(
        STOP,
        WHOLE,
        "camera team",
        OPERATOR,
        against=("ATAOS: OFFLINE, heartbeat received, not stopped",),
        reason="its bridge hangs",
    ) in records(decided)
    assert not isinstance(
        decide(SignOff(STOP, "camera team"), state, fleet(down(CAMERA), down(OTHER)), OPERATOR), Refused
    )


def test_one_item_is_held_against_what_is_seen_of_it_alone() -> None:
    state, seen = opened(book()), fleet(UP, down(OTHER))
    assert isinstance(decide(SignOff(STOP, "team", numbered(0)), state, seen, OPERATOR), Refused)
    assert not isinstance(decide(SignOff(STOP, "team", numbered(1)), state, seen, OPERATOR), Refused)
    assert isinstance(decide(SignOff(STOP, "team", numbered(7)), state, seen, OPERATOR), Refused), "no such item"


def test_a_step_shows_that_its_effect_is_not_seen_until_it_is() -> None:
    up, both = fleet(UP, down(OTHER)), fleet(down(CAMERA), down(OTHER))
    state = signed(opened(book()), up, reason="hangs")
    assert state.status(state.runbook.step(STOP)) is StepStatus.DONE
    assert evidence(state, up) == "signed off, effect not seen: by camera team"
    state = after(state, *settle(state, up))
    seen = settle(state, both)
    assert ItemEnded(STOP, numbered(0), Outcome.REACHED, "seen ATAOS stopped") in seen
    state = after(state, *seen)
    assert evidence(state, both) == "by camera team"
    assert evidence(state, up) == "by camera team", "what was seen once is known"
    assert not settle(state, both)


def test_a_gate_that_builds_on_what_was_stopped_looks_at_it() -> None:
    up, both = fleet(UP, down(OTHER)), fleet(down(CAMERA), down(OTHER))
    state = signed(opened(book()), up, reason="hangs")
    closed = ("what bridges-stop stops is seen to be down", "ATAOS (OFFLINE, heartbeat received)")
    assert red(TELL, state, up) == [closed]
    assert isinstance(decide(SignOff(TELL, "me"), state, up, OPERATOR), Refused)
    assert red(TELL, state, both) == []
    decided = records(decide(SignOff(TELL, "me", reason="told them so"), state, up, OPERATOR))
    assert StepApproved(TELL, OPERATOR, 1, (closed[0],), "told them so") in decided
    waived = after(state, *records(decide(Waive((CAMERA,), "broken", 1), state, up, OPERATOR)))
    assert red(TELL, waived, up) == []


def test_what_comes_up_again_closes_the_gate_and_what_a_later_step_starts_does_not() -> None:
    both = fleet(down(CAMERA), down(OTHER))
    state = signed(opened(book(manual("bridges-start", (CAMERA, STANDBY), before="bridges-stop"))), both)
    state = after(state, *settle(state, both), utc=state.last_utc)
    again = fleet(UP, down(OTHER))
    assert [sentence for sentence, _ in red(TELL, state, again)] == ["what bridges-stop stops is seen to be down"]
    assert red(TELL, signed(state, again, START, reason="they come"), again) == []


def test_what_was_started_and_is_awaited_needs_no_reason_and_is_shown_as_not_seen() -> None:
    start = manual("bridges-start", (CAMERA, STANDBY), (OTHER, STANDBY))
    state = opened(replace(book(start)))
    seen = fleet(down(CAMERA), down(OTHER))
    refused = decide(SignOff(START, "team", numbered(0)), state, seen, OPERATOR)
    assert isinstance(refused, Refused), "no wait looks for it"
    assert not isinstance(decide(SignOff(START, "team", numbered(1)), state, seen, OPERATOR), Refused)


def test_what_is_started_is_seen_where_the_run_wants_it_now() -> None:
    plan = runbook("summit", "full-cycle")
    state = after(opened(plan), *records(decide(Answer("m1m3", "kept"), opened(plan), fleet(), OPERATOR)))
    kept = fleet(view(CscId("MTM1M3"), SummaryState.DISABLED))
    rows = run_view(state, kept, Own(chosen=StepId("crio-m1m3"))).card
    assert rows is not None
    assert "MTM1M3" in str(rows.rows)
    assert not any("MTM1M3:" in sentence for row in rows.rows for sentence in row.against)


def test_a_camera_that_is_seen_no_more_speaks_against_a_sign_off() -> None:
    blind = replace(UP, liveness=Liveness.FEED_DOWN)
    refused = decide(SignOff(STOP, "team", numbered(0)), opened(book()), fleet(blind), OPERATOR)
    assert isinstance(refused, Refused)
    assert "ATAOS: cannot be seen now, not stopped" in refused.why


def polled() -> RunState:
    step = manual("go-no-go")
    owners = tuple(person(at, name) for at, name in enumerate(("DM", "SQuaRE")))
    step = replace(step, items=owners, one_each=True)
    small = small_runbook()
    behind = csc_step("watcher", PLAIN, OFFLINE, ("go-no-go",))
    return opened(replace(small, phases=(replace(small.phases[0], steps=(step, behind)),)))


GO = StepId("go-no-go")


def test_nobody_says_go_for_another() -> None:
    refused = decide(SignOff(GO, "me", note="all of them"), polled(), fleet(), OPERATOR)
    assert isinstance(refused, Refused)
    assert refused.why == "DM and SQuaRE each say yes or no: sign them off one by one"


def test_a_no_is_recorded_by_owner_and_holds_what_comes_after_until_it_is_a_yes() -> None:
    state = polled()
    yes, no = SignOff(GO, "Anna", numbered(0)), SignOff(GO, "Ben", numbered(1), reply=Reply.NO, reason="data rates")
    assert isinstance(decide(replace(no, reason=""), state, fleet(), OPERATOR), Refused), "a no says why"
    state = after(state, *records(decide(no, state, fleet(), OPERATOR)))
    state = after(state, *records(decide(yes, state, fleet(), OPERATOR)))
    step = state.runbook.step(GO)
    assert state.status(step) is StepStatus.UNDER_WAY
    assert next(row.evidence for row in run_view(state, fleet()).rows) == "NO by Ben · by Anna"
    written = said(ItemSignedOff(GO, numbered(1), "Ben", OPERATOR, reply=Reply.NO, reason="data rates"), state)
    assert written is not None
    assert written.what == "recorded go-no-go, SQuaRE as NO by Ben; reason: data rates"
    later = records(decide(replace(no, reply=Reply.YES), state, fleet(), OPERATOR))
    assert StepDone(GO) in later
    waived = records(decide(replace(no, reply=Reply.WAIVED), state, fleet(), OPERATOR))
    assert StepDone(GO) in waived


def test_only_an_answer_can_be_no() -> None:
    refused = decide(SignOff(STOP, "me", numbered(0), "x", Reply.NO), opened(book()), fleet(down(CAMERA)), OPERATOR)
    assert isinstance(refused, Refused)


@pytest.mark.parametrize(
    ("book_name", "steps"), [("full-cycle", ("go-no-go", "principals-config")), ("incremental", ("go-no-go",))]
)
def test_owners_answer_each_for_themselves(book_name: str, steps: tuple[str, ...]) -> None:
    plan = runbook("summit", book_name, *(("ATAOS",) if book_name == "incremental" else ()))
    assert [step.id for step in plan.steps() if step.one_each] == list(steps)
