"""The words in angle brackets that a run fills in, so that what its cards show can be done as it stands.

Some follow from the run itself (``<cycle>``, ``<run>``, ``<cscs>``, ``<broken>``), some are what an item made known
(a merge's commit is the ``<sha>``, where its step says ``fills: sha``) or a step had written down (the ticket's key is
the ``<branch>``), and any other is set by the lead. A word nobody knows stays in its brackets: half a command must not
look like a whole one.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId, StepId
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.broken import broken
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.state import ItemProgress, ItemStatus, RunState
from deploydash.core.run.texts import as_edited

OF_THE_RUN = frozenset({"run", "cscs", "broken"})
"""Words that nobody may tell otherwise than they are."""


def placeholders_of(state: RunState, fleet: FleetView | None = None) -> dict[str, str]:
    """Return every word that is known now, by its name without brackets; ``fleet``: what is seen, for ``<broken>``."""
    words: dict[str, str] = {}
    opened = state.opened
    if opened is not None:
        words["run"] = opened.run
        words["cycle"] = opened.cycle
        words["cscs"] = ", ".join(opened.only)
    for step in state.runbook.steps():
        progress = state.progress(step.id)
        made = (dict(each.values).get(step.fills, "") for each in progress.items.values() if _went_well(each))
        written = (sign_off.note for sign_off in progress.sign_offs.values())
        # What a debt of the step has to put back was read before anything was changed: a retry reads the change.
        owed = (debt.restore for of, debt in state.incurred.values() if of == step.id)
        for text in (*made, *written, *owed):
            # A remark of several words is no branch and no number, and must not end up in a shell.
            if step.fills and len(text.split()) == 1:
                words[step.fills] = text.strip()
    words.update(state.words)
    if "date" in words and "weekday" not in words:
        words["weekday"] = weekday_of(words["date"])
    words["broken"] = broken(state, fleet)
    return {word: text for word, text in words.items() if text}


def weekday_of(date: str) -> str:
    """Return the weekday of a date such as 2026-12-03, or nothing where it is none."""
    try:
        return f"{dt.date.fromisoformat(date):%A}"
    except ValueError:
        return ""


def words_for(items: Iterable[Item], state: RunState, look: Callable[[], FleetView]) -> dict[str, str]:
    """Return every word that is known now; where one of these items tells who is left broken, as that is seen now."""
    tells = any("<broken>" in text for item in items for text in _texts(item))
    return placeholders_of(state, look() if tells else None)


def _went_well(progress: ItemProgress) -> bool:
    return progress.status is ItemStatus.REACHED


def filled_in(step: Step, words: Mapping[str, str], texts: Mapping[ItemId, str] | None = None) -> Step:
    """Return a step with every known word filled into what is to be done; ``texts``: what the lead wrote otherwise."""
    edited = texts or {}
    items = tuple(filled_item(as_edited(item, edited.get(item.id)), words) for item in step.items)
    return step if items == step.items else replace(step, items=items)


def filled_item(item: Item, words: Mapping[str, str]) -> Item:
    """Return an item with every known word filled in; in its spec, which is JSON, as JSON writes it."""
    if not any("<" in text for text in _texts(item)):
        return item
    quoted = {word: json.dumps(known)[1:-1] for word, known in words.items()}
    manual = tuple(_filled(line, words) for line in item.manual)
    label, text = _filled(item.label, words), _filled(item.text, words)
    return replace(item, label=label, manual=manual, spec=_filled(item.spec, quoted), text=text)


def as_it_stands(step: StepId, item: Item, state: RunState, words: Mapping[str, str]) -> Item:
    """Return an item of a step as it would go now: as the lead wrote it, with every known word filled in."""
    return filled_item(as_edited(item, state.texts.get(step, {}).get(item.id)), words)


def missing_placeholders(step: Step, state: RunState) -> tuple[str, ...]:
    """Return the words that a step's items still wait for and that the lead can tell, each once, in order."""
    known = placeholders_of(state)
    edited = state.texts.get(step.id, {})
    texts = (text for item in step.items for text in _texts(as_edited(item, edited.get(item.id))))
    named = (word for text in texts for word in _words_in(text, state.runbook.blanks))
    return tuple(word for word in dict.fromkeys(named) if word not in known and word not in OF_THE_RUN)


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, known in words.items():
        text = text.replace(f"<{word}>", known)
    return text


def _texts(item: Item) -> tuple[str, ...]:
    return item.label, *item.manual, item.spec, item.text


def _words_in(text: str, blanks: tuple[str, ...]) -> list[str]:
    places = {text.find(f"<{word}>"): word for word in blanks if f"<{word}>" in text}
    return [places[place] for place in sorted(places)]
