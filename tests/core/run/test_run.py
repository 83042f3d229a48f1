"""The run's rules, by value: what an order becomes, and what is refused in words."""

from dataclasses import replace

import pytest

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Effective, FeedState, Liveness, SummaryState, Target
from deploydash.core.procedure.items import CscEffect
from deploydash.core.procedure.names import StepId, csc_item, numbered
from deploydash.core.run.decide import Decision, Refused, decide, settle
from deploydash.core.run.expectations import judge
from deploydash.core.run.gate import reasons
from deploydash.core.run.items import may_intend
from deploydash.core.run.order_rules import blocked_by, is_up
from deploydash.core.run.orders import Approve, Close, Finish, Hold, Release, Retry, SignOff, Skip, Waive, WaiveDebt
from deploydash.core.run.records import (
    CscsWaived,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    RequestAnswered,
    RequestIntended,
    RunHeld,
    RunRecord,
    RunResumed,
    StepApproved,
    StepDone,
    WaitExtended,
)
from deploydash.core.run.sight import not_there
from deploydash.core.run.state import ItemStatus, RunState, StepStatus
from deploydash.core.views.run_view import run_view
from tests.support.runs import (
    MTM1M3,
    OFFLINE,
    OPERATOR,
    PLAIN,
    QUEUES,
    STANDBY,
    WATCHER,
    after,
    csc_items,
    csc_step,
    down,
    fleet,
    opened,
    person,
    small_runbook,
    view,
)


def step_id(name: str) -> StepId:
    return StepId(name)


def accepted(decision: Decision) -> tuple[RunRecord, ...]:
    assert not isinstance(decision, Refused), decision
    return decision


def refusal(decision: Decision) -> str:
    assert isinstance(decision, Refused), decision
    return decision.why


def done(state: RunState, *names: str) -> RunState:
    for name in names:
        state = after(state, StepApproved(step_id(name), OPERATOR, 1), StepDone(step_id(name)))
    return state


def intended(csc: CscId, step: str = "cscs", command: str = "exitControl") -> RequestIntended:
    return RequestIntended(step_id(step), csc_item(csc), command)


def test_an_approved_step_lets_its_csc_go_and_nobody_else() -> None:
    records = accepted(decide(Approve(step_id("watcher"), 1), opened(), fleet(), OPERATOR))
    assert records == (
        StepApproved(step_id("watcher"), OPERATOR, 1),
        ItemsDispatched(step_id("watcher"), csc_items((WATCHER,)), OPERATOR),
    )


def test_no_csc_goes_down_while_the_watcher_is_up() -> None:
    state = done(opened(), "watcher")
    why = refusal(decide(Approve(step_id("cscs"), 1), state, fleet(), OPERATOR))
    assert "Watcher is down first" in why


def leaving_watcher(*more: RunRecord) -> RunState:
    """The Watcher's step with exitControl sent to it."""
    return after(
        opened(),
        StepApproved(step_id("watcher"), OPERATOR, 1),
        ItemsDispatched(step_id("watcher"), csc_items((WATCHER,)), OPERATOR),
        intended(WATCHER, "watcher"),
        *more,
    )


ACKNOWLEDGED = RequestAnswered(StepId("watcher"), csc_item(WATCHER), True, "done")
SAYS_OFFLINE = view(WATCHER, SummaryState.OFFLINE, Liveness.BEATING)


