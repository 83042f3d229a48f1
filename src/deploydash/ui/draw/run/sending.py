"""What a step would send, told exactly: which commands to which CSCs, by the states they are seen in now. Pure."""

from __future__ import annotations

from deploydash.core.model import CscId, Effective, SummaryState
from deploydash.core.procedure.runbook import CscItem, StepKind
from deploydash.core.procedure.transitions import next_step
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import Card
from deploydash.ui.draw.ink import Ink, Line, Span
from deploydash.ui.draw.run.reading import Reading, counted, folded, listed


def commands_of(state: SummaryState, target: SummaryState) -> tuple[str, ...]:
    """Return the commands that lead from a state to another, in order."""
    commands: list[str] = []
    step = next_step(state, target)
    while step is not None:
        commands.append(step[0])
        step = next_step(step[1], target)
    return tuple(commands)


def _with_override(command: str, override: str) -> str:
    return f"start with {override}" if command == "start" and override else command


def sendings(reading: Reading, card: Card) -> dict[str, list[CscId]]:
    """Return CSCs by what would be sent to them now, in words; waived and protected ones get nothing."""
    waived = {csc for csc, _ in reading.run.waived}
    found: dict[str, list[CscId]] = {}
    for item in card.step.items:
        if not isinstance(item, CscItem) or item.csc in waived:
            continue
        view = reading.views.get(item.csc)
        if view is None or view.effective in {Effective.UNKNOWN, Effective.LOST}:
            words = "nothing until it is seen"
        elif view.effective.value == item.target.state.name:
            words = "nothing, it is there"
        else:
            commands = commands_of(SummaryState[view.effective.value], item.target.state)
            words = ", ".join(_with_override(command, item.override) for command in commands)
        found.setdefault(words, []).append(item.csc)
    return found


def sending_lines(reading: Reading, card: Card, width: int, *, unfolded: bool) -> list[Line]:
    """Return what a step of CSC commands would send: counts, or unfolded every name."""
    if card.step.kind is not StepKind.CSC or card.status is not StepStatus.PENDING:
        return []
    lines: list[Line] = []
    for words, cscs in sorted(sendings(reading, card).items(), key=lambda found: -len(found[1])):
        head = f"{counted(len(cscs), 'CSC') if unfolded or not lines else len(cscs)}: {words}"
        lines += folded(
            head, width, Ink.ACCENT if unfolded else Ink.TEXT, "  ", Span(f"{reading.glyphs.arrow} ", Ink.DIM)
        )
        if unfolded:
            lines += folded(listed(cscs), width, Ink.DIM, "  ")
    return [*lines, Line()]
