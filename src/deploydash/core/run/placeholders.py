"""The words in angle brackets that a run fills in, so that the commands on its cards can be copied as they stand.

Some follow from the run itself (``<cycle>``, ``<run>``, ``<cscs>``, ``<broken>``), some are what a step had written
down (``Step.fills``: the ticket's key is the ``<branch>``), and any other is told by the lead. A word nobody knows
stays in its brackets: half a command must not look like a whole one.
"""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.procedure.runbook import Item, ManualItem, ScriptItem, Step
from deploydash.core.run.state import RunState

OF_THE_RUN = frozenset({"run", "cscs", "broken"})
"""Words that nobody may tell otherwise than they are."""


def placeholders_of(state: RunState) -> dict[str, str]:
    """Return every word that is known now, by its name without brackets."""
    words: dict[str, str] = {}
    opened = state.opened
    if opened is not None:
        words["run"] = opened.run
        words["cycle"] = opened.cycle
        words["cscs"] = ", ".join(opened.only)
    for step in state.runbook.steps():
        for sign_off in state.progress(step.id).sign_offs.values():
            # A remark of several words is no branch and no number, and must not end up in a shell.
            if step.fills and len(sign_off.note.split()) == 1:
                words[step.fills] = sign_off.note.strip()
    words.update(state.words)
    words["broken"] = "; ".join(f"{csc} ({waiver.reason})" for csc, waiver in state.waived.items()) or "none"
    return {word: text for word, text in words.items() if text}


def filled_in(step: Step, words: dict[str, str]) -> Step:
    """Return a step with every known word filled into what is to be done."""
    items = tuple(_worded_item(item, words) for item in step.items)
    return step if items == step.items else replace(step, items=items)


def missing_placeholders(step: Step, state: RunState) -> tuple[str, ...]:
    """Return the words that a step's commands still wait for and that the lead can tell, each once, in order."""
    known = placeholders_of(state)
    named = (word for text in _texts(step) for word in _words_in(text, state.runbook.blanks))
    return tuple(word for word in dict.fromkeys(named) if word not in known and word not in OF_THE_RUN)


def _worded_item(item: Item, words: dict[str, str]) -> Item:
    if isinstance(item, ManualItem):
        commands = tuple(_filled(command, words) for command in item.commands)
        return replace(item, name=_filled(item.name, words), commands=commands)
    if isinstance(item, ScriptItem):
        return replace(item, config=_filled(item.config, words))
    return item


def _filled(text: str, words: dict[str, str]) -> str:
    for word, known in words.items():
        text = text.replace(f"<{word}>", known)
    return text


def _texts(step: Step) -> list[str]:
    items = [item for item in step.items if isinstance(item, ManualItem)]
    return [text for item in items for text in (item.name, *item.commands)]


def _words_in(text: str, blanks: tuple[str, ...]) -> list[str]:
    places = {text.find(f"<{word}>"): word for word in blanks if f"<{word}>" in text}
    return [places[place] for place in sorted(places)]
