"""What the ``spec`` of an item says that is carried out on SAL, read once and checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from deploydash.core.model import CscId, SummaryState, Target
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.transitions import LEADS_TO
from deploydash.errors import UserError


@dataclass(frozen=True, slots=True)
class TransitionSpec:
    """Bring a CSC to a target, by as many commands as that takes; ``override`` is what ``start`` gets."""

    csc: CscId
    target: Target
    override: str = ""


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One command to a CSC and no more."""

    csc: CscId
    command: str
    override: str = ""

    @property
    def target(self) -> Target:
        """The state that the command leads to."""
        return Target(LEADS_TO[self.command])


@dataclass(frozen=True, slots=True)
class ScriptSpec:
    """A script in a queue. ``standard``: which of the queue's two directories its path is in; ``config``: YAML text."""

    queue: CscId
    path: str
    standard: bool
    config: str

    @property
    def words(self) -> str:
        """The script as an operator reads it."""
        return self.path if self.standard else f"external {self.path}"


CscSpec = TransitionSpec | CommandSpec
SalSpec = CscSpec | ScriptSpec


def spec_of(item: Item) -> SalSpec:
    """Return what an item asks for.

    Raises:
        UserError: it asks for nothing that is done here.
    """
    try:
        return _read(json.loads(item.spec))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{item.label} is nothing that can be done on SAL: {error or type(error).__name__}") from error


def _read(spec: dict[str, Any]) -> SalSpec:
    do = spec["do"]
    if do == "script":
        queue = CscId.parse(spec["queue"])
        return ScriptSpec(queue, _text(spec["path"]), _truth(spec["standard"]), _text(spec["config"]))
    if do == "command":
        command = _text(spec["command"])
        if command not in LEADS_TO:
            raise ValueError(f"{command!r} is no command of the CSC state machine")
        return CommandSpec(CscId.parse(spec["csc"]), command, _text(spec["override"]))
    if do != "transition":
        raise ValueError(f"{do!r} is none of transition, command and script")
    target = Target.parse(spec["target"])
    if target.state is SummaryState.FAULT:
        raise ValueError("no command leads to FAULT")
    return TransitionSpec(CscId.parse(spec["csc"]), target, _text(spec["override"]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value
