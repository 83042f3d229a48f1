"""How steps and items are named in a runbook, a journal and on the screen."""

from __future__ import annotations

from typing import NewType

from deploydash.core.model import CscId

StepId = NewType("StepId", str)
"""The name of a step, unique in its runbook: ``bridges-stop``."""

DIRECT = StepId("direct")
"""Stands where a record names a step for what the lead commands outside every step; no runbook may use it."""

PROPOSED = StepId("proposed order")
"""Stands where an arm names a step for an order about items that the lead considers; no step's name has a blank."""

ItemId = NewType("ItemId", str)
"""The name of an item, unique in its step: a CSC for its transition (``ESS:104``), a number for all else (``#2``)."""

WHOLE = ItemId("")
"""Stands for a step as a whole where an item is named."""

ADDED = "added-"
"""What the names of items begin with that the lead added to a step."""

SystemName = NewType("SystemName", str)
"""An outside system, by the name of its folder: ``sal``."""

SAL = SystemName("sal")
"""The control system itself, which carries out what is commanded to CSCs."""

PERSON = SystemName("person")
"""Whoever does what no program does."""

OWN = SystemName("deploydash")
"""The program itself: what it does at any site, whatever its file names."""

Lane = NewType("Lane", str)
"""A line of work: within one, steps are taken one after the other; lanes go on side by side."""

MAIN = Lane("main")
"""The lane of a step that names none."""


def csc_item(csc: CscId) -> ItemId:
    """Return the name of the item that brings a CSC to its target."""
    return ItemId(str(csc))


def numbered(place: int) -> ItemId:
    """Return the name of the item at a place of a step, counted from 0; the name counts from 1."""
    return ItemId(f"#{place + 1}")
