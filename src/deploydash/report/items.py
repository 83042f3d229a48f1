"""What every system did that is no CSC brought to its target: requests, states and last words, from records alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId, StepId
from deploydash.core.run.placeholders import as_it_stands, placeholders_of
from deploydash.core.run.records import (
    ItemAdded,
    ItemEnded,
    ItemProgressed,
    ItemsDispatched,
    ItemSignedOff,
    RequestAnswered,
    RequestIntended,
)
from deploydash.core.run.state import RunState
from deploydash.core.views.record_text import csc_called, item_name, signed_off_words, values_words
from deploydash.core.views.timeline import Line

_Told = RequestIntended | RequestAnswered | ItemProgressed | ItemEnded | ItemSignedOff


@dataclass(frozen=True, slots=True)
class WorkLine:
    """One item. ``why``: why it was added, where it was. ``requests`` and ``states``: each once, in their order.

    ``line``: the last it reported; ``manual``: what a person would have typed.
    """

    step: StepId
    name: str
    system: str
    why: str = ""
    manual: tuple[str, ...] = ()
    known_as: str = ""
    requests: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    line: str = ""
    outcome: str = "nothing was sent"
    values: str = ""
    left: str = ""


def work_lines(lines: Sequence[Line], state: RunState) -> tuple[WorkLine, ...]:
    """Return every such item of which something is written, in the order in which they were dispatched.

    A name that is used again, as one direct command after another to one CSC, is another item.
    """
    found: list[WorkLine] = []
    last: dict[tuple[StepId, ItemId], int] = {}
    for _, record in lines:
        if isinstance(record, ItemAdded):
            last[record.step, record.item.id] = len(found)
            found.append(_line(record.step, record.item, state, _why(record, state)))
        elif isinstance(record, ItemsDispatched):
            for name in record.items:
                if csc_called(name) is None and (record.step, name) not in last:
                    last[record.step, name] = len(found)
                    found.append(_of_runbook(record.step, name, state))
        elif isinstance(record, _Told) and (record.step, record.item) in last:
            place = last[record.step, record.item]
            found[place] = _after(found[place], record)
    return tuple(found)


def _of_runbook(step: StepId, name: ItemId, state: RunState) -> WorkLine:
    item = state.item(step, name)
    return WorkLine(step, item_name(state, step, name), "") if item is None else _line(step, item, state)


def _line(step: StepId, item: Item, state: RunState, why: str = "") -> WorkLine:
    filled = as_it_stands(step, item, state, placeholders_of(state))
    return WorkLine(step, filled.label, item.system, why, filled.manual)


def _why(record: ItemAdded, state: RunState) -> str:
    if not record.instead_of:
        return f"added outside the runbook by {record.operator}"
    names = ", ".join(item_name(state, record.step, name) for name in record.instead_of)
    return f"another way for {names}, by {record.operator}"


def _after(line: WorkLine, record: _Told) -> WorkLine:
    if isinstance(record, RequestIntended):
        requests = line.requests if record.text in line.requests else (*line.requests, record.text)
        return replace(line, requests=requests, outcome="sent, no answer yet")
    if isinstance(record, RequestAnswered):
        how = "no answer came" if record.ok is None else "taken" if record.ok else "refused"
        return replace(line, outcome=f"{how}: {record.text}" if record.text else how)
    if isinstance(record, ItemSignedOff):
        return replace(line, outcome=f"{line.outcome}; {signed_off_words(record)}")
    if isinstance(record, ItemEnded):
        outcome = f"{record.outcome.value}: {record.why}" if record.why else record.outcome.value
        return replace(line, outcome=outcome, values=values_words(record.values), left=record.left)
    states = line.states if record.state in line.states[-1:] else (*line.states, record.state)
    return replace(line, states=states, line=record.line or line.line, known_as=record.known_as or line.known_as)
