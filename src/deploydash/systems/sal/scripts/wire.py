"""Decoded events of ScriptQueues and Scripts as facts (ts_xml ``ScriptQueue_Events.xml``, ``Script_Events.xml``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploydash.core.model import CscId
from deploydash.systems.registry.framing import Undecodable
from deploydash.systems.sal.scripts.told import (
    BeatOfScript,
    LogOfScript,
    ProcessState,
    QueueTold,
    ScriptFact,
    ScriptsListed,
    ScriptState,
    ScriptTold,
    StateOfScript,
)
from deploydash.systems.sal.wire.fields import index_of, integer, stamp, text
from deploydash.systems.times import is_a_time

QUEUE_EVENTS = ("logevent_script", "logevent_queue", "logevent_availableScripts")
SCRIPT_EVENTS = ("logevent_state", "logevent_logMessage", "logevent_heartbeat")

_STATES = {int(state): state for state in ScriptState}
_PROCESS_STATES = {int(state): state for state in ProcessState}


def script_fact(component: str, sal_name: str, fields: Mapping[str, Any]) -> ScriptFact | None:
    """Return what an event of a ScriptQueue or a Script tells, or None for a topic that tells nothing of scripts.

    Raises:
        Undecodable: a needed field is missing, null, of a wrong type or no known value.
    """
    if component == "ScriptQueue":
        queue = CscId(component, index_of(fields))
        if sal_name == "logevent_script":
            return _script(queue, fields)
        if sal_name == "logevent_queue":
            return _queue(queue, fields)
        if sal_name == "logevent_availableScripts":
            return ScriptsListed(queue, _paths(fields, "standard"), _paths(fields, "external"))
    elif component == "Script":
        return _of_script(sal_name, fields)
    return None


def _script(queue: CscId, fields: Mapping[str, Any]) -> ScriptTold:
    return ScriptTold(
        queue,
        integer(fields, "private_origin"),
        integer(fields, "scriptSalIndex"),
        integer(fields, "cmdId"),
        text(fields, "path"),
        _PROCESS_STATES.get(integer(fields, "processState"), ProcessState.UNKNOWN),
        _STATES.get(integer(fields, "scriptState"), ScriptState.UNKNOWN),
        _time(fields, "timestampProcessStart"),
        _time(fields, "timestampProcessEnd"),
    )


def _queue(queue: CscId, fields: Mapping[str, Any]) -> QueueTold:
    indices = fields.get("salIndices")
    length = integer(fields, "length")
    if not isinstance(indices, list) or not 0 <= length <= len(indices):
        raise Undecodable(f"salIndices does not hold its {length} scripts")
    return QueueTold(
        queue,
        integer(fields, "private_origin"),
        bool(fields.get("enabled")),
        bool(fields.get("running")),
        integer(fields, "currentSalIndex"),
        tuple(indices[:length]),
    )


def _of_script(sal_name: str, fields: Mapping[str, Any]) -> ScriptFact | None:
    who = (index_of(fields), integer(fields, "private_origin"), stamp(fields))
    if sal_name == "logevent_state":
        state = _STATES.get(integer(fields, "state"), ScriptState.UNKNOWN)
        return StateOfScript(*who, state, text(fields, "reason"), text(fields, "lastCheckpoint"))
    if sal_name == "logevent_logMessage":
        return LogOfScript(*who, integer(fields, "level"), text(fields, "message"))
    return BeatOfScript(*who) if sal_name == "logevent_heartbeat" else None


def _time(fields: Mapping[str, Any], name: str) -> float:
    """Return a moment in TAI, 0.0 for not yet and for what is no time."""
    value = fields.get(name)
    if type(value) is not float and type(value) is not int:
        raise Undecodable(f"{name} is no number")
    return float(value) if is_a_time(value) else 0.0


def _paths(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(path for path in text(fields, name).split(":") if path)
