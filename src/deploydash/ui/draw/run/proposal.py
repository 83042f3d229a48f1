"""The dialog about an order about items: what it would do exactly, its arm, and its keys. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.runbook import Tier
from deploydash.core.run.arm import ARM_S, COUNTDOWN_S
from deploydash.core.run.orders import Proposal
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.proposals import ARMED
from deploydash.core.views.proposal_view import ProposalCard
from deploydash.core.views.run_view import RunView
from deploydash.ui.draw.ink import Ink, Line
from deploydash.ui.draw.run.card import key_lines
from deploydash.ui.draw.run.card_parts import sentence
from deploydash.ui.draw.run.offers import Offer
from deploydash.ui.draw.run.reading import Reading, copied, folded
from deploydash.ui.draw.tiles import bar

OPAQUE = "What it does to the states of CSCs is not known: no order rule can stop it."


class Stage(Enum):
    """How far the dialog has come."""

    LOOKING = "reads what it would do"
    BLOCKED = "it may not go now"
    MILD = "Enter does it"
    READY = "waits for the arm"
    ARMED = "armed, waits for Enter"
    NAMING = "armed, waits for the site's name"
    GOING = "counts down"
    SENDING = "it is being sent"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the dialog is about: the order, what else to know, and the requests as far as they were known before."""

    order: Proposal
    told: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    answer: str = ""


def card_of(run: RunView, order: Proposal) -> ProposalCard | None:
    """Return what is known of an order, None while that is not read yet."""
    return run.proposal if run.proposal is not None and run.proposal.order == order else None


def stage_of(card: ProposalCard | None) -> Stage:
    """Return where a dialog stands."""
    if card is None:
        return Stage.LOOKING
    if card.armed is not None:
        if card.armed.gone:
            return Stage.SENDING
        if card.tier is not Tier.SEVERE:
            return Stage.ARMED
        return Stage.NAMING if card.armed.typed_at is None else Stage.GOING
    if card.why_not:
        return Stage.BLOCKED
    if card.plan is None:
        return Stage.LOOKING
    return Stage.READY if card.tier in ARMED else Stage.MILD


def proposal_title(reading: Reading, asked: Asked) -> str:
    """Return the name on the frame."""
    card, dot = card_of(reading.run, asked.order), reading.glyphs.dot
    stage = stage_of(card)
    if stage is Stage.ARMED:
        return f"Armed  {dot}  {math.ceil(_left(reading, card))} s left"
    if stage is Stage.NAMING:
        return f"Armed  {dot}  type {reading.site}"
    if stage is Stage.GOING:
        return f"Sent in {math.ceil(_left(reading, card))} s  {dot}  Esc cancels"
    return "Exactly this is sent" if card is None else sentence(card.title)


def proposal_text(reading: Reading, asked: Asked, width: int) -> list[Line]:
    """Return what would be done, every request in full."""
    card = card_of(reading.run, asked.order)
    lines: list[Line] = []
    if card is not None:
        lines += folded(f"{sentence(card.title)} at {reading.site.upper()}", width, Ink.TITLE)
    for words in asked.told or _effects(card.items if card is not None else ()):
        lines += folded(words, width)
    if card is not None and any(item.opaque for item in card.items):
        lines += folded(OPAQUE, width, Ink.WARN)
    if card is not None and card.plan is not None:
        labels = {item.id: item.label for item in card.items} if len(card.plan.items) > 1 else {}
        for plan in card.plan.items:
            lines += _planned(plan, labels.get(plan.item, ""), width)
    else:
        lines += [line for text in asked.exact for line in copied(text, width, Ink.ACCENT, "  ")]
        lines += folded("Reading what it would do now.", width, Ink.DIM)
    return lines


def proposal_foot(reading: Reading, asked: Asked, width: int) -> list[Line]:
    """Return what stands between the order and its being sent, and the keys; never cut off."""
    card = card_of(reading.run, asked.order)
    stage = stage_of(card)
    lines: list[Line] = [Line()]
    if card is not None and card.message:
        lines += folded(sentence(card.message), width, Ink.WARN)
    if card is not None and card.why_not and stage is Stage.BLOCKED:
        lines += folded(f"It may not go now: {card.why_not}", width, Ink.WARN)
    if asked.answer:
        lines += folded(sentence(asked.answer), width, Ink.WARN)
    words = {
        Stage.ARMED: "Nothing is sent yet. Enter sends it.",
        Stage.NAMING: f"Nothing is sent yet. It is sent 3 s after you type {reading.site}.",
        Stage.GOING: "Nothing is sent yet. Esc cancels.",
        Stage.SENDING: "It is written down and sent.",
    }
    lines += folded(words.get(stage, "Nothing is sent yet."), width, Ink.BRIGHT)
    if stage in {Stage.ARMED, Stage.GOING}:
        of = COUNTDOWN_S if stage is Stage.GOING else ARM_S
        lines.append(Line(bar(math.ceil(_left(reading, card)), int(of), width, reading.glyphs)))
    return [*lines, *key_lines(_KEYS[stage], width, reading)]


_BACK = Offer("back", "Esc", "back, nothing is sent")
_KEYS: dict[Stage, Sequence[Offer]] = {
    Stage.LOOKING: (_BACK,),
    Stage.BLOCKED: (_BACK,),
    Stage.MILD: (Offer("go", "Enter", "do it"), _BACK),
    Stage.READY: (Offer("arm", "a", "arm"), _BACK),
    Stage.ARMED: (Offer("go", "Enter", "send it now"), Offer("back", "Esc", "disarm")),
    Stage.NAMING: (Offer("arm", "a", "type the site's name"), Offer("back", "Esc", "disarm")),
    Stage.GOING: (Offer("back", "Esc", "cancel"),),
    Stage.SENDING: (Offer("back", "Esc", "close"),),
}


def _effects(items: Sequence[Item]) -> list[str]:
    found = [f"It leads {each.csc} to {each.target}." for item in items for each in item.effects]
    return found if len(found) <= len(items) or len(items) == 1 else [f"{len(found)} CSCs are led to their targets."]


def _planned(plan: ItemPlan, label: str, width: int) -> list[Line]:
    lines = folded(label, width, Ink.BRIGHT) if label else []
    if plan.why:
        lines += folded(
            f"blocked: {plan.why}" if plan.blocked else plan.why, width, Ink.WARN if plan.blocked else Ink.DIM
        )
    return lines + [line for text in plan.lines for line in copied(text, width, Ink.ACCENT, "  ")]


def _left(reading: Reading, card: ProposalCard | None) -> float:
    """Return the seconds that the arm still lives, or in which Esc still cancels."""
    arm = card.armed if card is not None else None
    if arm is None:
        return 0.0
    ends = arm.at + ARM_S if arm.typed_at is None else arm.typed_at + COUNTDOWN_S
    return max(0.0, ends - reading.moment.now)
