"""Works on items: in waves, so many at once, within their budgets; what an action raises leaves its item unknown.

Nothing here decides what may go: the run does, before each record and each single request.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Protocol

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.ports import Clock
from deploydash.core.procedure.items import CscEffect, Item, last_effects
from deploydash.core.procedure.names import DIRECT, ItemId, StepId, SystemName
from deploydash.core.run.direct_commands import AT_ONCE
from deploydash.core.run.ports import Action, End, Finding, Found, ItemContext
from deploydash.core.run.records import ItemEnded, ItemsDispatched, Outcome, RunRecord
from deploydash.core.run.sight import effect_seen, effects_seen
from deploydash.core.run.state import ItemProgress, ItemStatus, RunState, StepProgress
from deploydash.core.words import clock
from deploydash.errors import UserError
from deploydash.session.item_context import BoundContext, Desk
from deploydash.session.supervise import is_ending

log = logging.getLogger(__name__)

SEEN_S = 30.0
"""So long after an item was carried out its effect may take to be seen."""

OPEN_S = 60.0
"""So long what the items of a step share may take to be opened."""

GLANCE_S = 1.0
"""So long it is looked where those are for which another item stood that was not carried out."""

OUTPUT_LINES = 200
"""So many lines of live output are kept of each item."""


class Run(Desk, Protocol):
    """What the runner needs of the run."""

    @property
    def state(self) -> RunState:
        """The run as its journal has it."""
        ...

    async def dispatch(self, follows: Callable[[RunState], Sequence[RunRecord]]) -> None:
        """Put on disk what follows from the run as it stands after all before it, and begin what that lets go."""
        ...


class ItemRunner:
    """Carries out what was let go. ``tasks`` are under way; ``outputs`` holds live output by step and item."""

    def __init__(self, run: Run, actions: Mapping[SystemName, Action], clock: Clock) -> None:
        self._run = run
        self._actions = actions
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots: dict[StepId, asyncio.Semaphore] = {}
        self._goes_on: set[tuple[StepId, ItemId]] = set()
        self._working: dict[tuple[StepId, ItemId], asyncio.Task[None]] = {}
        self._looking: set[tuple[StepId, ItemId]] = set()
        self._untold: set[tuple[StepId, ItemId]] = set()
        self.outputs: dict[tuple[StepId, ItemId], deque[str]] = {}

    def begin(self, step: StepId, items: Iterable[ItemId]) -> None:
        """Begin to work on items that are on disk as let go."""
        found = [item for name in dict.fromkeys(items) if (item := self._run.item(step, name)) is not None]
        if found:
            self._start(self._waves(step, found), f"step {step}")

    def control(self, step: StepId, name: ItemId, control: str, told: Callable[[str], None]) -> None:
        """Tell an item's system one of its controls; ``told`` hears why it was not done."""
        self._start(self._control(step, name, control, told), f"{control} for {step} {name}")

    def give_up(self, step: StepId, name: ItemId) -> None:
        """Work no more on an item of which it is on disk that its outcome is unknown."""
        task = self._working.get((step, name))
        if task is not None:
            task.cancel()

    def _over(self, step: StepId, name: ItemId, task: asyncio.Task[None]) -> None:
        if self._working.get((step, name)) is task:
            del self._working[step, name]

    def probe(self, *, again: bool = False) -> bool:
        """Look outside what became of everything whose outcome is unknown, as after a resume.

        ``again``: only at that of which nobody could tell, and which the lead has not decided. Say whether any is left.
        """
        untold, self._untold = self._untold, set()
        for step, item, progress in tuple(self._run.state.work()):
            at = (step, item.id)
            if progress.status is not ItemStatus.UNKNOWN or item.system not in self._actions or at in self._looking:
                continue
            if item.id in _stand_ins(self._run.state.progress(step)):
                continue  # it is settled with what stands for it
            if again and (at not in untold or self._decided(step, item)):
                continue
            self._looking.add(at)
            as_done = self._run.item(step, item.id) or item  # with the words that were filled in when it was sent
            self._start(self._probe(step, as_done, progress, again=again), f"look for {step} {item.id}")
        return bool(self._looking)

    def _decided(self, step: StepId, item: Item) -> bool:
        progress = self._run.state.progress(step)
        return progress.ended_utc is not None or progress.signed_off(item.id) or self._run.state.is_waived(item)

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def aclose(self) -> None:
        """Let go of everything; what had been sent stays unknown."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _waves(self, step: StepId, items: Sequence[Item]) -> None:
        slots = self._slots_of(step)
        left = {item.id: item for item in items}
        """Those that this dispatch has not ended: what ended may have been let go once more meanwhile."""

        async def one(item: Item) -> None:
            await self._one(step, item, slots)
            left.pop(item.id, None)

        try:
            async with AsyncExitStack() as stack:
                for system in dict.fromkeys(item.system for item in items):
                    ours = [item for item in items if item.system == system]
                    await self._open(system, ours, stack)
                for wave in sorted({item.wave for item in items}):
                    async with asyncio.TaskGroup() as group:
                        for item in items:
                            if item.wave == wave:
                                task = group.create_task(one(item), name=f"{step} {item.id}")
                                self._working[step, item.id] = task
                                task.add_done_callback(partial(self._over, step, item.id))
        except Exception as error:  # noqa: BLE001 - whatever kept them from being worked on
            why = _words(error, f"step {step}")
            for item in left.values():
                if self._run.state.progress(step).item(item.id).status is ItemStatus.UNDER_WAY:
                    await self._end(step, item, End(Outcome.UNKNOWN, why))

    async def _open(self, system: SystemName, items: Sequence[Item], stack: AsyncExitStack) -> None:
        try:
            async with asyncio.timeout(OPEN_S):
                await stack.enter_async_context(self._action(system).open(items))
        except TimeoutError:
            raise UserError(f"{system} did not answer within {OPEN_S:g} s; nothing was begun") from None

    def _slots_of(self, step: StepId) -> asyncio.Semaphore:
        """Return the places of a step: what is retried shares them with what is under way still."""
        if step not in self._slots:
            at_once = AT_ONCE if step == DIRECT else self._run.state.runbook.step(step).at_once
            self._slots[step] = asyncio.Semaphore(max(1, at_once))
        return self._slots[step]

    def _action(self, system: SystemName) -> Action:
        action = self._actions.get(system)
        if action is None:
            raise UserError(f"this process does not speak to {system}")
        return action

    async def _one(self, step: StepId, item: Item, slots: asyncio.Semaphore) -> None:
        history = self._run.state.progress(step).item(item.id)
        if history.status is not ItemStatus.UNDER_WAY:
            return
        context = self._context(step, item, slots)
        action, budget = self._action(item.system), self._budget(step)
        limit = asyncio.timeout(budget)
        try:
            async with limit:
                if history.key or (step, item.id) in self._goes_on:
                    self._goes_on.discard((step, item.id))
                    end = await self._followed(action, item, history, context)
                else:
                    end = await action.run(item, history.approved, context)
        except (Exception, asyncio.CancelledError) as error:  # its item stays to be looked at
            if is_ending(error):
                raise
            if isinstance(error, TimeoutError) and limit.expired():
                end = _too_long(budget or 0.0, self._run.state.progress(step).item(item.id))
            else:
                end = End(Outcome.UNKNOWN, _words(error, f"{item.label} of {step}"))
        await context.flush()
        await self._end(step, item, end)

    async def _followed(self, action: Action, item: Item, history: ItemProgress, context: ItemContext) -> End:
        """Follow what was begun before; in vain, look at it as after a resume: what was not done may be sent anew."""
        end = await action.follow(item, history, context)
        if end.outcome is not Outcome.UNKNOWN:
            return end
        finding = await self._look(item, history)
        if finding.found is not Found.NOT_DONE:
            return end
        return End(Outcome.FAILED, f"{end.why}; {finding.sentence}, looked at {clock(finding.read_utc)}")

    def _budget(self, step: StepId) -> float | None:
        return None if step == DIRECT else self._run.state.runbook.step(step).budget_s

    async def _end(self, step: StepId, item: Item, end: End) -> None:
        """Tell how an item ended; its own word is not enough where its effect can be seen."""
        added = self._run.state.progress(step).added.get(item.id)
        instead_of = added.instead_of if added is not None else ()
        effects = last_effects(item.effects)
        if end.outcome is Outcome.REACHED and not instead_of and not await self._seen(effects, SEEN_S):
            missing = ", ".join(f"{each.csc} {each.target}" for each in effects if not self._at(each))
            end = End(Outcome.FAILED, f"{end.why}, but not seen: {missing}", end.values, end.left)
        await self._settle_all(step, item, end, SEEN_S if end.outcome is Outcome.REACHED else GLANCE_S)
        await self._run.tell(ItemEnded(step, item.id, end.outcome, end.why, end.values, end.left))

    async def _settle_all(self, step: StepId, by: Item, end: End, limit: float) -> None:
        """End the items for which one stood, all at once."""
        added = self._run.state.progress(step).added.get(by.id)
        async with asyncio.TaskGroup() as group:
            for name in added.instead_of if added is not None else ():
                group.create_task(self._settle(step, name, by, end, limit))

    async def _settle(self, step: StepId, name: ItemId, by: Item, end: End, limit: float) -> None:
        """End an item for which another stood: by what is seen of its own effect."""
        item, history = self._run.item(step, name), self._run.state.progress(step).item(name)
        if item is None:
            return
        there = bool(item.effects) and await self._seen(item.effects, limit)
        if not item.effects:
            outcome, why = end.outcome, end.why
        else:
            targets = ", ".join(str(effect.target) for effect in item.effects)
            otherwise = Outcome.FAILED if end.outcome is Outcome.REACHED else end.outcome
            outcome = Outcome.REACHED if there else otherwise
            why = f"{'seen' if there else 'not seen'} {targets}; {by.label}: {end.why}"
        ended = (ItemEnded(step, name, outcome, why),)
        await self._run.dispatch(lambda state: ended if state.progress(step).item(name) == history else ())

    async def _seen(self, effects: tuple[CscEffect, ...], limit: float) -> bool:
        if not effects or effects_seen(effects, self._run.view):
            return True
        looks = (self._run.seen(each.csc, _at(each), limit) for each in effects)
        return all(await asyncio.gather(*looks))

    def _at(self, effect: CscEffect) -> bool:
        return effect_seen(effect, self._run.view(effect.csc))

    async def _control(self, step: StepId, name: ItemId, control: str, told: Callable[[str], None]) -> None:
        item = self._run.item(step, name)
        if item is None:
            return
        context = self._context(step, item, asyncio.Semaphore(1), control=True)
        try:
            history = self._run.state.progress(step).item(name)
            await self._action(item.system).control(item, control, history, context)
        except UserError as error:
            told(str(error))
        except (Exception, asyncio.CancelledError) as error:  # told to the lead; the item itself goes on
            if is_ending(error):
                raise
            told(_words(error, f"{control} of {item.label}"))

    async def _probe(self, step: StepId, item: Item, history: ItemProgress, *, again: bool) -> None:
        try:
            await self._probed(step, item, history, again=again)
        finally:
            self._looking.discard((step, item.id))

    async def _probed(self, step: StepId, item: Item, history: ItemProgress, *, again: bool) -> None:
        finding = await self._look(item, history)
        if self._run.state.progress(step).item(item.id) != history:
            return
        if finding.found is Found.CANNOT_TELL:
            self._untold.add((step, item.id))
            if again:
                return  # that is what stands there already
        records = told(step, item.id, history, finding)
        for ended in records:
            if isinstance(ended, ItemEnded):
                await self._settle_all(step, item, End(ended.outcome, ended.why), GLANCE_S)

        def follows(state: RunState) -> Sequence[RunRecord]:
            self._goes_on.discard((step, item.id))
            if state.progress(step).item(item.id) != history:
                return ()  # the lead let it go once more meanwhile: what was found is of before
            if finding.found is Found.UNDER_WAY:
                self._goes_on.add((step, item.id))
            return records

        await self._run.dispatch(follows)

    async def _look(self, item: Item, history: ItemProgress) -> Finding:
        try:
            return await self._action(item.system).probe(item, history, self._run.view)
        except UserError as error:
            return Finding(Found.CANNOT_TELL, str(error), self._clock.utc())
        except (Exception, asyncio.CancelledError) as error:  # what cannot be looked at stays unknown
            if is_ending(error):
                raise
            return Finding(Found.CANNOT_TELL, _words(error, f"look for {item.label}"), self._clock.utc())

    def _context(self, step: StepId, item: Item, slots: asyncio.Semaphore, *, control: bool = False) -> BoundContext:
        lines = self.outputs.setdefault((step, item.id), deque(maxlen=OUTPUT_LINES))
        return BoundContext(self._run, step, item, slots, lines, self._clock, control=control)


def _stand_ins(progress: StepProgress) -> set[ItemId]:
    """Return the items for which another one stands of which nobody knows what came."""
    unknown = (one for name, one in progress.added.items() if progress.item(name).status is ItemStatus.UNKNOWN)
    return {name for one in unknown for name in one.instead_of}


def told(step: StepId, name: ItemId, history: ItemProgress, finding: Finding) -> tuple[RunRecord, ...]:
    """Return what a finding makes of an item whose outcome was unknown; what is under way is followed."""
    read = f"{finding.sentence}, looked at {clock(finding.read_utc)}"
    if finding.found is Found.UNDER_WAY:
        return (ItemsDispatched(step, (name,), "the procedure"),)
    why = read if finding.found is Found.DONE else f"{history.why}; {read}"
    return (ItemEnded(step, name, _OUTCOMES[finding.found], why),)


_OUTCOMES = {
    Found.DONE: Outcome.REACHED,
    Found.NOT_DONE: Outcome.FAILED,
    Found.CANNOT_TELL: Outcome.UNKNOWN,
}


def _at(effect: CscEffect) -> Callable[[CscView], bool]:
    return lambda view: effect_seen(effect, view)


def _too_long(budget: float, last: ItemProgress) -> End:
    """Return how an item ends whose time is over: unknown where something was sent for it, and what it came to last."""
    came_to = f": {last.line or last.state}" if last.line or last.state else ""
    if last.request:
        return End(Outcome.UNKNOWN, f"not ended within {budget:g} s{came_to}")
    return End(Outcome.FAILED, f"not ended within {budget:g} s{came_to}; nothing was sent")


def _words(error: BaseException, what: str) -> str:
    """Return a fault of ours in words for an operator; the log has the rest."""
    if isinstance(error, UserError):
        return str(error)
    log.error("%s failed", what, exc_info=error)
    return f"deploydash failed: {type(error).__name__}; the log has the details"
