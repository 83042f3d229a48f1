"""What a script of a ScriptQueue does to the states of CSCs, as far as its path and configuration show.

Sources: ts_standardscripts ``set_summary_state.py``, ``system_wide_shutdown.py``, ``run_command.py``. Of the other
standard scripts those whose name says so send CSCs to OFFLINE; none of the rest does.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from deploydash.config.runbook_names import SCRIPT_QUEUE, Concern, UnknownNameError, select
from deploydash.core.model import CscId, Roster, SummaryState, Target
from deploydash.core.procedure.items import CscEffect
from deploydash.core.procedure.transitions import LEADS_TO

SET_STATE = "set_summary_state.py"
SHUTDOWN = "system_wide_shutdown.py"
RUN_COMMAND = "run_command.py"
_TAKES_DOWN = re.compile(r"offline|shutdown", re.IGNORECASE)


class Ground(Protocol):
    """Where a script would run: the site, and the CSCs that words such as ``concerned`` stand for."""

    @property
    def roster(self) -> Roster:
        """The CSCs of the site."""
        ...

    @property
    def concern(self) -> Concern:
        """What a run there is about."""
        ...


def script_effects(
    ground: Ground, known: tuple[str, ...], script: str, config: dict[str, Any]
) -> tuple[CscEffect, ...] | None:
    """Return what a script does to CSCs in its order, or None where that is not known.

    ``known``: the standard scripts of the catalogue; what an external one does is not known.
    """
    if script == SET_STATE:
        return tuple(_set_state(ground, config))
    if script == SHUTDOWN:
        return tuple(CscEffect(csc, Target(SummaryState.OFFLINE)) for csc in _shut_down(ground, config))
    if script == RUN_COMMAND:
        state = LEADS_TO.get(str(config.get("cmd")))
        if state is None:
            return ()
        return tuple(CscEffect(csc, Target(state)) for csc in named(ground, config.get("component")))
    return () if script in known and not _TAKES_DOWN.search(script) else None


def rows_of(config: dict[str, Any]) -> list[tuple[int, list[Any]]]:
    """Return the rows of a ``data`` list that name a CSC and a state, each with its place."""
    data = config.get("data")
    rows = data if isinstance(data, list) else []
    return [(at, row) for at, row in enumerate(rows) if isinstance(row, list) and len(row) > 1]


def named(ground: Ground, name: object) -> list[CscId]:
    """Return the CSCs that a script means by a name; none where it stands for none."""
    try:
        return list(select(str(name), ground.roster, ground.concern))
    except UnknownNameError:
        return []


def _set_state(ground: Ground, config: dict[str, Any]) -> list[CscEffect]:
    found = []
    for _, row in rows_of(config):
        state = str(row[1]).upper()
        if state in SummaryState.__members__:
            found += [CscEffect(csc, Target(SummaryState[state])) for csc in named(ground, row[0])]
    return found


def _shut_down(ground: Ground, config: dict[str, Any]) -> list[CscId]:
    first = config.get("start_with") or []
    ignored = {SCRIPT_QUEUE, *(config.get("ignore") or [])}
    reached = [spec.csc for spec in ground.roster.cscs if spec.csc.name not in ignored]
    return sorted(reached, key=lambda csc: first.index(csc.name) if csc.name in first else len(first))
