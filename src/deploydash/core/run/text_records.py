"""What a run leaves in its journal of texts that people are told."""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.core.procedure.names import ItemId, StepId


@dataclass(frozen=True, slots=True)
class TextEdited:
    """The lead wrote what an item says to people otherwise."""

    step: StepId
    item: ItemId
    text: str
    operator: str
