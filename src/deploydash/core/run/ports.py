"""The shapes at the border of a run: what its actions are, and what they may ask of it. Types only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import CscItem, ItemId, ScriptItem, Step, StepId
from deploydash.core.run.records import ControlOrdered, ItemEnded, ItemProgressed, RequestAnswered, RequestIntended
from deploydash.core.run.state import ItemProgress


class ItemContext(Protocol):
    """What an action may ask of the run while it works on an item. The run alone journals and decides."""

    async def intend(self, record: RequestIntended) -> str | None:
        """Put an intent on disk. None: it is there and the request may be sent now; else why it must not be."""
        ...

    async def tell(self, record: RequestAnswered | ItemProgressed | ItemEnded) -> None:
        """Put what came of it on disk and show it."""
        ...

    def view(self, csc: CscId) -> CscView | None:
        """Return what is seen of a CSC now."""
        ...

    async def seen(self, csc: CscId, when: Callable[[CscView], bool], limit_s: float) -> bool:
        """Wait until a CSC is seen as ``when`` asks; False after ``limit_s`` monotonic seconds."""
        ...


class Action(Protocol):
    """One kind of step carried out on the outside."""

    async def run(self, step: Step, cscs: tuple[CscId, ...], context: ItemContext) -> None:
        """Work on these CSCs of a step until each has ended; every outcome goes through ``desk.tell``."""
        ...


@dataclass(frozen=True, slots=True)
class ScriptJob:
    """One script of a run. ``known``: what became of it so far; ``cscs``: those it shall bring to their targets."""

    step: StepId
    item: ItemId
    script: ScriptItem
    known: ItemProgress
    cscs: tuple[CscItem, ...] = ()


class ScriptAction(Protocol):
    """Scripts in ScriptQueues."""

    async def run(self, job: ScriptJob, context: ItemContext) -> None:
        """Add a script, or look for one that was added, and follow it to its end; then tell how it ended."""
        ...

    async def order(self, order: ControlOrdered, job: ScriptJob, context: ItemContext) -> None:
        """Pause or resume the queue of a script, or stop the script."""
        ...
