"""A run as Markdown task lists, ticked from its journal: what a ticket wants to see. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.items import is_over
from deploydash.core.run.placeholders import as_it_stands, placeholders_of
from deploydash.core.run.records import Reply
from deploydash.core.run.state import RunState, StepStatus
from deploydash.core.words import clock
from deploydash.report.render import inline


def checklist(state: RunState) -> str:
    """Return the task lists of a run, a list for each phase; what is done is ticked, with who or what says so."""
    book, opened = state.runbook, state.opened
    about = f", cycle {opened.cycle}" if opened is not None and opened.cycle else ""
    head = f"{book.title} at {book.site}{about}: run {opened.run if opened is not None else ''}"
    lines = [f"# {inline(head)}", ""]
    if book.rehearsal:
        lines += ["This was a rehearsal.", ""]
    for phase in book.phases:
        lines += [f"## {inline(phase.title)}", ""]
        for step in phase.steps:
            lines += _step(step, state)
        lines.append("")
    owed = [f"- [ ] owed: {inline(debt.what)}" for _, debt in state.debts()]
    return "\n".join([*lines, *(["## Owed", "", *owed, ""] if owed else [])])


def _step(step: Step, state: RunState) -> Iterator[str]:
    status, progress = state.status(step), state.progress(step.id)
    done = status is StepStatus.DONE
    told = {
        StepStatus.DONE: f"{clock(progress.ended_utc)}" if progress.ended_utc is not None else "",
        StepStatus.SKIPPED: f"skipped: {progress.skipped}",
        StepStatus.NOT_APPLICABLE: "does not apply",
        StepStatus.ASKING: "needs a decision",
        StepStatus.UNDER_WAY: "under way",
    }.get(status, "")
    words = [told, *(f"overridden: {sentence}" for sentence in progress.overridden)]
    yield _task(done, f"{step.title} ({step.id})", "; ".join(word for word in words if word))
    if status is StepStatus.NOT_APPLICABLE or step.closes:
        return
    known = placeholders_of(state)
    if len(step.items) > 1 or step.acts:
        for item in step.items:
            filled = as_it_stands(step.id, item, state, known)
            yield f"    {_task(is_over(item, step, state), filled.label, _item(item, step, state))}"
    elif any(progress.sign_offs):
        yield f"    {_task(done, step.title, _signed(step, state))}"


def _item(item: Item, step: Step, state: RunState) -> str:
    progress = state.progress(step.id)
    signed = progress.sign_offs.get(item.id)
    if signed is not None:
        said = "" if signed.reply is Reply.YES else f" ({signed.reply.value})"
        return f"signed off by {signed.by}{said}{f': {signed.note}' if signed.note else ''}"
    return progress.item(item.id).why


def _signed(step: Step, state: RunState) -> str:
    signed = list(state.progress(step.id).sign_offs.values())
    return "; ".join(f"signed off by {one.by}{f': {one.note}' if one.note else ''}" for one in signed)


def _task(done: bool, title: str, told: str) -> str:
    return f"- [{'x' if done else ' '}] {inline(title)}{f': {inline(told)}' if told else ''}"
