"""The detail of the one CSC that is being looked at."""

from __future__ import annotations

from deploydash.core.fleet.cell import Cell
from deploydash.core.fleet.listening import Hearing
from deploydash.core.fleet.snapshot import CscDetail

_SECONDS = 60
_NOT_WATCHED = -1


def detail_of(cell: Cell, hearing: Hearing, now: float) -> CscDetail:
    """Return everything known of one CSC, with its beats of the last minute."""
    versions, simulation, configuration = cell.versions, cell.simulation, cell.configuration
    return CscDetail(
        csc=cell.csc,
        beats=_beats(cell, hearing, now),
        states=tuple(cell.history),
        logs=tuple(cell.logs),
        csc_version=versions.csc_version if versions else "",
        xml_version=versions.xml_version if versions else "",
        simulation_mode=simulation.mode if simulation else None,
        configurations=configuration.configurations if configuration else "",
        configuration_version=configuration.version if configuration else "",
        origin=cell.origin,
    )


def _beats(cell: Cell, hearing: Hearing, now: float) -> tuple[int, ...]:
    start = now - _SECONDS
    seconds = [0] * _SECONDS
    for second in range(_SECONDS):
        if not _watched(cell, hearing, start + second, start + second + 1):
            seconds[second] = _NOT_WATCHED
    for at in cell.recent:
        second = min(int(at - start), _SECONDS - 1)
        if at >= start:
            seconds[second] = max(seconds[second], 0) + 1
    return tuple(seconds)


def _watched(cell: Cell, hearing: Hearing, begin: float, end: float) -> bool:
    heard_since = cell.component.heard_since
    if heard_since is None or end <= heard_since:
        return False
    lost_at = hearing.lost_for(cell.component)
    if lost_at is not None and end > lost_at:
        return False
    return not any(gap_begin < end and begin < gap_end for gap_begin, gap_end in cell.component.gaps)
