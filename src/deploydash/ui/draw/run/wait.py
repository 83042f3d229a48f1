"""The wait as a screen of its own: one sentence that says who blocks and what to press, then the figures. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from deploydash.cells import padded
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Effective, Liveness
from deploydash.core.procedure.names import csc_item
from deploydash.core.views.wait_view import WaitView
from deploydash.core.words import counted, listed
from deploydash.ui.draw.header import width_of
from deploydash.ui.draw.ink import Ink, Line, Span, Surface, fill, letter
from deploydash.ui.draw.lines import event, rule, state_words
from deploydash.ui.draw.run.eta import eta_line
from deploydash.ui.draw.run.failures import state_evidence
from deploydash.ui.draw.run.reading import Reading, box, chart, folded, lasting, since
from deploydash.ui.draw.run.runbook import debt_lines
from deploydash.ui.draw.tiles import bar, code, cut, look

READ = 76
"""Whatever decides stands within this many columns: a mirror may see no more."""

ROOMY = 90
"""From this width on the board has a column for the state that is wanted."""

DISTRESS = (Effective.FAULT, Effective.LOST)


@dataclass(frozen=True, slots=True)
class BoardFocus:
    """What the operator has chosen on the board of a wait: a line of it, and CSCs marked."""

    row: int = 0
    marked: frozenset[CscId] = frozenset()


@dataclass(frozen=True, slots=True)
class Straggler:
    """One line of the board: who is not there yet, for how many seconds of this wait, and why probably.

    ``others``: the rest of a group that was LOST before the run opened and stands on one line.
    """

    csc: CscId
    view: CscView | None
    missing_s: float
    reason: str
    others: tuple[CscId, ...] = ()

    @property
    def cscs(self) -> tuple[CscId, ...]:
        """Everyone of this line."""
        return (self.csc, *self.others)

    @property
    def name(self) -> str:
        """Who it is: a CSC, or how many of a group."""
        if not self.others or self.view is None:
            return str(self.csc)
        return f"{len(self.cscs)} of {self.view.group}"


def stragglers(reading: Reading, wait: WaitView) -> list[Straggler]:
    """Return those off target, longest first; in the order of the runbook where that is equal.

    Who was LOST before the run opened is one line for each group: that is how it began, and no news of each.
    """
    groups: dict[str, list[CscId]] = {}
    for csc in wait.missing:
        if csc in reading.run.lost:
            groups.setdefault(reading.views[csc].group, []).append(csc)
    together = {csc: cscs for cscs in groups.values() if len(cscs) > 1 for csc in cscs}
    found = []
    for csc in wait.missing:
        view, group = reading.views.get(csc), together.get(csc, [csc])
        if csc != group[0]:
            continue
        if len(group) > 1:
            reason = f"LOST before the run opened: {listed(group)}"
            found.append(Straggler(csc, view, _missing_s(view, reading, wait), reason, tuple(group[1:])))
            continue
        found.append(Straggler(csc, view, _missing_s(view, reading, wait), likely_reason(view, reading)))
    return sorted(found, key=lambda one: -one.missing_s)


def _missing_s(view: CscView | None, reading: Reading, wait: WaitView) -> float:
    elapsed = max(0.0, reading.moment.utc - wait.started_utc)
    if view is None or view.changed_at is None:
        return elapsed
    return min(elapsed, max(0.0, reading.moment.now - view.changed_at))


def likely_reason(view: CscView | None, reading: Reading) -> str:
    """Return why a CSC is probably not there, from what it shows and the last error it logged."""
    if view is None:
        return "not in what is watched"
    parts = [*([view.likely] if view.likely else []), state_evidence(view, reading)]
    if view.restarts and "restarted" not in parts[-1]:
        parts.append(f"restarted {counted(view.restarts, 'time')}")
    detail = reading.snapshot.detail
    logged = view.logged
    if detail is not None and detail.csc == view.csc and detail.logs:
        logged = detail.logs[-1]  # the newest, whatever the clock said that stamped it
    if logged is not None:
        at = "" if logged.sent_utc is None else f" {datetime.fromtimestamp(logged.sent_utc, UTC):%H:%M}"
        parts.append(f"log{at}: {' '.join(logged.message.split())}")
    return "; ".join(parts)


def helps(view: CscView | None) -> str:
    """Return what usually helps, in a phrase."""
    if view is None or view.liveness is Liveness.UNSEEN:
        return "see whether its process was started at all"
    if view.liveness is Liveness.UNREADABLE or view.state_unread:
        return "see that the schema registry knows the schemas of its records"
    if view.duplicate:
        return "stop one of the two processes"
    if view.effective is Effective.FAULT:
        return "fix what the code says, then standby clears it"
    if view.effective is Effective.LOST or view.liveness is Liveness.SILENT:
        return "see its process, and start it again"
    if view.restarts:
        return "read its log: it starts again and again"
    return "send it there with a direct command, or ask its owner"


def blocking_sentence(reading: Reading, wait: WaitView) -> str:
    """Return who blocks, since when, what usually helps and which keys answer, as sentences."""
    return " ".join((*blocking(reading, wait), keys_sentence(reading, wait)))


def blocking(reading: Reading, wait: WaitView) -> tuple[str, ...]:
    """Return who blocks since when, and what usually helps."""
    missing = stragglers(reading, wait)
    if not missing:
        return ("All CSCs are at target or waived.",)
    worst = missing[0]
    state = state_words(worst.view) if worst.view is not None else "not seen"
    if worst.view is not None and worst.view.liveness is Liveness.UNSEEN:
        state = "no heartbeat yet"
    age = None if worst.view is None else since(worst.view, reading.moment)
    began = "" if age is None else f" since {datetime.fromtimestamp(reading.moment.utc - age, UTC):%H:%M:%S} UTC"
    more = sum(len(one.cscs) for one in missing[1:])
    verb = "blocks" if not more and not worst.others else "block"
    who = f"{worst.name} and {more} more {verb}" if more else f"{worst.name} {verb}"
    over = "The limit is over. " if _late_s(reading, wait) >= 0 else ""
    first = f"{over}{who}: {state}{began}, waited for {lasting(worst.missing_s)}."
    return (first, f"What usually helps: {helps(worst.view)}.")


def keys_sentence(reading: Reading, wait: WaitView) -> str:
    """Return which keys answer."""
    if not reading.lead:
        return f"{reading.run.operator} decides; H asks for a hold."
    if not wait.missing:
        return "Press Enter to end the wait; it never ends by itself."
    return "Press w to waive by name, e for 10 min more, H to hold."


def _late_s(reading: Reading, wait: WaitView) -> float:
    return reading.moment.utc - wait.started_utc - wait.limit_s


def wait_lines(reading: Reading, focus: BoardFocus, width: int, height: int, *, bell: bool) -> list[Line]:
    """Return the page of a wait in ``height`` lines."""
    wait = reading.run.wait
    if wait is None:
        return [Line(), *folded("No wait is under way. Esc goes back to the run.", width, Ink.DIM, "  ")]
    roomy = height >= 30
    found = stragglers(reading, wait)
    top = _top(reading, wait, width, roomy=roomy)
    events = _events(reading, width, 6 if height >= 40 else 5) if height >= 26 else []
    room = height - len(top) - len(events)
    wanted = len(found) + 6 + len(_waived(reading, width - 4))
    debts = _debts(reading, width, max(1, min(5, room - wanted - 2))) if roomy else []
    room -= len(debts)
    board = _board(reading, found, focus, width, max(5, min(room, wanted)), bell=bell)
    blank = [Line()] * max(0, room - len(board))
    return [*top, *board, *debts, *blank, *events][:height]


def _top(reading: Reading, wait: WaitView, width: int, *, roomy: bool) -> list[Line]:
    elapsed = max(0.0, reading.moment.utc - wait.started_utc)
    over = elapsed >= wait.limit_s
    asking = over or not wait.missing
    inner = width - 4
    there = wait.there
    first, *help_ = blocking(reading, wait)
    body = folded(first, min(inner, READ), Ink.BRIGHT)
    for sentence in (*help_, keys_sentence(reading, wait)):
        body += _with_keys(sentence, min(inner, READ))
    counts = [
        Span(str(there), Ink.BRIGHT),
        Span(f" of {wait.total} at target", Ink.TEXT),
        Span(f", {len(wait.waived)} waived" if wait.waived else "", Ink.TEXT),
        Span("      elapsed ", Ink.DIM),
        Span(lasting(elapsed), Ink.BAD if over else Ink.BRIGHT),
        Span(f" of {lasting(wait.limit_s)}", Ink.TEXT),
    ]
    if over:
        counts.append(Span(f"      {lasting(elapsed - wait.limit_s)} over", Ink.BAD))
    body += [*([Line()] if roomy else []), Line(tuple(counts)), *_eta(reading, wait, inner)]
    body.append(Line(bar(there, wait.total, inner, reading.glyphs)))
    cells = min(inner, int(inner * elapsed / wait.limit_s)) if wait.limit_s else inner
    clock = Span(reading.glyphs.rest * cells, Ink.BAD if over else Ink.ACCENT)
    body.append(Line((clock, Span(reading.glyphs.rest * (inner - cells), Ink.LINE))))
    if roomy:
        body += _arrivals(reading, wait, inner)
        body += [
            Line(),
            Line(
                (
                    Span(
                        f"The wait never ends by itself: at {lasting(wait.limit_s)} extend, waive or hold.",
                        Ink.DIM,
                    ),
                )
            ),
        ]
    name = "The limit is over" if over and wait.missing else "Waiting for every CSC to reach its target"
    if not wait.missing:
        name = "All CSCs at target"
    return box(name, body, width, len(body) + 2, reading, asking=asking)


def _with_keys(sentence: str, width: int) -> list[Line]:
    """Return a sentence in which the keys stand out."""
    lines = []
    for line in folded(sentence, width):
        parts = re.split(r"(\b(?:w|e|H|Enter)\b)", line.spans[0].text)
        spans = [Span(part, Ink.ACCENT if part in {"w", "e", "H", "Enter"} else Ink.TEXT) for part in parts]
        lines.append(Line(tuple(spans)))
    return lines


def _eta(reading: Reading, wait: WaitView, inner: int) -> list[Line]:
    missing = [csc_item(csc) for csc in wait.missing]
    return [eta_line(reading, missing, wait.earlier, wait.started_utc, inner)] if missing else []


def _arrivals(reading: Reading, wait: WaitView, inner: int) -> list[Line]:
    if not wait.arrivals:
        return []
    last = max(wait.arrivals)
    elapsed = max(1.0, reading.moment.utc - wait.started_utc)
    cells = max(8, min(inner - 36, 42))
    drawn = chart(sorted(wait.arrivals), wait.started_utc, wait.started_utc + elapsed, wait.total, cells, reading.signs)
    ago = lasting(reading.moment.utc - last)
    who = f"{wait.last} " if wait.last is not None else ""
    return [Line((Span(drawn, Ink.ACCENT), Span(f" arrivals; last one {who}{ago} ago", Ink.DIM)))]


def _board(
    reading: Reading, found: list[Straggler], focus: BoardFocus, width: int, height: int, *, bell: bool
) -> list[Line]:
    inner = width - 4
    row = min(focus.row, len(found) - 1)
    owner = reading.owners.get(found[row].csc) if found else None
    to = f" to {owner.name}" if owner is not None else ""
    keys = _keys(reading, _whom(found, focus, row), cut(to, 24, reading.glyphs), missing=bool(found), bell=bell)
    foot = [Line(), *keys, *_waived(reading, inner)]
    if height - 3 - len(foot) < len(found):
        foot = [line for line in foot if line.spans]
    room = max(1, height - 3 - len(foot))
    first = max(0, min(row - room // 2, len(found) - room))
    body: list[Line] = []
    if found:
        wants = f"{'wants':<14}" if inner >= ROOMY else ""
        owners = f"{'owner':<20}" if inner >= ROOMY and reading.owners else ""
        body.append(Line((Span(f" {'CSC':<19}{'now':<14}{wants}{'for':>7}  {owners}likely reason", Ink.DIM),)))
        body += [
            straggler_line(reading, one, inner, number == row, focus.marked.issuperset(one.cscs))
            for number, one in list(enumerate(found))[first : first + room]
        ]
    body += foot
    missing = sum(len(one.cscs) for one in found)
    count = f"{missing} not at target, longest first" if found else "All CSCs at target or waived"
    hidden = f" {reading.glyphs.dot} {len(found) - room} more below" if len(found) > room and first == 0 else ""
    return box(f"{count}{hidden}", body, width, len(body) + 2, reading, asking=False)


def _whom(found: list[Straggler], focus: BoardFocus, row: int) -> str:
    marked = [csc for one in found for csc in one.cscs if csc in focus.marked]
    if len(marked) > 1:
        return f"these {len(marked)}"
    if marked:
        return str(marked[0])
    return found[row].name if found else ""


def straggler_line(reading: Reading, one: Straggler, width: int, here: bool, marked: bool) -> Line:
    """Return one line of the board: who, state now, state wanted, for how long, whose it is, why."""
    glyphs = reading.glyphs
    surface = Surface.SELECTED if here else Surface.PAGE
    mark = reading.signs.marked if marked else glyphs.cursor if here else " "
    spans = [Span(mark, Ink.ACCENT), Span(padded(cut(one.name, 18, glyphs), 19), Ink.BRIGHT)]
    view = one.view
    if view is None:
        spans.append(Span(f"{'not seen':<14}", Ink.WARN))
    else:
        drawn = look(view, reading.moment)
        words = "unseen" if view.liveness is Liveness.UNSEEN else state_words(view)
        loud = view.effective in DISTRESS or drawn.filled
        spans.append(Span(f"{code(view, glyphs):<2}", fill(view.effective) if loud else letter(view.effective)))
        spans.append(Span(f" {padded(cut(words, 10, glyphs), 11)}", letter(view.effective)))
    if width >= ROOMY:
        wants = str(view.target) if view is not None and view.target is not None else ""
        spans.append(Span(padded(cut(wants, 13, glyphs), 14), Ink.DIM))
    spans.append(Span(f"{lasting(one.missing_s):>7}  ", Ink.WARN))
    if width >= ROOMY and reading.owners:
        owner = reading.owners.get(one.csc)
        spans.append(Span(padded(cut(owner.name if owner is not None else "", 19, glyphs), 20), Ink.DIM))
    used = width_of(spans)
    spans.append(Span(cut(one.reason, max(0, width - used), glyphs)))
    return Line(tuple(spans), surface)


def _keys(reading: Reading, whom: str, owner: str, *, missing: bool, bell: bool) -> list[Line]:
    more = reading.glyphs.cut
    if not reading.lead:
        pairs = [("enter", "detail"), ("H", "ask the lead to hold")]
    elif missing:
        pairs = [("w", f"waive {whom}{more}"), ("y", f"message{owner}"), ("enter", "detail"), ("space", "mark")]
        pairs.append(("b", f"bell: {'on' if bell else 'off'}"))
    else:
        pairs = [("enter", "end the wait"), ("b", f"bell: {'on' if bell else 'off'}")]
    spans: list[Span] = []
    for key, words in pairs:
        spans += [Span("   ")] if spans else []
        spans += [Span(key, Ink.ACCENT), Span(f" {words}")]
    return [Line(tuple(spans))]


def _waived(reading: Reading, inner: int) -> list[Line]:
    reasons: dict[str, list[CscId]] = {}
    for csc, reason in reading.run.waived:
        reasons.setdefault(reason, []).append(csc)
    lines: list[Line] = []
    for reason, cscs in reasons.items():
        text = f"waived  {listed(cscs)}  “{reason}”"
        lines += folded(text, min(inner, 110), Ink.DIM)
    return [Line(), *lines[:4]] if lines else []


def _debts(reading: Reading, width: int, most: int) -> list[Line]:
    debts = reading.run.debts
    if not debts:
        return box("Debts", [Line((Span("nothing to undo", Ink.DIM),))], width, 3, reading, asking=False)
    body = debt_lines(debts, width - 4, reading, most)
    name = "Debts: must be paid or waived before this run can close"
    return box(name, body, width, len(body) + 2, reading, asking=True)


def _events(reading: Reading, width: int, height: int) -> list[Line]:
    newest = [*reversed(reading.snapshot.events)][: height - 1]
    lines = [event(line, reading.moment.utc, width - 1, reading.glyphs) for line in newest]
    return [rule("Events", width, reading.glyphs), *lines, *([Line()] * (height - 1 - len(lines)))]
