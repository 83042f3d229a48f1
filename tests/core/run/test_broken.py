"""What is left broken, in words for a message: made of waivers and of what is seen."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.fleet.snapshot import CscView, ErrorView
from deploydash.core.model import CscId, Effective, Liveness, SummaryState, Target, Verdict
from deploydash.core.procedure.names import StepId
from deploydash.core.run.broken import MOST, broken
from deploydash.core.run.placeholders import placeholders_of
from deploydash.core.run.records import CscsWaived, StepApproved, StepDone
from deploydash.core.run.state import RunState
from tests.support.runs import EVERYBODY, OPERATOR, WATCHER, after, fleet, opened, view

ENABLED = Target(SummaryState.ENABLED)
MOUNT = EVERYBODY[1]


def off(csc: CscId, effective: Effective, likely: str = "") -> CscView:
    seen = view(csc, SummaryState.STANDBY, Liveness.BEATING, effective)
    return replace(seen, target=ENABLED, verdict=Verdict.OFF_TARGET, likely=likely)


def there(csc: CscId) -> CscView:
    return replace(view(csc), target=ENABLED, verdict=Verdict.AT_TARGET)


def waiting_over() -> RunState:
    wait = StepId("standby")
    return after(opened(), StepApproved(wait, OPERATOR, 1), StepDone(wait))


def test_the_journal_alone_tells_who_was_waived_and_why() -> None:
    assert broken(opened(), None) == "none"
    state = after(opened(), CscsWaived((WATCHER, MOUNT), OPERATOR, "no spare motor"))
    assert broken(state, None) == f"Watcher (no spare motor); {MOUNT} (no spare motor)"


def test_whoever_was_waived_is_told_as_seen_and_not_at_all_once_it_is_there() -> None:
    state = after(opened(), CscsWaived((WATCHER, MOUNT), OPERATOR, "no spare motor"))
    lost = off(MOUNT, Effective.LOST, "pod mtmount-x:\n CrashLoopBackOff")
    assert broken(state, fleet(there(WATCHER), lost)) == (
        f"{MOUNT} is LOST, not ENABLED: pod mtmount-x: CrashLoopBackOff (no spare motor)"
    )
    assert placeholders_of(state, fleet(there(WATCHER), there(MOUNT)))["broken"] == "none"


def test_whoever_is_off_target_is_told_once_every_wait_is_over() -> None:
    fault = replace(off(WATCHER, Effective.FAULT), error=ErrorView(7, "motor stalled", None))
    seen = fleet(fault, *(there(csc) for csc in EVERYBODY if csc != WATCHER))
    assert broken(opened(), seen) == "none"
    assert broken(waiting_over(), seen) == "Watcher is FAULT, not ENABLED: error 7 motor stalled"
    moving = fleet(replace(fault, verdict=Verdict.MOVING), *(there(csc) for csc in EVERYBODY if csc != WATCHER))
    assert broken(waiting_over(), moving) == "none"


def test_a_text_that_others_wrote_and_a_list_of_many_stay_short() -> None:
    many = tuple(CscId("ESS", number) for number in range(1, MOST + 4))
    state = after(opened(), CscsWaived(many, OPERATOR, "no power"))
    seen = fleet(*(off(csc, Effective.LOST, "x" * 5000) for csc in many))
    told = broken(state, seen)
    assert told.endswith("; and 3 others")
    assert len(told) < 4000
    assert "…" in told
