"""What a schema may contain, so that no record of it can exhaust memory, time or the stack.

fastavro trusts schemas: a type that contains itself makes it recurse in C as deep as the bytes say, which ends
the process, and an array of items that take no bytes makes it build as many as the bytes *count*. No SAL
schema has either; one that has is refused before the first record.
"""

from __future__ import annotations

from typing import Any

_LEAST_BYTES = {"null": 0, "boolean": 1, "int": 1, "long": 1, "string": 1, "bytes": 1, "float": 4, "double": 8}
_MOST_NESTED = 16


class SchemaRefused(ValueError):
    """A schema that is not read by; the message is a reason in our own words."""


def check_limits(schema: Any) -> None:
    """Check a schema that fastavro has parsed.

    Raises:
        SchemaRefused: it nests too deeply, refers to a named type, or repeats something that takes no bytes.
    """
    _least_bytes(schema, 0)


def _least_bytes(schema: Any, depth: int) -> int:
    """Return how many bytes the shortest value takes."""
    if depth > _MOST_NESTED:
        raise SchemaRefused(f"types nested more than {_MOST_NESTED} deep")
    if isinstance(schema, str):
        if schema not in _LEAST_BYTES:
            raise SchemaRefused(f"refers to the named type {schema}")
        return _LEAST_BYTES[schema]
    if isinstance(schema, list):
        for branch in schema:
            _least_bytes(branch, depth + 1)
        return 1
    kind = schema["type"]
    if kind in {"record", "error"}:
        return sum(_least_bytes(field["type"], depth + 1) for field in schema["fields"])
    if kind == "array":
        if _least_bytes(schema["items"], depth + 1) == 0:
            raise SchemaRefused("an array whose items take no bytes")
        return 1
    if kind == "map":
        _least_bytes(schema["values"], depth + 1)
        return 1
    if kind == "fixed":
        return int(schema["size"])
    return 1 if kind == "enum" else _least_bytes(kind, depth + 1)
