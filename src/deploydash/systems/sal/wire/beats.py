"""Heartbeats, the one topic whose rate matters: a shorter way to what a beat tells.

All beats of one process differ in their stamps and their number only. So the end of a record, behind
``private_seqNum``, is decoded in full once and recognised afterwards, and the head is read in place. Whatever
is not exactly so (another field order, a new process, an odd value, garbage) takes the long way; both ways
give the same for any bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from deploydash.core.model import CscId
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.framing import FieldMissing, Undecodable
from deploydash.systems.sal.wire.fields import index_of, integer, stamp
from deploydash.systems.times import is_a_time

_USUAL_HEAD = (
    ("private_sndStamp", "double"),
    ("private_rcvStamp", "double"),
    ("private_efdStamp", "double"),
    ("private_kafkaStamp", "double"),
    ("private_seqNum", "int"),
)
_STAMPS_SIZE = 32
_first_stamp = struct.Struct("<d").unpack_from
_make = tuple.__new__
"""A NamedTuple without its own Python call."""
_MOST_REMEMBERED = 20_000
_LONGEST_REMEMBERED = 512
"""Ends of records, one for each process that beats, and their bytes: garbage must not fill the memory."""


class Beat(NamedTuple):
    """What one heartbeat tells. ``sent_tai`` is ``private_sndStamp``, or 0.0 where that is no time."""

    csc: CscId
    origin: int
    seq_num: int
    sent_tai: float


def beat_fields(fields: Mapping[str, Any], component: str) -> Beat:
    """Return what the decoded fields of a heartbeat tell.

    Raises:
        Undecodable: a needed field is missing, null or of a wrong type.
    """
    csc = CscId(component, index_of(fields))
    try:
        return Beat(csc, integer(fields, "private_origin"), integer(fields, "private_seqNum"), stamp(fields))
    except Undecodable as error:
        error.index = None if isinstance(error, FieldMissing) else csc.index
        raise


class BeatReader:
    """Reads the heartbeats of one component, all its indices and schema versions mixed."""

    def __init__(self, component: str) -> None:
        self._component = component
        self._layouts: dict[WriterSchema, _UsualLayout | None] = {}

    def read(self, schema: WriterSchema, payload: bytes) -> Beat:
        """Return what the Avro bytes of one heartbeat tell.

        Raises:
            Undecodable: the bytes are no heartbeat, or a needed field is missing, null or of a wrong type.
        """
        try:
            layout = self._layouts[schema]
        except KeyError:
            layout = self._layouts[schema] = _UsualLayout.of(schema)
        if layout is not None and (beat := layout.recognise(payload)) is not None:
            return beat
        beat = beat_fields(schema.decode(payload), self._component)
        if layout is not None:
            layout.remember(payload, beat)
        return beat


class _UsualLayout:
    """A schema whose first fields are the private ones up to ``private_seqNum``, as ts_xml orders them.

    Everything behind them is compared with the tails that were decoded before. An Avro value ends where its
    bytes say, so equal bytes behind the same field always are the same fields.
    """

    def __init__(self, *, indexed: bool) -> None:
        self._indexed = indexed
        self._tails: dict[tuple[int, bytes], tuple[CscId, int]] = {}

    @classmethod
    def of(cls, schema: WriterSchema) -> _UsualLayout | None:
        """Return the layout of a schema, or None where it has another."""
        if schema.layout[:5] == _USUAL_HEAD:
            return cls(indexed=False)
        if schema.layout[:1] == (("salIndex", "int"),) and schema.layout[1:6] == _USUAL_HEAD:
            return cls(indexed=True)
        return None

    def recognise(self, payload: bytes) -> Beat | None:
        """Return the beat if its process has beaten before, else None."""
        try:
            index, at = _number(payload, 0) if self._indexed else (0, 0)
            (sent,) = _first_stamp(payload, at)
            at += _STAMPS_SIZE
            byte = payload[at]
            zigzag, shift = byte & 0x7F, 7
            while byte & 0x80:
                at += 1
                byte = payload[at]
                zigzag |= (byte & 0x7F) << shift
                shift += 7
            if shift > 35:
                return None
            csc, origin = self._tails[index, payload[at + 1 :]]
        except (IndexError, KeyError, struct.error):
            return None
        return _make(Beat, (csc, origin, (zigzag >> 1) ^ -(zigzag & 1), sent if is_a_time(sent) else 0.0))

    def remember(self, payload: bytes, beat: Beat) -> None:
        """Remember the end of a payload that was decoded in full."""
        try:
            index, at = _number(payload, 0) if self._indexed else (0, 0)
            _, at = _number(payload, at + _STAMPS_SIZE)
        except IndexError:  # a number of more bytes than an int has
            return
        if len(payload) - at > _LONGEST_REMEMBERED:
            return
        if len(self._tails) >= _MOST_REMEMBERED:
            self._tails.clear()
        self._tails[index, payload[at:]] = (beat.csc, beat.origin)


def _number(payload: bytes, at: int) -> tuple[int, int]:
    """Return an Avro int and where it ends.

    Raises:
        IndexError: the bytes end in it, or it takes more than the five bytes of 32 bits.
    """
    byte = payload[at]
    zigzag = byte & 0x7F
    shift = 7
    while byte & 0x80:
        at += 1
        byte = payload[at]
        zigzag |= (byte & 0x7F) << shift
        shift += 7
        if shift > 35:
            raise IndexError
    return (zigzag >> 1) ^ -(zigzag & 1), at + 1
