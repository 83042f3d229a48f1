"""Items that command a CSC: carried out, followed and looked for.

A command that was sent is followed to its end, even while the run is held; only the next one needs the run's leave.
Nothing is ever repeated here: what is unknown stays so until it is seen or the lead decides.
"""

from __future__ import annotations

from collections.abc import Callable

from deploydash.core.fleet.observations import ExitAcknowledged
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import Liveness, SummaryState, Target
from deploydash.core.ports import Clock
from deploydash.core.procedure.names import ItemId
from deploydash.core.procedure.transitions import LEADS_TO
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.ports import End, Finding, Found, ItemContext
from deploydash.core.run.records import Outcome
from deploydash.core.run.sight import is_at
from deploydash.core.run.state import ItemProgress
from deploydash.systems.sal.commanding.csc_fleet_view import is_decided, is_leaving, obstacle
from deploydash.systems.sal.commanding.csc_transition import USUAL, CscTransition, Line, Timeouts
from deploydash.systems.sal.commanding.plan import planned
from deploydash.systems.sal.commanding.specs import CscSpec


class CscCommands:
    """Brings CSCs to their targets, or sends them one command.

    ``exited`` is called, on the event loop, when an exitControl was acknowledged.
    """

    def __init__(
        self,
        line: Line,
        clock: Clock,
        *,
        subname: str,
        timeouts: Timeouts = USUAL,
        exited: Callable[[ExitAcknowledged], None] = lambda _: None,
    ) -> None:
        self._line = line
        self._clock = clock
        self._subname = subname
        self._timeouts = timeouts
        self._exited = exited

    def planned(self, item: ItemId, spec: CscSpec, view: CscView | None) -> ItemPlan:
        """Return what would be sent for an item now."""
        return planned(item, spec, view, self._clock.monotonic(), self._subname)

    async def run(self, spec: CscSpec, approved: str, context: ItemContext) -> End:
        """Command a CSC until it is there or a person has to decide; what is only waited for holds no place."""
        drive = CscTransition(
            spec,
            approved,
            context,
            self._line,
            self._clock,
            subname=self._subname,
            timeouts=self._timeouts,
            exited=self._exited,
        )
        end = await drive.before()
        if end is None and not drive.leaving:
            async with context.slot():
                end = await drive.walk()
        return end or await drive.silence()

    async def follow(self, spec: CscSpec, context: ItemContext) -> End:
        """Wait until a CSC is seen where a command of ours may still bring it; nothing is sent."""
        down = spec.target.state is SummaryState.OFFLINE
        limit = self._timeouts.command + (self._timeouts.silence if down else self._timeouts.seen)
        if await context.seen(spec.csc, lambda view: is_at(view, spec.target), limit):
            return End(Outcome.REACHED, _there(spec.target, context.view(spec.csc)))
        view = context.view(spec.csc)
        stands = self._unseen(view, spec.target) or _stands(view)
        return End(Outcome.UNKNOWN, f"not seen {spec.target} within {limit:g} s: {stands}")

    def probe(self, spec: CscSpec, history: ItemProgress, view: CscView | None) -> Finding:
        """Look where a CSC is whose command's outcome is unknown."""
        found, sentence = self._found(spec, history, view)
        return Finding(found, sentence, self._clock.utc())

    def _found(self, spec: CscSpec, history: ItemProgress, view: CscView | None) -> tuple[Found, str]:
        if is_at(view, spec.target):
            return Found.DONE, _there(spec.target, view)
        if unseen := self._unseen(view, spec.target):
            return Found.CANNOT_TELL, unseen
        if is_leaving(view, spec.target):
            return Found.UNDER_WAY, "says OFFLINE, waiting for silence"
        stands = _stands(view)
        if not history.request:
            return Found.NOT_DONE, f"nothing had been sent; it {stands}"
        beats = view is not None and view.liveness is Liveness.BEATING
        if beats and view is not None and view.reported is _led_to(history.request):
            # It was sent from another state, so nothing of it is under way any more, whoever lost its answer.
            return Found.NOT_DONE, f"it {stands}, where {history.request} leads to, not {spec.target}"
        if not history.answered:
            return Found.CANNOT_TELL, f"{history.request} was sent and has no answer; it {stands}"
        if not beats:
            return Found.CANNOT_TELL, f"it {stands}"
        return Found.NOT_DONE, f"it {stands}, not {spec.target}"

    def _unseen(self, view: CscView | None, target: Target) -> str:
        """Say why nothing is known of a CSC, or nothing."""
        if view is not None and is_decided(view) and not view.duplicate:
            return ""
        return obstacle(view, target, self._clock.monotonic()) or "nothing is known of it here"


def _led_to(request: str) -> SummaryState | None:
    """Return the state to which a command leads that was sent, by its text; None where it leads to none."""
    _, _, told = request.partition(".command_")
    return LEADS_TO.get(told.partition(" ")[0])


def _there(target: Target, view: CscView | None) -> str:
    silent = target.state is SummaryState.OFFLINE and not (view is not None and view.camera)
    return f"seen {target} and silent" if silent else f"seen {target}"


def _stands(view: CscView | None) -> str:
    return "is not seen" if view is None else f"is {view.effective.value}"
