"""A CSC that another client moves as well is left to the lead, with the name of who does it where that is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.model import CscId, SummaryState, Target
from deploydash.core.run.ports import End
from deploydash.core.run.records import Outcome
from deploydash.systems.sal.commanding.csc_transition import CscTransition, Timeouts
from deploydash.systems.sal.commanding.specs import TransitionSpec
from tests.support.clock import ManualClock
from tests.support.item_context import RecordingContext
from tests.support.runs import view

ESS = CscId("ESS", 104)
ENABLED = Target(SummaryState.ENABLED)


class Undone(CscTransition):
    """Every command is obeyed, and undone at once by somebody else."""

    sent = 0

    async def _transition(self, before: SummaryState, command: str) -> End | None:
        del before, command
        self.sent += 1
        return None


class NoLine:
    sender = None


@pytest.mark.parametrize(
    ("commanded", "who"), [(("ana@laptop", 1.0), "ana@laptop"), (("ScriptQueue:2", 1.0), "ScriptQueue:2"), (None, "")]
)
async def test_who_moved_it_is_named_after_as_many_commands_as_are_sensible(
    commanded: tuple[str, float] | None, who: str
) -> None:
    seen = replace(view(ESS, SummaryState.STANDBY), commanded=commanded)
    spec, context = TransitionSpec(ESS, ENABLED, ""), RecordingContext({ESS: seen})
    timeouts = Timeouts(decided=20.0)
    drive = Undone(spec, "", context, NoLine(), ManualClock(), subname="sal", timeouts=timeouts)  # type: ignore[arg-type]
    end = await drive.walk()
    named = who or "somebody else"
    assert end == End(Outcome.FAILED, f"is moved by {named}, too: 6 commands did not bring it")
    assert drive.sent == 6
