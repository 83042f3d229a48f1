"""Commands as ts_salobj writes them, byte for byte (``write_topic.py``, ``remote_command.py``).

A malformed command ends the reading of *every* ts_salobj CSC of its component while their processes stay alive:
a number that is not positive, a null value, bytes that are not the schema's. Hence nothing is filled in here
but defaults, and whatever does not fit is refused before it is a record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass
from typing import Any

from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.framing import frame
from deploydash.systems.sal.wire.keys import message_key
from deploydash.systems.times import is_a_time, tai_to_utc
from deploydash.systems.topics import command_topic

_MOST_SEQ_NUM = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Sender:
    """Who commands: ``identity`` is ``user@host`` of a person, ``origin`` the process id.

    ``writer_index`` is the index in the message key where it is not the commanded one: a ScriptQueue's writer
    for all its Scripts has 0.
    """

    identity: str
    origin: int
    writer_index: int | None = None


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """A command ready for Kafka. Its ack carries the sender's identity and origin and this ``seq_num``."""

    topic: str
    key: bytes
    value: bytes
    seq_num: int


def command_record(
    schema: WriterSchema,
    *,
    subname: str,
    component: str,
    index: int | None,
    command: str,
    values: Mapping[str, Any],
    sender: Sender,
    seq_num: int,
    sent_tai: float,
    rev_code: str = "",
) -> CommandRecord:
    """Return the record of a command such as ``start`` for one CSC.

    ``schema`` is the latest of the registry's subject ``<topic>-value``: C++ CSCs decode with the schema they
    were built with, so no other may be used. ``index`` is None exactly where the schema has no ``salIndex``.
    ``values`` are the public fields; those left out keep the schema's default. ``sent_tai`` in TAI unix
    seconds. ``rev_code`` is read by nobody.

    Raises:
        ValueError: anything of it would not be obeyed as meant; says what.
    """
    sal_name = f"command_{command}"
    if schema.name != sal_name or schema.namespace != f"lsst.sal.{component}":
        raise ValueError(f"schema {schema.schema_id} is of {schema.namespace}.{schema.name}, not {component} {command}")
    if ("salIndex" in schema.fields) != (index is not None):
        raise ValueError(f"{component} {'has' if index is None else 'has no'} index")
    if not 0 < seq_num <= _MOST_SEQ_NUM:
        raise ValueError(f"private_seqNum {seq_num} would end the reading of every {component}")
    if not is_a_time(sent_tai):
        raise ValueError(f"{sent_tai} is no time")
    private: dict[str, Any] = {
        "private_sndStamp": sent_tai,
        "private_rcvStamp": 0.0,
        "private_efdStamp": tai_to_utc(sent_tai),
        "private_kafkaStamp": sent_tai,
        "private_seqNum": seq_num,
        "private_revCode": rev_code,
        "private_identity": sender.identity,
        "private_origin": sender.origin,
    }
    if index is not None:
        private["salIndex"] = index
    _check_public(schema, private, values)
    payload = schema.encode({**schema.defaults, **private, **values})
    writer_index = index if index is None or sender.writer_index is None else sender.writer_index
    return CommandRecord(
        command_topic(subname, component, command),
        message_key(component, sal_name, writer_index),
        frame(schema.schema_id, payload),
        seq_num,
    )


def _check_public(schema: WriterSchema, private: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Refuse what the schema alone would let pass."""
    if missing := private.keys() - schema.fields:
        raise ValueError(f"schema {schema.schema_id} lacks {', '.join(sorted(missing))}")
    unknown = sorted(name for name in values if name not in schema.fields or name in private)
    if unknown:
        raise ValueError(f"{schema.name} has no field {', '.join(unknown)} to be given")
    for name, value in values.items():
        if value is None:
            raise ValueError(f"{name} of {schema.name} may not be null")
        usual = schema.defaults.get(name)
        if isinstance(usual, list) and isinstance(value, Sized) and len(value) != len(usual):
            raise ValueError(f"{name} of {schema.name} takes {len(usual)} values, not {len(value)}")
