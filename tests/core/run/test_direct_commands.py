"""One direct command: what may go, what may not and why, and what a crash leaves of it."""

import json
from dataclasses import replace

import pytest

from deploydash.core.fleet.override import bad_override, not_offered, offered
from deploydash.core.model import CameraSubstate, CscId, FeedState, Liveness, SummaryState, Target
from deploydash.core.procedure.csc_work import direct_command
from deploydash.core.procedure.items import CscEffect
from deploydash.core.procedure.names import DIRECT, StepId, csc_item
from deploydash.core.procedure.runbook import Tier
from deploydash.core.procedure.transitions import LEADS_TO, legal
from deploydash.core.run.arm import Arm, outside_disarm_reason
from deploydash.core.run.decide import Refused, decide, settle
from deploydash.core.run.direct_commands import refusal
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.gate import reasons
from deploydash.core.run.items import may_intend
from deploydash.core.run.orders import Approve, Close, DirectCommand, Hold, Waive
from deploydash.core.run.records import (
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    RequestAnswered,
    RequestIntended,
    RunResumed,
)
from deploydash.core.run.state import ItemStatus, RunState
from deploydash.core.views.direct_view import direct_options, direct_rows, remark, said
from tests.support.runs import MTM1M3, OPERATOR, PLAIN, QUEUES, WATCHER, after, csc_items, down, fleet, opened, view

S = SummaryState
ATAOS, ESS, MTDOME = PLAIN


def direct(
    command: str, *cscs: CscId, seen: SummaryState = S.ENABLED, override: str = "", typed: str = ""
) -> DirectCommand:
    return DirectCommand(cscs, command, (seen,) * len(cscs), 1, override, typed)


def let_go(order: DirectCommand, seen: FleetView, state: RunState | None = None) -> RunState:
    state = state or opened()
    decision = decide(order, state, seen, OPERATOR)
    assert not isinstance(decision, Refused), decision.why
    return after(state, *decision)


def intent(command: str, csc: CscId) -> RequestIntended:
    return RequestIntended(DIRECT, csc_item(csc), command)


def sent(order: DirectCommand, seen: FleetView) -> RunState:
    state = let_go(order, seen)
    return after(state, *(intent(order.command, csc) for csc in order.cscs))


@pytest.mark.parametrize("state", SummaryState)
@pytest.mark.parametrize("command", LEADS_TO)
def test_only_what_is_legal_in_the_reported_state_may_go(state: SummaryState, command: str) -> None:
    seen = fleet(down(WATCHER), view(ESS, state))
    why = refusal(direct(command, ESS, seen=state), opened(), seen)
    assert (why is None) == (command in legal(state, camera=False)), why


def test_a_fault_is_left_by_standby() -> None:
    order = direct("standby", MTDOME, seen=S.FAULT)
    state = let_go(order, fleet(view(MTDOME, S.FAULT)))
    added = state.progress(DIRECT).added[csc_item(MTDOME)]
    assert added == ItemAdded(DIRECT, direct_command(MTDOME, "standby"), OPERATOR, seen="FAULT")
    assert state.progress(DIRECT).item(csc_item(MTDOME)).status is ItemStatus.UNDER_WAY


