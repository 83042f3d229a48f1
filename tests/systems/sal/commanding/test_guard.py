"""The last look: nothing that would end a reader may leave, whoever built it."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from deploydash.systems.sal.commanding.guard import check_leaving
from deploydash.systems.sal.commanding.kafka_write import MaybeWritten, NotWritten, _judge
from tests.systems.sal.wire.test_commands import ordered, schema_of

SCHEMA = schema_of("Test", "command_start")
GOOD = ordered()


def test_a_proper_command_may_leave() -> None:
    check_leaving(GOOD, SCHEMA, "sal")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"topic": "lsst.sal.Test.logevent_summaryState"}, "no command topic"),
        ({"topic": "lsst.sal.Test.ackcmd"}, "no command topic"),
        ({"topic": "lsst.other.Test.command_start"}, "no command topic"),
        ({"topic": "lsst.sal.Test.command_enable"}, "is not the schema of"),
        ({"topic": "lsst.sal.ESS.command_start"}, "is not the schema of"),
        ({"value": None}, "null value"),
        ({"value": b""}, "shorter"),
        ({"value": b"\x01" + GOOD.value[1:]}, "first byte"),
        ({"value": struct.pack(">bI", 0, 999_999) + GOOD.value[5:]}, "is not .* the registry's"),
        ({"value": GOOD.value[:-1]}, "does not fit schema"),
        ({"value": GOOD.value + b"\x00"}, "does not fit schema"),
        ({"seq_num": 0}, "not to be sent"),
        ({"seq_num": GOOD.seq_num + 1}, "not to be sent"),
    ],
)
def test_what_would_end_a_reader_may_not(changes: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_leaving(replace(GOOD, **changes), SCHEMA, "sal")  # type: ignore[arg-type]


def test_a_number_that_is_not_positive_is_found_in_the_bytes_themselves() -> None:
    values = {**SCHEMA.decode(GOOD.value[5:]), "private_seqNum": 0}
    bad = replace(GOOD, value=GOOD.value[:5] + SCHEMA.encode(values), seq_num=0)
    with pytest.raises(ValueError, match="private_seqNum 0"):
        check_leaving(bad, SCHEMA, "sal")


def test_an_offset_means_written() -> None:
    assert _judge("t", 0, 17) == (17, "")


@pytest.mark.parametrize("code", [3, 5, 6])
def test_a_broker_that_no_longer_leads_and_gives_no_offset_has_written_nothing(code: int) -> None:
    assert _judge("t", code, -1)[0] is None


@pytest.mark.parametrize("code", [10, 19, 29, 31, 87])
def test_a_refusal_without_an_offset_is_certain(code: int) -> None:
    with pytest.raises(NotWritten):
        _judge("t", code, -1)


@pytest.mark.parametrize(("code", "offset"), [(7, -1), (20, -1), (-1, -1), (56, -1), (6, 17), (3, 4), (19, 2)])
def test_whatever_may_have_been_appended_is_in_doubt(code: int, offset: int) -> None:
    """A leader that appended and lost its lead while the replicas caught up says NOT_LEADER with an offset."""
    with pytest.raises(MaybeWritten, match="may or may not have been sent"):
        _judge("t", code, offset)
