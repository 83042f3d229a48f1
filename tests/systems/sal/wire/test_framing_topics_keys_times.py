from __future__ import annotations

import math

import pytest

from deploydash.systems.registry.framing import Undecodable, frame, unframe
from deploydash.systems.sal.wire.keys import message_key
from deploydash.systems.times import is_a_time, tai_to_utc, utc_to_tai
from deploydash.systems.topics import ackcmd_topic, command_topic, event_topic, split_topic


def test_a_framed_payload_comes_back() -> None:
    assert frame(258, b"abc") == b"\x00\x00\x00\x01\x02abc"
    assert unframe(frame(2**31 - 1, b"")) == (2**31 - 1, b"")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null value"),
        (b"", "0 bytes, shorter than the 5 of a header"),
        (b"\x00\x00\x00\x01", "4 bytes, shorter than the 5 of a header"),
        (b"\x01\x00\x00\x00\x01abc", "first byte 0x01, not the 0x00 of a framed record"),
        (b"\xff\x00\x00\x00\x01abc", "first byte 0xff, not the 0x00 of a framed record"),
        (b"\x00\x00\x00\x00\x00abc", "schema id 0, which no registry gives"),
        (b"\x00\xff\xff\xff\xffabc", "schema id 4294967295, which no registry gives"),
    ],
)
def test_a_value_that_is_not_framed_is_refused_with_its_reason(value: bytes | None, reason: str) -> None:
    with pytest.raises(Undecodable) as refused:
        unframe(value)
    assert str(refused.value) == reason


@pytest.mark.parametrize("schema_id", [0, -1, 2**31])
def test_no_value_is_framed_with_an_impossible_schema_id(schema_id: int) -> None:
    with pytest.raises(ValueError, match="is no schema id"):
        frame(schema_id, b"")


def test_topics_are_named_as_salobj_names_them() -> None:
    assert event_topic("sal", "ESS", "heartbeat") == "lsst.sal.ESS.logevent_heartbeat"
    assert command_topic("sal", "ESS", "start") == "lsst.sal.ESS.command_start"
    assert ackcmd_topic("sal", "ESS") == "lsst.sal.ESS.ackcmd"


@pytest.mark.parametrize(
    ("topic", "parts"),
    [
        ("lsst.sal.ESS.logevent_heartbeat", ("ESS", "logevent_heartbeat")),
        ("lsst.sal.MTM1M3.ackcmd", ("MTM1M3", "ackcmd")),
        ("lsst.sal2.ESS.logevent_heartbeat", None),
        ("lsst.sal.ESS", None),
        ("lsst.sal.ESS.", None),
        ("lsst.sal..logevent_heartbeat", None),
        ("lsst.sal.ESS.logevent_heartbeat.old", None),
        ("lsst.sal.1ESS.logevent_heartbeat", None),
        ("lsst.sal.E-S.logevent_heartbeat", None),
        ("other.sal.ESS.logevent_heartbeat", None),
        ("__consumer_offsets", None),
    ],
)
def test_only_topics_of_the_own_subname_are_split(topic: str, parts: tuple[str, str] | None) -> None:
    assert split_topic(topic, "sal") == parts


def test_keys_have_an_index_only_where_the_component_has_one() -> None:
    assert message_key("DREAM", "command_start", 0) == b'{ "name": "DREAM", "index": 0, "topic": "command_start" }'
    assert message_key("Watcher", "command_mute", None) == b'{ "name": "Watcher", "topic": "command_mute" }'
    assert message_key("ESS", "temperature", 1) == b""


def test_tai_is_37_seconds_ahead_of_utc() -> None:
    assert tai_to_utc(1_795_199_875.0) == 1_795_199_838.0
    assert utc_to_tai(tai_to_utc(1_795_199_875.5)) == 1_795_199_875.5


@pytest.mark.parametrize("stamp", [math.nan, math.inf, -math.inf, 0.0, -1.0, 1e300, 1_795_199_875e3])
def test_what_is_no_time_is_told_from_times(stamp: float) -> None:
    assert not is_a_time(stamp)
    assert is_a_time(1_795_199_875.0)
