"""Arm and fire: nothing that changes the world sits on one unconfirmed key (UX.md, tiers).

An arm is transient: no record is made until it fires. All times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from deploydash.core.fleet.snapshot import Standstill
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Tier
from deploydash.core.run.fleet_view import GateReason

ARM_S = 20.0
"""An arm lives this long."""

FIRE_FROM_S = 0.7
"""Enter is taken from this moment on, so that no key typed too early fires."""

COUNTDOWN_S = 3.0
"""After the site's name was typed, Esc still cancels for this long."""


STOOD_S = 2.0
"""A standstill of so many seconds leaves too little of the countdown to cancel in."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A step, a direct command, or an order about items, that the lead has armed.

    ``typed_at`` is when the site's name was complete, severe tier only. ``gone``: it has fired and is being written
    down; nothing takes it back, and it is not armed anew.
    """

    step: StepId
    tier: Tier
    at: float
    typed_at: float | None = None
    gone: bool = False


def closed_reasons(reasons: tuple[GateReason, ...], overridden: frozenset[str] = frozenset()) -> tuple[GateReason, ...]:
    """Return the reasons that keep a gate closed; a built-in rule cannot be overridden."""
    return tuple(reason for reason in reasons if not reason.met and (reason.rule or reason.sentence not in overridden))


def disarm_reason(arm: Arm, now: float, reasons: tuple[GateReason, ...], overridden: frozenset[str]) -> str | None:
    """Return why an arm has ended, in a sentence for the card, or None while it stands.

    Only a precondition on the step's own targets and what reaches them, or a built-in rule, ends an arm.
    """
    for reason in closed_reasons(reasons, overridden):
        if reason.rule:
            return f"disarmed: {reason.sentence}"
        if reason.own:
            now_so = f" ({reason.waits_for})" if reason.waits_for else ""
            return f"disarmed: no longer true that {reason.sentence}{now_so}"
    if arm.typed_at is None and now - arm.at > ARM_S:
        return "disarmed: 20 s are over"
    return None


def outside_disarm_reason(arm: Arm, now: float, refusal: str | None) -> str | None:
    """Return why the arm of a direct command or of an order about items has ended, or None; whatever blocks it does."""
    if refusal is not None:
        return f"disarmed: {refusal}"
    return "disarmed: 20 s are over" if arm.typed_at is None and now - arm.at > ARM_S else None


def unseen(arm: Arm, stood: Standstill | None) -> str | None:
    """Return why an arm ends by standstills of ours: its card stood there, and nobody saw it or could cancel.

    One that was long enough, or the short ones of a countdown together.
    """
    lately = () if stood is None else stood.lately
    longest = max((seconds for at, seconds in lately if at >= arm.at), default=0.0)
    if arm.typed_at is not None:
        longest = max(longest, sum(seconds for at, seconds in lately if at >= arm.typed_at))
    if longest < STOOD_S:
        return None
    return f"disarmed: deploydash stood still for {longest:.0f} s; look at the card once more"


def typed(arm: Arm, text: str, site: str, now: float) -> Arm | str:
    """Take the site's name as typed; return the arm that counts down, or why not."""
    if arm.tier is not Tier.SEVERE:
        return "this asks for Enter, not for the site's name"
    if text.strip() != site:
        return f"type exactly {site}"
    return replace(arm, typed_at=now)


def ready(arm: Arm, now: float) -> str | None:
    """Return None when the arm may fire at ``now``, else why not yet."""
    if arm.tier is Tier.SEVERE:
        if arm.typed_at is None:
            return "type the site's name first"
        left = arm.typed_at + COUNTDOWN_S - now
        return None if left <= 0 else f"goes in {left:.0f} s; Esc cancels"
    return None if now - arm.at >= FIRE_FROM_S else "too early: look at the card once more"
