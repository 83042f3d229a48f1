"""Snapshot to the lines around the grid: groups, banner, events, those off target, answers, footer. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from deploydash.cells import cells, padded, wrapped
from deploydash.core.fleet.snapshot import CscView, EventLine, GroupView
from deploydash.core.model import Effective, Verdict
from deploydash.ui.draw.glyphs import Glyphs, showable
from deploydash.ui.draw.header import row, width_of
from deploydash.ui.draw.ink import Ink, Line, Span, Spans, Surface, letter
from deploydash.ui.draw.tiles import RECENT_S, Look, Moment, bar, cut, look, without_state
from deploydash.ui.keys import KEYS, Scope

SMALL = 100
"""Cells; a narrower screen has three lines for what else takes two."""


def groups_lines(groups: Sequence[GroupView], width: int, glyphs: Glyphs) -> list[Line]:
    """Return the groups as bars, three a line: the grid of a small screen."""
    across = max(1, min(len(groups), (width - 1) // 25))
    figures_width = max((len(f"{group.at_target}/{group.total}") for group in groups), default=0)
    room = max(0, min(12, (width - 1) // across - figures_width - 16))
    lines: list[Line] = []
    for start in range(0, len(groups), across):
        spans: list[Span] = []
        for group in groups[start : start + across]:
            full = group.at_target == group.total
            name = f"{padded(cut(group.name, 12, glyphs), 12)} "
            figures = f" {group.at_target}/{group.total}".rjust(figures_width + 1)
            spans += [Span(" "), Span(name, Ink.DIM if full else Ink.BRIGHT)]
            spans += [
                *bar(group.at_target, group.total, room, glyphs),
                Span(f"{figures} ", Ink.DIM if full else Ink.TEXT),
            ]
        lines.append(Line(tuple(spans)))
    return lines


def rule(name: str, width: int, glyphs: Glyphs, *, bright: bool = False) -> Line:
    """Return a rule with a name in it."""
    head = Span(f" {name} ", Ink.TITLE if bright else Ink.DIM)
    return Line(
        (Span(glyphs.rule * 2, Ink.LINE), head, Span(glyphs.rule * max(0, width - 2 - cells(head.text)), Ink.LINE))
    )


def frame_top(name: str, width: int, glyphs: Glyphs, *, asking: bool) -> Line:
    """Return the top of a frame with a name in it; ``asking`` frames stand out."""
    left, right = ("╭", "╮") if glyphs.rule == "─" else ("+", "+")
    ink = Ink.WARN if asking else Ink.LINE
    head = f" {name} "
    rest = glyphs.rule * max(0, width - 3 - cells(head)) + right
    return Line((Span(left + glyphs.rule, ink), Span(head, Ink.WARN_TITLE if asking else Ink.TITLE), Span(rest, ink)))


def event(line: EventLine, utc: float, width: int, glyphs: Glyphs) -> Line:
    """Return one event: time, subject, change, detail. What went as planned is dim; what is new fades."""
    fresh = utc - line.utc < RECENT_S
    change = line.change.replace("→", glyphs.arrow)
    subject, changed = (20, 22) if width >= 100 else (14, 20)
    who = line.subject
    if who.count(".") > 2:
        # A topic: component and event tell more than the prefix that all topics share.
        who = ".".join(who.split(".")[-2:])
    quiet = Ink.DIM if line.calm and not fresh else Ink.TEXT
    spans = [
        Span(f" {datetime.fromtimestamp(line.utc, UTC):%H:%M:%S}  ", Ink.DIM),
        Span(f"{padded(cut(who, subject, glyphs), subject)}  ", quiet if line.calm else Ink.BRIGHT),
        Span(
            f"{padded(cut(change, changed, glyphs), changed)}  ",
            quiet if line.calm or line.effective is None else letter(line.effective),
        ),
    ]
    used = width_of(spans)
    spans.append(Span(cut(line.detail, max(0, width - used), glyphs), Ink.DIM if line.calm else Ink.TEXT))
    return Line(tuple(spans))


def state_words(view: CscView) -> str:
    """Return a CSC's effective state in words, with the camera's sub-state, and a star where OFFLINE is inferred."""
    substate = f"/{view.substate.name}" if view.camera and view.substate and view.effective is Effective.OFFLINE else ""
    return f"{view.effective.value}{substate}{'*' if view.inferred and view.effective is Effective.OFFLINE else ''}"


def departing(
    view: CscView,
    drawn: Look,
    moment: Moment,
    width: int,
    surface: Surface = Surface.PAGE,
    *,
    found: bool = False,
    why: str = "",
) -> Line:
    """Return one line of the off-target list: letter, name, age, wanted state, reason; ``why`` in place of that."""
    glyphs = moment.glyphs
    spans = [
        Span(f"{drawn.code:<2}", drawn.code_ink, surface),
        Span(" ", Ink.TEXT, surface),
        Span(padded(cut(str(view.csc), 19, glyphs), 19), Ink.FOUND if found else drawn.name_ink, surface),
        Span(f" {drawn.age:>5}  ", Ink.WARN, surface),
    ]
    reason = showable(why, glyphs) if why else _in_little_room(view, moment, with_state=width >= 60)
    if why and width < 60:
        reason = without_state(reason, view)
    spans.append(Span(cut(reason, max(0, width - width_of(spans)), glyphs), Ink.TEXT, surface))
    return Line(tuple(spans))


def departing_block(
    view: CscView, drawn: Look, moment: Moment, width: int, surface: Surface, *, found: bool = False
) -> list[Line]:
    """Return one entry of the off-target panel: who and in which state since when, then why, in two lines."""
    name = cut(str(view.csc), 21, moment.glyphs)
    ink = Ink.DIM if drawn.name_ink is Ink.DIM else letter(view.effective)
    head = [
        Span(f"{drawn.code:<2}", drawn.code_ink, surface),
        Span(" ", Ink.TEXT, surface),
        Span(name, Ink.FOUND if found else drawn.name_ink, surface),
        Span(f"  {state_words(view)}", ink, surface),
    ]
    if drawn.age:
        head.append(Span(f" {drawn.age}", Ink.WARN, surface))
    why = _in_little_room(view, moment)
    words = wrapped(why, max(10, width - 4), most=3, sign=moment.glyphs.cut)
    return [Line(tuple(head), surface), *(Line((Span(f"   {part}", Ink.DIM),)) for part in words)]


def reason_of(view: CscView, moment: Moment) -> str:
    """Return why a CSC counts as it does, and what other systems report that is the likely reason, if they do."""
    reason = own_reason(view, moment)
    return f"{reason}; {showable(view.likely, moment.glyphs)}" if view.likely and is_off(view) else reason


def _in_little_room(view: CscView, moment: Moment, *, with_state: bool = False) -> str:
    """Return the same where the end of it may be cut off: the likely reason comes first."""
    own = own_reason(view, moment)
    own = own.removeprefix("says ") if with_state else without_state(own, view)
    return f"{showable(view.likely, moment.glyphs)}; {own}" if view.likely and is_off(view) else own


def is_off(view: CscView) -> bool:
    """Whether a CSC is not where it is wanted, as far as is known."""
    return view.verdict in {Verdict.OFF_TARGET, Verdict.UNKNOWN}


def own_reason(view: CscView, moment: Moment) -> str:
    """Return why a CSC counts as it does, in one sentence, with what FAULT reported and what was wanted."""
    reason = view.reason.render(moment.now)
    if not view.expected:
        reason += "; not in the site file"
    if view.error is not None and (view.error.report not in reason or str(view.error.code) not in reason):
        code = f"error {view.error.code}"
        told = f"{code} “{view.error.report}”" if view.error.report else code
        reason = reason.replace(code, told) if code in reason else f"{reason}; {told}"
    lost = view.effective is Effective.LOST
    if view.verdict is Verdict.OFF_TARGET and view.target is not None and not lost and str(view.target) not in reason:
        reason += f"; target {view.target}"
    return showable(reason, moment.glyphs)


def selection(view: CscView, moment: Moment, width: int) -> Line:
    """Return the line under the grid: the selected CSC, its state, and why it counts as it does."""
    drawn = look(view, moment)
    spans = [
        Span(" "),
        Span(drawn.code, drawn.code_ink),
        Span(f" {view.csc}  ", Ink.BRIGHT),
        Span(f"{state_words(view)}  ", Ink.TEXT),
    ]
    why = _in_little_room(view, moment)
    spans.append(Span(cut(why, max(0, width - width_of(spans) - 1), moment.glyphs), Ink.DIM))
    return Line(tuple(spans))


def message(sentence: str, width: int) -> list[Line]:
    """Return an answer to the operator in as many lines as it takes, three at most."""
    return [Line((Span(f" {part}", Ink.WARN),)) for part in wrapped(sentence, max(10, width - 2), most=3)]


def banner(sentence: str, width: int, glyphs: Glyphs) -> list[Line]:
    """Return the sentence that blames the feed, not the observatory: two lines at most, three on a small screen.

    A longer one is cut before its last clause, which says what to make of the screen.
    """
    rows = 3 if width < SMALL else 2
    room = max(1, width - 4)
    parts = wrapped(sentence, room)
    before, mark, last = sentence.rpartition("; ")
    while len(parts) > rows and before:
        before = before.rpartition(" ")[0]
        parts = wrapped(f"{before} {glyphs.cut}{mark}{last}", room)
    if len(parts) > rows:
        parts = [*parts[: rows - 1], cut(" ".join(parts[rows - 1 :]), room, glyphs)]
    signs = [glyphs.down] + [" "] * rows
    return [
        Line((Span(padded(f" {sign} {part}", width), Ink.FILL_FAULT),))
        for sign, part in zip(signs, parts, strict=False)
    ]


def keys_line(scope: Scope, width: int, words: Mapping[str, str], surface: Surface) -> Line:
    """Return the footer of a scope from the key table; ``words`` replaces what an act is called now.

    Help and quit stand at the right and are the last to go.
    """
    left: list[Spans] = []
    right: list[Spans] = []
    for key in KEYS:
        if key.scope is scope and key.footer:
            part = (Span(key.shown, Ink.ACCENT), Span(f" {words.get(key.act, key.footer)}", Ink.DIM))
            (right if key.act in {"help", "quit", "close"} else left).append(part)
    if left:
        left[0] = (Span(" "), *left[0])
    if right:
        right[-1] = (*right[-1], Span(" "))
    return row(left, right, width, surface)
