"""What a run would do, as text and as JSON: every step with its targets and exact commands. Pure; contacts nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from deploydash.cells import cells, wrapped
from deploydash.core.model import CscId, Target, TargetKind
from deploydash.core.outside_text import visible
from deploydash.core.procedure.runbook import (
    Choice,
    CscItem,
    Item,
    ManualItem,
    Runbook,
    RunPhase,
    ScriptItem,
    Step,
    StepKind,
)

FORMAT = "deploydash.plan/1"
_INDENT = "      "


def plan_text(plan: Runbook, width: int) -> str:
    """Return a plan for reading. Sentences are wrapped at ``width`` columns, commands never, so they can be copied."""
    steps = list(plan.steps())
    by_hand = sum(step.kind is StepKind.MANUAL for step in steps)
    lines = [f"{plan.title} at {plan.site}: {len(steps)} steps, {by_hand} of them manual"]
    if plan.rehearsal:
        lines.append("REHEARSAL: nothing here is meant for the real machines")
    lines += _wrapped("", f"This run is about {csc_list(plan.concerns) or 'the CSCs named when it opens'}.", width)
    if plan.protected:
        lines += _wrapped("", f"Protected, touched by no step for many: {csc_list(plan.protected)}.", width)
    if plan.blanks:
        words = ", ".join(f"<{blank}>" for blank in plan.blanks)
        lines += _wrapped("", f"Filled in by the run: {words}.", width)
    number = 0
    for phase in plan.phases:
        lines += ["", f"{phase.title.upper()}  {_compared(phase)}"]
        for step in phase.steps:
            number += 1
            lines += ["", *_step(plan, number, step, width)]
    return visible("\n".join(lines) + "\n", lines=True)


def csc_list(cscs: Iterable[CscId]) -> str:
    """Return CSCs with the indices of one component together: ``ATDome, ESS:104 105, Watcher``."""
    families: dict[str, list[int]] = {}
    for csc in cscs:
        families.setdefault(csc.name, []).append(csc.index)
    return ", ".join(
        f"{name}:{' '.join(map(str, sorted(indices)))}" if all(indices) else name for name, indices in families.items()
    )


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


def _step(plan: Runbook, number: int, step: Step, width: int) -> Iterator[str]:
    yield from _wrapped(f"{number:>3}.  {step.id}: ", step.title, width)
    at_once = f", {step.at_once} at once" if step.at_once > 1 else ""
    limit = f", limit {step.limit_s / 60:g} min" if step.limit_s else ""
    how = "manual" if step.kind is StepKind.MANUAL else step.kind.value
    yield f"{_INDENT}{how} ({step.system}), {step.tier}, lane {step.lane}{at_once}{limit}"
    if step.when:
        yield from _labelled("only if", " and ".join(condition.sentence for condition in step.when), width)
    for choice in plan.choices:
        if choice.id in step.asks:
            yield from _question(choice, width)
    if step.preconditions:
        yield from _labelled("waits until", "; ".join(one.sentence for one in step.preconditions), width)
    if step.settles:
        yield from _labelled("decides about", f"what {step.settles} left", width)
    yield from _items(step, width)
    if step.other_route:
        yield f"{_INDENT}other route:"
        yield from _script(step.other_route)
    if step.shows:
        yield from _labelled("shows", f"{step.shows[0]} {step.shows[1]}", width)
    yield from _labelled("ends when", step.ends, width)
    if step.records:
        yield from _labelled("records", step.records, width)
    for debt in step.debts:
        yield from _labelled("then owed", f"{debt.what} (paid by {' or '.join(debt.paid_by)})", width)
    if step.note:
        yield from _labelled("mind", step.note, width)
    yield f"{_INDENT}see: {step.link}"


def _labelled(label: str, text: str, width: int) -> list[str]:
    return _wrapped(f"{_INDENT}{label}: ", text, width)


def _question(choice: Choice, width: int) -> Iterator[str]:
    yield from _labelled("asks", f"({choice.id}) {choice.question}", width)
    for option in choice.options:
        yield from _wrapped(f"{_INDENT}  {option.answer}: ", option.text, width)


def _items(step: Step, width: int) -> Iterator[str]:
    goals: dict[tuple[int, Target], list[CscId]] = {}
    for item in step.items:
        if isinstance(item, CscItem):
            goals.setdefault((item.wave, item.target), []).append(item.csc)
        elif isinstance(item, ScriptItem):
            yield from _script(item)
        else:
            yield from _by_hand(item, width)
    for (wave, target), cscs in sorted(goals.items(), key=lambda goal: goal[0][0]):
        after = f", wave {wave + 1}" if len({wave for wave, _ in goals}) > 1 else ""
        yield from _labelled(f"to {target}{after}", f"{csc_list(cscs)} ({len(cscs)})", width)
    overrides = [f"{item.csc} {item.override}" for item in step.items if isinstance(item, CscItem) and item.override]
    if overrides and step.kind is StepKind.CSC:
        yield from _labelled("start with configuration override", ", ".join(overrides), width)
    if step.kind is StepKind.CSC and not goals:
        yield f"{_INDENT}to the CSCs named when the run opens"


def _script(item: ScriptItem) -> Iterator[str]:
    yield f"{_INDENT}{item.queue} {'standard' if item.standard else 'external'} {item.path}"
    yield from (f"{_INDENT}    {line}" for line in item.config.splitlines())


def _by_hand(item: ManualItem, width: int) -> Iterator[str]:
    seen = f" (seen on {csc_list(item.cscs)})" if item.cscs else ""
    yield from _wrapped(f"{_INDENT}- ", f"{item.name}{seen}", width)
    yield from (f"{_INDENT}    {command}" for command in item.commands)


def plan_json(plan: Runbook) -> dict[str, Any]:
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
                "steps": [_step_json(step) for step in phase.steps],
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


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "title": step.title,
        "kind": step.kind.value,
        "system": step.system.value,
        "tier": step.tier.value,
        "lane": step.lane.value,
        "preconditions": [one.sentence for one in step.preconditions],
        "when": [{"choice": one.choice, "answers": list(one.answers)} for one in step.when],
        "asks": list(step.asks),
        "items": [_item_json(item) for item in step.items],
        "at_once": step.at_once,
        "limit_s": step.limit_s,
        "settles": step.settles,
        "other_route": _item_json(step.other_route) if step.other_route else None,
        "effect": step.effect.value,
        "ends": step.ends,
        "records": step.records,
        "debts": [{"id": debt.id, "what": debt.what, "paid_by": list(debt.paid_by)} for debt in step.debts],
        "note": step.note,
        "link": step.link,
    }


def _item_json(item: Item) -> dict[str, Any]:
    if isinstance(item, CscItem):
        return {"csc": str(item.csc), "target": str(item.target), "wave": item.wave}
    if isinstance(item, ScriptItem):
        queue, kind = str(item.queue), "standard" if item.standard else "external"
        return {"queue": queue, "directory": kind, "script": item.path, "config": item.config}
    return {"name": item.name, "commands": list(item.commands), "cscs": [str(csc) for csc in item.cscs]}
