"""Which keys a step may have: those of every step, and those that the system of an action has of its own."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from deploydash.config.runbook_file import StepEntry
from deploydash.config.yaml_lines import Document, Path, key_text
from deploydash.core.procedure.names import SAL
from deploydash.core.procedure.runbook import StepKind
from deploydash.errors import Problem
from deploydash.systems.table import Table


def unknown_keys(document: Document, file: str, table: Table) -> Iterator[Problem]:
    """Yield every key of a step that neither a step nor its system has. The document may have any shape."""
    for path, step in _raw_steps(document.data):
        known = [*StepEntry.model_fields, *sorted(_own(step, table))]
        for key in step:
            if str(key) not in known:
                near = get_close_matches(str(key), known, 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                place = (*path, key)
                yield Problem(file, document.line(place), key_text(place), f"unknown key {str(key)!r}", hint)


def _own(step: dict[Any, Any], table: Table) -> frozenset[str]:
    name = step.get("system")
    if step.get("kind") != StepKind.ACTION or not isinstance(name, str) or name == SAL:
        return frozenset()
    steps = next((reading.steps for system, reading in table.items() if system == name), None)
    return steps.keys if steps is not None else frozenset()


def _raw_steps(data: Any) -> Iterator[tuple[Path, dict[Any, Any]]]:
    for p, phase in enumerate(_list(data, "phases")):
        for s, step in enumerate(_list(phase, "steps")):
            if isinstance(step, dict):
                yield ("phases", p, "steps", s), step


def _list(data: Any, key: str) -> list[Any]:
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, list) else []
