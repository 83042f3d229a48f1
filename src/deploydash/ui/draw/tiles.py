"""Snapshot to tiles: which letter, which mark, which look, which age. Pure; the geometry is in ``layout``.

A tile is a letter and a mark: ``E`` as told, ``F!`` needs a person, ``O*`` inferred, ``S~`` beats late, ``S›`` on its
way, ``E?`` last seen so, not known now. Colour only repeats what they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploydash.cells import cells
from deploydash.cells import cut as cells_cut
from deploydash.core.fleet.snapshot import CscView, GroupView
from deploydash.core.model import Effective, Liveness, Verdict
from deploydash.ui.draw.glyphs import Glyphs
from deploydash.ui.draw.ink import Ink, Span, Spans, Surface, amiss, fill, letter
from deploydash.ui.draw.pieces import INDENT, Piece

LETTERS = {
    Effective.ENABLED: "E",
    Effective.DISABLED: "D",
    Effective.STANDBY: "S",
    Effective.FAULT: "F",
    Effective.OFFLINE: "O",
    Effective.LOST: "L",
    Effective.UNKNOWN: "?",
}
ALARMS = frozenset({Effective.FAULT, Effective.LOST})

FRESH_S = 2.0
RECENT_S = 6.0
"""A change stands out for FRESH_S, is plain text until RECENT_S, then as calm as everything else."""

UNEXPECTED = "Unexpected"
"""The display group of CSCs that the site file does not name."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a tile's look depends on beside its CSC: both clocks (s), and the operator's choices.

    ``by_state`` shows state colours instead of mismatch; ``listening`` that nothing is decided yet.
    """

    now: float
    utc: float
    glyphs: Glyphs
    by_state: bool = False
    listening: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """How one CSC is drawn, as a tile or as a chip. ``timed``: it will look different a second later."""

    code: str
    code_ink: Ink
    name_ink: Ink
    age: str
    timed: bool
    filled: bool


def brief(seconds: float) -> str:
    """Return an age in at most four cells: ``41s``, ``2m``, ``3h``, ``5d``."""
    whole = max(0, int(seconds))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if whole >= size:
            return f"{min(whole // size, 999)}{unit}"
    return f"{whole}s"


def group_of(view: CscView) -> str:
    """Return the display group of a CSC."""
    return view.group if view.expected else UNEXPECTED


def is_departing(view: CscView) -> bool:
    """Say whether a CSC belongs on the list of those that are not where they should be."""
    return view.verdict in {Verdict.OFF_TARGET, Verdict.UNKNOWN, Verdict.MOVING} or not view.expected


RANKS = 6
"""How many severities there are."""


def severity(view: CscView) -> int:
    """Return the place of a CSC among those off target, worst first: 0 to RANKS - 1."""
    if view.verdict is Verdict.MOVING:
        return 5
    if view.liveness is Liveness.FEED_DOWN:
        return 4
    if view.effective in ALARMS:
        return 0 if view.effective is Effective.FAULT else 1
    return 2 if view.verdict is Verdict.OFF_TARGET else 3


def code(view: CscView, glyphs: Glyphs) -> str:
    """Return a CSC's letter with its mark, one or two characters."""
    mark = ""
    if view.effective is Effective.UNKNOWN:
        mark = ""
    elif view.verdict is Verdict.UNKNOWN:
        mark = "?"
    elif view.effective in ALARMS or (
        view.verdict is Verdict.OFF_TARGET and view.target is not None and view.effective == view.target.state.name
    ):
        mark = "!"
    elif view.inferred:
        mark = "*"
    elif view.liveness is Liveness.LATE:
        mark = "~"
    elif view.verdict is Verdict.MOVING:
        mark = glyphs.moving
    return LETTERS[view.effective] + mark


def age_of(view: CscView, moment: Moment) -> str:
    """Return the age that a tile shows, or nothing: only what is late, silent without being meant to, or in FAULT."""
    calm = view.verdict in {Verdict.AT_TARGET, Verdict.NO_TARGET}
    if view.liveness is Liveness.FEED_DOWN or moment.listening:
        return ""
    quiet = view.liveness in {Liveness.SILENT, Liveness.UNSEEN} and not calm
    if quiet or view.liveness is Liveness.LATE:
        since = view.beat_at if view.beat_at is not None else view.reason.since
        if since is None or (view.beat_at is None and view.reported is None):
            return "" if calm else "never"
        return (">" if view.beat_at_least or view.reason.at_least else "") + brief(moment.now - since)
    if view.effective is Effective.FAULT and view.reported_utc is not None:
        return brief(moment.utc - view.reported_utc)
    return ""


def look(view: CscView, moment: Moment) -> Look:
    """Return how a CSC is drawn now."""
    since = moment.now - view.changed_at if view.changed_at is not None else RECENT_S
    age = age_of(view, moment)
    code_ink, name_ink = _state_inks(view) if moment.by_state else _target_inks(view, moment, since)
    return Look(
        code(view, moment.glyphs),
        code_ink,
        name_ink,
        age,
        timed=since < RECENT_S or age not in {"", "never"},
        filled=code_ink.startswith("fill"),
    )


