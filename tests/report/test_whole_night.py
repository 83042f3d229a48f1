"""Everything that a night can bring stands in both formats, and nothing that people typed is taken for markup."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from deploydash.core.procedure.runbook import (
    CscEffect,
    Runbook,
    ScriptItem,
    Step,
    StepId,
    StepKind,
    csc_item,
    csc_items,
    numbered,
)
from deploydash.core.run.records import (
    ControlOrdered,
    CscsWaived,
    DebtWaived,
    GateClosedSpuriously,
    ItemAdded,
    ItemEnded,
    ItemProgressed,
    ItemsDispatched,
    ItemSignedOff,
    NoteWritten,
    Outcome,
    RequestAnswered,
    RequestIntended,
    RunClosed,
    RunHeld,
    RunOpened,
    RunReleased,
    RunResumed,
    StepApproved,
    StepSkipped,
)
from deploydash.core.views.timeline import Line
from deploydash.report.render import html_report, markdown_report
from deploydash.report.story import Story, tell
from deploydash.report.unknowns import STILL
from tests.support.runs import FIRST_ADDED, OFFLINE, OPERATOR, PLAIN, QUEUES, csc_step, small_runbook

T0 = 1_794_996_240.0
QUEUE = QUEUES[0]
ENABLE, CSCS = StepId("enable"), StepId("cscs")
SCRIPTS = (
    ScriptItem(QUEUE, "set_summary_state.py", True, "data:\n  - [ATAOS, ENABLED]\n"),
    ScriptItem(QUEUE, "maintel/offset.py", False, ""),
)
HASH = "ab" * 32


def book() -> Runbook:
    """The small runbook with a step of two scripts."""
    small = small_runbook()
    (phase,) = small.phases
    step: Step = replace(csc_step("enable", (), OFFLINE), kind=StepKind.SCRIPT, items=SCRIPTS)
    return replace(small, phases=(replace(phase, steps=(*phase.steps, step)),))


ATAOS, ESS, MTDOME = PLAIN


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
        RequestIntended(CSCS, csc_item(ATAOS), ATAOS, "disable", 5, OPERATOR, 7),
        ItemEnded(CSCS, csc_item(ATAOS), Outcome.UNKNOWN, "no answer in 30 s"),
        ItemEnded(CSCS, csc_item(ESS), Outcome.FAILED, "refused: <i>busy</i>"),
        RunHeld("ops2@laptop"),
        RunReleased(OPERATOR),
        ItemEnded(CSCS, csc_item(ATAOS), Outcome.REACHED, "seen there"),
        ItemsDispatched(CSCS, csc_items((ESS,)), OPERATOR),
        RunResumed(OPERATOR, 12, ("/b/night.yaml",), HASH, "cd" * 32),
        ItemAdded(
            CSCS,
            FIRST_ADDED,
            csc_items((ESS,)),
            QUEUE,
            "set_summary_state.py",
            True,
            "data: [[ESS:104, OFFLINE]]",
            (CscEffect(ESS, OFFLINE),),
            OPERATOR,
        ),
        CscsWaived((MTDOME,), OPERATOR, "motor | <script>alert(1)</script>"),
        StepApproved(ENABLE, OPERATOR, 9),
        ItemsDispatched(ENABLE, (numbered(0),), "the procedure"),
        RequestIntended(ENABLE, numbered(0), QUEUE, "add", 21, OPERATOR, 7, begins=True),
        RequestAnswered(ENABLE, numbered(0), "add", 21, 303, "100017"),
        ItemProgressed(ENABLE, numbered(0), 100_017, "UNCONFIGURED", "", ""),
        ItemProgressed(ENABLE, numbered(0), 100_017, "RUNNING", "enabling ATAOS", "starting"),
        ControlOrdered(ENABLE, numbered(0), "pause", OPERATOR),
        ItemProgressed(ENABLE, numbered(0), 100_017, "FAILED", "enabling ATAOS", "ATAOS is <silent>"),
        ItemEnded(ENABLE, numbered(0), Outcome.FAILED, "the script ended as FAILED"),
        ItemsDispatched(ENABLE, (numbered(0),), OPERATOR),
        ItemEnded(ENABLE, numbered(0), Outcome.REACHED, "DONE"),
        ItemSignedOff(StepId("bridges-stop"), numbered(1), "camera team", OPERATOR, "T-1"),
        GateClosedSpuriously(StepId("queues"), "Kafka is down: what is shown is old", "kafka down", 4.5, armed=True),
        GateClosedSpuriously(StepId("queues"), "the Watcher is down first", "beats cannot be read", 2.0),
        StepSkipped(StepId("queues"), OPERATOR, "test stand keeps them"),
        StepApproved(StepId("watcher"), OPERATOR, 9, ("the EFD is up",), "known"),
        DebtWaived("bridges", OPERATOR, "tomorrow"),
        RunClosed(OPERATOR),
    ]
    return [(T0 + 10 * number, record) for number, record in enumerate(records)]


@pytest.fixture(name="story")
def told() -> Story:
    return tell(night(), book(), {"/s/summit.yaml": "", "/b/night.yaml": "ef" * 32})


def plain(page: str) -> str:
    """Return a report as a reader sees it, in either format."""
    text = unescape(re.sub(r"<[^>]*>", " ", page))
    return " ".join(text.replace("\\", "").replace("|", " ").split())


SAID = [
    "wind <b>12 m/s</b>",
    "held everything",
    "let the run go on",
    "retried ESS:104 in cscs",
    "took the other route for ESS:104: set_summary_state.py on ScriptQueue:1",
    "other route for ESS:104, by ops1@console",
    "data: [[ESS:104, OFFLINE]]",
    "set_summary_state.py (standard) on ScriptQueue:1 as 100017",
    "[ATAOS, ENABLED]",
    "UNCONFIGURED > RUNNING > FAILED; reached: DONE",
    "at enabling ATAOS; ATAOS is <silent>",
    "ordered pause for set_summary_state.py on ScriptQueue:1",
    "retried set_summary_state.py on ScriptQueue:1",
    "seen to have arrived: seen there",
    "recorded bridges-stop, host-b as signed off by camera team (T-1)",
    "2 closures, 6.5 s in all: kafka down 1, beats cannot be read 1",
    "queues was shut for 4.5 s (kafka down, armed): Kafka is down: what is shown is old",
    "skipped queues: test stand keeps them",
    "approved watcher, overriding: the EFD is up (known)",
    "waived the debt bridges: tomorrow",
    "resumed the run; changed since it was opened: /b/night.yaml",
    "none of these: direct commands, commands of others",
    f"site file /s/summit.yaml, sha256 {HASH}, it is gone now",
    "it was another when the run was resumed; it has changed since the run was opened",
    "refused: <i>busy</i>",
    "left in non-working order after the deployment:",
]


@pytest.mark.parametrize("words", SAID)
def test_it_stands_in_both_formats(story: Story, words: str) -> None:
    assert words in plain(html_report(story))
    assert words in unescape(markdown_report(story).replace("\\", "").replace("<br>", " "))


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
    assert text.count("```") == 2


def test_an_unknown_outcome_says_what_settled_it_or_that_nothing_has(story: Story) -> None:
    found = {(each.what, each.why): each.settled for each in story.unknowns}
    assert found["ATAOS", "no answer in 30 s"] == "seen to have arrived: seen there"
    assert found["ESS:104", "nothing had been sent when deploydash stopped"] == "tried again, or followed anew"
    assert found["MTDome", "nothing had been sent when deploydash stopped"].startswith("waived by ops1@console: motor")
    early = tell(night()[:6], book())
    assert [each.settled for each in early.unknowns] == [STILL]


def test_a_script_that_was_never_added_is_told_as_such() -> None:
    line, *_ = [line for line in tell(night()[:16], book()).scripts if line.step == ENABLE]
    assert (line.script.path, line.outcome, line.states) == ("set_summary_state.py", "not added", ())


def test_a_journal_of_an_earlier_version_says_that_no_hash_was_written() -> None:
    old = RunOpened("r1", "summit", "full-cycle", "", OPERATOR, False, "/s/summit.yaml", "/b/night.yaml")
    text = markdown_report(tell([(T0, old)], book(), {"/s/summit.yaml": HASH}))
    assert "site file /s/summit.yaml, no hash was written when the run was opened" in text


def test_a_runbook_that_has_lost_steps_since_still_tells_what_is_left() -> None:
    small = small_runbook()
    (phase,) = small.phases
    kept = tuple(step for step in phase.steps if step.id not in {CSCS, StepId("bridges-stop"), StepId("queues")})
    story = tell(night(), replace(small, phases=(replace(phase, steps=kept),)))
    for text in (markdown_report(story), html_report(story)):
        assert "retried script 1 of enable" in text
        assert "recorded bridges-stop as signed off by camera team" in text


def test_what_did_not_change_is_unchanged() -> None:
    story = tell(night()[:3], book(), {"/s/summit.yaml": HASH, "/b/night.yaml": HASH})
    assert [file.since for file in story.files] == ["unchanged", "unchanged"]


def test_a_closed_run_has_its_last_step_done() -> None:
    small = book()
    (phase,) = small.phases
    close = replace(csc_step("close", (), OFFLINE), kind=StepKind.CLOSE)
    whole = replace(small, phases=(replace(phase, steps=(*phase.steps, close)),))
    assert tell(night(), whole).steps[-1].status == "done"
    assert tell(night()[:-1], whole).steps[-1].status == "pending"


def test_who_did_it_is_named_for_every_decision(story: Story) -> None:
    for each in story.timeline:
        if each.what.startswith(("approved ", "waived", "recorded", "skipped", "retried", "noted", "took", "ordered")):
            assert each.who in {OPERATOR, "the procedure"}, each
