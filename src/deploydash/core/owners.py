"""Who looks after a CSC, and how that team is reached: for the board, and for messages that a person sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from deploydash.core.model import CscId


@dataclass(frozen=True, slots=True)
class Owner:
    """Who looks after a CSC. ``contact``: where a message reaches them, or empty."""

    name: str
    contact: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.contact})" if self.contact else self.name


Owners = Mapping[CscId, Owner]
"""The owner of each CSC of which one is known."""

Speakers = Mapping[str, Owner]
"""Who says yes or no for an owner of the site, as a run asks them: the person, or the team where none is named."""

NO_SPEAKERS: Speakers = MappingProxyType({})
