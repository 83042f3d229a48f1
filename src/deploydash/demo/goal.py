"""Where a CSC is to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deploydash.demo.site import Csc
from deploydash.demo.states import AVAILABLE, PUBLISH_ONLY, State

TARGETS = ("startup", "end", "shutdown")


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a CSC is to be: a state, perhaps with a camera's substate, or (``target``) its own from the site file."""

    state: State | None = None
    substate: int | None = None
    target: str | None = None

    def of(self, csc: Csc) -> tuple[State, int | None]:
        """State and substate for this CSC."""
        if self.target is not None:
            own = goal(csc.targets[self.target])
            return own.of(csc)
        return self.state or State.STANDBY, self.substate


def goal(value: Any) -> Goal:
    """``STANDBY``, ``OFFLINE/PUBLISH_ONLY`` or a target's name. Raises ValueError with a hint."""
    text = str(value)
    if text in TARGETS:
        return Goal(target=text)
    state, _, substate = text.partition("/")
    substates = {"AVAILABLE": AVAILABLE, "PUBLISH_ONLY": PUBLISH_ONLY, "": None}
    if state not in State.__members__ or substate not in substates:
        raise ValueError(f"{text!r} is no state; write one of {', '.join((*State.__members__, *TARGETS))}")
    return Goal(State[state], substates[substate])
