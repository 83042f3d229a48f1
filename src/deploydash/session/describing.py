"""What a step would do now, asked of the actions of its items: the card shows this and nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import PERSON, ItemId, StepId, SystemName
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import Action, Look
from deploydash.errors import UserError
from deploydash.session.supervise import is_ending

log = logging.getLogger(__name__)

EVERY_S = 2.0
"""How often what the card's step would do is read anew while the card is on top."""

LIMIT_S = 10.0
"""Reading what would be done may take so long; nothing goes on a plan that could not be read."""


async def describe(items: Sequence[Item], actions: Mapping[SystemName, Action], look: Look, clock: Clock) -> Plan:
    """Return what would be done with these items now, in their order.

    Raises:
        UserError: it could not be read, in words.
    """
    sentences: list[str] = []
    found: dict[ItemId, ItemPlan] = {}
    read_utc = clock.utc()
    for system in dict.fromkeys(item.system for item in items):
        ours = [item for item in items if item.system == system]
        if system == PERSON:
            found |= {item.id: ItemPlan(item.id, item.manual, "a person does it") for item in ours}
            continue
        if system not in actions:
            raise UserError(f"this process does not speak to {system}")
        try:
            async with asyncio.timeout(LIMIT_S):
                plan = await actions[system].describe(ours, look)
        except TimeoutError:
            raise UserError(f"what {system} would do could not be read within {LIMIT_S:g} s") from None
        except UserError:
            raise
        except (Exception, asyncio.CancelledError) as error:
            if is_ending(error):
                raise
            log.exception("what %s would do could not be read", system)
            what = f"what {system} would do could not be read: deploydash failed: {type(error).__name__}"
            raise UserError(f"{what}; the log has the details") from error
        sentences += [plan.sentence] if plan.sentence else []
        read_utc = min(read_utc, plan.read_utc)
        found |= {one.item: one for one in plan.items}
    planned = tuple(found.get(item.id, ItemPlan(item.id)) for item in items)
    return Plan("; ".join(sentences), planned, read_utc)


class CardPlan:
    """What the step on the card would do, read anew every so often beside everything else."""

    def __init__(self, describe_step: Callable[[StepId], Awaitable[Plan | None]], clock: Clock) -> None:
        self._describe = describe_step
        self._clock = clock
        self._planned: tuple[StepId, Plan] | None = None
        self._due = 0.0
        self._about: object = None
        self._task: asyncio.Task[None] | None = None

    def of(self, step: StepId) -> Plan | None:
        """Return the plan of a step, if it is the one that was read."""
        return self._planned[1] if self._planned is not None and self._planned[0] == step else None

    def keep(self, step: StepId, plan: Plan) -> None:
        """Show a plan that was read elsewhere."""
        self._planned = (step, plan)

    def tend(self, step: StepId | None, about: object = None) -> None:
        """Read what this step would do if that is due; None where no step waits to be let go.

        ``about``: what it would do depends on, such as the words that are filled in; with another one what was read
        before is not shown any more: it would say that the step waits for what was just set.
        """
        now = self._clock.monotonic()
        if about != self._about:
            self._about, self._planned, self._due = about, None, 0.0
        if step is None:
            self._planned = None
            return
        if (self.of(step) is not None and now < self._due) or (self._task is not None and not self._task.done()):
            return
        self._due = now + EVERY_S
        self._task = asyncio.create_task(self._read(step), name=f"what {step} would do")

    async def aclose(self) -> None:
        """Give up reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self, step: StepId) -> None:
        about = self._about
        try:
            plan = await self._describe(step)
        except UserError as error:
            plan = Plan(f"What it would do cannot be read: {error}", (), self._clock.utc())
        if about == self._about:
            self._planned = (step, plan) if plan is not None else None
