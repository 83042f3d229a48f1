"""The last look at a command before its bytes leave: read back, as those will read it who would die of it.

A null value, an unknown schema id, bytes that are not the schema's or a number that is not positive ends the reading
of every ts_salobj CSC of a component (``controller_command.py``, ``sal_info.py``); a record on an event topic can
keep every new one from starting.
"""

from __future__ import annotations

from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.framing import unframe
from deploydash.systems.sal.wire.commands import CommandRecord
from deploydash.systems.topics import split_topic

COMMAND = "command_"
_MOST_SEQ_NUM = 2**31 - 1


def check_leaving(record: CommandRecord, schema: WriterSchema, subname: str) -> None:
    """Check a record against the registry's schema of its own topic.

    Raises:
        ValueError: it is no command that its readers survive; says why.
    """
    parts = split_topic(record.topic, subname)
    if parts is None or not parts[1].startswith(COMMAND):
        raise ValueError(f"{record.topic} is no command topic")
    component, sal_name = parts
    if (schema.namespace, schema.name) != (f"lsst.sal.{component}", sal_name):
        raise ValueError(f"{schema.namespace}.{schema.name} is not the schema of {record.topic}")
    schema_id, payload = unframe(record.value)
    if schema_id != schema.schema_id:
        raise ValueError(f"schema id {schema_id} is not {schema.schema_id}, the registry's for {record.topic}")
    number = schema.decode(payload).get("private_seqNum")
    if number != record.seq_num or not 0 < record.seq_num <= _MOST_SEQ_NUM:
        raise ValueError(f"private_seqNum {number} of {record.topic} is not to be sent")
