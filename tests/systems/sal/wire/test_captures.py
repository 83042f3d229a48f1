"""What real programs wrote is read as two other Avro libraries read it, and written again byte for byte."""

from __future__ import annotations

import pytest

from deploydash.systems.registry.framing import frame, unframe
from deploydash.systems.sal.wire.commands import Sender, command_record
from deploydash.systems.sal.wire.keys import message_key
from tests.systems.sal.wire.captures import FILES, Captured, captured, comparable, every_captured, schema, schema_texts

COUNTS = {
    "avro-variants": 3,
    "camera": 54,
    "camera-unions": 6,
    "cpp": 34,
    "evolution": 4,
    "scriptqueue": 457,
    "testcsc-life": 125,
    "two-clients": 81,
    "watcher-life": 73,
}
PRIVATE = (
    "salIndex",
    "private_sndStamp",
    "private_rcvStamp",
    "private_efdStamp",
    "private_kafkaStamp",
    "private_seqNum",
    "private_revCode",
    "private_identity",
    "private_origin",
)


def commands() -> list[Captured]:
    return [record for record in every_captured() if record.sal_name.startswith("command_")]


@pytest.mark.parametrize("name", FILES)
def test_every_captured_record_decodes_to_its_truth(name: str) -> None:
    records = captured(name)
    assert len(records) == COUNTS[name]
    for record in records:
        schema_id, payload = unframe(record.value)
        assert schema_id == record.schema_id
        fields = schema(schema_id).decode(payload)
        assert comparable(fields) == comparable(record.truth), record.topic
        assert list(fields) == list(record.truth), "in the order of the wire"


@pytest.mark.parametrize("name", [name for name in FILES if name != "avro-variants"])
def test_every_captured_record_is_encoded_byte_for_byte(name: str) -> None:
    for record in captured(name):
        assert frame(record.schema_id, schema(record.schema_id).encode(record.truth)) == record.value


def test_every_captured_command_is_built_byte_for_byte() -> None:
    records = commands()
    assert len(records) == 121
    for record in records:
        truth = record.truth
        sender = Sender(truth["private_identity"], truth["private_origin"], 0 if record.component == "Script" else None)
        built = command_record(
            schema(record.schema_id),
            subname="sal",
            component=record.component,
            index=truth.get("salIndex"),
            command=record.sal_name.removeprefix("command_"),
            values={name: value for name, value in truth.items() if name not in PRIVATE},
            sender=sender,
            seq_num=truth["private_seqNum"],
            sent_tai=truth["private_sndStamp"],
            rev_code=truth["private_revCode"],
        )
        assert built.value == record.value
        assert built.topic == record.topic
        assert built.seq_num == truth["private_seqNum"]
        if not record.producer.endswith("C++ SAL style, real schema"):
            assert built.key == record.key


def test_every_key_of_a_salobj_program_is_written_as_it_was() -> None:
    seen = 0
    for record in every_captured():
        if "salobj" not in record.producer:
            continue
        writer_index = record.truth.get("salIndex")
        if record.component == "Script" and record.sal_name.startswith("command_"):
            writer_index = 0
        assert message_key(record.component, record.sal_name, writer_index) == record.key, record.topic
        seen += 1
    assert seen > 600


def test_keys_of_others_differ_so_no_reader_may_rest_on_them() -> None:
    keys = {record.key for record in captured("camera") + captured("cpp") + captured("camera-unions")}
    assert {None, b"", b"LSST", b'{"name":"MTM1M3","topic":"MTM1M3_logevent_heartbeat"}'} <= keys


def test_every_schema_of_the_registry_is_usable() -> None:
    texts = schema_texts()
    assert len(texts) == 161
    for number in texts:
        assert "private_sndStamp" in schema(number).fields
