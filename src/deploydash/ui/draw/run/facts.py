"""What other systems report, as a page: how each feed is, what is about no CSC, and what departs. Pure."""

from __future__ import annotations

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.snapshot import FeedView
from deploydash.core.model import FeedName
from deploydash.core.words import counted
from deploydash.ui.draw.detail import fact_lines
from deploydash.ui.draw.header import feed_spans
from deploydash.ui.draw.ink import Ink, Line, Span
from deploydash.ui.draw.run.reading import Reading, folded


def facts_lines(reading: Reading, width: int) -> list[Line]:
    """Return each system with its feed and its facts; of those about CSCs only what departs, the rest is counted."""
    systems: dict[str, list[Fact]] = {}
    for feed in reading.snapshot.feeds:
        if feed.feed not in set(FeedName):
            systems[str(feed.feed)] = []
    for fact in reading.snapshot.facts:
        systems.setdefault(fact.system, []).append(fact)
    if not systems:
        return folded("No other system reports anything at this site.", width, Ink.DIM, "  ")
    feeds = {str(feed.feed): feed for feed in reading.snapshot.feeds}
    lines: list[Line] = []
    for system, facts in systems.items():
        lines += [_head(reading, system, feeds.get(system), width), *_facts(reading, facts, width), Line()]
    return lines[:-1]


def _head(reading: Reading, system: str, feed: FeedView | None, width: int) -> Line:
    if feed is None:
        return Line((Span(f"  {system}", Ink.BRIGHT), Span("   no feed", Ink.DIM)))
    spans = [Span("  "), *feed_spans(feed, reading.moment.now, reading.glyphs, detail=width)]
    return Line(tuple(spans))


def _facts(reading: Reading, facts: list[Fact], width: int) -> list[Line]:
    cscs = {str(csc) for csc in reading.views}
    shown = [fact for fact in facts if not fact.ok or fact.about not in cscs]
    lines = fact_lines(shown, reading.moment, width, lambda fact: fact.about or fact.name)
    fine = len(facts) - len(shown)
    if fine:
        lines += folded(f"{counted(fine, 'fact')} about CSCs as wanted: on the page of each", width, Ink.DIM, "   ")
    return lines or folded("nothing reported yet", width, Ink.DIM, "   ")
