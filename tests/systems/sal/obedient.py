"""CSCs that obey at once, and an action that commands them, without any Kafka."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

from deploydash.core.fleet.observations import ExitAcknowledged
from deploydash.core.fleet.snapshot import CscView, Reason
from deploydash.core.model import CameraSubstate, CscId, Effective, Liveness, SummaryState, Target
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.transitions import LEADS_TO
from deploydash.core.run.plans import Plan
from deploydash.core.run.ports import Action, End, Finding
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.systems.sal.act import SalAction
from deploydash.systems.sal.commanding.acks import Answer
from deploydash.systems.sal.commanding.csc import CscCommands
from deploydash.systems.sal.commanding.csc_transition import Timeouts
from deploydash.systems.sal.commanding.kafka_commands import Order
from deploydash.systems.sal.commanding.kafka_write import MaybeWritten
from deploydash.systems.sal.scripts.scriptqueue import Scripts
from tests.support.clock import ManualClock
from tests.support.item_context import RecordingContext
from tests.support.runs import view
from tests.systems.sal.commanding.fake_line import FakeLine

S, L = SummaryState, Liveness
ESS, DOME, CAMERA, QUEUE = CscId("ESS", 104), CscId("ATDome"), CscId("MTCamera"), CscId("ScriptQueue", 1)
OFFLINE, STANDBY, ENABLED = Target(S.OFFLINE), Target(S.STANDBY), Target(S.ENABLED)
AVAILABLE = Target(S.OFFLINE, CameraSubstate.AVAILABLE)
AT_ONCE = Timeouts(command=1.0, seen=0.05, silence=0.05, decided=0.05, settled=0.05)
REACHED, FAILED, UNKNOWN = Outcome.REACHED, Outcome.FAILED, Outcome.UNKNOWN
DONE = Answer(303, 0, "Done")
IN_DOUBT = MaybeWritten("may have been sent")


class World:
    """CSCs that obey at once, and an action that commands them."""

    def __init__(self, *views: CscView, answers: dict[str, Answer | Exception] | None = None) -> None:
        self.context = RecordingContext()
        self.context.look(*views)
        self.exits: list[ExitAcknowledged] = []
        self.line = FakeLine(answers or {}, then=self.obey)
        self.moves: dict[str, SummaryState] = {}
        clock = ManualClock(7.0)
        cscs = CscCommands(self.line, clock, subname="sal", timeouts=AT_ONCE, exited=self.exits.append)
        scripts = Scripts(self.line, lambda _: nullcontext(None), clock, subname="sal", descr="")  # type: ignore[arg-type]
        self.action: Action = SalAction(cscs, scripts, clock)

    def obey(self, order: Order) -> None:
        if isinstance(self.line.answers.get(order.command, DONE), Exception):
            return
        seen = self.context.views[order.csc]
        state = self.moves.get(order.command, LEADS_TO[order.command])
        silent = state is S.OFFLINE and not seen.camera
        liveness = L.SILENT if silent else L.BEATING
        moved = replace(seen, reported=state, effective=Effective(state.name), liveness=liveness)
        self.context.look(moved)

    async def plan(self, *items: Item) -> Plan:
        return await self.action.describe(items, self.context.view)

    async def run(self, item: Item, approved: str | None = None) -> End:
        """Carry an item out as its card shows it now, or as told."""
        if approved is None:
            approved = (await self.plan(item)).items[0].approved
        return await self.action.run(item, approved, self.context)

    async def probe(self, item: Item, history: ItemProgress) -> Finding:
        return await self.action.probe(item, history, self.context.view)


def camera(state: SummaryState, substate: CameraSubstate | None = None) -> CscView:
    return replace(view(CAMERA, state), camera=True, substate=substate)


def told(seen: CscView, why: str = "as told {age} ago") -> CscView:
    return replace(seen, reason=Reason(why, 0.0))
