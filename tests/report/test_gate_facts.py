"""Whether they might is in the report: each change of a fact that a gate asked for, and no other fact."""

from dataclasses import replace

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.records import FactNoted
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.preconditions import FactHolds
from deploydash.core.run.records import RunOpened
from deploydash.report.render import html_report, markdown_report
from deploydash.report.story import story_of
from tests.support.runs import OPERATOR, small_runbook

T0 = 1_794_996_240.0
OPENED = RunOpened("summit-c0045-x", "summit", "full-cycle", "c0045", OPERATOR, rehearsal=True)
NOTICE = Fact("practices", "practice-notice/nublado", "nublado", False, "missing", "no notice in #rsp-team", T0)
EARLY = replace(NOTICE, value="early", sentence="long enough ago from 2026-12-01")
POSTED = replace(NOTICE, ok=True, value="posted", sentence="posted 22:56Z")
OTHER = replace(NOTICE, name="argocd/obssys", sentence="obssys is Synced")


def report(*facts: Fact) -> tuple[str, str]:
    """Return both forms of the report of a run whose Watcher waits for a notice, as ScriptQueues do."""
    book = small_runbook()
    asks = FactHolds(NOTICE.name, "notice was posted")
    steps = [
        replace(step, preconditions=(*step.preconditions, asks)) if step.id in {"watcher", "queues"} else step
        for step in book.phases[0].steps
    ]
    book = replace(book, phases=(replace(book.phases[0], steps=tuple(steps)), *book.phases[1:]))
    story = story_of([(T0, OPENED), *((T0 + at, FactNoted(fact, at)) for at, fact in enumerate(facts, 1))], book)
    return markdown_report(story), html_report(story)


def rows(text: str) -> list[list[str]]:
    _, _, told = text.partition("## Facts that gates asked for\n")
    return [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in told.partition("\n## ")[0].splitlines() if line
    ]


def test_each_change_of_a_fact_stands_at_every_step_that_asks_for_it() -> None:
    text, _ = report(NOTICE, EARLY, OTHER, POSTED)
    told = [row[1:] for row in rows(text)[2:]]
    assert told == [
        [step, "notice was posted", gate, fact.sentence]
        for fact, gate in ((NOTICE, "closed"), (EARLY, "closed"), (POSTED, "opened"))
        for step in (StepId("watcher"), StepId("queues"))
    ]


def test_the_same_fact_in_another_sentence_is_no_change() -> None:
    text, _ = report(NOTICE, replace(NOTICE, sentence="no notice yet"))
    assert len(rows(text)) == 4


def test_no_section_stands_where_no_gate_asked_for_what_was_reported() -> None:
    assert all("Facts that gates asked for" not in text for text in report(OTHER))


def test_the_page_has_the_same_section() -> None:
    assert "<h2>Facts that gates asked for</h2>" in report(POSTED)[1]
