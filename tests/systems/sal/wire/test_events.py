from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest

from deploydash.core.fleet.observations import (
    BeatArrived,
    BeatFoundInLog,
    ConfigurationTold,
    ErrorTold,
    LogTold,
    Observation,
    OverridesTold,
    Process,
    SimulationModeTold,
    StateTold,
    SubstateTold,
    VersionsTold,
)
from deploydash.core.model import CameraSubstate, CscId, Source, SummaryState
from deploydash.systems.registry.framing import Undecodable
from deploydash.systems.sal.wire.events import observation
from deploydash.systems.topics import WATCHED_EVENTS
from tests.systems.sal.wire.captures import captured, every_captured

SENT_TAI = 1_795_199_875.0
SENT_UTC = 1_795_199_838.0
PRIVATE: dict[str, Any] = {
    "salIndex": 104,
    "private_sndStamp": SENT_TAI,
    "private_seqNum": 7,
    "private_origin": 4711,
}
PROCESS = Process(4711, 7)
ESS = CscId("ESS", 104)


def told(event: str, *, live: bool = True, appended_utc: float | None = 5.0, **fields: Any) -> Observation | None:
    named = f"logevent_{event}"
    return observation("ESS", named, PRIVATE | fields, at=3.0, appended_utc=appended_utc, live=live)


def test_a_live_heartbeat_is_a_beat_that_arrived() -> None:
    assert told("heartbeat", heartbeat=False) == BeatArrived(ESS, PROCESS, 3.0, 5.0, SENT_TAI)


def test_a_heartbeat_read_back_proves_no_life() -> None:
    assert told("heartbeat", live=False, appended_utc=None) == BeatFoundInLog(ESS, PROCESS, 3.0, None)


@pytest.mark.parametrize("state", SummaryState)
def test_every_summary_state_is_told(state: SummaryState) -> None:
    expected = StateTold(ESS, state, PROCESS, SENT_UTC, 3.0, Source.KAFKA, live=True)
    assert told("summaryState", summaryState=state.value) == expected


@pytest.mark.parametrize("substate", CameraSubstate)
def test_a_cameras_substate_is_told(substate: CameraSubstate) -> None:
    expected = SubstateTold(ESS, substate, PROCESS, SENT_UTC, 3.0, Source.KAFKA, live=False)
    assert told("offlineDetailedState", live=False, substate=substate.value) == expected


def test_the_other_watched_events_are_told() -> None:
    assert told("errorCode", errorCode=5, errorReport="hot") == ErrorTold(ESS, 5, "hot", SENT_UTC, 3.0, live=True)
    assert told("logMessage", level=40, message="no") == LogTold(ESS, 40, "no", SENT_UTC, 3.0, live=True)
    assert told("simulationMode", mode=1) == SimulationModeTold(ESS, 1, SENT_UTC, 3.0, live=True)
    versions: dict[str, Any] = {"cscVersion": "1", "xmlVersion": "2", "salVersion": "", "subsystemVersions": "a=3"}
    assert told("softwareVersions", **versions) == VersionsTold(ESS, "1", "2", SENT_UTC, 3.0, live=True)
    applied = told("configurationApplied", configurations="a.yaml,b.yaml", version="v1")
    assert applied == ConfigurationTold(ESS, "a.yaml,b.yaml", "v1", SENT_UTC, 3.0, live=True)
    available = told("configurationsAvailable", overrides="a.yaml, b.yaml", version="v1")
    assert available == OverridesTold(ESS, ("a.yaml", "b.yaml"), SENT_UTC, 3.0, live=True)
    assert told("configurationsAvailable", overrides="") == OverridesTold(ESS, (), SENT_UTC, 3.0, live=True)


def test_what_nobody_watches_is_no_observation() -> None:
    assert told("logLevel", level=10) is None
    assert observation("ESS", "temperature", {}, at=0.0, appended_utc=None, live=True) is None


def test_a_component_without_index_has_none_and_one_with_index_zero_is_the_same_csc() -> None:
    without = {name: value for name, value in PRIVATE.items() if name != "salIndex"}
    for fields in (without, PRIVATE | {"salIndex": 0}):
        beat = observation("DREAM", "logevent_heartbeat", fields, at=0.0, appended_utc=None, live=True)
        assert isinstance(beat, BeatArrived)
        assert str(beat.csc) == "DREAM"