def test_the_next_commands_wait_for_no_silence_of_a_watcher_that_told_offline() -> None:
    state, seen = leaving_watcher(ACKNOWLEDGED), fleet(SAYS_OFFLINE)
    assert state.status(state.runbook.step(step_id("watcher"))) is StepStatus.UNDER_WAY
    card = run_view(state, seen).card
    assert card is not None
    assert (card.step.id, card.is_open) == ("cscs", True)
    assert "watcher told OFFLINE; only its silence is awaited" in [reason.sentence for reason in card.reasons]
    let_go = after(state, *accepted(decide(Approve(step_id("cscs"), 1), state, seen, OPERATOR)))
    assert may_intend(intended(PLAIN[0]), let_go, seen) is None
    came_back = fleet(view(WATCHER, SummaryState.STANDBY, Liveness.BEATING))
    assert "Watcher is down first" in str(may_intend(intended(PLAIN[0]), let_go, came_back))


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        (leaving_watcher(), SAYS_OFFLINE),
        (leaving_watcher(ACKNOWLEDGED), view(WATCHER, SummaryState.STANDBY, Liveness.BEATING)),
        (leaving_watcher(ACKNOWLEDGED), replace(SAYS_OFFLINE, duplicate=True)),
        (leaving_watcher(ItemEnded(StepId("watcher"), csc_item(WATCHER), Outcome.UNKNOWN, "no answer")), SAYS_OFFLINE),
    ],
    ids=["not acknowledged", "not told", "another beats as it", "nobody knows"],
)
def test_but_they_wait_where_more_than_silence_is_missing(state: RunState, seen: CscView) -> None:
    assert refusal(decide(Approve(step_id("cscs"), 1), state, fleet(seen), OPERATOR))
    card = run_view(state, fleet(seen)).card
    assert card is not None
    assert card.step.id == "watcher"


def test_what_is_no_command_waits_for_silence_as_well() -> None:
    silent = [down(csc) for csc in (WATCHER, *PLAIN)]
    told = [view(csc, SummaryState.OFFLINE, Liveness.BEATING) for csc in QUEUES]
    state = after(
        done(opened(), "watcher", "cscs"),
        StepApproved(step_id("queues"), OPERATOR, 1),
        ItemsDispatched(step_id("queues"), csc_items(QUEUES), OPERATOR),
        *(intended(csc, "queues") for csc in QUEUES),
        *(RequestAnswered(step_id("queues"), csc_item(csc), True, "done") for csc in QUEUES),
    )
    seen = fleet(*silent, *told)
    red = [reason for reason in reasons(state.runbook.step(step_id("standby")), state, seen) if not reason.met]
    assert [reason.waits_for for reason in red] == ["queues ended", "queues"]
    card = run_view(state, seen).card
    assert card is not None
    assert card.step.id == "queues"


def test_where_a_step_stands_is_found_out_anew_for_every_state() -> None:
    state = opened()
    step = state.runbook.step(step_id("watcher"))
    found = [state.status(step)]
    for record in (StepApproved(step.id, OPERATOR, 1), StepDone(step.id)):
        state = after(state, record)
        found.append(state.status(step))
    assert found == [StepStatus.PENDING, StepStatus.UNDER_WAY, StepStatus.DONE]


def test_a_waived_watcher_holds_nobody() -> None:
    state = after(done(opened(), "watcher"), CscsWaived((WATCHER,), OPERATOR, "hangs"))
    assert accepted(decide(Approve(step_id("cscs"), 1), state, fleet(), OPERATOR))


def test_no_override_opens_an_order_rule() -> None:
    state = done(opened(), "watcher")
    red = [reason.sentence for reason in reasons(state.runbook.step(step_id("cscs")), state, fleet()) if not reason.met]
    order = Approve(step_id("cscs"), 1, tuple(red), "I know better")
    assert "Watcher" in refusal(decide(order, state, fleet(), OPERATOR))


@pytest.mark.parametrize("up", PLAIN, ids=str)
def test_no_script_queue_goes_down_while_one_csc_of_the_shutdown_set_is_up(up: CscId) -> None:
    state = done(opened(), "watcher", "cscs")
    seen = fleet(down(WATCHER), *(down(csc) for csc in PLAIN if csc != up))
    why = refusal(decide(Approve(step_id("queues"), 1), state, seen, OPERATOR))
    assert str(up) in why
    waived = after(state, CscsWaived((up,), OPERATOR, "broken"))
    assert accepted(decide(Approve(step_id("queues"), 1), waived, seen, OPERATOR))


def test_an_undecided_liveness_counts_as_up() -> None:
    assert is_up(view(PLAIN[0], SummaryState.STANDBY, Liveness.UNSEEN, Effective.UNKNOWN))
    assert is_up(view(PLAIN[0], SummaryState.ENABLED, Liveness.FEED_DOWN))
    assert is_up(view(PLAIN[0], SummaryState.OFFLINE, Liveness.UNREADABLE, Effective.UNKNOWN))


def test_a_camera_that_beats_while_offline_is_not_up() -> None:
    assert not is_up(view(PLAIN[0], SummaryState.OFFLINE, Liveness.BEATING))


