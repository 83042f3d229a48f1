"""Each record of a run has words: what is not told on the timeline and in the report might as well not be written."""

from dataclasses import replace

import pytest

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.records import BeatsChanged, FactNoted, ProcessNoticed, StandstillNoted
from deploydash.core.model import CscId, Liveness
from deploydash.core.procedure.csc_work import direct_command
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import DIRECT, StepId, SystemName, csc_item, numbered
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.records import (
    RUN_RECORDS,
    AnswerOffered,
    ControlOrdered,
    DebtPaid,
    ItemAdded,
    ItemEnded,
    ItemProgressed,
    ItemsDispatched,
    ItemSignedOff,
    Outcome,
    PlaceholderSet,
    QuestionAnswered,
    QuestionAsked,
    RequestAnswered,
    RequestIntended,
    RunRecord,
    StepApproved,
)
from deploydash.core.views import record_text as sentences
from deploydash.core.views.record_text import Kind, said
from tests.support.runs import FIRST_ADDED, OPERATOR, STANDBY, WATCHER, after, csc_items, opened

STEP = StepId("watcher")
MTDOME = CscId("MTDome")


def test_no_kind_of_record_of_a_run_was_forgotten() -> None:
    known = [value for value in vars(sentences).values() if isinstance(value, type)]
    assert [kind.__name__ for kind in RUN_RECORDS if kind not in known] == []


def words(record: object, *before: RunRecord) -> str:
    telling = said(record, after(opened(), *before))
    return telling.what if telling is not None else ""


def test_the_same_record_begins_something_or_tries_it_again() -> None:
    sent = ItemsDispatched(STEP, csc_items((WATCHER,)), OPERATOR)
    failed = ItemEnded(STEP, csc_item(WATCHER), Outcome.FAILED, "refused")
    assert words(sent) == "watcher: 1 CSC may be worked on"
    assert words(sent, sent, failed) == "retried Watcher in watcher"


def test_an_arrival_settles_what_was_unknown() -> None:
    sent = ItemsDispatched(STEP, csc_items((WATCHER,)), OPERATOR)
    arrived = ItemEnded(STEP, csc_item(WATCHER), Outcome.REACHED, "seen there")
    unknown = ItemEnded(STEP, csc_item(WATCHER), Outcome.UNKNOWN, "no answer in 30 s")
    assert words(arrived, sent) == "Watcher is at target: seen there"
    assert words(arrived, sent, unknown) == "Watcher was unknown, settled: seen there"
    telling = said(arrived, after(opened(), sent))
    assert telling is not None
    assert not telling.notable, "a report's timeline has no room for what went as planned"


@pytest.mark.parametrize(
    ("ok", "text", "told"),
    [
        (True, "done", "Watcher, answered: done"),
        (True, "", "Watcher, answered"),
        (None, "", "Watcher, no answer came"),
        (None, "the line broke", "Watcher, no answer came: the line broke"),
        (False, "bad", "Watcher, refused: bad"),
    ],
)
def test_an_answer_is_told_as_it_was_given(ok: bool | None, text: str, told: str) -> None:
    assert words(RequestAnswered(STEP, csc_item(WATCHER), ok, text)) == told


POD = Item(FIRST_ADDED, "pod of <cycle>", SystemName("cluster"), effects=(CscEffect(MTDOME, STANDBY),))
BESIDE = ItemAdded(STEP, POD, OPERATOR)
DIRECTLY = ItemAdded(DIRECT, direct_command(MTDOME, "standby"), OPERATOR, seen="ENABLED")
OWED = Debt("sync", "syncing to switch on", (StepId("bridges-start"),), restore="{prune: true}")
SENT = RequestIntended(STEP, FIRST_ADDED, "PATCH /sync off", "7", owes=OWED)
ASKED = QuestionAsked(
    STEP, FIRST_ADDED, "Prune 2 resources?", (AnswerOffered("no", "keep"), AnswerOffered("yes", "go"))
)


