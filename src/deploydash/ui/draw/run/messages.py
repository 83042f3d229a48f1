"""A ready message to the owner of each CSC that is in the way, to be copied and sent by a person. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from deploydash.core.model import CscId, Liveness
from deploydash.core.owners import Owner, Speakers
from deploydash.core.procedure.names import PERSON
from deploydash.core.views.run_view import RunView
from deploydash.ui.draw.ink import Ink, Line
from deploydash.ui.draw.lines import state_words
from deploydash.ui.draw.run.asked import cscs_of
from deploydash.ui.draw.run.reading import Reading, folded, since
from deploydash.ui.draw.run.wait import helps, likely_reason

UNKNOWN = Owner("owner not known: owners.yaml in the user's configuration directory names them")


def concerned(run: RunView) -> tuple[CscId, ...]:
    """Return the CSCs that a message may be about: those asked about, those waited for, and those waived."""
    asking = cscs_of(run.card.asking) if run.card is not None else ()
    missing = run.wait.missing if run.wait is not None else ()
    return tuple(dict.fromkeys([*asking, *missing, *(csc for csc, _ in run.waived)]))


def message(reading: Reading, owner: Owner, cscs: Iterable[CscId]) -> list[str]:
    """Return the paragraphs of one message: what, since when, why probably, and what is asked."""
    run, waived = reading.run, dict(reading.run.waived)
    cycle = f" to {run.cycle}" if run.cycle else ""
    said = [f"To {owner}", f"{reading.site.upper()}, {run.runbook}{cycle}, {_clock(reading.moment.utc)}:"]
    for csc in cscs:
        said.append(_about(reading, csc))
        if csc in waived:
            said.append(f"The run goes on without {csc}: {waived[csc]}. Please fix it and say when it is there.")
        else:
            said.append(f"Please look at {csc} now: {helps(reading.views.get(csc))}.")
    if run.wait is not None and any(csc in run.wait.missing for csc in cscs):
        said.append(f"The wait's limit is at {_clock(run.wait.started_utc + run.wait.limit_s)}.")
    return [*said, f"Answer to {run.operator}."]


def _about(reading: Reading, csc: CscId) -> str:
    view = reading.views.get(csc)
    if view is None:
        return f"{csc} is not seen."
    now = "has sent no heartbeat yet" if view.liveness is Liveness.UNSEEN else f"is {state_words(view)}"
    age = since(view, reading.moment)
    began = f" since {_clock(reading.moment.utc - age)}" if age is not None else ""
    wants = f" and should be {view.target}" if view.target is not None else ""
    return f"{csc} {now}{began}{wants}. Likely reason: {likely_reason(view, reading)}."


def asks_people(run: RunView) -> bool:
    """Say whether the card is about what several people are told or asked, each by a message of their own."""
    card = run.card
    return card is not None and card.step.system == PERSON and len(card.rows) > 1


def principal_lines(reading: Reading, speakers: Speakers, width: int) -> list[Line]:
    """Return what each of them who has not answered yet is told, as it is to be copied."""
    rows = reading.run.card.rows if reading.run.card is not None else ()
    lines = folded("Nothing is sent from here: copy what you need.", width, Ink.DIM)
    for row in rows:
        if not row.done:
            to = speakers.get(row.item.label, UNKNOWN)
            lines += [Line(), *folded(f"To {to}, for {row.item.label}", width, Ink.BRIGHT)]
            lines += [line for text in row.item.manual for line in folded(text.removeprefix("# rehearsal: "), width)]
    return lines


def message_lines(reading: Reading, cscs: Iterable[CscId], width: int) -> list[Line]:
    """Return one message for each owner, without frame or indent, so that it is copied as it stands."""
    by_owner: dict[Owner, list[CscId]] = {}
    for csc in cscs:
        by_owner.setdefault(reading.owners.get(csc, UNKNOWN), []).append(csc)
    if not by_owner:
        return folded("No CSC is in the way, so there is no owner to write to.", width)
    lines = folded("Nothing is sent from here: copy what you need.", width, Ink.DIM)
    for owner, theirs in by_owner.items():
        lines.append(Line())
        for number, paragraph in enumerate(message(reading, owner, theirs)):
            lines += folded(paragraph, width, Ink.TEXT if number else Ink.BRIGHT)
    return lines


def _clock(utc: float) -> str:
    return f"{datetime.fromtimestamp(utc, UTC):%H:%M} UTC"