def test_the_order_rules_hold_for_each_single_command_while_a_step_is_under_way() -> None:
    state = after(
        done(opened(), "watcher", "cscs"),
        StepApproved(step_id("queues"), OPERATOR, 1),
        ItemsDispatched(step_id("queues"), csc_items(QUEUES), OPERATOR),
    )
    quiet = fleet(down(WATCHER), *(down(csc) for csc in PLAIN))
    assert may_intend(intended(QUEUES[0], "queues"), state, quiet) is None
    came_back = fleet(down(WATCHER), *(down(csc) for csc in PLAIN[1:]))
    assert str(PLAIN[0]) in str(may_intend(intended(QUEUES[0], "queues"), state, came_back))


def test_a_protected_csc_is_touched_by_no_bulk_action() -> None:
    seen = fleet(down(WATCHER))
    assert blocked_by(MTM1M3, OFFLINE, opened(), seen, bulk=True)
    assert blocked_by(MTM1M3, OFFLINE, opened(), seen, bulk=False) is None
    step = csc_step("rogue", (PLAIN[0], MTM1M3), OFFLINE)
    red = [reason for reason in reasons(step, opened(), seen) if not reason.met]
    assert any(reason.rule and "MTM1M3" in reason.sentence for reason in red)


def test_a_command_is_intended_once_until_it_is_answered() -> None:
    seen = fleet(down(WATCHER))
    state = after(
        done(opened(), "watcher"),
        StepApproved(step_id("cscs"), OPERATOR, 1),
        ItemsDispatched(step_id("cscs"), csc_items(PLAIN), OPERATOR),
    )
    assert may_intend(intended(PLAIN[0]), state, seen) is None
    state = after(state, intended(PLAIN[0]))
    assert "no answer yet" in str(may_intend(intended(PLAIN[0]), state, seen))


def test_nothing_is_sent_while_held_while_kafka_is_down_or_to_a_csc_that_was_not_let_go() -> None:
    seen = fleet(down(WATCHER))
    state = after(done(opened(), "watcher"), StepApproved(step_id("cscs"), OPERATOR, 1))
    assert "not approved" in str(may_intend(intended(PLAIN[0]), state, seen))
    state = after(state, ItemsDispatched(step_id("cscs"), csc_items(PLAIN), OPERATOR))
    blind = fleet(down(WATCHER), kafka=FeedState.DOWN)
    assert "Kafka" in str(may_intend(intended(PLAIN[0]), state, blind))
    held = after(state, RunHeld("ops2"))
    assert "held by ops2" in str(may_intend(intended(PLAIN[0]), held, seen))


def test_a_hold_is_always_taken_and_going_on_is_an_order_of_its_own() -> None:
    state = after(opened(), *accepted(decide(Hold("ops2"), opened(), fleet(), OPERATOR)))
    assert "held by ops2" in refusal(decide(Approve(step_id("watcher"), 1), state, fleet(), OPERATOR))
    assert accepted(decide(Release(), state, fleet(), OPERATOR))


def test_what_was_under_way_at_a_crash_is_unknown_and_is_settled_by_looking_never_repeated() -> None:
    state = after(
        done(opened(), "watcher"),
        StepApproved(step_id("cscs"), OPERATOR, 1),
        ItemsDispatched(step_id("cscs"), csc_items(PLAIN), OPERATOR),
        intended(PLAIN[0]),
        RunResumed(OPERATOR, 99),
    )
    step = state.runbook.step(step_id("cscs"))
    assert {item.status for item in state.progress(step.id).items.values()} == {ItemStatus.UNKNOWN}
    assert state.status(step) is StepStatus.ASKING
    assert may_intend(intended(PLAIN[0]), state, fleet(down(WATCHER))) is not None
    records = settle(state, fleet(down(WATCHER), down(PLAIN[0])))
    assert records == (ItemEnded(step.id, csc_item(PLAIN[0]), Outcome.REACHED, "seen there"),)


def test_an_approval_torn_from_the_record_of_whom_it_let_go_is_given_again() -> None:
    state = after(done(opened(), "watcher"), StepApproved(step_id("cscs"), OPERATOR, 1), RunResumed(OPERATOR, 99))
    step = state.runbook.step(step_id("cscs"))
    assert state.status(step) is StepStatus.PENDING
    approved, dispatched = accepted(decide(Approve(step.id, 2), state, fleet(down(WATCHER)), OPERATOR))
    assert approved == StepApproved(step.id, OPERATOR, 2)
    assert isinstance(dispatched, ItemsDispatched)


