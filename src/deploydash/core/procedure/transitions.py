"""The CSC state machine: which command leads from a state towards another (ts_salobj ``csc_utils.py``)."""

from __future__ import annotations

from deploydash.core.model import CscId, SummaryState

_ORDER = (SummaryState.OFFLINE, SummaryState.STANDBY, SummaryState.DISABLED, SummaryState.ENABLED)
_UP = ("enterControl", "start", "enable")
_DOWN = ("exitControl", "standby", "disable")


def next_step(state: SummaryState, target: SummaryState) -> tuple[str, SummaryState] | None:
    """Return the next command on the shortest path and the state it leads to, or None when already there.

    FAULT is left by ``standby`` only. FAULT is nobody's target.

    Raises:
        ValueError: the target is FAULT.
    """
    if target is SummaryState.FAULT:
        raise ValueError("no command leads to FAULT")
    if state is target:
        return None
    if state is SummaryState.FAULT:
        return "standby", SummaryState.STANDBY
    here, there = _ORDER.index(state), _ORDER.index(target)
    if there > here:
        return _UP[here], _ORDER[here + 1]
    return _DOWN[here - 1], _ORDER[here - 1]


def legal(state: SummaryState, *, camera: bool) -> tuple[str, ...]:
    """Return the commands that a CSC accepts in a state; only cameras live on in OFFLINE and take enterControl."""
    return {
        SummaryState.OFFLINE: ("enterControl",) if camera else (),
        SummaryState.STANDBY: ("start", "exitControl"),
        SummaryState.DISABLED: ("enable", "standby"),
        SummaryState.ENABLED: ("disable",),
        SummaryState.FAULT: ("standby",),
    }[state]


LEADS_TO = {
    "enterControl": SummaryState.STANDBY,
    "start": SummaryState.DISABLED,
    "enable": SummaryState.ENABLED,
    "disable": SummaryState.DISABLED,
    "standby": SummaryState.STANDBY,
    "exitControl": SummaryState.OFFLINE,
}
"""Every command of the state machine and the state it leads to."""


def command_text(csc: CscId, command: str, subname: str, override: str = "") -> str:
    """Return one command as it is shown: its Kafka topic and the public fields that are set.

    ``lsst.sal.ESS.command_disable salIndex=104``; topics are named as in ts_xml ``topic_info.py``.
    """
    parts = [f"lsst.{subname}.{csc.name}.command_{command}"]
    if csc.index:
        parts.append(f"salIndex={csc.index}")
    if command == "start" and override:
        parts.append(f"configurationOverride={override}")
    return " ".join(parts)
