"""Decoded SAL events as observations of the core (fields: ts_xml ``SALGenerics.xml``, ``ATCamera_Events.xml``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from deploydash.core.fleet.facts import Fact, event_fact
from deploydash.core.fleet.observations import (
    BeatArrived,
    BeatFoundInLog,
    ConfigurationTold,
    ErrorTold,
    EventShown,
    LogTold,
    Observation,
    OverridesTold,
    Process,
    SimulationModeTold,
    StateTold,
    SubstateTold,
    VersionsTold,
)
from deploydash.core.model import CameraSubstate, CscId, FeedName, Source, SummaryState
from deploydash.core.words import clock
from deploydash.systems.registry.framing import FieldMissing, Undecodable
from deploydash.systems.sal.wire.beats import beat_fields
from deploydash.systems.sal.wire.fields import index_of, integer, stamp, text
from deploydash.systems.times import tai_to_utc
from deploydash.systems.topics import ShownEvent, shown_event

__all__ = ["beat_fields", "observation"]


@dataclass(frozen=True, slots=True)
class _Received:
    """A decoded record with what every event of it needs."""

    fields: Mapping[str, Any]
    csc: CscId
    at: float
    appended_utc: float | None
    live: bool
    order: int

    def process(self) -> Process:
        return Process(integer(self.fields, "private_origin"), integer(self.fields, "private_seqNum"))

    def sent_utc(self) -> float | None:
        sent_tai = stamp(self.fields)
        return tai_to_utc(sent_tai) if sent_tai else self.appended_utc


def observation(
    component: str,
    sal_name: str,
    fields: Mapping[str, Any],
    *,
    at: float,
    appended_utc: float | None,
    live: bool,
    order: int = -1,
) -> Observation | None:
    """Return what an event tells, or None for a topic that nobody watches.

    ``at`` is the monotonic receive time, ``appended_utc`` the broker's append time (None with CreateTime).
    ``sent_utc`` of the result is ``private_sndStamp`` less 37 s; where that is no time it is ``appended_utc``,
    and None where there is none either. Missing texts are empty. ``order`` is the record's place in its topic.

    Raises:
        Undecodable: a needed field is missing, null, of a wrong type or no known value.
    """
    tell = _TELLERS.get(sal_name)
    if tell is None and (shown := shown_event(component, sal_name.removeprefix("logevent_"))) is not None:
        tell = partial(_shown, shown)
    if tell is None:
        return None
    csc = CscId(component, index_of(fields))
    try:
        return tell(_Received(fields, csc, at, appended_utc, live, order))
    except Undecodable as error:
        error.index = None if isinstance(error, FieldMissing) else csc.index
        raise


def _heartbeat(record: _Received) -> Observation:
    beat = beat_fields(record.fields, record.csc.name)
    process = Process(beat.origin, beat.seq_num)
    if record.live:
        return BeatArrived(beat.csc, process, record.at, record.appended_utc, beat.sent_tai)
    return BeatFoundInLog(beat.csc, process, record.at, record.appended_utc)


def _summary_state(record: _Received) -> Observation:
    number = integer(record.fields, "summaryState")
    try:
        state = SummaryState(number)
    except ValueError:
        raise Undecodable(f"summaryState is {number}, which is no state") from None
    process, sent_utc = record.process(), record.sent_utc()
    return StateTold(record.csc, state, process, sent_utc, record.at, Source.KAFKA, record.live, record.order)


def _substate(record: _Received) -> Observation:
    number = integer(record.fields, "substate")
    try:
        substate = CameraSubstate(number)
    except ValueError:
        raise Undecodable(f"substate is {number}, which is no offline sub-state") from None
    process, sent_utc = record.process(), record.sent_utc()
    return SubstateTold(record.csc, substate, process, sent_utc, record.at, Source.KAFKA, record.live, record.order)


def _error_code(record: _Received) -> Observation:
    code = integer(record.fields, "errorCode")
    report = text(record.fields, "errorReport")
    return ErrorTold(record.csc, code, report, record.sent_utc(), record.at, record.live)


def _log_message(record: _Received) -> Observation:
    level = integer(record.fields, "level")
    message = text(record.fields, "message")
    return LogTold(record.csc, level, message, record.sent_utc(), record.at, record.live)


def _software_versions(record: _Received) -> Observation:
    fields = record.fields
    return VersionsTold(
        record.csc,
        text(fields, "cscVersion"),
        text(fields, "xmlVersion"),
        record.sent_utc(),
        record.at,
        record.live,
    )


def _simulation_mode(record: _Received) -> Observation:
    return SimulationModeTold(record.csc, integer(record.fields, "mode"), record.sent_utc(), record.at, record.live)


def _configuration_applied(record: _Received) -> Observation:
    configurations = text(record.fields, "configurations")
    version = text(record.fields, "version")
    return ConfigurationTold(record.csc, configurations, version, record.sent_utc(), record.at, record.live)


def _configurations_available(record: _Received) -> Observation:
    names = (name.strip() for name in text(record.fields, "overrides").split(","))
    overrides = tuple(name for name in names if name)
    return OverridesTold(record.csc, overrides, record.sent_utc(), record.at, record.live)


def _shown(shown: ShownEvent, record: _Received) -> Observation:
    value, sent_utc = integer(record.fields, shown.field), record.sent_utc()
    word = shown.words.get(value, f"{value}, which has no name here")
    since = f" since {clock(sent_utc)}" if sent_utc is not None else ""
    name, told_utc = event_fact(record.csc, shown.event), sent_utc if sent_utc is not None else 0.0
    sentence = f"{shown.event} is {word}{since}"
    ok = value in shown.wanted
    fact = Fact(FeedName.KAFKA.value, name, str(record.csc), ok, str(value), sentence, told_utc)
    return EventShown(record.csc, fact, record.process(), sent_utc, record.at, record.live)


_TELLERS: dict[str, Callable[[_Received], Observation]] = {
    "logevent_heartbeat": _heartbeat,
    "logevent_summaryState": _summary_state,
    "logevent_errorCode": _error_code,
    "logevent_logMessage": _log_message,
    "logevent_softwareVersions": _software_versions,
    "logevent_simulationMode": _simulation_mode,
    "logevent_configurationApplied": _configuration_applied,
    "logevent_configurationsAvailable": _configurations_available,
    "logevent_offlineDetailedState": _substate,
}
