"""The items that command a CSC. Their ``spec`` is read in ``systems/sal`` only."""

from __future__ import annotations

import json

from deploydash.core.model import CscId, Target
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import SAL, csc_item
from deploydash.core.procedure.transitions import LEADS_TO


def transition(csc: CscId, target: Target, wave: int = 0, override: str = "") -> Item:
    """Return the item that brings a CSC to a target, by as many commands as that takes.

    ``override`` is the configuration override that ``start`` gets; empty: the one of its site.
    """
    spec = {"do": "transition", "csc": str(csc), "target": str(target), "override": override}
    return Item(csc_item(csc), str(csc), SAL, json.dumps(spec), (CscEffect(csc, target),), wave=wave)


def direct_command(csc: CscId, command: str, override: str = "") -> Item:
    """Return the item that is one command to a CSC and no more."""
    spec = {"do": "command", "csc": str(csc), "command": command, "override": override}
    label = f"{command} of {csc}" + (f", with {override}" if override else "")
    return Item(csc_item(csc), label, SAL, json.dumps(spec), (CscEffect(csc, Target(LEADS_TO[command])),))
