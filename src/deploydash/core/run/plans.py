"""What an action said it would do: shown on the card, kept in the journal, and done as approved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from deploydash.core.procedure.names import ItemId
from deploydash.core.run.records import AnswerOffered
from deploydash.core.words import first_of

MOST_SHOWN = 2000
"""So many characters of what was shown are kept with an answer."""


@dataclass(frozen=True, slots=True)
class ItemPlan:
    """One item as it would be carried out now.

    ``lines``: the exact requests, none where nothing is sent; ``why``: why none, or what else to know. ``blocked``: it
    cannot be carried out as things stand. ``approved``: JSON of what was read and will be acted on: a list of what goes
    in its order, or an object whose keys stand for themselves.
    """

    item: ItemId
    lines: tuple[str, ...] = ()
    why: str = ""
    blocked: bool = False
    approved: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done now: a sentence, every item, and when that was read (UTC unix seconds)."""

    sentence: str
    items: tuple[ItemPlan, ...]
    read_utc: float

    @property
    def digest(self) -> str:
        """What would be sent, in a few characters: another digest means another plan."""
        return digest(self.items)

    @property
    def approved(self) -> tuple[tuple[ItemId, str], ...]:
        """What was read of each item and will be acted on."""
        return tuple((item.item, item.approved) for item in self.items if item.approved)

    @property
    def shown(self) -> str:
        """What was shown of it, in one text: the sentence, what is to be known of each item, what would be sent."""
        told = (text for item in self.items for text in (item.why, *item.lines) if text)
        return "; ".join([*([self.sentence] if self.sentence else []), *told])[:MOST_SHOWN]

    def of(self, item: ItemId) -> ItemPlan | None:
        """Return the plan of one item."""
        return next((one for one in self.items if one.item == item), None)


def digest(items: tuple[ItemPlan, ...]) -> str:
    """Return what these plans would send, in a few characters."""
    text = "\n".join("\x1f".join((one.item, one.approved, *one.lines)) for one in items)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def question_digest(question: str, answers: Sequence[AnswerOffered], about: str) -> str:
    """Return what a question asks and about what, in a few characters."""
    text = "\n".join((question, *(f"{each.answer}\x1f{each.text}\x1f{each.tier}" for each in answers), about))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def difference(before: Plan, now: Plan) -> str:
    """Return in words what a plan would do that the one before would not; empty where it is the same or less.

    The same is what was read before; less is an item of which nothing is left to do, or whose requests are some of
    those that were shown: the last of a way, or any where what was read is a JSON object, each key for itself.
    """
    known = {one.item: one for one in before.items}
    changed = [one.item for one in now.items if not _within(one, known.get(one.item))]
    if not changed:
        return ""
    names = first_of(changed, 4)
    first = next(one for one in now.items if one.item == changed[0])
    what = "; ".join(first.lines[:2]) or first.why
    return f"what would be sent has changed for {names}: now {what}"


def _within(now: ItemPlan, before: ItemPlan | None) -> bool:
    if before is None:
        return not now.lines and not now.approved
    if not _part_of(now.approved, before.approved):
        return False
    if not now.lines:
        return True
    if now.approved == before.approved and (now.approved or now.lines == before.lines):
        return True
    if len(now.lines) >= len(before.lines):
        return False
    if now.approved.startswith("{"):
        return set(now.lines) <= set(before.lines)
    return before.lines[-len(now.lines) :] == now.lines


def _part_of(now: str, before: str) -> bool:
    """Say whether what was read for an item now was all there before, whatever it asks to be sent."""
    if now == before or not now:
        return True
    try:
        return _contained(json.loads(now), json.loads(before))
    except (ValueError, RecursionError):
        return False


def _contained(now: object, before: object) -> bool:
    if isinstance(now, dict) and isinstance(before, dict):
        return all(key in before and _contained(value, before[key]) for key, value in now.items())
    if isinstance(now, list) and isinstance(before, list):
        rest = iter(before)
        return all(any(_contained(one, other) for other in rest) for one in now)
    return type(now) is type(before) and now == before
