"""What other systems reported to the gates of a run: when each fact came to hold, and when it ceased to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deploydash.core.fleet.records import FactNoted
from deploydash.core.procedure.preconditions import FactHolds
from deploydash.core.procedure.runbook import Runbook
from deploydash.core.views.timeline import Line


@dataclass(frozen=True, slots=True)
class GateFact:
    """A fact that a step's gate asks for changed: UTC unix seconds, whether it opens the gate, how it stood."""

    utc: float
    step: str
    words: str
    opens: bool
    sentence: str


def gate_facts(lines: Sequence[Line], runbook: Runbook) -> tuple[GateFact, ...]:
    """Return each change of what the gates of a runbook ask for, in order; another sentence alone is none."""
    return tuple(_changes(lines, runbook))


def _changes(lines: Sequence[Line], runbook: Runbook) -> Iterator[GateFact]:
    asked = [
        (condition, step)
        for step in runbook.steps()
        for condition in step.preconditions
        if isinstance(condition, FactHolds)
    ]
    stood: dict[str, tuple[bool, str]] = {}
    for utc, record in lines:
        if not isinstance(record, FactNoted):
            continue
        fact = record.fact
        if stood.get(fact.name) != (fact.ok, fact.value):
            stood[fact.name] = fact.ok, fact.value
            for condition, step in asked:
                if condition.fact == fact.name:
                    yield GateFact(utc, step.id, condition.sentence, fact.ok, fact.sentence)