REFUSED = {
    "held": (direct("disable", ESS), fleet(), "the run is held by ops2"),
    "Kafka down": (direct("disable", ESS), fleet(kafka=FeedState.DOWN), "Kafka is not up"),
    "two processes": (
        direct("disable", ESS),
        fleet(replace(view(ESS), duplicate=True)),
        "two processes send heartbeats",
    ),
    "late": (direct("disable", ESS), fleet(view(ESS, liveness=Liveness.LATE)), "no heartbeat from ESS:104"),
    "silent": (direct("disable", ESS), fleet(view(ESS, liveness=Liveness.SILENT)), "no heartbeat from ESS:104"),
    "unreadable": (direct("disable", ESS), fleet(view(ESS, liveness=Liveness.UNREADABLE)), "ESS:104 cannot be seen"),
    "never seen": (direct("disable", CscId("Nobody")), fleet(), "nothing is known of Nobody"),
    "moved since": (direct("disable", ESS), fleet(view(ESS, S.FAULT)), "FAULT now; it was ENABLED when you chose"),
    "no such command": (direct("abort", ESS), fleet(), "no command of the CSC state machine"),
    "nobody": (direct("disable"), fleet(), "no CSC is chosen"),
    "twice": (direct("disable", ESS, ESS, typed="2"), fleet(), "one of them twice"),
    "before the Watcher": (
        direct("exitControl", ESS, seen=S.STANDBY),
        fleet(view(ESS, S.STANDBY)),
        "the Watcher is down first",
    ),
    "a queue too early": (
        direct("exitControl", QUEUES[0], seen=S.STANDBY),
        fleet(down(WATCHER), view(QUEUES[0], S.STANDBY)),
        "the shutdown set",
    ),
    "a protected one untyped": (direct("disable", MTM1M3), fleet(), "type MTM1M3 to confirm"),
    "a protected one among several": (direct("disable", ESS, MTM1M3, typed="2"), fleet(), "no bulk action touches"),
    "several to OFFLINE": (
        direct("exitControl", ESS, ATAOS, seen=S.STANDBY, typed="2"),
        fleet(down(WATCHER), view(ESS, S.STANDBY), view(ATAOS, S.STANDBY)),
        "a direct exitControl is for one CSC",
    ),
    "several uncounted": (direct("disable", ESS, ATAOS), fleet(), "type 2 to confirm"),
    "an override elsewhere": (direct("disable", ESS, override="a.yaml"), fleet(), "only start takes"),
    "a path": (
        direct("start", ESS, seen=S.STANDBY, override="../a.yaml"),
        fleet(view(ESS, S.STANDBY)),
        "no path and no blank",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_words(case: str) -> None:
    order, seen, words = REFUSED[case]
    state = opened()
    if case == "held":
        decision = decide(Hold("ops2"), state, seen, OPERATOR)
        assert not isinstance(decision, Refused)
        state = after(state, *decision)
    decision = decide(order, state, seen, OPERATOR)
    assert isinstance(decision, Refused)
    assert words in decision.why


def test_a_protected_one_alone_goes_when_its_name_is_typed() -> None:
    let_go(direct("disable", MTM1M3, typed="MTM1M3"), fleet())


def test_several_go_when_their_count_is_typed() -> None:
    state = let_go(direct("disable", ESS, ATAOS, typed="2"), fleet())
    assert set(state.progress(DIRECT).added) == set(csc_items((ESS, ATAOS)))


def test_a_waiver_of_the_watcher_opens_exit_control() -> None:
    seen = fleet(view(ESS, S.STANDBY))
    decision = decide(Waive((WATCHER,), "hangs", 1), opened(), seen, OPERATOR)
    assert not isinstance(decision, Refused)
    let_go(direct("exitControl", ESS, seen=S.STANDBY), seen, after(opened(), *decision))


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("", True),
        ("bar.yaml", True),
        ("bar.yaml:HEAD~2", True),
        (":37bf936", True),
        ("a/b.yaml", False),
        ("a b", False),
        ("..", False),
        ("x" * 101, False),
        (":", False),
        ("a\nb", False),
    ],
)
def test_an_override_is_a_name_and_a_version(text: str, good: bool) -> None:
    assert (bad_override(text) == "") is good


@pytest.mark.parametrize(
    ("text", "names", "why"),
    [
        ("", ("a.yaml",), ""),
        ("a.yaml", ("a.yaml",), ""),
        ("b.yaml:HEAD", ("a.yaml",), ""),
        ("b.yaml", (), ""),
        ("b.yaml", ("a.yaml", "c.yaml"), "b.yaml is not offered: a.yaml, c.yaml"),
    ],
)
def test_a_name_that_nobody_offers_is_a_slip_unless_of_another_version(
    text: str, names: tuple[str, ...], why: str
) -> None:
    assert not_offered(text, names) == why


def test_several_are_offered_what_each_of_them_offers() -> None:
    one, other = (
        replace(view(csc), overrides=names) for csc, names in zip(PLAIN[:2], (("a", "b"), ("b",)), strict=True)
    )
    assert offered([one, other]) == ("b",)
    assert offered([]) == ()


def test_one_command_was_let_go_and_no_second_follows() -> None:
    state = let_go(direct("disable", ESS), fleet())
    assert may_intend(intent("disable", ESS), state, fleet()) is None
    assert may_intend(intent("disable", ATAOS), state, fleet()) == "ATAOS is not approved in direct"
    state = after(state, intent("disable", ESS))
    assert may_intend(intent("disable", ESS), state, fleet()) == "disable: it has no answer yet"
    state = after(state, RequestAnswered(DIRECT, csc_item(ESS), True, "done"))
    again = may_intend(intent("standby", ESS), state, fleet())
    assert again == "disable was sent, and only one command is approved"


def test_a_csc_under_way_in_a_step_is_left_alone_and_the_other_way_round() -> None:
    seen = fleet(down(WATCHER))
    in_step = after(opened(), ItemsDispatched(StepId("cscs"), csc_items((ESS,)), OPERATOR))
    assert refusal(direct("disable", ESS), in_step, seen) == "ESS:104 is being commanded in cscs"
    directly = let_go(direct("disable", WATCHER), fleet())
    watcher = directly.runbook.step(StepId("watcher"))
    red = [reason.sentence for reason in reasons(watcher, directly, fleet()) if not reason.met]
    assert red == ["a direct command to Watcher is under way"]
    assert isinstance(decide(Approve(watcher.id, 1), directly, fleet(), OPERATOR), Refused)
    assert refusal(direct("disable", WATCHER), directly, fleet()) == "Watcher is being commanded by a direct command"


