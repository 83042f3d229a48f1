"""Everything that a night can bring stands in both formats, and nothing that people typed is taken for markup."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from deploydash.core.procedure.csc_work import direct_command
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import DIRECT, SAL, StepId, SystemName, csc_item, numbered
from deploydash.core.procedure.runbook import Debt, Order, Runbook, Step, StepKind
from deploydash.core.run.records import (
    AnswerOffered,
    ControlOrdered,
    CscsWaived,
    DebtPaid,
    DebtWaived,
    GateClosedSpuriously,
    ItemAdded,
    ItemEnded,
    ItemProgressed,
    ItemsDispatched,
    ItemSignedOff,
    NoteWritten,
    Outcome,
    QuestionAnswered,
    QuestionAsked,
    RequestAnswered,
    RequestIntended,
    RunClosed,
    RunHeld,
    RunOpened,
    RunReleased,
    RunResumed,
    StepApproved,
    StepDone,
    StepSkipped,
)
from deploydash.core.views.timeline import Line
from deploydash.report.render import html_report, markdown_report
from deploydash.report.story import DebtLine, Story, story_of
from deploydash.report.unknowns import STILL
from tests.support.runs import FIRST_ADDED, OFFLINE, OPERATOR, PLAIN, SECOND_ADDED, csc_items, csc_step, small_runbook

T0 = 1_794_996_240.0
ENABLE, CSCS = StepId("enable"), StepId("cscs")
SCRIPT = Item(
    numbered(0),
    "set_summary_state.py",
    SAL,
    manual=("# add to ScriptQueue:1: standard set_summary_state.py", "data:", "  - [ATAOS, ENABLED]"),
)
SYNC = Item(numbered(1), "sync of <cycle>", SystemName("cluster"), '{"app": "obssys"}')
HASH = "ab" * 32


def book() -> Runbook:
    """The small runbook with a step of two items of two systems."""
    small = small_runbook()
    (phase,) = small.phases
    step: Step = replace(csc_step("enable", (), OFFLINE), order=Order.SEQUENCE, items=(SCRIPT, SYNC))
    return replace(small, phases=(replace(phase, steps=(*phase.steps, step)),))


ATAOS, ESS, MTDOME = PLAIN
OTHER_WAY = Item(
    FIRST_ADDED,
    "set_summary_state.py",
    SAL,
    effects=(CscEffect(ESS, OFFLINE),),
    manual=("# add to ScriptQueue:1: standard set_summary_state.py", "data: [[ESS:104, OFFLINE]]"),
)
OWED = Debt("sync", "syncing to <b>switch on</b>", (), restore="{prune: true} | on")


def night() -> list[Line]:
    opened = RunOpened(
        "r1", "summit", "full-cycle", "c0045", OPERATOR, True, "/s/summit.yaml", "/b/night.yaml",
        site_sha256=HASH, runbook_sha256=HASH,
    )  # fmt: skip
    records: list[object] = [
        opened,
        NoteWritten("wind <b>12 m/s</b> | gusts\n```", OPERATOR),
        StepApproved(CSCS, OPERATOR, 3),
        ItemsDispatched(CSCS, csc_items(PLAIN), OPERATOR),
        RequestIntended(CSCS, csc_item(ATAOS), "lsst.sal.ATAOS.command_disable", "5"),
        ItemEnded(CSCS, csc_item(ATAOS), Outcome.UNKNOWN, "no answer in 30 s"),
        ItemEnded(CSCS, csc_item(ESS), Outcome.FAILED, "refused: <i>busy</i>"),
        RunHeld("ops2@laptop"),
        RunReleased(OPERATOR),
        ItemEnded(CSCS, csc_item(ATAOS), Outcome.REACHED, "seen there"),
        ItemsDispatched(CSCS, csc_items((ESS,)), OPERATOR),
        RunResumed(OPERATOR, 12, ("/b/night.yaml",), HASH, "cd" * 32),
        ItemAdded(CSCS, OTHER_WAY, OPERATOR, csc_items((ESS,))),
        ItemEnded(CSCS, FIRST_ADDED, Outcome.UNKNOWN, "its queue restarted"),
        CscsWaived((MTDOME,), OPERATOR, "motor | <script>alert(1)</script>"),
        StepApproved(ENABLE, OPERATOR, 9),
        ItemsDispatched(ENABLE, (numbered(0),), "the procedure"),
        RequestIntended(ENABLE, numbered(0), "add isStandard=true path=set_summary_state.py", "21", begins=True),
        RequestAnswered(ENABLE, numbered(0), True, "100017"),
        ItemProgressed(ENABLE, numbered(0), "UNCONFIGURED", known_as="Script:100017"),
        ItemProgressed(ENABLE, numbered(0), "RUNNING", "starting", known_as="Script:100017"),
        ControlOrdered(ENABLE, numbered(0), "pause", OPERATOR),
        ItemProgressed(ENABLE, numbered(0), "FAILED", "ATAOS is <silent>"),
        ItemEnded(ENABLE, numbered(0), Outcome.FAILED, "the script ended as FAILED"),
        ItemsDispatched(ENABLE, (numbered(0),), OPERATOR),
        ItemEnded(ENABLE, numbered(0), Outcome.REACHED, "DONE"),
        ItemsDispatched(ENABLE, (numbered(1),), "the procedure"),
        RequestIntended(ENABLE, numbered(1), "PATCH /apps/obssys", owes=OWED),
        RequestAnswered(ENABLE, numbered(1), True, ""),
        RequestIntended(ENABLE, numbered(1), "POST /apps/obssys/sync", "sync-9", begins=True),
        QuestionAsked(ENABLE, numbered(1), "Prune <2> resources?", (AnswerOffered("no", "keep them"),)),
        QuestionAnswered(ENABLE, numbered(1), "Prune <2> resources?", "no", OPERATOR),
        ItemProgressed(ENABLE, numbered(1), "syncing", "3 pods wait", 2, 5, "sync-9"),
        ItemEnded(
            ENABLE, numbered(1), Outcome.REACHED, "synced", (("commit", "9f2c"), ("wave", "<3>")), "a Job of | sync"
        ),
        ItemAdded(ENABLE, Item(SECOND_ADDED, "look at <b>pods</b>", SystemName("cluster")), OPERATOR),
        ItemAdded(DIRECT, direct_command(MTDOME, "disable"), OPERATOR, seen="ENABLED"),
        RequestIntended(DIRECT, csc_item(MTDOME), "lsst.sal.MTDome.command_disable", "22"),
        RequestAnswered(DIRECT, csc_item(MTDOME), None, "no answer within 60 s"),
        ItemEnded(DIRECT, csc_item(MTDOME), Outcome.REACHED, "seen DISABLED"),
        ItemAdded(DIRECT, direct_command(MTDOME, "standby"), OPERATOR, seen="DISABLED"),
        StepApproved(StepId("bridges-stop"), OPERATOR, 8),
        ItemSignedOff(StepId("bridges-stop"), numbered(1), "camera team", OPERATOR, "T-1"),
        GateClosedSpuriously(StepId("queues"), "Kafka is down: what is shown is old", "kafka down", 4.5, armed=True),
        GateClosedSpuriously(StepId("queues"), "the Watcher is down first", "heartbeats cannot be read", 2.0),
        StepSkipped(StepId("queues"), OPERATOR, "test stand keeps them"),
        StepApproved(StepId("watcher"), OPERATOR, 9, ("the EFD is up",), "known"),
        DebtWaived("bridges", OPERATOR, "tomorrow"),
        DebtPaid("sync", "seen <b>on</b>"),
        RunClosed(OPERATOR),
    ]
    return [(T0 + 10 * number, record) for number, record in enumerate(records)]


@pytest.fixture(name="story")
def told() -> Story:
    return story_of(night(), book(), {"/s/summit.yaml": "", "/b/night.yaml": "ef" * 32})


def plain(page: str) -> str:
    """Return a report as a reader sees it, in either format."""
    text = unescape(re.sub(r"<[^>]*>", " ", page))
    return " ".join(text.replace("\\", "").replace("|", " ").split())


SAID = [
    "wind <b>12 m/s</b>",
    "held everything",
    "released the hold",
    "retried ESS:104 in cscs",
    "took another way for ESS:104: set_summary_state.py",
    "set_summary_state.py (sal); another way for ESS:104, by ops1@console",
    "# add to ScriptQueue:1: standard set_summary_state.py data: [[ESS:104, OFFLINE]]",
    "set_summary_state.py (sal) as Script:100017",
    "add isStandard=true path=set_summary_state.py",
    "[ATAOS, ENABLED]",
    "UNCONFIGURED > RUNNING > FAILED; reached: DONE",
    "ATAOS is <silent>",
    "ordered pause for set_summary_state.py",
    "retried set_summary_state.py in enable",
    "sync of c0045 (cluster) as sync-9",
    "PATCH /apps/obssys POST /apps/obssys/sync",
    "syncing; reached: synced; commit 9f2c, wave <3>; left: a Job of",
    "3 pods wait",
    "sync of c0045 asks: Prune <2> resources? (no)",
    "answered sync of c0045, Prune <2> resources?: no",
    "sync of c0045, sent: PATCH /apps/obssys; owed since: syncing to <b>switch on</b>, to be put back to {prune: true}",
    "paid the debt syncing to <b>switch on</b>: seen <b>on</b>",
    "enable paid: seen <b>on</b>",
    "bridges to start bridges-stop waived by ops1@console: tomorrow",
    "look at <b>pods</b> (cluster); added outside the runbook by ops1@console",
    "added look at <b>pods</b> to enable, outside the runbook",
    "disable of MTDome (sal); added outside the runbook by ops1@console lsst.sal.MTDome.command_disable reached: seen",
    "standby of MTDome (sal); added outside the runbook by ops1@console nothing was sent",
    "approved the direct command standby of MTDome, seen DISABLED",
    "5 requests sent, 2 of them commands to CSCs",
    "4 items failed or gave no answer",
    "seen at target: seen there",
    "recorded bridges-stop, host-b as signed off by camera team (T-1)",
    "2 closures, 6.5 s in all: kafka down 1, heartbeats cannot be read 1",
    "queues was closed for 4.5 s (kafka down, armed): Kafka is down: what is shown is old",
    "skipped queues: test stand keeps them",
    "approved watcher, overriding: the EFD is up (known)",
    "waived the debt bridges: tomorrow",
    "resumed the run; changed since it was opened: /b/night.yaml",
    "none of these: commands of others",
    f"site file /s/summit.yaml, sha256 {HASH}, it is gone now",
    "it was another when the run was resumed; it has changed since the run was opened",
    "refused: <i>busy</i>",
    "left in non-working order after the deployment:",
]


@pytest.mark.parametrize("words", SAID)
def test_it_stands_in_both_formats(story: Story, words: str) -> None:
    assert words in plain(html_report(story))
    assert words in plain(markdown_report(story))


def test_nothing_typed_is_markup_in_html(story: Story) -> None:
    page = html_report(story)
    for tag in ("<b>", "<i>", "<script>", "<silent>"):
        assert tag not in page
    assert page.count("<tr>") == page.count("</tr>")


def test_nothing_typed_is_markup_in_markdown(story: Story) -> None:
    text = markdown_report(story)
    outside = text.partition("## Message for the announcement channel")[0]
    assert "<" not in outside.replace("<br>", "")
    assert "```" not in outside
    for line in outside.splitlines():
        if line.startswith("| 2"):
            assert len(re.findall(r"(?<!\\)\|", line)) in {4, 6, 2}, line
        if line.startswith("| enable") and "of c0045" in line:
            assert len(re.findall(r"(?<!\\)\|", line)) == 7, line
    assert text.count("```") == 2


def test_an_unknown_outcome_says_what_settled_it_or_that_nothing_has(story: Story) -> None:
    found = {(each.what, each.why): each.settled for each in story.unknowns}
    assert found["ATAOS", "no answer in 30 s"] == "seen at target: seen there"
    assert found["ESS:104", "nothing had been sent when deploydash stopped"] == "tried again, or followed anew"
    assert found["MTDome", "nothing had been sent when deploydash stopped"].startswith("waived by ops1@console: motor")
    early = story_of(night()[:6], book())
    assert [each.settled for each in early.unknowns] == [STILL]


def test_an_item_of_which_nothing_was_sent_is_told_as_such() -> None:
    line, *_ = [line for line in story_of(night()[:17], book()).work if line.step == ENABLE]
    assert (line.name, line.outcome, line.states) == ("set_summary_state.py", "nothing was sent", ())


def test_a_request_without_an_answer_is_told_as_such() -> None:
    line, *_ = [line for line in story_of(night()[:18], book()).work if line.step == ENABLE]
    assert (line.outcome, line.known_as) == ("sent, no answer yet", "")


def test_a_debt_says_what_is_to_be_put_back_and_how_it_stands(story: Story) -> None:
    bridges = DebtLine("bridges to start", "", "bridges-stop", "waived by ops1@console: tomorrow")
    paid = DebtLine(OWED.what, OWED.restore, "enable", "paid: seen <b>on</b>")
    assert story.debts == (bridges, paid)
    early = [line for line in night() if not isinstance(line[1], DebtWaived | DebtPaid)]
    assert [line.stands for line in story_of(early, book()).debts] == ["open", "open"]
    again = [*night()[:-1], (T0 + 900, RequestIntended(ENABLE, numbered(1), "PATCH /apps/obssys", owes=OWED))]
    first, *_ = story_of(again, book()).debts
    assert (first.restore, first.stands) == (OWED.restore, "open")


def test_a_step_that_was_done_pays_its_debt() -> None:
    done = [*night()[:-4], (T0 + 900, StepDone(StepId("bridges-start")))]
    assert "paid by bridges-start" in [line.stands for line in story_of(done, book()).debts]


def test_a_journal_of_an_earlier_version_says_that_no_hash_was_written() -> None:
    old = RunOpened("r1", "summit", "full-cycle", "", OPERATOR, False, "/s/summit.yaml", "/b/night.yaml")
    text = markdown_report(story_of([(T0, old)], book(), {"/s/summit.yaml": HASH}))
    assert "site file /s/summit.yaml, no hash was written when the run was opened" in text


def test_a_runbook_that_has_lost_steps_since_still_tells_what_is_left() -> None:
    small = small_runbook()
    (phase,) = small.phases
    kept = tuple(step for step in phase.steps if step.id not in {CSCS, StepId("bridges-stop"), StepId("queues")})
    story = story_of(night(), replace(small, phases=(replace(phase, steps=kept),)))
    for text in (markdown_report(story), html_report(story)):
        assert "retried item 1 of enable" in text
        assert "recorded bridges-stop as signed off by camera team" in text


def test_what_did_not_change_is_unchanged() -> None:
    story = story_of(night()[:3], book(), {"/s/summit.yaml": HASH, "/b/night.yaml": HASH})
    assert [file.since for file in story.files] == ["unchanged", "unchanged"]


def test_a_closed_run_has_its_last_step_done() -> None:
    small = book()
    (phase,) = small.phases
    close = replace(csc_step("close", (), OFFLINE), kind=StepKind.CLOSE)
    whole = replace(small, phases=(replace(phase, steps=(*phase.steps, close)),))
    assert story_of(night(), whole).steps[-1].status == "done"
    assert story_of(night()[:-1], whole).steps[-1].status == "pending"


def test_who_did_it_is_named_for_every_decision(story: Story) -> None:
    for each in story.timeline:
        if each.what.startswith(
            ("approved ", "waived", "recorded", "skipped", "retried", "noted", "took", "ordered", "added", "answered ")
        ):
            assert each.who in {OPERATOR, "the procedure"}, each
