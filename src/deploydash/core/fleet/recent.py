"""The last things that were told of one kind, in the order in which they were told, whatever their stamps say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

_KEPT = 50
_T = TypeVar("_T")


class Recent(Generic[_T]):
    """What arrives live stands at the end; what is read back before what arrived live on the same connection.

    Both were read from ends that the log had when the connection was made (monotonic ``connected_at``).
    """

    __slots__ = ("_connected_at", "_told", "_turn")

    def __init__(self) -> None:
        self._told: list[_T] = []
        self._connected_at = float("-inf")
        self._turn = 0

    def __iter__(self) -> Iterator[_T]:
        return iter(self._told)

    def keep(self, told: _T, *, live: bool, connected_at: float) -> None:
        """Put one to the others; what is read back a second time stands there already."""
        if connected_at != self._connected_at:
            self._connected_at = connected_at
            self._turn = len(self._told)
        if live:
            self._told.append(told)
        elif told not in self._told:
            self._told.insert(self._turn, told)
            self._turn += 1
        beyond = len(self._told) - _KEPT
        if beyond > 0:
            del self._told[:beyond]
            self._turn = max(0, self._turn - beyond)
