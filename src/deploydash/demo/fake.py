"""What every fake of an outside system is: real protocol, loopback only, faults by name, requests counted.

To add one, write ``demo/fakes/NAME.py`` with a class that keeps `Fake` and a `Kind` that describes it, and put one line
into the table in ``demo/fakes/table.py``. It connects itself to the world (`World.on_records` and its like), acts on
CSCs through the world alone, and is then started, switched by scenarios, named in the site file and stopped like every
other; ``tests/demo/fakes/test_contract.py`` holds it to this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from deploydash.demo.world import World

Section = Mapping[str, Any]
"""A part of the site file: ``{"efd": {…}}``, or ``{"systems": {"argocd": {…}}}`` for what stands under ``systems``."""

Values = Mapping[str, float | str]
"""Values of a fault by name, such as ``seconds``."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a fake can fail. ``about`` says what a client meets; ``values`` are the defaults of its values.

    Numbers of seconds are real ones at any speed: no client's patience is sped up.
    """

    about: str
    values: Values = field(default_factory=dict)


class Faults(Mapping[str, Values | None]):
    """The faults of one fake: each name with the values with which it is on, or None while it is off.

    ``changed`` is called with the name after each switch.
    """

    def __init__(self, known: Mapping[str, Fault], changed: Callable[[str], None] = lambda _: None) -> None:
        self._known = known
        self._changed = changed
        self._on: dict[str, Values] = {}

    def __getitem__(self, name: str) -> Values | None:
        self._known[name]
        return self._on.get(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def switch_on(self, name: str, values: Values | None = None) -> None:
        """Let a fault begin. Raises KeyError when there is no such fault or value."""
        known = self._known[name]
        for key in values or {}:
            known.values[key]
        self._on[name] = {**known.values, **(values or {})}
        self._changed(name)

    def switch_off(self, name: str) -> None:
        """Let a fault end. Raises KeyError when there is no such fault."""
        self._known[name]
        self._on.pop(name, None)
        self._changed(name)


class Fake(Protocol):
    """One outside system, played on a free port of the loopback address."""

    @property
    def faults(self) -> Faults:
        """How it can fail, and how it fails now."""

    @property
    def asked(self) -> Counter[str]:
        """How often it was asked, by kind of request, those it failed included."""

    async def start(self) -> Section:
        """Open the port; what the site file has to say to reach it."""

    async def stop(self) -> None:
        """Close the port and end what is under way."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known of a fake before it is made, for whoever checks scenarios; ``asks`` are the kinds it counts."""

    name: str
    faults: Mapping[str, Fault]
    asks: frozenset[str]
    make: Callable[[World], Fake]
