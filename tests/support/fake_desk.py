"""What stands behind the screen of a run in its tests: it remembers what reached it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Fallback
from deploydash.core.run.composing import Composed, ItemOffer
from deploydash.core.run.orders import ArmOrder, Proposal, RunOrder
from deploydash.systems.sal.steps import SalSteps, ScriptChecked
from tests.support import snapshots


@dataclass
class FakeDesk:
    """A desk that remembers what reached it, and refuses what it is told to refuse."""

    orders: list[RunOrder | ArmOrder] = field(default_factory=list)
    chosen: list[StepId | None] = field(default_factory=list)
    by_lane: bool = False
    direct_options: list[tuple[CscId, ...]] = field(default_factory=list)
    proposed: list[Proposal] = field(default_factory=list)
    refusal: str = ""
    emergency: tuple[Item, ...] = ()
    callbacks: list[Callable[[str], None]] = field(default_factory=list)
    may_check: threading.Event = field(default_factory=threading.Event)
    """Cleared by a test that wants to see the screen while an item is composed."""

    def __post_init__(self) -> None:
        self.may_check.set()
        roster = snapshots.snapshot(snapshots.calm_views()).roster
        self.sal = SalSteps(roster, "sal", self._check_script)

    def run_order(self, order: RunOrder | ArmOrder, /) -> None:
        self.orders.append(order)
        if self.refusal:
            for callback in self.callbacks:
                callback(self.refusal)

    def stops(self) -> tuple[Item, ...]:
        return self.emergency

    def offers(self) -> tuple[ItemOffer, ...]:
        return self.sal.offers()

    def compose(self, offer: str, texts: tuple[str, ...], /) -> Composed:
        return self.sal.compose(offer, texts)

    def compose_fallback(self, fallback: Fallback, items: tuple[Item, ...], /) -> Composed:
        self.may_check.wait(30)
        try:
            item = self.sal.fallback(fallback, items)
        except ValueError as error:
            return Composed(None, (str(error),))
        return Composed(item, exact=self.sal.lines(item))

    def _check_script(self, path: str, standard: bool, config: str) -> ScriptChecked:
        self.may_check.wait(30)
        known = standard and path == "maintel/point_azel.py"
        wrong = ("'el' is missing",) if known and not config else ()
        told = "The configuration fits the schema." if known else f"No schema of {path} is known here."
        return ScriptChecked(config, wrong, (told,), opaque=False)

    def propose(self, order: Proposal | None, /) -> None:
        if order is not None:
            self.proposed.append(order)

    def subscribe_refusals(self, callback: Callable[[str], None], /) -> None:
        self.callbacks.append(callback)

    def choose(self, step: StepId | None, /, *, lane: bool = False) -> None:
        self.chosen.append(step)
        self.by_lane = lane

    def show_direct_options(self, cscs: tuple[CscId, ...], /) -> None:
        self.direct_options.append(cscs)
