"""Numbers, lists and times as every sentence writes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice

from deploydash.core.model import CscId


def counted(number: int, one: str, many: str = "") -> str:
    """Return ``1 CSC`` or ``103 CSCs``; ``many`` where a plural is not made with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(cscs: Iterable[CscId]) -> str:
    """Return CSCs with the indices of one component together: ``ATDome, ESS:104 105``."""
    families: dict[str, list[int]] = {}
    for csc in cscs:
        families.setdefault(csc.name, []).append(csc.index)
    return ", ".join(
        f"{name}:{' '.join(map(str, sorted(indices)))}" if all(indices) else name for name, indices in families.items()
    )


def and_list(names: Sequence[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def first_of(names: Collection[object], most: int) -> str:
    """Return the first so many names and how many more there are: ``a, b and 3 more``."""
    more = len(names) - most
    return ", ".join(map(str, islice(names, most))) + (f" and {more} more" if more > 0 else "")


def clock(utc: float) -> str:
    """Return UTC unix seconds as ``21:04:12Z``."""
    return f"{datetime.fromtimestamp(utc, UTC):%H:%M:%SZ}"
