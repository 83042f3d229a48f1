"""A gate that a fact of another system holds: shut rightly by what it tells, falsely by its not being told."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.fleet.facts import Fact
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.preconditions import FactHolds
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.gate_flaps import Watched, depends_on, look
from deploydash.core.run.records import GateClosedSpuriously
from deploydash.core.run.state import RunState
from tests.support.runs import WATCHER, fleet, opened, small_runbook

STEP = StepId("watcher")
QUIET = FactHolds("alarms", "the alarms are silenced")


def state() -> RunState:
    """A run whose first step waits for a fact."""
    book = small_runbook()
    (phase,) = book.phases

    def waits(step: Step) -> Step:
        return replace(step, preconditions=(QUIET,)) if step.id == STEP else step

    return opened(replace(book, phases=(replace(phase, steps=tuple(map(waits, phase.steps))),)))


def seen(at: float, *, read: float, ok: bool = True) -> FleetView:
    """Everybody ENABLED at ``at``, and the fact as it was read at ``read``."""
    now = fleet(at=at)
    fact = Fact("pager", "alarms", "", ok, "on", "the alarms are on", now.utc - at + read)
    return replace(now, facts={fact.name: fact})


def watch(*looks: FleetView) -> list[GateClosedSpuriously]:
    run, watched, found = state(), Watched(), []
    for each in looks:
        watched, ended = look(watched, run.runbook.step(STEP), run, each, armed=False)
        found += [ended] if ended is not None else []
    return found


def test_a_fact_that_was_not_told_in_time_shut_the_gate_falsely() -> None:
    (closed,) = watch(seen(0.0, read=0.0), seen(70.0, read=0.0), seen(74.0, read=73.0))
    assert (closed.sentence, closed.cause, closed.seconds) == (QUIET.sentence, "alarms not told lately", 4.0)


def test_a_fact_that_departed_shut_the_gate_rightly_though_it_came_back() -> None:
    assert watch(seen(0.0, read=0.0), seen(5.0, read=5.0, ok=False), seen(9.0, read=9.0)) == []
    departed = seen(80.0, read=80.0, ok=False)
    assert watch(seen(0.0, read=0.0), seen(70.0, read=0.0), departed) == [], "it has not opened again"


def test_a_fact_names_no_csc() -> None:
    assert depends_on(state().runbook.step(STEP), state()) == (WATCHER,)
