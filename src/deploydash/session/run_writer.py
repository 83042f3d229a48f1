"""Decides, journals and folds, in this order; what waits while the disk is busy goes to disk together.

A run asks for its records faster than a disk syncs them: a hundred CSCs side by side want one for each command and
one for each answer. So one task writes, and takes at once whatever is waiting. Each is decided on the state with those
before it in the group folded, so that two decisions never overlook each other; the group is appended with one sync, all
or none; only then is it the state, and only then does anybody hear that it may act.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from deploydash.core.ports import Clock
from deploydash.core.run.decide import Decision, Refused
from deploydash.core.run.evolve import evolve
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.records import RunRecord
from deploydash.core.run.state import RunState, current_phase
from deploydash.errors import UserError

Decide = Callable[[RunState, FleetView], Decision]


class Journal(Protocol):
    """Where records go; ``append_all`` returns when they are on disk and blocks meanwhile."""

    def append_all(self, records: Sequence[object], utc: float, phase: str | None) -> object:
        """Put the records of one moment on disk, all or none, with the phase they leave the run in, None: closed.

        Raises:
            UserError: the disk refused, in words.
        """
        ...


class RunWriter:
    """The one owner of a run's state. ``fault`` says why the disk refused last, until it takes records again."""

    def __init__(self, state: RunState, journal: Journal, look: Callable[[], FleetView], clock: Clock) -> None:
        self.state = state
        self.fault = ""
        self._journal = journal
        self._look = look
        self._clock = clock
        self._noticed: list[object] = []
        self._waiting: list[tuple[Decide, asyncio.Future[Decision]]] = []
        self._writing: asyncio.Task[None] | None = None

    def noticed(self, records: Sequence[object]) -> None:
        """Take what the fleet noticed; it goes to disk before the next decision."""
        self._noticed.extend(records)

    async def commit(self, decide: Decide) -> Decision:
        """Decide and return the records once they are on disk and folded, or why there are none.

        Whoever is cancelled before its turn came leaves nothing behind.
        """
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting.append((decide, answer))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_on(), name="journal")
        return await answer

    async def idle(self) -> None:
        """Wait until nothing is being written."""
        while self._writing is not None and not self._writing.done():
            await asyncio.wait({self._writing})

    async def _write_on(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            group = [(decide, answer) for decide, answer in waiting if not answer.done()]
            try:
                decided = await self._write(group)
            except Exception as error:  # noqa: BLE001 - raised where the records came from
                decided = [error] * len(group)
            for (_, answer), outcome in zip(group, decided, strict=True):
                if isinstance(outcome, Exception):
                    _fail(answer, outcome)
                elif not answer.done():
                    answer.set_result(outcome)

    async def _write(self, group: Sequence[tuple[Decide, object]]) -> list[Decision | Exception]:
        """Decide each of a group on what the ones before it leave, append all, fold."""
        utc = self._clock.utc()
        fleet_view = self._look()
        state = self.state
        decided: list[Decision | Exception] = []
        for decide, _ in group:
            try:
                outcome = decide(state, fleet_view)
            except Exception as error:  # noqa: BLE001 - raised where the decision came from
                decided.append(error)
                continue
            decided.append(outcome)
            if not isinstance(outcome, Refused):
                for record in outcome:
                    state = evolve(state, record, utc)
        refused = await self._append(_records(decided), utc, state)
        if refused is not None:
            return [Refused(refused) if isinstance(outcome, tuple) and outcome else outcome for outcome in decided]
        self.state = state
        return decided

    async def _append(self, records: Sequence[RunRecord], utc: float, after: RunState) -> str | None:
        """Put records on disk behind what the fleet noticed before them. Returns why not."""
        noticed, self._noticed = self._noticed, []
        if not records and not noticed:
            return None
        phase = None if after.closed else current_phase(after).id
        try:
            await asyncio.to_thread(self._journal.append_all, (*noticed, *records), utc, phase)
        except UserError as error:
            self._noticed = noticed + self._noticed
            self.fault = str(error)
            return self.fault
        self.fault = ""
        return None


def _records(decided: Sequence[Decision | Exception]) -> list[RunRecord]:
    return [record for outcome in decided if isinstance(outcome, tuple) for record in outcome]


def _fail(answer: asyncio.Future[Decision], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
