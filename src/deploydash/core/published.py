"""What goes out to readers: the snapshot of the fleet with the run beside it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from deploydash.core.fleet.snapshot import Snapshot

if TYPE_CHECKING:
    from deploydash.core.views.run_view import RunView


@dataclass(frozen=True, slots=True)
class Published(Snapshot):
    """A snapshot as readers get it. ``run``: the run beside the grid, or None where there is only the grid."""

    run: RunView | None = None


_PARTS = tuple(field.name for field in fields(Snapshot))


def published(snapshot: Snapshot, run: RunView | None = None) -> Published:
    """Return a snapshot with the run that stands beside it; the views in it stay the same objects."""
    parts = {part: getattr(snapshot, part) for part in _PARTS}
    return Published(**parts, run=run)
