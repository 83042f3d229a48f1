"""What now: what waits for the lead, what runs, what is late, what is owed, in all lanes, as a page. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from deploydash.core.model import FeedState
from deploydash.core.procedure.names import StepId
from deploydash.core.run.eta import expected
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import RunView, StepRow
from deploydash.core.words import and_list, clock, counted
from deploydash.ui.draw.ink import Ink, Line, Span
from deploydash.ui.draw.run.attention import needs
from deploydash.ui.draw.run.lanes import lanes_of
from deploydash.ui.draw.run.reading import Reading, folded, lasting

WORKS = frozenset({StepStatus.UNDER_WAY, StepStatus.ASKING})


def now_lines(reading: Reading, width: int) -> list[Line]:
    """Return the answers to what a tired person asks, each in its own part; a part without any says so."""
    parts = (
        ("Waits for you" if reading.lead else "Waits for the lead", Ink.WARN, waiting(reading), "nothing"),
        ("Runs", Ink.TEXT, running(reading), "nothing is under way"),
        ("Late, or not as it should be", Ink.WARN, late(reading), "nothing"),
        ("Owed", Ink.TEXT, iter(reading.run.debts), "nothing to undo"),
        # Last, for it is the longest and would push the others off a small screen.
        ("Comes next", Ink.TEXT, coming(reading.run), "nothing beside that"),
    )
    lines: list[Line] = []
    for title, ink, sentences, none in parts:
        told = list(sentences)
        count = Span(f"  {len(told)}" if told else "", Ink.DIM)
        lines += [Line(), Line((Span(f"  {title}", Ink.BRIGHT), count))]
        for sentence in told:
            lead = Span(f"   {reading.glyphs.dot} ", Ink.DIM)
            lines += folded(sentence.strip(), width, ink, "     ", lead)
        if not told:
            lines += folded(none, width, Ink.DIM, "     ")
    return lines[1:]


def waiting(reading: Reading) -> Iterator[str]:
    """Yield what waits for the lead, as the bell rings for it, and an arm that waits for its Enter."""
    run = reading.run
    yield from needs(run, reading.moment.utc).values()
    for head in run.heads:
        if head.armed:
            yield f"{_lane(run, head.lane)} {head.step} is armed: Enter lets it go, Esc disarms it"
    if run.others:
        who = and_list(list(dict.fromkeys(other.identity for other in run.others)))
        yield f"commands from elsewhere by {who}: K takes note"


def coming(run: RunView) -> Iterator[str]:
    """Yield the next step of each lane that does not wait for the lead, with what shuts its gate."""
    for head in run.heads:
        row = _row(run, head.step)
        if row is None or head.waits_for_lead or head.status is not StepStatus.PENDING:
            continue
        why = row.evidence or _shut(run, head.step)
        yield f"{_lane(run, head.lane)} {row.title}{f': {why}' if why else ''}"


def _shut(run: RunView, step: StepId) -> str:
    """Return what shuts the gate of the step on the card; nothing of any other, of which it is not known here."""
    card = run.card
    if card is None or card.step.id != step:
        return ""
    red = [reason.waits_for or reason.sentence for reason in card.reasons if not reason.met]
    return f"shut: {and_list(red)}" if red else ""


def running(reading: Reading) -> Iterator[str]:
    """Yield every step under way: its lane, how far it is, since when."""
    for row in reading.run.rows:
        if row.status in WORKS:
            took = f", for {lasting(reading.moment.utc - row.started_utc)}" if row.started_utc is not None else ""
            far = f": {row.evidence}" if row.evidence else ""
            yield f"{_lane(reading.run, row.lane)} {row.title}{far}{took}"


def late(reading: Reading) -> Iterator[str]:
    """Yield what takes longer than it should, and what cannot be seen or done at the moment."""
    run, moment = reading.run, reading.moment
    if run.wait is not None and run.wait.missing:
        left = run.wait.started_utc + run.wait.limit_s - moment.utc
        missing = f"{len(run.wait.missing)} of {run.wait.total} CSCs not at target"
        over = f"was over {lasting(-left)} ago" if left < 0 else f"is over in {lasting(left)}"
        yield f"{missing}, the limit {over}, {clock(run.wait.started_utc + run.wait.limit_s)}"
    card = run.card
    row = _row(run, card.step.id) if card is not None else None
    if card is not None and row is not None and row.status in WORKS and row.started_utc is not None:
        names = [each.item.id for each in card.rows if not each.done]
        eta = expected(names, card.earlier, moment.utc - row.started_utc)
        if eta.overdue:
            usual = max(seconds for _, seconds in eta.overdue)
            who = counted(len(eta.overdue), "item")
            yield f"{card.step.id}: {who} later than in {counted(eta.runs, 'earlier run')}, usual {lasting(usual)}"
    for feed in reading.snapshot.feeds:
        if feed.state in {FeedState.DOWN, FeedState.DEGRADED}:
            yield f"{str(feed.feed).replace('_', ' ')} {feed.state.value}: {feed.detail}"
    if run.lost:
        yield f"{counted(len(run.lost), 'CSC')} LOST since before the run was opened"


def _row(run: RunView, step: str) -> StepRow | None:
    return next((row for row in run.rows if row.step == step), None)


def _lane(run: RunView, lane: str) -> str:
    """Return a lane as its number and name are written elsewhere; nothing where the run has only one."""
    lanes = lanes_of(run)
    return f"{[str(each) for each in lanes].index(lane) + 1}:{lane}" if len(lanes) > 1 and lane in lanes else ""
