"""What a run's scripts came to: each one's queue, configuration, states and last words, from its records alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deploydash.core.procedure.runbook import ItemId, ScriptItem, StepId
from deploydash.core.run.records import ItemEnded, ItemProgressed, ItemSignedOff, RequestAnswered, RequestIntended
from deploydash.core.run.state import RunState, StepProgress, script_of
from deploydash.core.views.timeline import Line


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One script. ``why``: why it was added, where that was no step's own plan. ``states``: in the order they came."""

    step: StepId
    script: ScriptItem
    why: str = ""
    sal_index: int = 0
    states: tuple[str, ...] = ()
    checkpoint: str = ""
    log: str = ""
    outcome: str = "not added"


def script_lines(lines: Sequence[Line], state: RunState) -> tuple[ScriptLine, ...]:
    """Return every script of which something is written, in the order of the runbook."""
    found: dict[tuple[StepId, ItemId], ScriptLine] = {}
    for step in state.runbook.steps():
        progress = state.progress(step.id)
        for item in {*progress.items, *progress.added}:
            script = script_of(step, progress, item)
            if script is not None:
                found[step.id, item] = ScriptLine(step.id, script, _why(progress, item))
    for _, record in lines:
        if isinstance(record, RequestIntended | RequestAnswered | ItemProgressed | ItemEnded | ItemSignedOff):
            key = (record.step, record.item)
            if key in found:
                found[key] = _after(found[key], record)
    return tuple(found.values())


def _why(progress: StepProgress, item: ItemId) -> str:
    added = progress.added.get(item)
    if added is None:
        return ""
    if not added.instead_of:
        return f"added outside the runbook by {added.operator}"
    return f"other route for {', '.join(added.instead_of)}, by {added.operator}"


def _after(
    line: ScriptLine, record: RequestIntended | RequestAnswered | ItemProgressed | ItemEnded | ItemSignedOff
) -> ScriptLine:
    if isinstance(record, RequestIntended):
        return replace(line, outcome="added, no answer yet") if record.begins else line
    if isinstance(record, RequestAnswered):
        return replace(line, outcome="added") if record.command == "add" and record.result.isdecimal() else line
    if isinstance(record, ItemSignedOff):
        return replace(line, outcome=f"{line.outcome}; signed off by {record.by}")
    if isinstance(record, ItemEnded):
        return replace(line, outcome=f"{record.outcome.value}: {record.why}")
    states = line.states if record.state in line.states[-1:] else (*line.states, record.state)
    return replace(
        line,
        sal_index=record.sal_index,
        states=states,
        checkpoint=record.checkpoint or line.checkpoint,
        log=record.log or line.log,
    )
