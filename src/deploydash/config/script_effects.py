"""What a script of a ScriptQueue does to the states of CSCs, as far as its path and configuration tell.

Sources: ts_standardscripts ``set_summary_state.py``, ``system_wide_shutdown.py``, ``run_command.py``. Of the other
standard scripts those whose name says so send CSCs to OFFLINE; none of the rest does.
"""

from __future__ import annotations

import re
from typing import Any

from deploydash.config.runbook_names import SCRIPT_QUEUE, UnknownNameError, select
from deploydash.config.runbook_scripts_lint import SET_STATE, SHUTDOWN, Ground, rows_of
from deploydash.core.model import CscId, SummaryState, Target
from deploydash.core.procedure.runbook import CscEffect
from deploydash.core.procedure.transitions import LEADS_TO

RUN_COMMAND = "run_command.py"
_TAKES_DOWN = re.compile(r"offline|shutdown", re.IGNORECASE)


def script_effects(
    ground: Ground, known: tuple[str, ...], script: str, config: dict[str, Any]
) -> tuple[CscEffect, ...] | None:
    """Return what a script does to CSCs in its order, or None where that cannot be told.

    ``known``: the standard scripts of the catalogue; what an external one does cannot be told.
    """
    if script == SET_STATE:
        return tuple(_set_state(ground, config))
    if script == SHUTDOWN:
        return tuple(CscEffect(csc, Target(SummaryState.OFFLINE)) for csc in _shut_down(ground, config))
    if script == RUN_COMMAND:
        state = LEADS_TO.get(str(config.get("cmd")))
        if state is None:
            return ()
        return tuple(CscEffect(csc, Target(state)) for csc in _named(ground, config.get("component")))
    return () if script in known and not _TAKES_DOWN.search(script) else None


def script_downs(ground: Ground, known: tuple[str, ...], script: str, config: dict[str, Any]) -> list[CscId]:
    """Return the CSCs that a script sends to OFFLINE, in its order, as far as that is known."""
    effects = script_effects(ground, known, script, config) or ()
    return [effect.csc for effect in effects if effect.target.state is SummaryState.OFFLINE]


def _set_state(ground: Ground, config: dict[str, Any]) -> list[CscEffect]:
    found = []
    for _, row in rows_of(config):
        state = str(row[1]).upper()
        if state in SummaryState.__members__:
            found += [CscEffect(csc, Target(SummaryState[state])) for csc in _named(ground, row[0])]
    return found


def _shut_down(ground: Ground, config: dict[str, Any]) -> list[CscId]:
    first = config.get("start_with") or []
    ignored = {SCRIPT_QUEUE, *(config.get("ignore") or [])}
    reached = [spec.csc for spec in ground.roster.cscs if spec.csc.name not in ignored]
    return sorted(reached, key=lambda csc: first.index(csc.name) if csc.name in first else len(first))


def _named(ground: Ground, name: object) -> list[CscId]:
    try:
        return list(select(str(name), ground.roster, ground.concern))
    except UnknownNameError:
        return []
