"""A story as Markdown or as one HTML page that stands alone."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from deploydash.report.story import Story, broken_notice

HUES = {
    "ENABLED": "#00a370",
    "DISABLED": "#4b7386",
    "STANDBY": "#f0e400",
    "FAULT": "#df5601",
    "OFFLINE": "#29363d",
    "LOST": "#c77bd8",
    "UNKNOWN": "#0c161c",
}
"""The states' colours, from the bottom of the picture to its top."""


def clock(utc: float) -> str:
    """Return UTC unix seconds as ``21:04:12Z``."""
    return datetime.fromtimestamp(utc, UTC).strftime("%H:%M:%SZ")


def span(seconds: float | None) -> str:
    """Return a duration as ``h:mm:ss``, or nothing for None."""
    if seconds is None:
        return ""
    whole = round(seconds)
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"


def markdown_report(story: Story) -> str:
    """Return the report as Markdown."""
    out = [f"# {_title(story)}", "", *(f"- {fact}" for fact in _facts(story)), "", "## Steps", ""]
    out += ["| step | status | took | let go by |", "|---|---|---|---|"]
    out += [f"| {line.step} | {_cell(line.status)} | {span(line.seconds)} | {_cell(line.by)} |" for line in story.steps]
    out += _section("Stragglers", [f"{csc}: {outcome}, {why}" for csc, outcome, why in story.stragglers])
    out += _section("Waived, left broken", [f"{csc}: {reason}" for csc, reason in story.broken])
    out += _section("Debts still open", list(story.debts))
    out += ["", "## Timeline", "", "| UTC | who | what |", "|---|---|---|"]
    out += [f"| {clock(each.utc)} | {_cell(each.who)} | {_cell(each.what)} |" for each in story.timeline]
    out += _states_table(story)
    notice = broken_notice(story)
    if notice:
        out += ["", "## Message for the announcement channel", "", "```", notice, "```"]
    return "\n".join(out) + "\n"


def html_report(story: Story) -> str:
    """Return the report as one HTML page with a picture of the states over time."""
    steps = "".join(
        f"<tr><td>{escape(line.step)}<td>{escape(line.status)}<td>{span(line.seconds)}<td>{escape(line.by)}</tr>"
        for line in story.steps
    )
    moments = "".join(
        f"<tr><td>{clock(each.utc)}<td>{escape(each.who)}<td>{escape(each.what)}</tr>" for each in story.timeline
    )
    lists = _html_list("Stragglers", [f"{csc}: {outcome}, {why}" for csc, outcome, why in story.stragglers])
    lists += _html_list("Waived, left broken", [f"{csc}: {reason}" for csc, reason in story.broken])
    lists += _html_list("Debts still open", list(story.debts))
    facts = "".join(f"<li>{escape(fact)}</li>" for fact in _facts(story))
    notice = escape(broken_notice(story))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(_title(story))}</title>'
        "<style>body{font:15px sans-serif;max-width:70em;margin:2em auto;padding:0 1em}td{padding:.1em .8em .1em 0;"
        "vertical-align:top}pre{background:#eee;padding:1em}</style>"
        f"<h1>{escape(_title(story))}</h1><ul>{facts}</ul>{states_picture(story)}"
        f"<h2>Steps</h2><table>{steps}</table>{lists}<h2>Timeline</h2><table>{moments}</table>"
        + (f"<h2>Message for the announcement channel</h2><pre>{notice}</pre>" if notice else "")
        + "</html>\n"
    )


def states_picture(story: Story) -> str:
    """Return an SVG of how many CSCs were in each state over time; empty if nothing was sampled."""
    if len(story.states) < 2:
        return ""
    first, last = story.states[0][0], story.states[-1][0]
    most = max(sum(counts.values()) for _, counts in story.states) or 1
    bars = []
    for (utc, counts), (until, _) in zip(story.states, [*story.states[1:], (last, None)], strict=True):
        x, width = (utc - first) / (last - first) * 1000, max(1.0, (until - utc) / (last - first) * 1000)
        y = 200.0
        for state, hue in HUES.items():
            height = counts[state] / most * 200
            y -= height
            if height:
                bars.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{hue}"/>')
    legend = " ".join(f'<tspan fill="{hue}">■</tspan> {state}' for state, hue in HUES.items())
    return (
        '<svg viewBox="0 0 1000 225" role="img" aria-label="states of the CSCs over time">'
        f'{"".join(bars)}<text y="218" font-size="12">{clock(first)} to {clock(last)}  {legend}</text></svg>'
    )


def _title(story: Story) -> str:
    words = [story.opened.site, story.opened.runbook, story.opened.cycle]
    return ("REHEARSAL " if story.opened.rehearsal else "") + " ".join(word for word in words if word)


def _facts(story: Story) -> list[str]:
    ending = "closed" if story.closed else "last entry"
    took = span(story.last_utc - story.opened_utc)
    return [
        f"run {story.opened.run}, opened by {story.opened.operator}",
        f"opened {clock(story.opened_utc)}, {ending} {clock(story.last_utc)}, {took}",
        f"{story.commands} commands sent to CSCs",
        f"{len(story.stragglers)} targets failed or were unknown at some time, {len(story.broken)} waived",
    ]


def _section(title: str, entries: list[str]) -> list[str]:
    return ["", f"## {title}", "", *([f"- {entry}" for entry in entries] or ["none"])]


def _html_list(title: str, entries: list[str]) -> str:
    items = "".join(f"<li>{escape(entry)}</li>" for entry in entries)
    return f"<h2>{title}</h2>" + (f"<ul>{items}</ul>" if items else "<p>none</p>")


def _states_table(story: Story) -> list[str]:
    shown = [state for state in HUES if any(counts[state] for _, counts in story.states)]
    if not shown:
        return []
    step = max(1, len(story.states) // 24)
    rows = [
        f"| {clock(utc)} | " + " | ".join(str(counts[state]) for state in shown) + " |"
        for utc, counts in story.states[::step]
    ]
    head = ["", "## States over time", "", f"| UTC | {' | '.join(shown)} |", "|---" * (len(shown) + 1) + "|"]
    return [*head, *rows]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
