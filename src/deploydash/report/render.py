"""A story as Markdown or as one HTML page that stands alone; both are made of the same sections."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from deploydash.core.outside_text import visible
from deploydash.core.views.record_text import Kind
from deploydash.core.words import clock, counted
from deploydash.report.items import WorkLine
from deploydash.report.picture import HUES, states_picture
from deploydash.report.story import DebtLine, Moment, StepLine, Story, broken_notice
from deploydash.report.systems import SystemLine, against_earlier, by_system, span

LISTED = (
    Kind.OVERRIDE,
    Kind.SKIP,
    Kind.RETRY,
    Kind.HOLD,
    Kind.SIGN_OFF,
    Kind.DIRECT,
    Kind.ADDED,
    Kind.CONTROL,
    Kind.QUESTION,
    Kind.FOREIGN,
    Kind.DEBT,
    Kind.DEBT_WAIVER,
    Kind.NOTE,
)
"""The kinds of moments with a section of their own, in this order; another section shows the others better."""


_BY_SYSTEM = ("system", "step", "what", "came to", "by", "began UTC", "took", "earlier runs", "owed")

_NO_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

_MARKS = re.compile(r"[\\`*\[~|$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[#+=-]")
"""What begins something in Markdown (CommonMark with tables): an underscore inside a word does not."""


@dataclass(frozen=True, slots=True)
class Section:
    """A title, perhaps a paragraph, and a table; without rows it says that there were none."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    about: str = ""


def sections(story: Story) -> list[Section]:
    """Return everything that both formats say in tables, in order."""
    return [
        Section("Steps", ("step", "status", "took", "approved by"), [_step(line) for line in story.steps]),
        Section("By system", _BY_SYSTEM, [_system(line) for _, lines in by_system(story.systems) for line in lines]),
        Section("Stragglers", ("what", "outcome", "why"), story.stragglers),
        Section("Waived, left broken", ("CSC", "reason"), [(str(csc), reason) for csc, reason in story.broken]),
        Section("Debts", ("debt", "to be put back", "made by", "now"), [_debt(line) for line in story.debts]),
        Section("Unknown outcomes", ("UTC", "step", "what", "why", "settled"), _unknowns(story)),
        Section(
            "Work", ("step", "what", "sent", "came to", "last words", "manual"), [_work(each) for each in story.work]
        ),
        *(_moments(_heading(kind), story.kinds[kind]) for kind in LISTED if story.kinds[kind]),
        _closures(story),
        *_gate_facts(story),
        _moments("Timeline", story.timeline),
    ]


def markdown_report(story: Story) -> str:
    """Return the report as Markdown."""
    out = [f"# {inline(_title(story))}", "", *(f"- {inline(fact)}" for fact in _facts(story))]
    for section in sections(story):
        out += ["", f"## {section.title}", ""]
        if section.about:
            out += [inline(section.about), ""]
        out += _markdown_table(section.head, section.rows) if section.rows else ["none"]
    out += _states_table(story)
    notice = broken_notice(story)
    if notice:
        out += ["", "## Message for the announcement channel", "", "```", notice.replace("```", "'''"), "```"]
    return visible("\n".join(out) + "\n", lines=True)


def html_report(story: Story) -> str:
    """Return the report as one HTML page with a picture of the states over time."""
    facts = "".join(f"<li>{escape(fact)}</li>" for fact in _facts(story))
    told = "".join(_html_section(section) for section in sections(story))
    notice = escape(broken_notice(story))
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(_title(story))}</title>'
        "<style>body{font:15px sans-serif;max-width:70em;margin:2em auto;padding:0 1em}"
        "td,th{padding:.1em .8em .1em 0;vertical-align:top;text-align:left;white-space:pre-wrap}"
        "pre{background:#eee;padding:1em}</style>"
        f"<h1>{escape(_title(story))}</h1><ul>{facts}</ul>{states_picture(story)}{told}"
        + (f"<h2>Message for the announcement channel</h2><pre>{notice}</pre>" if notice else "")
        + "</html>\n"
    )
    return visible(page, lines=True)


def _html_section(section: Section) -> str:
    about = f"<p>{escape(section.about)}</p>" if section.about else ""
    if not section.rows:
        return f"<h2>{escape(section.title)}</h2>{about}<p>none</p>"
    head = "".join(f"<th>{escape(cell)}" for cell in section.head)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}" for cell in row) + "</tr>" for row in section.rows)
    return f"<h2>{escape(section.title)}</h2>{about}<table><tr>{head}</tr>{rows}</table>"


