"""No text of people or machines is anything but text in a report."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId, SystemName
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.records import (
    AnswerOffered,
    CscsWaived,
    ItemAdded,
    ItemEnded,
    ItemProgressed,
    NoteWritten,
    Outcome,
    QuestionAsked,
    RequestIntended,
    RunOpened,
    StepApproved,
    StepSkipped,
)
from deploydash.core.views.timeline import Line
from deploydash.report.render import html_report, markdown_report
from deploydash.report.story import Story, story_of
from tests.support.poison import ESCAPES
from tests.support.runs import FIRST_ADDED, PLAIN, small_runbook
from tests.support.steering import steering

T0 = 1_794_996_240.0
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
LINK = "[click](javascript:alert(1)) <img src=x onerror=alert(1)> `code` **loud** # title | cell"


CSCS = StepId("cscs")


def work(text: str) -> Item:
    """Work of a system that says this text wherever it can."""
    return Item(FIRST_ADDED, text, SystemName(text), manual=(text, text))


def story(text: str) -> Story:
    lines: list[Line] = [
        (T0, RunOpened("summit-c0045-x", f"summit{text}", f"full-cycle{text}", text, text, rehearsal=False)),
        (T0 + 60, StepApproved(StepId("watcher"), text, 4, (text,), text)),
        (T0 + 130, CscsWaived((PLAIN[0],), text, text)),
        (T0 + 150, StepSkipped(StepId("queues"), text, text)),
        (T0 + 160, NoteWritten(text, text)),
        (T0 + 170, ItemAdded(CSCS, work(text), text)),
        (T0 + 171, RequestIntended(CSCS, FIRST_ADDED, text, text, owes=Debt("owed", text, (), text))),
        (T0 + 172, ItemProgressed(CSCS, FIRST_ADDED, text, text, known_as=text)),
        (T0 + 173, QuestionAsked(CSCS, FIRST_ADDED, text, (AnswerOffered(text, text),))),
        (T0 + 174, ItemEnded(CSCS, FIRST_ADDED, Outcome.UNKNOWN, text, ((text, text),), text)),
    ]
    return story_of(lines, small_runbook())


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(" ".join([tag, *(name for name, _ in attrs)]))


def tags(page: str) -> set[str]:
    parser = Tags()
    parser.feed(page)
    return parser.seen


@given(ANY_TEXT)
def test_no_text_puts_a_control_character_or_a_lone_surrogate_into_a_report(text: str) -> None:
    for report in (markdown_report(story(text)), html_report(story(text))):
        report.encode()
        assert steering(report) == []


@given(ANY_TEXT)
def test_no_text_makes_a_tag_of_its_own_in_html(text: str) -> None:
    assert tags(html_report(story(text))) <= tags(html_report(story("plain")))


@given(ANY_TEXT)
def test_no_text_adds_a_heading_a_row_or_a_column_to_markdown(text: str) -> None:
    told, plain = (re.sub(r"\\.", "", markdown_report(story(each))).splitlines() for each in (text, "plain"))
    assert [line for line in told if line.startswith("#")][1:] == [line for line in plain if line.startswith("#")][1:]
    fenced = [line.startswith("```") for line in told].count(True)
    assert fenced == [line.startswith("```") for line in plain].count(True)
    rows = [line.count("|") for line in told if line.startswith("|")]
    assert rows == [line.count("|") for line in plain if line.startswith("|")]


@pytest.mark.parametrize("text", [LINK, ESCAPES])
def test_links_code_and_loud_words_stay_what_was_typed(text: str) -> None:
    markdown = markdown_report(story(text)).partition("## Message")[0]
    bare = re.sub(r"\\.", "", markdown)
    assert "](" not in bare.replace("click](", "")
    assert "[click" not in bare
    assert "<img" not in markdown
    assert "**" not in bare
    assert "`" not in bare
    assert "img src onerror" not in tags(html_report(story(text)))