def test_a_step_ends_when_every_target_was_seen_or_waived() -> None:
    state = after(
        done(opened(), "watcher"),
        StepApproved(step_id("cscs"), OPERATOR, 1),
        ItemsDispatched(step_id("cscs"), csc_items(PLAIN), OPERATOR),
        *(ItemEnded(step_id("cscs"), csc_item(csc), Outcome.REACHED, "seen") for csc in PLAIN[:2]),
        ItemEnded(step_id("cscs"), csc_item(PLAIN[2]), Outcome.FAILED, "refused in FAULT"),
    )
    assert settle(state, fleet(down(WATCHER))) == ()
    waived = after(state, CscsWaived((PLAIN[2],), OPERATOR, "stays in FAULT"))
    assert settle(waived, fleet(down(WATCHER))) == (StepDone(step_id("cscs")),)


def test_only_what_failed_or_is_unknown_is_retried() -> None:
    state = after(
        done(opened(), "watcher"),
        StepApproved(step_id("cscs"), OPERATOR, 1),
        ItemsDispatched(step_id("cscs"), csc_items(PLAIN), OPERATOR),
        ItemEnded(step_id("cscs"), csc_item(PLAIN[0]), Outcome.REACHED, "seen"),
        ItemEnded(step_id("cscs"), csc_item(PLAIN[1]), Outcome.UNKNOWN, "no answer in 30 s"),
    )
    records = accepted(decide(Retry(step_id("cscs"), csc_items(PLAIN)), state, fleet(down(WATCHER)), OPERATOR))
    assert records == (ItemsDispatched(step_id("cscs"), csc_items((PLAIN[1],)), OPERATOR),)


def test_many_are_waived_with_one_reason_and_the_typed_count() -> None:
    assert "count, 3" in refusal(decide(Waive(PLAIN, "power down", 2), opened(), fleet(), OPERATOR))
    assert "reason" in refusal(decide(Waive(PLAIN, " ", 3), opened(), fleet(), OPERATOR))
    assert accepted(decide(Waive(PLAIN, "power down", 3), opened(), fleet(), OPERATOR)) == (
        CscsWaived(PLAIN, OPERATOR, "power down"),
    )


def test_a_stop_by_hand_is_a_debt_until_its_start_is_ticked() -> None:
    state = opened()
    for item in (0, 1):
        sign_off = SignOff(step_id("bridges-stop"), "camera team", numbered(item))
        state = after(state, *accepted(decide(sign_off, state, fleet(), OPERATOR)))
    assert state.status(state.runbook.step(step_id("bridges-stop"))) is StepStatus.DONE
    assert [debt.id for _, debt in state.debts()] == ["bridges"]
    assert "bridges to start" in refusal(decide(Close(), state, fleet(), OPERATOR))
    paid = after(state, *accepted(decide(SignOff(step_id("bridges-start"), "camera team"), state, fleet(), OPERATOR)))
    assert paid.debts() == ()
    waived = after(state, *accepted(decide(WaiveDebt("bridges", "camera team keeps them"), state, fleet(), OPERATOR)))
    assert waived.debts() == ()


def test_a_ticked_stop_tells_the_grid_who_was_stopped_by_what_until_its_start_is_ticked() -> None:
    book = small_runbook()
    leads_to = {"bridges-stop": OFFLINE, "bridges-start": STANDBY}
    hosts = tuple(enumerate(PLAIN[:2]))
    steps = tuple(
        replace(
            step,
            items=tuple(person(at, f"host-{at}", effects=(CscEffect(csc, leads_to[step.id]),)) for at, csc in hosts),
        )
        if step.id in leads_to
        else step
        for step in book.phases[0].steps
    )
    state = opened(replace(book, phases=(replace(book.phases[0], steps=steps),)))
    first = SignOff(step_id("bridges-stop"), "camera team", numbered(0), reason="they end now")
    state = after(state, *accepted(decide(first, state, fleet(down(WATCHER)), OPERATOR)))
    assert judge(state).stopped == {PLAIN[0]: "bridges-stop at 10:06 UTC"}
    state = after(state, *accepted(decide(replace(first, item=numbered(1)), state, fleet(down(WATCHER)), OPERATOR)))
    assert set(judge(state).stopped) == set(PLAIN[:2])
    start = SignOff(step_id("bridges-start"), "camera team", numbered(0), reason="they start now")
    state = after(state, *accepted(decide(start, state, fleet(down(WATCHER)), OPERATOR)))
    assert set(judge(state).stopped) == {PLAIN[1]}