def test_texts_that_an_older_or_nullable_schema_lacks_are_empty() -> None:
    assert told("errorCode", errorCode=5) == told("errorCode", errorCode=5, errorReport=None)
    assert told("softwareVersions") == VersionsTold(ESS, "", "", SENT_UTC, 3.0, live=True)


@pytest.mark.parametrize(
    ("event", "fields", "reason"),
    [
        ("summaryState", {}, "has no field summaryState"),
        ("summaryState", {"summaryState": None}, "summaryState is null"),
        ("summaryState", {"summaryState": 7}, "summaryState is 7, which is no state"),
        ("summaryState", {"summaryState": 0}, "summaryState is 0, which is no state"),
        ("summaryState", {"summaryState": True}, "summaryState is bool, not a whole number"),
        ("summaryState", {"summaryState": 2.0}, "summaryState is float, not a whole number"),
        ("summaryState", {"summaryState": "ENABLED"}, "summaryState is str, not a whole number"),
        ("summaryState", {"summaryState": 2, "salIndex": None}, "salIndex is null"),
        ("summaryState", {"summaryState": 2, "salIndex": -1}, "salIndex is -1"),
        ("summaryState", {"summaryState": 2, "salIndex": 2**31}, "salIndex is 2147483648"),
        ("summaryState", {"summaryState": 2, "private_sndStamp": None}, "private_sndStamp is null"),
        ("summaryState", {"summaryState": 2, "private_sndStamp": "now"}, "private_sndStamp is str, not a number"),
        ("summaryState", {"summaryState": 2, "private_origin": None}, "private_origin is null"),
        ("heartbeat", {"private_seqNum": None}, "private_seqNum is null"),
        ("offlineDetailedState", {"substate": 3}, "substate is 3, which is no offline sub-state"),
        ("offlineDetailedState", {"substate": None}, "substate is null"),
        ("errorCode", {"errorReport": "x"}, "has no field errorCode"),
        ("errorCode", {"errorCode": 1, "errorReport": 5}, "errorReport is int, not text"),
        ("logMessage", {"message": "x"}, "has no field level"),
        ("simulationMode", {}, "has no field mode"),
    ],
)
def test_an_event_that_cannot_be_rested_on_is_undecodable(event: str, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(Undecodable) as refused:
        told(event, **fields)
    assert str(refused.value) == reason


@pytest.mark.parametrize("stamp", [math.nan, math.inf, 0.0, -1e300, 1e300])
def test_a_stamp_that_is_no_time_does_not_hide_the_state_it_comes_with(stamp: float) -> None:
    state = told("summaryState", summaryState=3, private_sndStamp=stamp)
    assert isinstance(state, StateTold)
    assert (state.state, state.sent_utc) == (SummaryState.FAULT, 5.0), "the broker's time stands in"
    state = told("summaryState", summaryState=3, private_sndStamp=stamp, appended_utc=None)
    assert isinstance(state, StateTold)
    assert state.sent_utc is None, "nobody told a time: it is not 1970"
    beat = told("heartbeat", private_sndStamp=stamp)
    assert isinstance(beat, BeatArrived)
    assert beat.sent_tai == 0.0


def test_the_life_of_a_real_csc_is_told_as_it_was() -> None:
    states = [
        told.state
        for record in captured("testcsc-life")
        if record.truth.get("salIndex") == 1
        and isinstance(
            told := observation(record.component, record.sal_name, record.truth, at=0.0, appended_utc=None, live=True),
            StateTold,
        )
    ]
    assert states[0] is SummaryState.STANDBY
    assert SummaryState.FAULT in states
    assert states[-1] is SummaryState.OFFLINE


def test_every_captured_watched_event_is_an_observation() -> None:
    seen: Counter[str] = Counter()
    refused: list[tuple[str, bool]] = []
    for record in every_captured():
        event = record.sal_name.removeprefix("logevent_")
        if record.sal_name == event or event not in WATCHED_EVENTS:
            continue
        where = (record.component, record.sal_name, record.truth)
        try:
            assert observation(*where, at=0.0, appended_utc=None, live=True) is not None
        except Undecodable as error:
            refused.append((str(error), "SYNTHETIC schema" in record.producer))
        seen[event] += 1
    assert set(seen) == set(WATCHED_EVENTS)
    assert refused == [("summaryState is null", True), ("substate is null", True)]
