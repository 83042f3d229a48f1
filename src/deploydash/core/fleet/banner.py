"""When the feed, not the observatory, is to blame for what is shown."""

from __future__ import annotations

from collections import deque

from deploydash.core.fleet.cell import Cell
from deploydash.core.model import Liveness

_WINDOW = 5.0
"""Seconds within which CSCs fall silent together."""

_LEAST = 5
_SHARE = 0.3


class QuietTogether:
    """Notices when a large share of what beats falls silent within seconds."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, Cell]] = deque()
        self._together: dict[Cell, None] = {}
        self._joined_at = 0.0

    def fell_silent(self, cell: Cell, still_heard: int, now: float) -> None:
        """Note a CSC that fell silent without a farewell; ``still_heard`` are the others that beat."""
        if self._together and now - self._joined_at <= _WINDOW:
            self._together[cell] = None
            self._joined_at = now
            return
        recent = self._recent
        recent.append((now, cell))
        while recent[0][0] < now - _WINDOW:
            recent.popleft()
        if len(recent) >= _LEAST and len(recent) >= _SHARE * (still_heard + len(recent)):
            self._together.update((silent, None) for _, silent in recent)
            self._joined_at = now
            recent.clear()

    def sentence(self) -> str:
        """Return what to suspect, or nothing once most of them beat again."""
        silent = sum(cell.liveness is Liveness.SILENT for cell in self._together)
        if silent < _LEAST:
            self._together.clear()
            return ""
        return f"{silent} CSCs went quiet together: suspect the feed, not the observatory"
