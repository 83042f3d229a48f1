"""Everything known of one CSC, as lines. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from deploydash.cells import wrapped
from deploydash.core.fleet.facts import Fact, is_old, newest_first
from deploydash.core.fleet.snapshot import CscDetail, CscView, seconds_text
from deploydash.core.model import Effective, Liveness
from deploydash.ui.draw.glyphs import Glyphs
from deploydash.ui.draw.ink import Ink, Line, Span, Spans, fill, letter
from deploydash.ui.draw.lines import reason_of, rule, state_words
from deploydash.ui.draw.tiles import Moment, code, cut, group_of

LABEL = 18
_AHEAD_S = 2.0
"""Seconds by which a stamp may lie before us without its clock being wrong: ours may be, too."""

LEVELS = {40: "error", 30: "warning", 20: "info", 10: "debug"}


def detail_lines(
    view: CscView,
    detail: CscDetail | None,
    moment: Moment,
    width: int,
    direct: str = "",
    in_run: Sequence[str] = (),
    facts: Sequence[Fact] = (),
) -> list[Line]:
    """Return the detail of one CSC; ``detail`` is None until the session has gathered it.

    ``direct`` says what came of the last direct command, ``in_run`` what the run wants of this CSC, ``facts`` what
    other systems report about it.
    """
    glyphs = moment.glyphs
    lines = [Line(), Line(_heading(view, glyphs)), Line()]
    lines += _wrapped("why", reason_of(view, moment), width, Ink.BRIGHT)
    lines += [
        _field("reported", _reported(view, moment)),
        _field("heartbeat", _heartbeat(view, moment)),
        _field(
            "target",
            (
                Span(str(view.target) if view.target else "none in this phase"),
                Span(f"   {view.verdict.replace('_', ' ')}", Ink.DIM),
            ),
        ),
    ]
    if view.camera:
        lines.append(_field("sub-state", (Span(view.substate.name if view.substate else "not reported"),)))
    if view.error is not None:
        told = f"{view.error.code} {view.error.report}   {_time(view.error.sent_utc)}"
        lines += _wrapped("error code", told, width, letter(Effective.FAULT))
    if direct:
        lines += _wrapped("direct", direct, width, Ink.BRIGHT)
    for number, sentence in enumerate(in_run):
        lines += _wrapped("the run" if not number else "", sentence, width, Ink.TEXT)
    lines.append(_field("process", _process(view, detail)))
    if facts:
        lines += [Line(), rule("Reported by other systems", width, glyphs)]
        lines += fact_lines(facts, moment, width, lambda fact: fact.system)
    if detail is None:
        return [*lines, Line(), Line((Span("   gathering what is known", Ink.DIM),))]
    lines += [Line(), rule("Last minute of heartbeats", width, glyphs), _beats(detail, glyphs), _axis()]
    lines += [Line(), rule("States, newest first", width, glyphs)]
    lines += _states(detail, moment) or [Line((Span("   none reported", Ink.DIM),))]
    lines += [Line(), rule("Software and configuration", width, glyphs)]
    lines += _software(view, detail, width)
    lines += [Line(), rule("Log messages, newest first", width, glyphs)]
    lines += _logs(detail, width, glyphs) or [Line((Span("   none since we watch", Ink.DIM),))]
    return lines


def fact_lines(facts: Sequence[Fact], moment: Moment, width: int, name: Callable[[Fact], str]) -> list[Line]:
    """Return facts as they are read, each with its age; what departs stands out, an old one is marked.

    ``name``: what stands before each.
    """
    lines: list[Line] = []
    for fact in newest_first(facts):
        old = is_old(fact, moment.utc)
        ink = Ink.DIM if old else Ink.TEXT if fact.ok else Ink.BAD
        age = f"read {seconds_text(moment.utc - fact.read_utc)} ago"
        said = f"{fact.sentence}   ({age}{', old' if old else ''})"
        lines += _wrapped(cut(name(fact), LABEL - 1, moment.glyphs), said, width, ink)
    return lines


def _field(name: str, spans: Spans) -> Line:
    return Line((Span(f"   {name:<{LABEL}}", Ink.DIM), *spans))


def _wrapped(name: str, text: str, width: int, ink: Ink) -> list[Line]:
    parts = wrapped(text, max(8, width - LABEL - 5)) or [""]
    return [_field(name if not number else "", (Span(part, ink),)) for number, part in enumerate(parts)]


def _time(utc: float | None) -> str:
    return "time not known" if utc is None else f"{datetime.fromtimestamp(utc, UTC):%Y-%m-%d %H:%M:%S}Z"


def _ago(moment: Moment, utc: float) -> str:
    if utc > moment.utc + _AHEAD_S:
        return f", {seconds_text(utc - moment.utc)} ahead of our clock"
    return f", {seconds_text(moment.utc - utc)} ago"


def _heading(view: CscView, glyphs: Glyphs) -> Spans:
    spans = [
        Span("   "),
        Span(f" {code(view, glyphs)} ", fill(view.effective)),
        Span(f"  {view.csc}  ", Ink.TITLE),
        Span(state_words(view), letter(view.effective)),
        Span(f"   {group_of(view)}", Ink.DIM),
    ]
    for said, word in (
        (view.camera, "camera"),
        (view.protected, "protected"),
        (not view.expected, "not in the site file"),
    ):
        if said:
            spans.append(Span(f" {glyphs.dot} {word}", Ink.ACCENT))
    return tuple(spans)


def _reported(view: CscView, moment: Moment) -> Spans:
    if view.state_unread:
        return (Span(f"not known: its newest cannot be read ({view.state_unread})", Ink.WARN),)
    if view.reported is None:
        return (Span("no state reported"),)
    spans = [Span(view.reported.name)]
    ago = "" if view.reported_utc is None else _ago(moment, view.reported_utc)
    spans.append(Span(f"   {_time(view.reported_utc)}{ago}, from {_source(view)}", Ink.DIM))
    return tuple(spans)


def _source(view: CscView) -> str:
    return {"kafka": "Kafka", "efd": "the EFD", "none": "nowhere"}[view.source.value]


def _heartbeat(view: CscView, moment: Moment) -> Spans:
    ink = Ink.TEXT if view.liveness is Liveness.BEATING else Ink.WARN
    spans = [Span(view.liveness.value.replace("_", " "), ink)]
    if view.liveness in {Liveness.LATE, Liveness.SILENT, Liveness.UNREADABLE} and view.beat_at is not None:
        least = "at least " if view.beat_at_least else ""
        last = "last readable beat" if view.liveness is Liveness.UNREADABLE else "last beat"
        spans.append(Span(f"   {last} {least}{seconds_text(moment.now - view.beat_at)} ago", Ink.WARN))
    return tuple(spans)


def _process(view: CscView, detail: CscDetail | None) -> Spans:
    spans = [Span(f"origin {detail.origin}" if detail and detail.origin is not None else "origin unknown")]
    if view.restarts:
        spans.append(Span(f"   restarted {view.restarts} time{'s' * (view.restarts > 1)} while we watched", Ink.WARN))
    if view.duplicate:
        spans.append(Span("   two processes send heartbeats under this name", Ink.BAD))
    return tuple(spans)


def _beats(detail: CscDetail, glyphs: Glyphs) -> Line:
    spans = [Span("   ")]
    for count in detail.beats:
        if count < 0:
            spans.append(Span(glyphs.blind, Ink.DIM))
        elif not count:
            spans.append(Span(glyphs.missed, Ink.BAD))
        else:
            spans.append(Span(glyphs.beat if count == 1 else str(min(count, 9)), Ink.GOOD if count < 3 else Ink.WARN))
    return Line(tuple(spans))


def _axis() -> Line:
    return Line((Span("   60 s ago                   30 s ago                       now", Ink.DIM),))


def _states(detail: CscDetail, moment: Moment) -> list[Line]:
    lines: list[Line] = []
    later: float | None = moment.utc
    for utc, state, source in reversed(detail.states):
        lasted = ""
        if utc is not None and later is not None and utc <= later:
            lasted = f"for {seconds_text(later - utc)}  "
        ink = letter(Effective[state.name])
        lines.append(
            Line(
                (
                    Span(f"   {_time(utc):<20}  ", Ink.DIM),
                    Span(f"{state.name:<10}", ink),
                    Span(f"{lasted}{source.value}", Ink.DIM),
                )
            )
        )
        later = utc
    return lines


def _software(view: CscView, detail: CscDetail, width: int) -> list[Line]:
    mode = "not reported" if detail.simulation_mode is None else str(detail.simulation_mode)
    real = {None: "", 0: "   the real hardware"}.get(detail.simulation_mode, "   simulated")
    return [
        *_wrapped("CSC", detail.csc_version or "not reported", width, Ink.TEXT),
        *_wrapped("XML", detail.xml_version or "not reported", width, Ink.TEXT),
        _field("simulation mode", (Span(mode), Span(real, Ink.DIM))),
        *_wrapped("configuration", detail.configurations or "not reported", width, Ink.TEXT),
        *_wrapped("its version", detail.configuration_version or "not reported", width, Ink.TEXT),
        *_wrapped("overrides", ", ".join(view.overrides) or "none advertised", width, Ink.TEXT),
    ]


def _logs(detail: CscDetail, width: int, glyphs: Glyphs) -> list[Line]:
    lines: list[Line] = []
    for log in reversed(detail.logs):
        level = next((name for floor, name in LEVELS.items() if log.level >= floor), "trace")
        ink = Ink.BAD if log.level >= 40 else Ink.WARN if log.level >= 30 else Ink.TEXT
        time = "no time " if log.sent_utc is None else f"{datetime.fromtimestamp(log.sent_utc, UTC):%H:%M:%S}"
        head = Span(f"   {time}  ", Ink.DIM)
        text = " ".join(log.message.split())
        room = max(10, width - 24)
        parts = wrapped(text, room, most=3, sign=glyphs.cut) or [""]
        lines.append(Line((head, Span(f"{level:<9}", ink), Span(parts[0]))))
        lines += [Line((Span(" " * 22), Span(part))) for part in parts[1:]]
    return lines
