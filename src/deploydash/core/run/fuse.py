"""The site's fuse: where anything that a run would reach is of another site, nothing acts, whatever system it is of."""

from __future__ import annotations

from collections.abc import Iterator

from deploydash.core.fleet.facts import FUSE
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import OWN
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.fleet_view import FleetView, GateReason

WAITS_FOR = "the address put right in the site file or the user's own configuration"


def fuse_reasons(step: Step, fleet: FleetView) -> list[GateReason]:
    """Return what of this site's systems is of another one; nothing is armed then, but for what only asks."""
    if not step.acts or step.system == OWN:
        return []
    return [GateReason(why, met=False, own=True, rule=True, waits_for=WAITS_FOR) for why in _foreign(fleet)]


def blown(fleet: FleetView, item: Item | None = None) -> str | None:
    """Return why nothing may be sent at all, or None; ``item``: one that only asks may go."""
    if item is not None and item.system == OWN:
        return None
    return next(_foreign(fleet), None)


def _foreign(fleet: FleetView) -> Iterator[str]:
    for fact in fleet.facts.values():
        if fact.name.startswith(FUSE) and not fact.ok:
            yield f"{fact.value} is not of this site: {fact.sentence}"
