"""Fields of a decoded record, each asked for by name and checked before anybody rests on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploydash.systems.registry.framing import FieldMissing, Undecodable
from deploydash.systems.times import is_a_time

_LAST_INDEX = 2**31 - 1


def integer(fields: Mapping[str, Any], name: str) -> int:
    """Return a whole number.

    Raises:
        Undecodable: the field is missing, null or no whole number.
    """
    value = fields.get(name)
    if type(value) is not int:  # a bool is no number here
        raise _wrong(fields, name, "a whole number")
    return value


def text(fields: Mapping[str, Any], name: str) -> str:
    """Return a text; missing and null are the empty text, for no text decides anything.

    Raises:
        Undecodable: the field is there and no text.
    """
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong(fields, name, "text")
    return value


def index_of(fields: Mapping[str, Any]) -> int:
    """Return ``salIndex``, or 0 for a record whose schema has no such field (a component without index).

    Raises:
        Undecodable: the index is null, no whole number, negative or beyond 32 bits.
    """
    if "salIndex" not in fields:
        return 0
    index = integer(fields, "salIndex")
    if not 0 <= index <= _LAST_INDEX:
        raise Undecodable(f"salIndex is {index}")
    return index


def stamp(fields: Mapping[str, Any]) -> float:
    """Return ``private_sndStamp`` (TAI unix seconds), or 0.0 where it is a number but no time.

    A record is not lost for a NaN or unset stamp: what it tells may still be the only truth there is.

    Raises:
        Undecodable: the field is missing, null or no number.
    """
    value = fields.get("private_sndStamp")
    if type(value) is not float and type(value) is not int:
        raise _wrong(fields, "private_sndStamp", "a number")
    return float(value) if is_a_time(value) else 0.0


def _wrong(fields: Mapping[str, Any], name: str, wanted: str) -> Undecodable:
    if name not in fields:
        return FieldMissing(f"has no field {name}")
    value = fields[name]
    return Undecodable(f"{name} is null" if value is None else f"{name} is {type(value).__name__}, not {wanted}")
