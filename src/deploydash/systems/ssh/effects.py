"""Waits until the CSCs of what was done on a host are seen where that brings them."""

from __future__ import annotations

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import Liveness, SummaryState, Target
from deploydash.core.procedure.items import CscEffect
from deploydash.core.run.ports import End, ItemContext
from deploydash.core.run.records import Outcome
from deploydash.core.run.sight import is_at

SEEN_S = 120.0
"""So long CSCs may take to fall silent, or to come back."""


def is_silent(view: CscView) -> bool:
    """Say whether no heartbeat comes any more."""
    return view.liveness is Liveness.SILENT


async def seen(effects: tuple[CscEffect, ...], end: End, context: ItemContext) -> End:
    """Return the end that an item has once its CSCs are there, or that they are not."""
    for effect in effects:
        await context.progress("done on the host", f"waiting for {effect.csc} {effect.target}")
        if not await _comes(effect, context):
            what = "heartbeats still come" if _down(effect.target) else f"it is not seen in {effect.target}"
            return End(Outcome.FAILED, f"{end.why}, but {effect.csc}: {what}", end.values, end.left)
    return end


async def _comes(effect: CscEffect, context: ItemContext) -> bool:
    def there(view: CscView) -> bool:
        return is_silent(view) if _down(effect.target) else is_at(view, effect.target)

    return await context.seen(effect.csc, there, SEEN_S)


def _down(target: Target) -> bool:
    return target.state is SummaryState.OFFLINE and target.substate is None