def test_the_grid_is_told_who_has_a_command_under_way() -> None:
    state = done(opened(), "watcher")
    state = after(state, *accepted(decide(Approve(step_id("cscs"), 1), state, fleet(down(WATCHER)), OPERATOR)))
    assert judge(state).moving == frozenset(PLAIN)
    state = after(state, ItemEnded(step_id("cscs"), csc_item(PLAIN[0]), Outcome.REACHED, ""))
    assert judge(state).moving == frozenset(PLAIN[1:])


def test_a_tick_names_who_did_it() -> None:
    assert "name of who" in refusal(decide(SignOff(step_id("bridges-stop"), " "), opened(), fleet(), OPERATOR))


def test_a_wait_begins_by_itself_never_ends_by_itself_and_counts_by_the_live_state() -> None:
    state = done(opened(), "watcher", "cscs", "queues")
    assert settle(state, fleet()) == (StepApproved(step_id("standby"), "the procedure", 1),)
    state = done(state, "standby")
    state = after(state, StepApproved(step_id("standby"), "the procedure", 1))
    wait = state.runbook.step(step_id("standby"))
    seen = fleet(*(view(csc, SummaryState.STANDBY) for csc in PLAIN[:2]))
    assert [csc for csc, _ in not_there(wait, state, seen)] == [PLAIN[2]]
    assert "MTDome" in refusal(decide(Finish(step_id("standby")), state, seen, OPERATOR))
    everybody = fleet(*(view(csc, SummaryState.STANDBY) for csc in PLAIN))
    state = after(state, *settle(state, everybody))
    assert settle(state, everybody) == ()
    assert accepted(decide(Finish(step_id("standby")), state, everybody, OPERATOR)) == (StepDone(step_id("standby")),)


def test_a_gate_behind_a_wait_says_when_the_limit_of_the_wait_is_over() -> None:
    waiting = StepId("standby")
    state = after(opened(), StepApproved(waiting, OPERATOR, 1), utc=86_400.0 * 20_000 + 21 * 3600)
    state = after(state, WaitExtended(waiting, 600.0, OPERATOR), utc=86_400.0 * 20_000 + 21 * 3600 + 60)
    enable = csc_step("enable", PLAIN, Target(SummaryState.ENABLED), ("standby",))
    settled = [reason for reason in reasons(enable, state, fleet()) if reason.sentence == "standby is settled"]
    assert [reason.waits_for for reason in settled] == ["standby (its limit is over at 21:40 UTC)"]


def test_skipping_needs_a_reason_and_a_closed_run_takes_nothing() -> None:
    assert "reason" in refusal(decide(Skip(step_id("watcher"), ""), opened(), fleet(), OPERATOR))
    state = opened()
    for step in small_runbook().steps():
        state = after(state, *accepted(decide(Skip(step.id, "rehearsal"), state, fleet(), OPERATOR)))
    state = after(state, *accepted(decide(Close(), state, fleet(), OPERATOR)))
    assert refusal(decide(Hold("ops1"), state, fleet(), OPERATOR)) == "the run is closed"


@pytest.mark.parametrize(
    ("kafka", "words"),
    [
        (FeedState.CONNECTING, "connecting to Kafka: nothing is read yet"),
        (FeedState.DEGRADED, "Kafka is degraded: some of what is shown may be old"),
        (FeedState.DOWN, "Kafka is down: what is shown is old"),
    ],
)
def test_a_kafka_that_is_not_up_shuts_the_gate_with_what_it_is(kafka: FeedState, words: str) -> None:
    found = reasons(small_runbook().step(StepId("watcher")), opened(), fleet(kafka=kafka))
    assert words in [reason.sentence for reason in found if not reason.met]