def _title(story: Story) -> str:
    words = [story.opened.site, story.opened.runbook, story.opened.cycle]
    return ("REHEARSAL " if story.opened.rehearsal else "") + " ".join(word for word in words if word)


def _facts(story: Story) -> list[str]:
    absent = [kind.value for kind in LISTED if not story.kinds[kind]]
    ending = "closed" if story.closed else "last entry"
    left = counted(len(story.stragglers), "item")
    took = span(story.last_utc - story.opened_utc)
    day = datetime.fromtimestamp(story.opened_utc, UTC).strftime("%Y-%m-%d")
    return [
        f"run {story.opened.run}, opened by {story.opened.operator}",
        f"opened {day} {clock(story.opened_utc)}, {ending} {clock(story.last_utc)}, {took}",
        *(
            ", ".join(part for part in (f"{file.what} {file.path}", _sha(file.sha256), file.since) if part)
            for file in story.files
        ),
        f"{counted(story.requests, 'request')} sent, {story.commands} of them commands to CSCs",
        *([f"none of these: {', '.join(absent)}"] if absent else []),
        f"{left} failed or gave no answer, {counted(len(story.unknowns), 'was', 'were')} unknown for a while",
        f"waived: {len(story.broken) or 'none'}",
    ]


def _sha(sha256: str) -> str:
    return f"sha256 {sha256}" if sha256 else ""


def _step(line: StepLine) -> tuple[str, ...]:
    return line.step, line.status, span(line.seconds), line.by


def _system(line: SystemLine) -> tuple[str, ...]:
    began = clock(line.began_utc) if line.began_utc is not None else ""
    took = span(line.seconds)
    return line.system, line.step, line.what, line.came, line.by, began, took, against_earlier(line), line.owed


def _unknowns(story: Story) -> list[tuple[str, ...]]:
    return [
        (
            clock(each.utc),
            each.step,
            each.what,
            each.why,
            each.settled + (f", {clock(each.settled_utc)}" if each.settled_utc is not None else ""),
        )
        for each in story.unknowns
    ]


def _debt(line: DebtLine) -> tuple[str, ...]:
    return line.what, line.restore, line.step, line.stands


def _work(line: WorkLine) -> tuple[str, ...]:
    system = f" ({line.system})" if line.system else ""
    known = f" as {line.known_as}" if line.known_as else ""
    what = "; ".join(part for part in (f"{line.name}{system}{known}", line.why) if part)
    left = f"left: {line.left}" if line.left else ""
    came = "; ".join(part for part in (" > ".join(line.states), line.outcome, line.values, left) if part)
    return line.step, what, "\n".join(line.requests), came, line.line, "\n".join(line.manual)


def _closures(story: Story) -> Section:
    causes = Counter(closure.cause for closure in story.closures)
    seconds = sum(closure.seconds for closure in story.closures)
    told = ", ".join(f"{cause} {count}" for cause, count in causes.most_common())
    about = f"{counted(len(story.closures), 'closure')}, {seconds:.1f} s in all: {told}" if story.closures else ""
    return _moments(_heading(Kind.CLOSURE), story.kinds[Kind.CLOSURE], about)


def _gate_facts(story: Story) -> list[Section]:
    """Return the section about facts, which is there only where a gate asked for any that was reported."""
    rows = [
        (clock(each.utc), each.step, each.words, "opened" if each.opens else "closed", each.sentence)
        for each in story.gate_facts
    ]
    return [Section("Facts that gates asked for", ("UTC", "step", "fact", "gate", "report"), rows)] if rows else []


def _heading(kind: Kind) -> str:
    return kind.value[0].upper() + kind.value[1:]


def _moments(title: str, moments: Sequence[Moment], about: str = "") -> Section:
    return Section(title, ("UTC", "who", "what"), [(clock(each.utc), each.who, each.what) for each in moments], about)


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    return lines + [f"| {' | '.join(map(_cell, row))} |" for row in rows]


def _states_table(story: Story) -> list[str]:
    shown = [state for state in HUES if any(counts[state] for _, counts in story.states)]
    if not shown:
        return []
    step = max(1, len(story.states) // 24)
    rows = [(clock(utc), *(str(counts[state]) for state in shown)) for utc, counts in story.states[::step]]
    return ["", "## States over time", "", *_markdown_table(("UTC", *shown), rows)]


def inline(text: str) -> str:
    """Return text of people in which nothing reads as HTML, as a link, as code, or as anything but text."""
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split()).translate(_NO_HTML))


def _cell(text: str) -> str:
    lines = [inline(line) for line in text.splitlines()]
    return "<br>".join(line for line in lines if line)
