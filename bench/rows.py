"""What a benchmark says: rows of one table, each a measured value beside its goal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from statistics import median
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. ``goal`` None marks a figure that stands beside others for comparison.

    ``measured`` is the median of ``runs``; ``most`` says that a smaller value is better.
    """

    bench: str
    size: int
    what: str
    runs: tuple[float, ...]
    unit: str
    goal: float | None = None
    most: bool = True
    note: str = ""

    @property
    def measured(self) -> float:
        """The median of the runs."""
        return median(self.runs)

    @property
    def verdict(self) -> str:
        """``pass``, ``miss``, or nothing where there is no goal."""
        if self.goal is None:
            return ""
        met = self.measured <= self.goal if self.most else self.measured >= self.goal
        return "pass" if met else "miss"

    @classmethod
    def ratio(
        cls,
        bench: str,
        size: int,
        what: str,
        ours: Sequence[float],
        bare: Sequence[float],
        goal: float | None = None,
        *,
        most: bool = True,
        note: str = "",
    ) -> Self:
        """Return the row of what we take as a multiple of what ``bare`` takes, both measured in this run.

        Measured in turns, equally often, each is set against its neighbour; else the medians count.
        """
        paired = len(ours) == len(bare)
        runs = tuple(a / b for a, b in zip(ours, bare, strict=True)) if paired else (median(ours) / median(bare),)
        of = f"{figure(median(ours))} / {figure(median(bare))}"
        return cls(bench, size, what, runs, "x", goal, most, f"{of}, {note}" if note else of)

    def document(self) -> dict[str, Any]:
        """Return the row for the JSON file."""
        return {**asdict(self), "measured": self.measured, "verdict": self.verdict}


Say = Callable[[Row], None]


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of the values lie, by the nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def few(names: Collection[str]) -> str:
    """Return how many there are and who the first three are: thousands of names fit no line."""
    shown = ", ".join(list(names)[:3])
    return f"{len(names):,} ({shown}{', …' if len(names) > 3 else ''})"


def figure(value: float) -> str:
    """Return a value with three figures that mean something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(rows: Iterable[Row]) -> str:
    """Return the rows as text."""
    lines = [("bench", "CSCs", "what", "goal", "measured", "unit", "spread", "", "note")]
    for row in rows:
        sign = "" if row.goal is None else "≤ " if row.most else "≥ "
        goal = "" if row.goal is None else sign + figure(row.goal)
        spread = f"{figure(min(row.runs))}..{figure(max(row.runs))} ({len(row.runs)})" if len(row.runs) > 1 else ""
        measured = figure(row.measured)
        lines.append((row.bench, f"{row.size:,}", row.what, goal, measured, row.unit, spread, row.verdict, row.note))
    widths = [max(len(line[column]) for line in lines) for column in range(8)]
    right = {1, 3, 4}
    text = []
    for line in lines:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=False))
        ]
        text.append("  ".join([*cells, line[8]]).rstrip())
    return "\n".join(text)
