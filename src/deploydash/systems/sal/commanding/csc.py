"""CSC state transitions, many side by side (``core.run.ports.Action``).

A command that was sent is followed to its end, even while the run is held; only the next one needs the desk's leave.
Nothing is ever repeated here: what is unknown stays so until it is seen or the lead decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from deploydash.core.fleet.observations import ExitAcknowledged
from deploydash.core.model import CscId
from deploydash.core.ports import Clock
from deploydash.core.procedure.runbook import CscItem, Step, csc_item
from deploydash.core.run.ports import ItemContext
from deploydash.core.run.records import ItemEnded
from deploydash.systems.sal.commanding.csc_plan import Description, Look, describe
from deploydash.systems.sal.commanding.csc_transition import CscTransition, Line, Timeouts

_USUAL = Timeouts()


class CscAction:
    """Brings the CSCs of a step to their targets, wave after wave.

    ``exited`` is called, on the event loop, when an exitControl was acknowledged.
    """

    def __init__(
        self,
        line: Line,
        clock: Clock,
        *,
        subname: str,
        timeouts: Timeouts = _USUAL,
        exited: Callable[[ExitAcknowledged], None] = lambda _: None,
    ) -> None:
        self._line = line
        self._clock = clock
        self._subname = subname
        self._timeouts = timeouts
        self._exited = exited

    def describe(self, step: Step, look: Look) -> Description:
        """Return what the step would send now: a sentence, and the exact commands of every CSC."""
        return describe(step, look, self._clock.monotonic(), subname=self._subname)

    async def run(self, step: Step, cscs: tuple[CscId, ...], context: ItemContext) -> None:
        """Work on these CSCs until each has ended; a wave starts when the one before it has.

        At most ``step.at_once`` have a command under way; those that are only waited for do not count.
        """
        items = [item for item in step.items if isinstance(item, CscItem) and item.csc in cscs]
        slots = asyncio.Semaphore(max(1, step.at_once))
        for wave in sorted({item.wave for item in items}):
            async with asyncio.TaskGroup() as group:
                for item in items:
                    if item.wave == wave:
                        group.create_task(self._bring(item, step, context, slots), name=f"{step.id} {item.csc}")

    async def _bring(self, item: CscItem, step: Step, context: ItemContext, slots: asyncio.Semaphore) -> None:
        drive = CscTransition(
            item,
            step.id,
            context,
            self._line,
            self._clock,
            self._timeouts,
            exited=self._exited,
        )
        end = await drive.before()
        if end is None and not drive.leaving:
            async with slots:
                end = await drive.walk()
        if end is None:
            end = await drive.silence()
        await context.tell(ItemEnded(step.id, csc_item(item.csc), end.outcome, end.why))
