"""Avro records by their writer's schema, as the registry has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.validation import validate

from deploydash.systems.registry.framing import Undecodable
from deploydash.systems.registry.schema_limits import SchemaRefused, check_limits

_FASTAVRO_OWN_MARK = "__fastavro_parsed"
_MOST_WORDS = 120


class WriterSchema:
    """The schema a record was written with, parsed once.

    Records must be read with exactly this schema: field order and types differ between versions, languages and
    sites (C++ builds, cameras with their private fields last), so readers go by field name alone.

    ``name`` and ``namespace`` are the record's (``logevent_heartbeat``, ``lsst.sal.ESS``); ``layout`` is each
    field in the order of the wire with its primitive type, or None for arrays, unions and the like;
    ``defaults`` the default of every field that has one.

    Raises:
        Undecodable: the text is no Avro schema of a record, or one that could be made to exhaust us.
    """

    __slots__ = ("_schema", "defaults", "fields", "layout", "name", "namespace", "schema_id", "text")

    def __init__(self, schema_id: int, text: str) -> None:
        try:
            schema = _parse(text)
        except SchemaRefused as error:
            raise Undecodable(f"schema {schema_id} is not usable: {str(error)[:_MOST_WORDS]}") from error
        except Exception as error:  # fastavro raises what it meets: KeyError, TypeError, RecursionError ...
            raise Undecodable(f"schema {schema_id} is not usable: it is no Avro schema") from error
        namespace, _, name = str(schema["name"]).rpartition(".")
        self.schema_id = schema_id
        self.text = text
        self.name = name
        self.namespace = namespace
        self.layout: tuple[tuple[str, str | None], ...] = tuple(
            (field["name"], field["type"] if isinstance(field["type"], str) else None) for field in schema["fields"]
        )
        self.defaults: dict[str, Any] = {
            field["name"]: field["default"] for field in schema["fields"] if "default" in field
        }
        self.fields = frozenset(name for name, _ in self.layout)
        self._schema = schema

    def decode(self, payload: bytes) -> dict[str, Any]:
        """Return every field of one record by name. Text that is not UTF-8 keeps its readable part.

        Raises:
            Undecodable: the bytes are not one whole record of this schema.
        """
        stream = BytesIO(payload)
        try:
            fields: Any = schemaless_reader(stream, self._schema, None, handle_unicode_errors="replace")
        except Exception as error:  # garbage makes fastavro raise EOFError, IndexError, ValueError, OverflowError ...
            raise Undecodable(f"does not fit schema {self.schema_id}") from error
        if stream.tell() < len(payload):
            raise Undecodable(f"does not fit schema {self.schema_id}")
        record: dict[str, Any] = fields
        return record

    def encode(self, values: Mapping[str, Any]) -> bytes:
        """Return one record; every field must be given and fit its type.

        Raises:
            ValueError: a field is missing, unknown, or of another type than the schema's.
        """
        problems = [f"has no field {name}" for name in sorted(values.keys() - self.fields)]
        problems += [f"needs {name}" for name in sorted(self.fields - values.keys())]
        problems += [
            f"cannot hold this {field['name']}"
            for field in self._schema["fields"]
            if field["name"] in values and not validate(values[field["name"]], field["type"], raise_errors=False)
        ]
        if problems:
            raise ValueError(f"{self.name} {', '.join(problems)}")
        stream = BytesIO()
        try:
            schemaless_writer(stream, self._schema, values)
        except Exception as error:  # fastavro raises what it meets: UnicodeEncodeError, OverflowError ...
            raise ValueError(f"{self.name} cannot be written: a value does not fit its type") from error
        return stream.getvalue()


def _parse(text: str) -> Any:
    """Return fastavro's form of a record schema; raises SchemaRefused or whatever fastavro meets."""
    raw = json.loads(text)
    if not isinstance(raw, dict) or raw.get("type") != "record" or not isinstance(raw.get("fields"), list):
        raise SchemaRefused("it is no Avro record")
    if _FASTAVRO_OWN_MARK in text:
        raise SchemaRefused(f"{_FASTAVRO_OWN_MARK} would make fastavro skip its checks")
    schema = parse_schema(raw)
    check_limits(schema)
    return schema
