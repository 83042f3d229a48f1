"""Plain values against a pydantic model: every departure from it as a problem with its line, key and hint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from deploydash.config.yaml_lines import Document, Path, key_text
from deploydash.errors import Problem

_WANTED = {
    "string_type": ("must be text", 'put it in quotes: "12"'),
    "bool_type": ("must be true or false", "yes, no, on and off are read as text"),
    "int_type": ("must be a whole number", ""),
    "float_type": ("must be a number", "without quotes or a unit"),
    "tuple_type": ("must be a list", "write [a, b] or one - per line"),
    "model_type": ("must be a mapping", "write {key: value} or one key per line"),
    "string_too_short": ("must not be empty", "leave the key away if there is nothing to say"),
    "too_short": ("must not be empty", "list at least one"),
    "greater_than": ("must be more than 0", ""),
    "finite_number": ("must be a finite number", ""),
}


_NOTHING: Mapping[Path, tuple[str, ...]] = {}


def shape_problems(
    model: type[BaseModel],
    error: ValidationError,
    document: Document,
    file: str,
    *,
    at: Path = (),
    also: Mapping[Path, tuple[str, ...]] = _NOTHING,
) -> list[Problem]:
    """Return what a validation of a document against a model found, in the order of the lines.

    ``at``: where in the document the model stands. ``also``: keys that are known at a place beside the model's.
    """
    found: dict[tuple[int, str, str], Problem] = {}
    for detail in error.errors(include_url=False):
        if detail["type"] == "too_short" and detail["input"]:
            continue  # pydantic counts only good items; the bad ones are reported one by one
        path = (*at, *detail["loc"])
        missing = detail["type"] == "missing"
        while not missing and path and path not in document.lines:
            path = path[:-1]
        message, hint = _sentence(model, detail, also)
        problem = Problem(file, document.line(path), key_text(path), message, hint)
        found.setdefault((problem.line, problem.key, problem.message), problem)
    return sorted(found.values(), key=lambda problem: problem.line)


def empty_values(document: Document, file: str) -> list[Problem]:
    """Return a problem for every key and list item without a value; nobody means that."""
    return [
        Problem(file, document.line(path), key_text(path), "has no value", "write one, or remove it")
        for path in _nulls(document.data, ())
    ]


def _nulls(value: Any, path: Path) -> Iterator[Path]:
    pairs: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for key, inner in pairs:
        if inner is None:
            yield (*path, key)
        yield from _nulls(inner, (*path, key))


def _sentence(model: type[BaseModel], detail: ErrorDetails, also: Mapping[Path, tuple[str, ...]]) -> tuple[str, str]:
    """Return message and hint of one of pydantic's errors."""
    kind = detail["type"]
    if kind == "extra_forbidden":
        key = str(detail["loc"][-1])
        known = [*_keys_at(model, detail["loc"][:-1]), *also.get(detail["loc"][:-1], ())]
        near = get_close_matches(key, known, 1)
        return f"unknown key {key!r}", f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    if kind == "missing":
        return f"{str(detail['loc'][-1])!r} is missing", "add it"
    if kind == "value_error":
        message, *hint = detail["ctx"]["error"].args
        return message, "".join(hint)
    if kind == "literal_error":
        return f"{detail['input']!r} is not known here", f"use {detail['ctx']['expected'].replace(chr(39), '')}"
    message, hint = _WANTED.get(kind, (detail["msg"], ""))
    return f"{message}, not {_shown(detail['input'])}", hint


def _shown(value: Any) -> str:
    """Return a wrong value as it may stand in a sentence."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value)


def _keys_at(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys that a model knows at a place of the document."""
    for part in path:
        if isinstance(part, str):
            model = _model_in(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside Optional, tuple or Annotated."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {Union, UnionType, tuple, Annotated}:
        return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)
    return None
