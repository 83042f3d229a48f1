"""One CSC on its way to its target: a transition is over when it is acknowledged *and* seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from deploydash.core.fleet.observations import ExitAcknowledged
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Liveness, SummaryState
from deploydash.core.ports import Clock
from deploydash.core.procedure.runbook import CscItem, StepId, csc_item
from deploydash.core.procedure.transitions import next_step
from deploydash.core.run.decide import is_at
from deploydash.core.run.ports import ItemContext
from deploydash.core.run.records import Outcome, RequestAnswered, RequestIntended
from deploydash.errors import FeedError
from deploydash.systems.sal.commanding.acks import AckCode, Answer
from deploydash.systems.sal.commanding.csc_fleet_view import is_decided, is_leaving, obstacle
from deploydash.systems.sal.commanding.kafka_commands import Order
from deploydash.systems.sal.commanding.kafka_write import MaybeWritten
from deploydash.systems.sal.wire.commands import Sender

_MOST_TRANSITIONS = 6
"""The longest path has four; more means that somebody else moves it as well."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each thing is waited for, in seconds.

    ``command``: a final acknowledgement (set_summary_state.py waits as long). ``seen``: the new state after it.
    ``silence``: the end of the beats after exitControl. ``decided``: whether it lives, before it is commanded.
    ``settled``: what else there is to see after a refusal (an errorCode may come after the FAULT).
    """

    command: float = 60.0
    seen: float = 10.0
    silence: float = 30.0
    decided: float = 20.0
    settled: float = 2.0


@dataclass(frozen=True, slots=True)
class End:
    """How one CSC ended."""

    outcome: Outcome
    why: str


class Line(Protocol):
    """What commanding needs of a CommandLine."""

    sender: Sender

    async def prepare(self, csc: CscId, command: str, values: Mapping[str, Any] | None = None) -> Order:
        """Check a command and give it its number."""
        ...

    async def send(self, order: Order, limit_s: float) -> Answer:
        """Send it once and return its final acknowledgement."""
        ...


class CscTransition:
    """Commands one CSC, look by look, until it is there or a person has to decide."""

    def __init__(
        self,
        item: CscItem,
        step: StepId,
        context: ItemContext,
        line: Line,
        clock: Clock,
        timeouts: Timeouts,
        *,
        exited: Callable[[ExitAcknowledged], None] = lambda _: None,
    ) -> None:
        self._csc = item.csc
        self._target = item.target
        self._step = step
        self._context = context
        self._line = line
        self._clock = clock
        self._timeouts = timeouts
        self._override = item.override
        self._exited = exited
        self._last = ""
        self._exit_acknowledged = False

    async def before(self) -> End | None:
        """Return how it ends without any command, or None where it has to be commanded or waited for."""
        await self._decide()
        if is_at(self._view(), self._target):
            return End(Outcome.REACHED, "was there already")
        return None if self.leaving else self._stopped()

    @property
    def leaving(self) -> bool:
        """Whether nothing is left but to wait for its silence."""
        return self._exit_acknowledged or is_leaving(self._view(), self._target)

    async def walk(self) -> End | None:
        """Command it step by step; None when nothing is left but to wait for its silence."""
        for _ in range(_MOST_TRANSITIONS):
            view = self._view()
            if is_at(view, self._target):
                return End(Outcome.REACHED, f"seen {self._target}")
            if self.leaving:
                return None
            if (stopped := self._stopped()) is not None:
                return stopped
            assert view is not None  # noqa: S101 - _stopped() has an answer for None
            assert view.reported is not None  # noqa: S101 - and for a CSC that told no state
            if view.reported is SummaryState.FAULT and self._last:
                return await self._fault()
            hop = next_step(view.reported, self._target.state)
            if hop is None:
                return await self._substate()
            if (end := await self._transition(view.reported, *hop)) is not None:
                return end
            await self._decide()
        return End(Outcome.FAILED, f"is moved by somebody else, too: {_MOST_TRANSITIONS} commands did not bring it")

    async def silence(self) -> End:
        """Wait for the end of the beats: a CSC that told OFFLINE, or acknowledged exitControl, ends its process."""
        there = await self._seen(lambda view: is_at(view, self._target), self._timeouts.silence)
        if there:
            return End(Outcome.REACHED, f"seen {self._target} and silent")
        view = self._view()
        blind = view is None or view.liveness in {Liveness.FEED_DOWN, Liveness.UNREADABLE}
        told = "" if view is None else view.reason.render(self._clock.monotonic())
        outcome = Outcome.UNKNOWN if blind else Outcome.FAILED
        return End(outcome, f"not silent within {self._timeouts.silence:g} s: {told}")

    async def _transition(self, before: SummaryState, command: str, after: SummaryState) -> End | None:
        """Carry out one transition; None where looking goes on."""
        values = {"configurationOverride": self._override} if command == "start" and self._override else {}
        try:
            order = await self._line.prepare(self._csc, command, values)
        except FeedError as error:
            return End(Outcome.FAILED, f"{command} was not sent: {error}")
        sender = self._line.sender
        intent = RequestIntended(
            self._step, csc_item(self._csc), self._csc, command, order.seq_num, sender.identity, sender.origin
        )
        refusal = await self._context.intend(intent)
        if refusal is not None:
            return End(Outcome.FAILED, refusal)
        self._last = command
        try:
            answer = await self._line.send(order, self._timeouts.command)
        except MaybeWritten as error:
            await self._tell(command, order, Answer(0, 0, str(error)))
            return End(Outcome.UNKNOWN, f"{command} {error}")
        except FeedError as error:
            await self._tell(command, order, Answer(0, 0, f"not sent: {error}"))
            return End(Outcome.FAILED, f"{command} was not sent: {error}")
        await self._tell(command, order, answer)
        if answer.code != AckCode.COMPLETE:
            return await self._not_done(before, command, answer)
        return await self._see(before, command, after)

    async def _see(self, before: SummaryState, command: str, after: SummaryState) -> End | None:
        """Wait for the state that an acknowledged command leads to; the event may have come before."""
        view = self._view()
        if after is SummaryState.OFFLINE and not (view is not None and view.camera):
            self._exit_acknowledged = True
            self._exited(ExitAcknowledged(self._csc, self._clock.monotonic()))
            return None
        if await self._seen(lambda view: _moved(view, before), self._timeouts.seen):
            return None
        seen = self._timeouts.seen
        return End(Outcome.UNKNOWN, f"{command} was acknowledged, but {after.name} was not seen within {seen:g} s")

    async def _not_done(self, before: SummaryState, command: str, answer: Answer) -> End | None:
        """Look what became of it: it may be there, or have moved while the command was on its way."""
        if answer.code != 0:
            await self._seen(lambda view: is_at(view, self._target) or _moved(view, before), self._timeouts.settled)
        view = self._view()
        if is_at(view, self._target):
            return End(Outcome.REACHED, f"seen {self._target}; {command}: {answer.words}")
        if self.leaving:
            return None
        if answer.code == 0:
            return End(Outcome.UNKNOWN, f"{command}: {answer.words}")
        if view is not None and view.reported is SummaryState.FAULT and before is not SummaryState.FAULT:
            return await self._fault()
        doubtful = answer.code in {AckCode.NOACK, AckCode.TIMEOUT}
        return End(Outcome.UNKNOWN if doubtful else Outcome.FAILED, f"{command}: {answer.words}")

    async def _fault(self) -> End:
        await self._seen(lambda view: view.error is not None, self._timeouts.settled)
        view = self._view()
        error = None if view is None else view.error
        told = "no errorCode was told" if error is None else f"error {error.code}: {error.report}"
        return End(Outcome.FAILED, f"went to FAULT on {self._last}: {told}")

    async def _substate(self) -> End:
        """A camera is OFFLINE, and no command changes its sub-state."""
        if await self._seen(lambda view: is_at(view, self._target), self._timeouts.seen):
            return End(Outcome.REACHED, f"seen {self._target}")
        view = self._view()
        told = "no substate" if view is None or view.substate is None else view.substate.name
        return End(Outcome.FAILED, f"is OFFLINE with {told}; no command leads to {self._target}")

    def _stopped(self) -> End | None:
        why = obstacle(self._view(), self._target, self._clock.monotonic())
        return None if why is None else End(Outcome.FAILED, why)

    async def _decide(self) -> None:
        await self._seen(lambda view: is_decided(view) or is_at(view, self._target), self._timeouts.decided)

    async def _tell(self, command: str, order: Order, answer: Answer) -> None:
        item = csc_item(self._csc)
        record = RequestAnswered(self._step, item, command, order.seq_num, answer.code, answer.words)
        await self._context.tell(record)

    def _view(self) -> CscView | None:
        return self._context.view(self._csc)

    async def _seen(self, when: Callable[[CscView], bool], limit_s: float) -> bool:
        return await self._context.seen(self._csc, when, limit_s)


def _moved(view: CscView, before: SummaryState) -> bool:
    """Say whether a CSC is seen in another state than before, or has ended."""
    return view.reported not in {None, before} or view.liveness is Liveness.SILENT
