"""An order about items as its dialog shows it: what it would do exactly, how it is confirmed, why it may not go."""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.runbook import Tier
from deploydash.core.run.arm import Arm
from deploydash.core.run.orders import Proposal
from deploydash.core.run.plans import Plan


@dataclass(frozen=True, slots=True)
class ProposalCard:
    """What the dialog about an order shows.

    ``plan``: what it would do, None until that is read; ``why_not``: why it may not go now. ``message``: why it was
    disarmed.
    """

    order: Proposal
    title: str
    tier: Tier
    items: tuple[Item, ...]
    plan: Plan | None = None
    why_not: str = ""
    armed: Arm | None = None
    message: str = ""