def _target_inks(view: CscView, moment: Moment, since: float) -> tuple[Ink, Ink]:
    waited_for = moment.listening and view.verdict is Verdict.UNKNOWN and view.liveness is not Liveness.UNREADABLE
    if view.liveness is Liveness.FEED_DOWN or waited_for:
        return Ink.DIM, Ink.DIM
    if view.verdict is Verdict.OFF_TARGET:
        return amiss(view.effective), Ink.BRIGHT
    if view.verdict is Verdict.UNKNOWN:
        return letter(Effective.UNKNOWN), Ink.BRIGHT
    if view.verdict is Verdict.MOVING:
        return letter(view.effective), Ink.TEXT
    if since < FRESH_S:
        return letter(view.effective), Ink.BRIGHT
    return (Ink.TEXT, Ink.TEXT) if since < RECENT_S or view.liveness is Liveness.LATE else (Ink.DIM, Ink.DIM)


def _state_inks(view: CscView) -> tuple[Ink, Ink]:
    if view.liveness is Liveness.FEED_DOWN:
        return Ink.DIM, Ink.DIM
    return fill(view.effective), Ink.BRIGHT if is_departing(view) else Ink.TEXT


def without_state(sentence: str, view: CscView) -> str:
    """Return a reason for a place where the state stands beside it already."""
    rest = sentence.removeprefix("says ").removeprefix(view.effective.value)
    if view.substate is not None:
        rest = rest.removeprefix(f"/{view.substate.name}")
    return rest.lstrip(":;, ")


def cut(text: str, width: int, glyphs: Glyphs) -> str:
    """Return ``text`` in at most ``width`` cells; an index after a colon stays whole."""
    name, colon, index = text.rpartition(":")
    if colon and index.isdecimal() and cells(text) > width > cells(index) + 1:
        return f"{cells_cut(f'{name}{glyphs.cut}', width - cells(index) - 1, glyphs.cut)}:{index}"
    return cells_cut(text, width, glyphs.cut)


def tile(
    label: str, drawn: Look, width: int, glyphs: Glyphs, surface: Surface = Surface.PAGE, *, found: bool = False
) -> Spans:
    """Return a CSC alone: letter, mark, name, and its age where there is room."""
    name = cut(label, width - INDENT, glyphs)
    spans = [
        Span(f"{drawn.code:<2}", drawn.code_ink, surface),
        Span(" ", Ink.TEXT, surface),
        Span(name, Ink.FOUND if found else drawn.name_ink, surface),
    ]
    if drawn.age and INDENT + cells(name) + 1 + len(drawn.age) <= width:
        spans += [Span(" ", Ink.TEXT, surface), Span(drawn.age, Ink.WARN, surface)]
    return tuple(spans)


def chip(index: str, drawn: Look, surface: Surface = Surface.PAGE, *, found: bool = False) -> Spans:
    """Return one index of a family: letter, mark, index. What is off target is filled as a whole."""
    if drawn.filled and not found:
        return (Span(drawn.code + index, drawn.code_ink, surface),)
    ink = Ink.FOUND if found else Ink.TEXT if drawn.code_ink.startswith("letter") else drawn.name_ink
    return Span(drawn.code, drawn.code_ink, surface), Span(index, ink, surface)


def title(name: str, counts: GroupView | None, width: int, glyphs: Glyphs) -> Spans:
    """Return a group's title: name, bar, n of m at target."""
    if counts is None or not counts.total:
        return (Span(cut(name, width, glyphs), Ink.TITLE),)
    figures = f"{counts.at_target}/{counts.total}"
    shown = cut(name, width - len(figures) - 1, glyphs)
    room = width - cells(shown) - len(figures) - 2
    full = counts.at_target == counts.total
    count = Span(f" {figures}", Ink.GOOD if full else Ink.TEXT)
    if room < 3:
        return Span(shown, Ink.TITLE), Span(" " * (width - cells(shown) - len(figures) - 1)), count
    return Span(f"{shown} ", Ink.TITLE), *bar(counts.at_target, counts.total, room, glyphs), count


def bar(part: int, whole: int, width: int, glyphs: Glyphs) -> Spans:
    """Return a bar of ``width`` cells; it is full only when nothing is missing and empty only at nothing."""
    filled = width * part // whole if whole else 0
    if part and not filled:
        filled = 1
    ink = Ink.GOOD if part == whole else Ink.ACCENT
    return Span(glyphs.full * filled, ink), Span(glyphs.rest * (width - filled), Ink.LINE)


def family(piece: Piece, members: Sequence[CscView], moment: Moment) -> Spans:
    """Return the name of an indexed component, with n of m where its indices take rows of their own.

    What is not decided or only remembered is not counted.
    """
    glyphs = moment.glyphs
    name = Span(" " * INDENT + cut(piece.label, piece.width - INDENT, glyphs), Ink.DIM)
    at_target = sum(view.verdict in {Verdict.AT_TARGET, Verdict.NO_TARGET} for view in members)
    stale = moment.listening or all(view.liveness is Liveness.FEED_DOWN for view in members)
    if not piece.items or stale or at_target == len(piece.items):
        return (name,)
    figures = f" {at_target}/{len(piece.items)}"
    if cells(name.text) + len(figures) > piece.width:
        return (name._replace(ink=Ink.TEXT),)
    return name._replace(ink=Ink.TEXT), Span(figures, Ink.ACCENT)
