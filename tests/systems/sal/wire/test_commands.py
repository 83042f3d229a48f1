from __future__ import annotations

import math
from typing import Any

import pytest

from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.framing import unframe
from deploydash.systems.sal.wire.commands import CommandRecord, Sender, command_record
from tests.systems.sal.wire.captures import schema, schema_texts

LEAD = Sender("lead@console", 4711)
SENT_TAI = 1_795_199_875.25


def schema_of(component: str, sal_name: str) -> WriterSchema:
    for number in schema_texts():
        found = schema(number)
        if (found.namespace, found.name) == (f"lsst.sal.{component}", sal_name):
            return found
    raise LookupError(f"{component}.{sal_name}")


def ordered(component: str = "Test", command: str = "start", **changes: Any) -> CommandRecord:
    arguments: dict[str, Any] = {
        "subname": "sal",
        "component": component,
        "index": 1,
        "command": command,
        "values": {},
        "sender": LEAD,
        "seq_num": 12,
        "sent_tai": SENT_TAI,
    }
    return command_record(schema_of(component, f"command_{command}"), **(arguments | changes))


def test_a_command_carries_who_sent_it_when_and_its_number() -> None:
    record = ordered(values={"configurationOverride": "_summit.yaml"}, rev_code="0badcafe")
    assert record.topic == "lsst.sal.Test.command_start"
    assert record.key == b'{ "name": "Test", "index": 1, "topic": "command_start" }'
    schema_id, payload = unframe(record.value)
    assert schema(schema_id).decode(payload) == {
        "salIndex": 1,
        "private_sndStamp": SENT_TAI,
        "private_rcvStamp": 0.0,
        "private_efdStamp": SENT_TAI - 37,
        "private_kafkaStamp": SENT_TAI,
        "private_seqNum": record.seq_num,
        "private_revCode": "0badcafe",
        "private_identity": "lead@console",
        "private_origin": 4711,
        "configurationOverride": "_summit.yaml",
    }


def test_a_field_left_out_keeps_the_schemas_default() -> None:
    _, payload = unframe(ordered().value)
    assert schema_of("Test", "command_start").decode(payload)["configurationOverride"] == ""


def test_a_command_for_a_component_without_index_has_none_anywhere() -> None:
    record = ordered("Watcher", "enable", index=None)
    assert record.key == b'{ "name": "Watcher", "topic": "command_enable" }'
    assert "salIndex" not in schema_of("Watcher", "command_enable").decode(unframe(record.value)[1])


def test_the_key_has_the_writers_index_and_the_record_the_commanded_one() -> None:
    record = ordered("Script", "resume", index=100_003, sender=Sender("lead@console", 4711, writer_index=0))
    assert record.key == b'{ "name": "Script", "index": 0, "topic": "command_resume" }'
    assert schema_of("Script", "command_resume").decode(unframe(record.value)[1])["salIndex"] == 100_003


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seq_num": 0}, "would end the reading of every Test"),
        ({"seq_num": -1}, "would end the reading of every Test"),
        ({"seq_num": 2**31}, "would end the reading of every Test"),
        ({"index": None}, "Test has index|Test has"),
        ({"index": 2**31}, "salIndex"),
        ({"sent_tai": math.nan}, "nan is no time"),
        ({"sent_tai": 0.0}, "is no time"),
        ({"values": {"configurationOveride": "x"}}, "has no field configurationOveride"),
        ({"values": {"salIndex": 2}}, "has no field salIndex to be given"),
        ({"values": {"private_seqNum": 2}}, "has no field private_seqNum to be given"),
        ({"values": {"configurationOverride": None}}, "configurationOverride of command_start may not be null"),
        ({"values": {"configurationOverride": 5}}, "configurationOverride"),
        ({"values": {"configurationOverride": "\ud800"}}, "cannot be written"),
        ({"sender": Sender("lead@console", 2**31)}, "private_origin"),
    ],
)
def test_a_command_that_would_not_be_obeyed_as_meant_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ordered(**changes)


def test_an_index_for_a_component_that_has_none_is_refused() -> None:
    with pytest.raises(ValueError, match="Watcher has no index"):
        ordered("Watcher", "enable", index=1)


def test_an_array_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="int0 of command_setArrays takes 5 values, not 3"):
        ordered(command="setArrays", values={"int0": [1, 2, 3]})
    assert ordered(command="setArrays", values={"int0": [1, 2, 3, 0, 0]}).seq_num == 12


@pytest.mark.parametrize(("component", "sal_name"), [("Test", "command_enable"), ("ScriptQueue", "command_start")])
def test_the_schema_of_another_command_or_component_is_refused(component: str, sal_name: str) -> None:
    with pytest.raises(ValueError, match=f"is of lsst.sal.{component}.{sal_name}, not Test start"):
        command_record(
            schema_of(component, sal_name),
            subname="sal",
            component="Test",
            index=1,
            command="start",
            values={},
            sender=LEAD,
            seq_num=1,
            sent_tai=SENT_TAI,
        )


def test_a_schema_without_the_private_fields_is_refused() -> None:
    text = '{"type":"record","name":"lsst.sal.Test.command_start","fields":[{"name":"salIndex","type":"int"}]}'
    with pytest.raises(ValueError, match="lacks private_efdStamp"):
        command_record(
            WriterSchema(9, text),
            subname="sal",
            component="Test",
            index=1,
            command="start",
            values={},
            sender=LEAD,
            seq_num=1,
            sent_tai=SENT_TAI,
        )
