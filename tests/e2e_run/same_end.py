"""What tells a whole night that was killed from one that never stopped: as it should be, nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Asked = Mapping[tuple[str, str, str, str], int]
"""By fake, kind, object and outcome, how often."""

_FEW = 6


def more_or_less(calm: Mapping[Any, int], night: Mapping[Any, int], what: str) -> Iterator[str]:
    """Yield each that was done more or less often than in the night without a kill."""
    for key in sorted({*calm, *night}, key=str):
        wanted, found = calm.get(key, 0), night.get(key, 0)
        if wanted != found:
            yield f"{what} {' '.join(map(str, key))}: {found} times, not {wanted}"


def elsewhere(calm: Any, night: Any, path: str = "") -> Iterator[str]:
    """Yield each place at which the world stands otherwise, by its path."""
    if isinstance(calm, Mapping) and isinstance(night, Mapping):
        for key in sorted({*calm, *night}, key=str):
            yield from elsewhere(calm.get(key), night.get(key), f"{path}/{key}")
    elif calm != night:
        yield f"{path}: {night!r}, not {calm!r}"


def repeated(written: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield each request of a journal that went once more though nothing had said that the one before was not done.

    ``written``: the records in order. What says so is an end of the item that is neither reached nor unknown, or an
    answer that refuses.
    """
    sent: dict[tuple[str, str, str], bool] = {}
    for record in written:
        kind, item = record["kind"], (record.get("step", ""), record.get("item", ""))
        if kind == "RequestIntended":
            key = (*item, str(record["text"]))
            if sent.get(key) is False:
                yield f"{item[0]} {item[1]}: {record['text']} was sent again and nobody had said that it was not done"
            sent[key] = False
        elif (kind == "ItemEnded" and record["outcome"] == "failed") or (
            kind == "RequestAnswered" and record["ok"] is False
        ):
            sent.update({key: True for key in sent if key[:2] == item})


def cut(lines: Sequence[str]) -> list[str]:
    """Return the first few lines, and how many more there are."""
    return [*lines[:_FEW], *([f"and {len(lines) - _FEW} more"] if len(lines) > _FEW else [])]


def kinds(asked: Asked) -> dict[str, int]:
    """Return how often each fake was asked to change something, by its name and the kind."""
    counted: Counter[str] = Counter()
    for (fake, kind, _, _), count in asked.items():
        counted[f"{fake} {kind}"] += count
    return dict(sorted(counted.items()))
