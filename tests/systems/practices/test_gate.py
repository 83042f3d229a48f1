"""The gate of a synced service: shut without its notice of 24 hours, opened by it, overridden with a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploydash.config.practices import load_practices
from deploydash.core.fleet.observations import FeedChanged
from deploydash.core.model import FeedState, Phase
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import MAIN, StepId, SystemName, numbered
from deploydash.core.procedure.preconditions import FactHolds
from deploydash.core.procedure.runbook import Runbook, RunPhase, Step, StepKind, Tier
from deploydash.core.run.decide import Refused, decide
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.orders import Approve
from deploydash.core.run.records import (
    ItemEnded,
    ItemsDispatched,
    ItemSignedOff,
    Outcome,
    PlaceholderSet,
    RunRecord,
    StepApproved,
    StepDone,
)
from deploydash.core.run.state import RunState
from deploydash.report.checklist import checklist
from deploydash.systems.practices.facts import facts_of
from deploydash.systems.practices.settings import PracticesSettings
from deploydash.systems.slack.steps import SLACK, Spec, message_item
from deploydash.wiring.practices import headed
from deploydash.wiring.practised import asked_by, coordinator_of, known_of, wanted
from tests.support.runs import OPERATOR, after, fleet, opened

SITES = Path(__file__).parents[3] / "sites"
NOTICE, SYNC = StepId("announce-day"), StepId("argo-nublado")
WORDS = "notice was posted long enough ago"
SETTINGS = PracticesSettings.model_validate(
    {"environment": "Prod", "applications": {"nublado": "rsp-science"}, "notice": ["announce-day"]}
)
POSTED = datetime(2026, 12, 1, 12, tzinfo=UTC)
MESSAGE = message_item(numbered(0), Spec("#rsp-team"), "It comes.")
BOOK = Runbook(
    *("night", "a night", "idf", False, (), (), (), ()),
    (
        RunPhase(
            *("deploy", "deploy", Phase(None)),
            (
                Step(NOTICE, "Announce", StepKind.ACTION, SLACK, Tier.MILD, MAIN, "posted", items=(MESSAGE,)),
                Step(
                    *(SYNC, "Sync nublado", StepKind.ACTION, SystemName("argocd"), Tier.MODERATE, MAIN, "Succeeded"),
                    items=(Item(numbered(0), "nublado", SystemName("argocd")),),
                    preconditions=(FactHolds("practice-notice/nublado", WORDS),),
                ),
            ),
        ),
    ),
)


def seen(state: RunState, now: datetime) -> FleetView:
    """What the gate sees: the facts as the run tells them at this moment."""
    asked = wanted(SETTINGS, load_practices(SITES / "practices.yaml"))["nublado"]
    known = known_of(state, SETTINGS, "America/Santiago")
    facts = {fact.name: fact for fact in facts_of("nublado", asked, known, now, "America/Santiago")}
    return replace(
        fleet(), facts={name: fact for name, fact in facts.items() if name in asked_by(state)}, utc=now.timestamp()
    )


def posted() -> RunState:
    return after(opened(BOOK), *noticed(("ts", f"{POSTED.timestamp():.6f}"), ("channel", "#rsp-team")))


def noticed(*values: tuple[str, str]) -> tuple[RunRecord, ...]:
    """Return the records of a notice whose message came to these values."""
    sent = ItemsDispatched(NOTICE, (MESSAGE.id,), OPERATOR)
    ended = ItemEnded(NOTICE, MESSAGE.id, Outcome.REACHED, "posted", values)
    return StepApproved(NOTICE, OPERATOR, 1), sent, ended, StepDone(NOTICE)


def test_a_notice_counts_where_and_since_when_slack_has_it() -> None:
    told = known_of(posted(), SETTINGS, "UTC").posted
    assert told == {"#rsp-team": POSTED}
    left = after(opened(BOOK), *noticed(("scheduled", "Q1"), ("channel", "#rsp-team")))
    assert known_of(left, SETTINGS, "UTC").posted == {}, "left to Slack, and seen nowhere"
    signed = ItemSignedOff(NOTICE, MESSAGE.id, "Ana", OPERATOR, "https://example.org/p1")
    by_hand = after(opened(BOOK), StepApproved(NOTICE, OPERATOR, 1), signed, StepDone(NOTICE), utc=POSTED.timestamp())
    assert known_of(by_hand, SETTINGS, "UTC").posted == {"#rsp-team": POSTED}


def test_the_coordinator_is_whom_the_lead_named_last_and_stands_in_the_header() -> None:
    state = after(opened(BOOK), PlaceholderSet("coordinator", "@ana", OPERATOR))
    assert coordinator_of(opened(BOOK)) == ""
    assert coordinator_of(state) == "@ana"
    assert coordinator_of(after(state, PlaceholderSet("coordinator", "Ben", OPERATOR))) == "Ben"
    assert list(headed("", "", 1.0)) == list(headed("Ben", "Ben", 1.0)) == []
    off, now = headed("@ana", "Ben", 1.0)
    assert off == FeedChanged("coordinator @ana", FeedState.OFF, "Ben coordinates now", 1.0)
    assert now == FeedChanged("coordinator Ben", FeedState.UP, "Ben announces start and end, and answers", 1.0)


def test_the_gate_is_shut_without_the_notice_and_opened_by_it_24_hours_later() -> None:
    shut = decide(Approve(SYNC, 1), opened(BOOK), seen(opened(BOOK), POSTED), OPERATOR)
    assert isinstance(shut, Refused)
    assert "no notice in #rsp-team; it is to be posted 24 h before" in shut.why
    early = decide(Approve(SYNC, 1), posted(), seen(posted(), POSTED + timedelta(hours=23)), OPERATOR)
    assert isinstance(early, Refused)
    assert "long enough ago from 2026-12-02 12:00Z" in early.why
    assert not isinstance(
        decide(Approve(SYNC, 1), posted(), seen(posted(), POSTED + timedelta(hours=24)), OPERATOR), Refused
    )


def test_an_override_takes_a_typed_reason_and_stands_in_the_report() -> None:
    early = seen(posted(), POSTED + timedelta(hours=1))
    silent = decide(Approve(SYNC, 1, (WORDS,)), posted(), early, OPERATOR)
    assert silent == Refused("an override needs a typed reason")
    approved = decide(Approve(SYNC, 1, (WORDS,), "the release manager agreed on the phone"), posted(), early, OPERATOR)
    assert not isinstance(approved, Refused)
    assert f"overridden: {WORDS}" in checklist(after(posted(), *approved))