def test_a_crash_leaves_it_unknown_and_looking_settles_it() -> None:
    order = direct("standby", MTDOME, seen=S.FAULT)
    state = after(sent(order, fleet(view(MTDOME, S.FAULT))), RunResumed(OPERATOR, 8))
    (row,) = direct_rows(state)
    assert row.status is ItemStatus.UNKNOWN
    assert row.sentence == "direct command standby of MTDome: UNKNOWN, standby was sent when deploydash stopped"
    assert settle(state, fleet(view(MTDOME, S.FAULT))) == ()
    seen = settle(state, fleet(view(MTDOME, S.STANDBY)))
    assert seen == (ItemEnded(DIRECT, csc_item(MTDOME), Outcome.REACHED, "seen there"),)
    assert may_intend(intent("standby", MTDOME), state, fleet(view(MTDOME, S.FAULT))) == (
        "MTDome is not approved in direct"
    )


def test_after_an_end_another_command_may_go() -> None:
    state = sent(direct("disable", ESS), fleet())
    ended = ItemEnded(DIRECT, csc_item(ESS), Outcome.REACHED, "seen DISABLED")
    state = after(state, RequestAnswered(DIRECT, csc_item(ESS), True, "done"), ended)
    disabled = fleet(view(ESS, S.DISABLED))
    state = let_go(direct("standby", ESS, seen=S.DISABLED), disabled, state)
    assert may_intend(intent("standby", ESS), state, disabled) is None


def test_a_run_is_not_closed_over_a_command_under_way() -> None:
    decision = decide(Close(), let_go(direct("disable", ESS), fleet()), fleet(), OPERATOR)
    assert decision == Refused("direct commands not ended: ESS:104")


def test_what_was_let_go_is_an_item_of_one_effect_with_its_override() -> None:
    state = let_go(direct("start", ESS, seen=S.STANDBY, override="bar.yaml"), fleet(view(ESS, S.STANDBY)))
    item = state.item(DIRECT, csc_item(ESS))
    assert item is not None
    assert (item.label, item.cscs) == ("start of ESS:104, with bar.yaml", (ESS,))
    assert item.effects == (CscEffect(ESS, Target(S.DISABLED)),)
    assert json.loads(item.spec)["override"] == "bar.yaml"
    [row] = direct_rows(state)
    assert row.sentence == "direct command start of ESS:104, with bar.yaml: approved, about to be sent"


def test_the_dialog_is_told_what_may_go_and_why_the_rest_may_not() -> None:
    seen = fleet(view(ESS, S.STANDBY))
    card = direct_options((ESS,), opened(), seen, "sal")
    assert card is not None
    found = {offer.command: offer for offer in card.offers}
    assert list(found) == ["start", "enable", "disable", "standby", "exitControl"], "enterControl is for cameras"
    assert not found["start"].why_not
    assert "the Watcher is down first" in found["exitControl"].why_not
    assert found["exitControl"].legal
    assert not found["enable"].legal
    assert direct_options((), opened(), seen, "sal") is None


def test_a_camera_is_taken_from_offline_only_when_available() -> None:
    camera = CscId("ATCamera")
    available = replace(view(camera, S.OFFLINE), camera=True, substate=CameraSubstate.AVAILABLE)
    let_go(direct("enterControl", camera, seen=S.OFFLINE), fleet(available))
    told = fleet(replace(available, substate=CameraSubstate.PUBLISH_ONLY))
    assert "AVAILABLE" in (refusal(direct("enterControl", camera, seen=S.OFFLINE), opened(), told) or "")


def test_an_arm_dies_of_whatever_forbids_the_command_and_after_twenty_seconds() -> None:
    arm = Arm(DIRECT, Tier.MODERATE, 100.0)
    assert outside_disarm_reason(arm, 119.0, None) is None
    assert outside_disarm_reason(arm, 120.1, None) == "disarmed: 20 s are over"
    moved = refusal(direct("standby", ESS, seen=S.FAULT), opened(), fleet(view(ESS, S.STANDBY)))
    assert outside_disarm_reason(arm, 101.0, moved) == "disarmed: ESS:104 is STANDBY now; it was FAULT when you chose"


def test_report_and_events_tell_it_in_a_sentence() -> None:
    record = ItemAdded(DIRECT, direct_command(ESS, "start", "bar.yaml"), OPERATOR, seen="STANDBY")
    failed = ItemEnded(DIRECT, csc_item(ESS), Outcome.UNKNOWN, "start: no answer within 60 s")
    assert said(record) == (
        OPERATOR,
        "approved the direct command start of ESS:104, with bar.yaml, seen STANDBY",
    )
    assert said(failed) == ("", "ESS:104, direct command: unknown, start: no answer within 60 s")
    assert said(ItemEnded(StepId("cscs"), csc_item(ESS), Outcome.UNKNOWN, "")) is None
    line = remark(failed, 5.0)
    assert line is not None
    assert (line.subject, line.change, line.calm) == ("ESS:104", "direct UNKNOWN", False)
