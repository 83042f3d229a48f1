"""What a run would do, as text and as JSON: every step with its targets and exact commands. Pure; contacts nobody.

The exact lines of an item are its system's to say, of what a person does that of its commands: ``lines`` is handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from deploydash.cells import cells, wrapped
from deploydash.core.model import CscId, Target, TargetKind
from deploydash.core.outside_text import visible
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import SAL, ItemId
from deploydash.core.procedure.runbook import Choice, Fallback, Order, Runbook, RunPhase, Step
from deploydash.core.views.run_view import Lines
from deploydash.core.words import and_list, counted, listed

FORMAT = "deploydash.plan/1"
_INDENT = "      "
_MORE = _INDENT + "    "


def plan_text(plan: Runbook, width: int, lines: Lines) -> str:
    """Return a plan for reading. Sentences are wrapped at ``width`` columns, commands never, so they can be copied."""
    steps = list(plan.steps())
    manual = sum(step.manual for step in steps)
    text = [f"{plan.title} at {plan.site}: {counted(len(steps), 'step')}, {manual} of them manual"]
    if plan.rehearsal:
        text.append("REHEARSAL: nothing here is meant for the real machines")
    if plan.concerns or any(step.system == SAL for step in steps):
        text += _wrapped("", f"This run is about {listed(plan.concerns) or 'the CSCs named when it opens'}.", width)
    if plan.protected:
        text += _wrapped("", f"Protected, touched by no step for many: {listed(plan.protected)}.", width)
    if plan.blanks:
        words = ", ".join(f"<{blank}>" for blank in plan.blanks)
        text += _wrapped("", f"Placeholders set by the run: {words}.", width)
    number = 0
    for phase in plan.phases:
        text += ["", f"{phase.title.upper()}  {_compared(phase)}"]
        for step in phase.steps:
            number += 1
            text += ["", *_step(plan, number, step, width, lines)]
    return visible("\n".join(text) + "\n", lines=True)


def _compared(phase: RunPhase) -> str:
    wanted = phase.wanted.wanted
    if wanted is None:
        return "(CSCs are compared with nothing)"
    if isinstance(wanted, TargetKind):
        return f"(CSCs are compared with their {wanted.value} targets)"
    return f"(CSCs are compared with {wanted})"


def _wrapped(label: str, text: str, width: int) -> list[str]:
    label = visible(label)
    first, *more = wrapped(text, max(width, 40) - cells(label)) or [""]
    return [label + first, *(" " * cells(label) + line for line in more)]


def _step(plan: Runbook, number: int, step: Step, width: int, lines: Lines) -> Iterator[str]:
    yield from _wrapped(f"{number:>3}.  {step.id}: ", step.title, width)
    at_once = f", {step.at_once} at once" if step.at_once > 1 else ""
    limit = f", limit {step.limit_s / 60:g} min" if step.limit_s else ""
    budget = f", {step.budget_s / 60:g} min for each" if step.budget_s else ""
    yield f"{_INDENT}{step.kind} ({step.system}), {step.tier}, lane {step.lane}{at_once}{limit}{budget}"
    if step.when:
        yield from _labelled("only if", " and ".join(condition.sentence for condition in step.when), width)
    for choice in plan.choices:
        if choice.id in step.asks:
            yield from _question(choice, width)
    if step.preconditions:
        yield from _labelled("waits until", "; ".join(one.sentence for one in step.preconditions), width)
    if step.settles:
        yield from _labelled("decides about", f"what {step.settles} left", width)
    yield from _effects("await", step.awaits, width)
    yield from _items(step, width, lines)
    for fallback in step.fallbacks:
        yield from _labelled("or", fallback.label, width)
        yield from _exact(_fallback_lines(fallback, lines))
    if step.shows:
        yield from _labelled("shows", f"{step.shows[0]} {step.shows[1]}", width)
    yield from _labelled("ends when", step.ends, width)
    if step.records:
        yield from _labelled("records", step.records, width)
    for debt in step.debts:
        yield from _labelled("then owed", f"{debt.what} (paid by {' or '.join(debt.paid_by)})", width)
    if step.passes_on:
        yield from _labelled("then", f"{step.passes_to} takes over what {and_list(step.passes_on)} left owed", width)
    if step.note:
        yield from _labelled("note", step.note, width)
    yield f"{_INDENT}see: {step.link}" + (f" ({step.paragraph})" if step.paragraph else "")


def _labelled(label: str, text: str, width: int) -> list[str]:
    return _wrapped(f"{_INDENT}{label}: ", text, width)


def _question(choice: Choice, width: int) -> Iterator[str]:
    yield from _labelled("asks", f"({choice.id}) {choice.question}", width)
    for option in choice.options:
        yield from _wrapped(f"{_INDENT}  {option.answer}: ", option.text, width)


def _items(step: Step, width: int, lines: Lines) -> Iterator[str]:
    """Yield the items; CSCs that go to one target in one wave together, what each of them gets below."""
    waves = {item.wave for item in step.items}
    moves: dict[int, list[Item]] = {}
    for item in step.items:
        if step.order is Order.WAVES and item.is_transition:
            moves.setdefault(item.wave, []).append(item)
        else:
            yield from _item(item, width, lines)
    for wave, items in sorted(moves.items()):
        effects = [effect for item in items for effect in item.effects]
        yield from _effects("to", effects, width, f", wave {wave + 1}" if len(waves) > 1 else "")
        for item in items:
            yield from _exact(lines(item))
    if step.acts and not step.items:
        yield f"{_INDENT}to the CSCs named when the run opens"


def _effects(word: str, effects: Iterable[CscEffect], width: int, after: str = "") -> Iterator[str]:
    goals: dict[Target, list[CscId]] = {}
    for effect in effects:
        goals.setdefault(effect.target, []).append(effect.csc)
    for target, cscs in goals.items():
        yield from _labelled(f"{word} {target}{after}", f"{listed(cscs)} ({len(cscs)})", width)


def _item(item: Item, width: int, lines: Lines) -> Iterator[str]:
    if item.by_person:
        seen = f" (seen on {listed(item.cscs)})" if item.cscs else ""
        yield from _wrapped(f"{_INDENT}- ", f"{item.label}{seen}", width)
    else:
        yield from _wrapped(f"{_INDENT}- ", f"{item.label}{_does(item)}", width)
    yield from _exact(lines(item))


def _does(item: Item) -> str:
    known = ", ".join(f"{effect.csc} to {effect.target}" for effect in item.effects)
    return "; what it does to CSCs is not known" if item.opaque else f"; {known}" if known else ""


def _exact(lines: Iterable[str]) -> Iterator[str]:
    yield from (f"{_MORE}{line}" for line in lines)


def _fallback_lines(fallback: Fallback, lines: Lines) -> tuple[str, ...]:
    return lines(Item(ItemId(""), fallback.label, fallback.system, fallback.template))


def plan_json(plan: Runbook, lines: Lines) -> dict[str, Any]:
    """Return a plan as plain values (``plan --json``). Adding keys is free, changing them is a change of contract."""
    return {
        "format": FORMAT,
        "site": plan.site,
        "rehearsal": plan.rehearsal,
        "runbook": plan.id,
        "title": plan.title,
        "concerns": [str(csc) for csc in plan.concerns],
        "shutdown_set": [str(csc) for csc in plan.shutdown_set],
        "protected": [str(csc) for csc in plan.protected],
        "blanks": list(plan.blanks),
        "choices": [_choice_json(choice) for choice in plan.choices],
        "phases": [
            {
                "phase": phase.id,
                "title": phase.title,
                "target": str(phase.wanted),
                "steps": [_step_json(step, lines) for step in phase.steps],
            }
            for phase in plan.phases
        ],
    }


def _choice_json(choice: Choice) -> dict[str, Any]:
    return {
        "choice": choice.id,
        "question": choice.question,
        "asked_by": choice.asked_by,
        "options": [
            {
                "answer": option.answer,
                "text": option.text,
                "startup": {str(csc): str(target) for csc, target in option.startup},
                "targets": {phase: str(wanted) for phase, wanted in option.wanted},
            }
            for option in choice.options
        ],
    }


def _step_json(step: Step, lines: Lines) -> dict[str, Any]:
    return {
        "id": step.id,
        "title": step.title,
        "kind": step.kind.value,
        "system": step.system,
        "tier": step.tier.value,
        "lane": step.lane,
        "preconditions": [one.sentence for one in step.preconditions],
        "when": [{"choice": one.choice, "answers": list(one.answers)} for one in step.when],
        "asks": list(step.asks),
        "items": [_item_json(item, lines) for item in step.items],
        "awaits": _effects_json(step.awaits),
        "order": step.order.value,
        "at_once": step.at_once,
        "limit_s": step.limit_s,
        "budget_s": step.budget_s,
        "settles": step.settles,
        "fallbacks": [_fallback_json(fallback, lines) for fallback in step.fallbacks],
        "ends": step.ends,
        "records": step.records,
        "debts": [{"id": debt.id, "what": debt.what, "paid_by": list(debt.paid_by)} for debt in step.debts],
        "note": step.note,
        "link": step.link,
        "paragraph": step.paragraph,
    }


def _item_json(item: Item, lines: Lines) -> dict[str, Any]:
    return {
        "id": item.id,
        "label": item.label,
        "system": item.system,
        "effects": _effects_json(item.effects),
        "opaque": item.opaque,
        "lines": list(lines(item)),
        "manual": list(item.manual),
        "wave": item.wave,
    }


def _effects_json(effects: Iterable[CscEffect]) -> list[dict[str, str]]:
    return [{"csc": str(effect.csc), "target": str(effect.target)} for effect in effects]


def _fallback_json(fallback: Fallback, lines: Lines) -> dict[str, Any]:
    return {
        "label": fallback.label,
        "system": fallback.system,
        "reaches": [str(target) for target in fallback.reaches],
        "lines": list(_fallback_lines(fallback, lines)),
    }