@pytest.mark.parametrize(
    ("record", "before", "who", "told", "kind"),
    [
        (BESIDE, (), OPERATOR, "added pod of c0045 to watcher, outside the runbook", Kind.ADDED),
        (
            ItemAdded(STEP, POD, OPERATOR, (csc_item(WATCHER),)),
            (),
            OPERATOR,
            "took another way for Watcher: pod of c0045",
            Kind.RETRY,
        ),
        (
            DIRECTLY,
            (),
            OPERATOR,
            "approved the direct command standby of MTDome, seen ENABLED",
            Kind.DIRECT,
        ),
        (
            ItemEnded(DIRECT, csc_item(MTDOME), Outcome.UNKNOWN, "no answer within 60 s"),
            (DIRECTLY,),
            "",
            "MTDome, direct command: unknown, no answer within 60 s",
            Kind.DIRECT,
        ),
        (
            RequestIntended(DIRECT, csc_item(MTDOME), "lsst.sal.MTDome.command_standby"),
            (DIRECTLY,),
            "",
            "standby of MTDome, sent: lsst.sal.MTDome.command_standby",
            Kind.OTHER,
        ),
        (
            SENT,
            (BESIDE,),
            "",
            "pod of c0045, sent: PATCH /sync off; owed since: syncing to switch on, to be put back to {prune: true}",
            Kind.DEBT,
        ),
        (
            DebtPaid("sync", "seen as it was"),
            (BESIDE, SENT),
            "",
            "paid the debt syncing to switch on: seen as it was",
            Kind.DEBT,
        ),
        (DebtPaid("other", "#1"), (), "", "paid the debt other: #1", Kind.DEBT),
        (
            ItemProgressed(STEP, FIRST_ADDED, "syncing", "waits for a pod", 2, 5, "sync-9", paused=True),
            (BESIDE,),
            "",
            "pod of c0045 is syncing as sync-9, 2 of 5, paused: waits for a pod",
            Kind.OTHER,
        ),
        (ItemProgressed(STEP, FIRST_ADDED, "queued"), (BESIDE,), "", "pod of c0045 is queued", Kind.OTHER),
        (ASKED, (BESIDE,), "", "pod of c0045 asks: Prune 2 resources? (no or yes)", Kind.QUESTION),
        (
            QuestionAnswered(STEP, FIRST_ADDED, "Prune 2 resources?", "no", OPERATOR),
            (BESIDE, ASKED),
            OPERATOR,
            "answered pod of c0045, Prune 2 resources?: no",
            Kind.QUESTION,
        ),
        (
            ControlOrdered(STEP, FIRST_ADDED, "pause", OPERATOR),
            (BESIDE,),
            OPERATOR,
            "ordered pause for pod of c0045",
            Kind.CONTROL,
        ),
        (
            ItemEnded(STEP, FIRST_ADDED, Outcome.REACHED, "synced", (("commit", "9f2c"), ("revision", "12")), "a Job"),
            (BESIDE,),
            "",
            "pod of c0045: reached, synced; commit 9f2c, revision 12; left: a Job",
            Kind.OTHER,
        ),
        (ItemsDispatched(STEP, (FIRST_ADDED,), OPERATOR), (BESIDE,), OPERATOR, "approved pod of c0045", Kind.OTHER),
        (
            ItemsDispatched(STEP, (FIRST_ADDED,), OPERATOR),
            (BESIDE, ItemEnded(STEP, FIRST_ADDED, Outcome.FAILED, "timed out")),
            OPERATOR,
            "retried pod of c0045 in watcher",
            Kind.RETRY,
        ),
    ],
)
def test_the_work_of_any_system_is_told_by_what_it_is_called(
    record: RunRecord, before: tuple[RunRecord, ...], who: str, told: str, kind: Kind
) -> None:
    telling = said(record, after(opened(), *before))
    assert telling is not None
    assert (telling.who, telling.what, telling.kind) == (who, told, kind)


def test_what_is_told_of_an_item_is_told_of_every_csc_that_it_has_an_effect_on() -> None:
    for record in (BESIDE, SENT, ASKED, ItemEnded(STEP, FIRST_ADDED, Outcome.FAILED, "timed out")):
        telling = said(record, after(opened(), BESIDE))
        assert telling is not None
        assert telling.cscs == (MTDOME,)


def test_of_many_items_some_are_named_and_the_rest_counted() -> None:
    many = tuple(numbered(place) for place in range(7))
    assert words(ItemsDispatched(STEP, many, OPERATOR)).endswith("item 4 of watcher and 3 more")


def test_a_fact_of_another_system_is_told_with_the_csc_that_it_is_about() -> None:
    fact = Fact("cluster", "pod:mtdome", "MTDome", False, "0/1", "mtdome-0 waits", 9.0)
    telling = said(FactNoted(fact, 9.0), opened())
    assert telling is not None
    assert (telling.what, telling.cscs, telling.notable) == ("cluster: mtdome-0 waits", (MTDOME,), False)
    elsewhere = said(FactNoted(replace(fact, about="a Job of nobody"), 9.0), opened())
    assert elsewhere is not None
    assert elsewhere.cscs == ()


def test_an_override_is_of_a_kind_of_its_own_with_its_reason() -> None:
    telling = said(StepApproved(STEP, OPERATOR, 1, ("page is settled",), "by phone"), opened())
    assert telling is not None
    assert (telling.kind, telling.what) == (Kind.OVERRIDE, "approved watcher, overriding: page is settled (by phone)")


def test_a_step_that_the_runbook_has_lost_is_told_all_the_same() -> None:
    gone = StepId("dance")
    assert words(ItemSignedOff(gone, numbered(2), "Ana", OPERATOR)) == "recorded dance as signed off by Ana"
    assert words(ItemEnded(gone, numbered(2), Outcome.FAILED, "fell")) == "item 3 of dance: failed, fell"
    assert words(ItemEnded(gone, csc_item(WATCHER), Outcome.FAILED, "fell")) == "Watcher: failed, fell"


def test_what_the_fleet_noticed_names_its_csc() -> None:
    dome = CscId("MTDome")
    silent = BeatsChanged(dome, Liveness.SILENT, listening=False, beat_at=1.0, at_least=False, has_beaten=True, at=9.0)
    assert words(silent) == "MTDome is silent"
    first = ProcessNoticed(dome, 7, False, True, True, True, 1.0)
    assert words(first) == ""
    assert words(PlaceholderSet("date", "2026-12-03", OPERATOR)) == "set <date>: 2026-12-03"


def test_a_standstill_of_ours_is_told_with_its_cause_and_whom_it_touched() -> None:
    dome = CscId("MTDome")
    stopped = said(StandstillNoted(20.0, 13.2, "", (dome,), 33.2), opened())
    assert stopped is not None
    assert stopped.what.startswith("deploydash stood still for 13 s: the process was stopped or got no processor")
    assert (stopped.cscs, stopped.notable) == ((dome,), True)
    held_up = StandstillNoted(20.0, 0.84, "ui/app.py line 9 (show)", (), 20.84)
    assert words(held_up).startswith("deploydash stood still for 0.8 s: held up in ui/app.py line 9 (show)")
