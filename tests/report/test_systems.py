"""The report says by system what was done, by whom, how long beside earlier runs, what was waived and what is owed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId, SystemName, csc_item, numbered
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.records import (
    ArrivalsLearned,
    CscsWaived,
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    ItemSignedOff,
    Outcome,
    RequestIntended,
    RunOpened,
    StepApproved,
    StepDone,
)
from deploydash.core.views.timeline import Line
from deploydash.report.render import html_report, markdown_report
from deploydash.report.story import Story, story_of
from deploydash.report.systems import SystemLine, against_earlier
from tests.support.runs import FIRST_ADDED, OPERATOR, PLAIN, WATCHER, small_runbook

T0 = 1_794_996_240.0
WATCHER_STEP, CSCS, BRIDGES = StepId("watcher"), StepId("cscs"), StepId("bridges-stop")
KETTLE = Item(FIRST_ADDED, "big kettle", SystemName("kettles"))
WATCHER_ITEM = csc_item(WATCHER)


def night() -> list[Line]:
    plain = tuple(csc_item(csc) for csc in PLAIN)
    return [
        (T0, RunOpened("summit-c0045-x", "summit", "full-cycle", "c0045", OPERATOR, rehearsal=True)),
        (T0 + 1, ArrivalsLearned(WATCHER_STEP, 3, ((WATCHER_ITEM, (20, 60, 61)),))),
        (T0 + 60, StepApproved(WATCHER_STEP, OPERATOR, 4)),
        (T0 + 60, ItemsDispatched(WATCHER_STEP, (WATCHER_ITEM,), OPERATOR)),
        (T0 + 290, ItemEnded(WATCHER_STEP, WATCHER_ITEM, Outcome.REACHED, "seen")),
        (T0 + 300, StepDone(WATCHER_STEP)),
        (T0 + 310, StepApproved(CSCS, OPERATOR, 5)),
        (T0 + 310, ItemsDispatched(CSCS, plain, OPERATOR)),
        (T0 + 320, ItemEnded(CSCS, plain[0], Outcome.REACHED, "seen")),
        (T0 + 321, ItemEnded(CSCS, plain[1], Outcome.FAILED, "refused")),
        (T0 + 322, CscsWaived((PLAIN[1],), OPERATOR, "motor removed")),
        (T0 + 330, ItemAdded(CSCS, KETTLE, OPERATOR)),
        (T0 + 330, ItemsDispatched(CSCS, (FIRST_ADDED,), OPERATOR)),
        (T0 + 331, RequestIntended(CSCS, FIRST_ADDED, "boil", owes=Debt("lid", "the lid of the kettle", ()))),
        (T0 + 340, ItemEnded(CSCS, FIRST_ADDED, Outcome.REACHED, "it boils")),
        (T0 + 350, ItemSignedOff(BRIDGES, numbered(0), "camera team", OPERATOR)),
    ]


@pytest.fixture(name="story")
def told() -> Story:
    return story_of(night(), small_runbook())


def lines(story: Story) -> dict[tuple[str, str], SystemLine]:
    return {(line.system, line.step): line for line in story.systems}


def test_each_system_has_its_steps_with_who_when_and_how_long_beside_earlier_runs(story: Story) -> None:
    watcher = lines(story)["sal", "watcher"]
    assert (watcher.began_utc, watcher.seconds, watcher.by) == (T0 + 60, 240.0, f"approved by {OPERATOR}")
    assert watcher.came == "1 done"
    assert watcher.what.endswith(": Watcher")
    assert against_earlier(watcher) == "3 runs: 0:01:00, 3 min longer now"


def test_what_was_waived_signed_off_and_is_owed_stands_with_the_system_that_did_it(story: Story) -> None:
    found = lines(story)
    assert found["sal", "cscs"].came.startswith("1 done, 1 waived")
    assert found["kettles", "cscs"].came == "1 done"
    assert "big kettle" in found["kettles", "cscs"].what
    assert "the lid of the kettle" in found["kettles", "cscs"].owed
    bridges = next(line for (_, step), line in found.items() if step == "bridges-stop")
    assert "signed off by camera team" in bridges.by


def test_a_step_that_nobody_began_is_not_told(story: Story) -> None:
    assert "queues" not in {step for _, step in lines(story)}


def test_it_stands_in_both_formats_system_after_system(story: Story) -> None:
    markdown, page = markdown_report(story), html_report(story)
    table = markdown.partition("## By system")[2].partition("\n## ")[0]
    systems = [row.split("|")[1].strip() for row in table.splitlines() if row.startswith("| ")][1:]
    assert systems == sorted(systems, key=systems.index), "a system is told in one go"
    assert "3 runs: 0:01:00, 3 min longer now" in table
    assert "3 runs: 0:01:00, 3 min longer now" in page


def test_the_report_knows_no_system_by_name() -> None:
    names = r"\b(ssh|kubernetes|argocd|github|slack|registry|orchestrator|kubectl|sal)\b"
    package = Path(__file__).parents[2] / "src" / "deploydash" / "report"
    code = {path.name: path.read_text("utf-8") for path in package.glob("*.py")}
    assert not [name for name, text in code.items() if re.search(names, text, re.IGNORECASE)]
