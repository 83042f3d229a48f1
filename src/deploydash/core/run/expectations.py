"""What a run tells the fleet to judge CSCs by: told once, and again where it changed. Pure but for what was told."""

from __future__ import annotations

from deploydash.core.fleet.commands import CompareWith, JudgeByRun
from deploydash.core.run.state import RunState, current_phase


class Judging:
    """Remembers what was told. Whoever chose another comparison keeps it until the run itself changes it."""

    def __init__(self) -> None:
        self._compared: CompareWith | None = None
        self._judged: JudgeByRun | None = None
        self._state: RunState | None = None

    def news(self, state: RunState) -> tuple[CompareWith | JudgeByRun, ...]:
        """Return the orders that a state gives and the one before did not."""
        if state is self._state:
            return ()
        self._state = state
        orders: list[CompareWith | JudgeByRun] = []
        compared, judged = comparison(state), judge(state)
        if compared != self._compared:
            self._compared = compared
            orders.append(compared)
        if judged != self._judged:
            self._judged = judged
            orders.append(judged)
        return tuple(orders)


def comparison(state: RunState) -> CompareWith:
    """Return what the fleet is compared with now: the phase's targets, with the start-up targets of the answers.

    Only those that the run is about are: of all others nothing is wanted, so that nothing is wrong with them.
    """
    wanted = state.runbook.wanted(current_phase(state), state.answers)
    return CompareWith(wanted, state.runbook.startup_targets(state.answers), frozenset(state.runbook.concerns))


def judge(state: RunState) -> JudgeByRun:
    """Return whom the run stopped from outside, and on whom work of ours that is under way has an effect."""
    return JudgeByRun(state.stopped, frozenset(state.worked_on()))
