"""One CSC on its way to its target: a transition is over when it is acknowledged *and* seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from deploydash.core.fleet.observations import ExitAcknowledged
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Liveness, SummaryState
from deploydash.core.ports import Clock
from deploydash.core.procedure.transitions import LEADS_TO, command_text
from deploydash.core.run.ports import End, ItemContext
from deploydash.core.run.records import Outcome
from deploydash.core.run.sight import is_at
from deploydash.errors import FeedError
from deploydash.systems.sal.commanding.acks import AckCode, Answer
from deploydash.systems.sal.commanding.csc_fleet_view import is_decided, is_leaving
from deploydash.systems.sal.commanding.kafka_commands import Order, key_of
from deploydash.systems.sal.commanding.kafka_write import MaybeWritten
from deploydash.systems.sal.commanding.plan import Stands, Way, not_approved, stuck, way
from deploydash.systems.sal.commanding.specs import CommandSpec, CscSpec
from deploydash.systems.sal.wire.commands import Sender

_MOST_TRANSITIONS = 6
"""The longest path has four; more means that somebody else moves it as well."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each thing is waited for, in seconds.

    ``command``: a final acknowledgement (set_summary_state.py waits as long). ``seen``: the new state after it.
    ``silence``: the end of the beats after exitControl. ``decided``: whether it lives, before it is commanded.
    ``settled``: what else there is to see after a refusal (an errorCode may come after the FAULT). ``gone``: from the
    last heartbeat of a CSC that nobody told to leave until it is believed to have ended, and not only to stand still.
    """

    command: float = 60.0
    seen: float = 10.0
    silence: float = 30.0
    decided: float = 20.0
    settled: float = 2.0
    gone: float = 20.0


USUAL = Timeouts()


class Line(Protocol):
    """What commanding needs of a CommandChannel."""

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
        spec: CscSpec,
        approved: str,
        context: ItemContext,
        line: Line,
        clock: Clock,
        *,
        subname: str,
        timeouts: Timeouts = USUAL,
        exited: Callable[[ExitAcknowledged], None] = lambda _: None,
    ) -> None:
        self._spec = spec
        self._approved = approved
        self._csc = spec.csc
        self._target = spec.target
        self._override = spec.override
        self._once = isinstance(spec, CommandSpec)
        self._context = context
        self._line = line
        self._clock = clock
        self._subname = subname
        self._timeouts = timeouts
        self._exited = exited
        self._last = ""
        self._exit_acknowledged = False
        self._sent_at = 0.0

    async def before(self) -> End | None:
        """Return how it ends without any command, or None where it has to be commanded or waited for."""
        found = await self._decided_way()
        if found.stands is Stands.THERE:
            return End(Outcome.REACHED, "was at target already")
        return End(Outcome.FAILED, found.why) if found.stands is Stands.BARRED else None

    @property
    def leaving(self) -> bool:
        """Whether nothing is left but to wait for its silence."""
        return self._exit_acknowledged or is_leaving(self._view(), self._target)

    async def walk(self) -> End | None:
        """Command it step by step; None when nothing is left but to wait for its silence."""
        for _ in range(_MOST_TRANSITIONS):
            found = await self._decided_way()  # its beat may have become late while it waited for its place
            view = self._view()
            if self.leaving:
                return None
            if found.stands is Stands.THERE:
                return End(Outcome.REACHED, f"seen {self._target}")
            if self._last and view is not None and view.reported is SummaryState.FAULT:
                return await self._fault()
            if self._last and self._once:
                return End(Outcome.FAILED, not_approved("", self._spec, self._approved, self._last))
            if found.stands is Stands.BARRED:
                return End(Outcome.FAILED, found.why)
            if found.stands is Stands.STUCK:
                return await self._substate()
            assert view is not None  # noqa: S101 - who goes is seen
            assert view.reported is not None  # noqa: S101 - and reported a state
            command = found.commands[0]
            if why := not_approved(command, self._spec, self._approved, self._last):
                return End(Outcome.FAILED, f"is {view.reported.name} now: {why}")
            if (end := await self._transition(view.reported, command)) is not None:
                return end
        view = self._view()
        who = view.commanded[0] if view is not None and view.commanded is not None else "somebody else"
        return End(Outcome.FAILED, f"is moved by {who}, too: {_MOST_TRANSITIONS} commands did not bring it")

    async def _decided_way(self) -> Way:
        """Return what is left to command.

        A heartbeat that is only late at its turn, or a standstill of ours between two looks, is waited out within its
        time, and no failure. So is the silence of one that nobody told to leave: it would count as OFFLINE without a
        command, and stand in STANDBY when it beats again.
        """
        until = self._clock.monotonic() + self._timeouts.decided
        while True:
            in_time = await self._decide(until - self._clock.monotonic())
            found, view = self._way(), self._view()
            if found.stands is Stands.THERE and (left := self._doubted(view)) > 0:
                await self._seen(lambda view: view.liveness is not Liveness.SILENT, left)
                continue
            barred = found.stands is Stands.BARRED and view is not None and not is_decided(view)
            if not barred or not in_time or self._clock.monotonic() >= until:
                return found

    def _doubted(self, view: CscView | None) -> float:
        """Return for how many seconds yet a CSC may only stand still that counts as OFFLINE because it fell silent."""
        if view is None or not view.inferred or view.beat_at is None or self.leaving:
            return 0.0
        return view.beat_at + self._timeouts.gone - self._clock.monotonic()

    async def silence(self) -> End:
        """Wait for silence: a CSC that reported OFFLINE, or acknowledged exitControl, ends its process."""
        there = await self._seen(lambda view: is_at(view, self._target), self._timeouts.silence)
        if there:
            return End(Outcome.REACHED, f"seen {self._target} and silent")
        view = self._view()
        blind = view is None or view.liveness in {Liveness.FEED_DOWN, Liveness.UNREADABLE}
        told = "" if view is None else view.reason.render(self._clock.monotonic())
        outcome = Outcome.UNKNOWN if blind else Outcome.FAILED
        return End(outcome, f"not silent within {self._timeouts.silence:g} s: {told}")

    async def _transition(self, before: SummaryState, command: str) -> End | None:
        """Carry out one transition; None where looking goes on."""
        values = {"configurationOverride": self._override} if command == "start" and self._override else {}
        try:
            order = await self._line.prepare(self._csc, command, values)
        except FeedError as error:
            return End(Outcome.FAILED, f"{command} was not sent: {error}")
        text = command_text(self._csc, command, self._subname, self._override)
        refusal = await self._context.intend(text, key_of(order, self._line.sender))
        if refusal is not None:
            return End(Outcome.FAILED, refusal)
        self._last, self._sent_at = command, self._clock.monotonic()
        try:
            answer = await self._line.send(order, self._timeouts.command)
        except MaybeWritten as error:
            await self._context.answered(None, str(error))
            return End(Outcome.UNKNOWN, f"{command} {error}")
        except FeedError as error:
            await self._context.answered(False, f"not sent: {error}")
            return End(Outcome.FAILED, f"{command} was not sent: {error}")
        await self._context.answered(answer.ok, answer.words)
        if answer.code != AckCode.COMPLETE:
            return await self._not_done(before, command, answer)
        return await self._see(before, command, LEADS_TO[command])

    async def _see(self, before: SummaryState, command: str, after: SummaryState) -> End | None:
        """Wait for the state that an acknowledged command leads to; the event may have come before."""
        view = self._view()
        if after is SummaryState.OFFLINE and not (view is not None and view.camera):
            self._exit_acknowledged = True
            self._exited(ExitAcknowledged(self._csc, self._clock.monotonic()))
            return None
        if await self._seen(lambda view: _moved(view, before), self._timeouts.seen):
            return None
        view, seen = self._view(), self._timeouts.seen
        if view is not None and view.commanded is not None and view.commanded[1] >= self._sent_at:
            who, now = view.commanded[0], view.effective.value
            return End(Outcome.FAILED, f"{command} was acknowledged, but {who} moved it as well: it is {now} now")
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
        return End(Outcome.UNKNOWN if answer.ok is None else Outcome.FAILED, f"{command}: {answer.words}")

    async def _fault(self) -> End:
        await self._seen(lambda view: view.error is not None, self._timeouts.settled)
        view = self._view()
        error = None if view is None else view.error
        told = "no errorCode was reported" if error is None else f"error {error.code}: {error.report}"
        return End(Outcome.FAILED, f"went to FAULT on {self._last}: {told}")

    async def _substate(self) -> End:
        """A camera is OFFLINE, and no command changes its sub-state."""
        if await self._seen(lambda view: is_at(view, self._target), self._timeouts.seen):
            return End(Outcome.REACHED, f"seen {self._target}")
        return End(Outcome.FAILED, stuck(self._view(), self._target))

    def _way(self) -> Way:
        return way(self._spec, self._view(), self._clock.monotonic())

    async def _decide(self, limit_s: float) -> bool:
        return await self._seen(lambda view: is_decided(view) or is_at(view, self._target), max(0.0, limit_s))

    def _view(self) -> CscView | None:
        return self._context.view(self._csc)

    async def _seen(self, when: Callable[[CscView], bool], limit_s: float) -> bool:
        return await self._context.seen(self._csc, when, limit_s)


def _moved(view: CscView, before: SummaryState) -> bool:
    """Say whether a CSC is seen in another state than before, or has ended."""
    return view.reported not in {None, before} or view.liveness is Liveness.SILENT
