"""Loads modules that a start does not begin with."""

from __future__ import annotations

import gc
from importlib import import_module
from typing import Any


def loaded(module: str) -> Any:
    """Return a module of that name, loaded with its imports while Python's collector rests.

    What is loaded stays: the collector would go through it again and again, a tenth of the whole, and find nothing.
    """
    gc.disable()
    try:
        return import_module(module)
    finally:
        gc.freeze()
        gc.enable()
