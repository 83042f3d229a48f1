"""One piece of work, whatever system carries it out: what it is, what it does to CSCs, what a person would type."""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.core.model import CscId, Target
from deploydash.core.procedure.names import PERSON, ItemId, SystemName


@dataclass(frozen=True, slots=True)
class CscEffect:
    """What doing an item does to a CSC: the state it leads to. ``silent``: its process ends, a camera's, too."""

    csc: CscId
    target: Target
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of work of a step.

    ``label``: what a person calls it. ``spec``: JSON text, read by ``system`` only. ``effects``: what it does to CSCs,
    in its order; ``opaque``: that cannot be told. ``manual``: exactly what a person would type to do it by hand.
    Items of a wave go side by side, and a wave goes when the one before it has ended. ``runs_in``: the CSCs by which it
    is carried out, so that it would end with them. ``text``: what it says to people, which the lead may write otherwise
    before it goes; empty where it says nothing.
    """

    id: ItemId
    label: str
    system: SystemName
    spec: str = "{}"
    effects: tuple[CscEffect, ...] = ()
    manual: tuple[str, ...] = ()
    wave: int = 0
    opaque: bool = False
    runs_in: tuple[CscId, ...] = ()
    text: str = ""

    @property
    def by_person(self) -> bool:
        """Whether a person does it, so that it is signed off and never dispatched."""
        return self.system == PERSON

    @property
    def csc(self) -> CscId | None:
        """The one CSC that it is about, or None where it has no effect or several."""
        return self.effects[0].csc if len(self.effects) == 1 else None

    @property
    def is_transition(self) -> bool:
        """Whether it is one CSC on its way to a state, and is named after it."""
        return self.csc is not None and self.id == str(self.csc)

    @property
    def cscs(self) -> tuple[CscId, ...]:
        """The CSCs it has an effect on, each once."""
        return tuple(dict.fromkeys(effect.csc for effect in self.effects))


def last_effects(effects: tuple[CscEffect, ...]) -> tuple[CscEffect, ...]:
    """Return what is to be seen when all of these have happened: of two on one CSC the later."""
    return tuple({effect.csc: effect for effect in effects}.values())
