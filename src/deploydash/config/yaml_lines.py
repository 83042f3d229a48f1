"""YAML text to plain values, with the line of every key and every problem of the text itself.

Built on the parser's events and not on ``yaml.safe_load``, which keeps the last of two equal keys without a
word, forgets lines, and reads ``12:30`` as a number of seconds. Only what a configuration needs is understood:
mappings, lists, strings, whole and decimal numbers, true, false and null. Anchors, aliases and tags are refused,
so no text can grow, loop or construct anything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from deploydash.errors import Problem

Path = tuple[str | int, ...]
"""Where a value stands: the keys and list positions (from 0) that lead to it."""

MAX_DEPTH = 32
"""Mappings and lists within each other; a site file needs five."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_MAX_DIGITS = 30
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass
class Document:
    """What a text says. ``data`` is None when it could not be read to its end; then ``problems`` says why."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Return the line (from 1) of the key or list item at a path, or of the nearest one above it; 0 for none."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)


def key_text(path: Path) -> str:
    """Return a path as it is shown: ``cscs.3.startup``, list positions from 0."""
    return ".".join(str(part) for part in path)


def read_yaml(text: str, file: str) -> Document:
    """Read one YAML document; ``file`` is the name that its problems carry. Never raises."""
    document = Document()
    try:
        events = yaml.parse(text, Loader=_LOADER)
        data = _Reader(file, events, document).read()
    except _StopReadingError as stop:
        document.problems.append(stop.problem)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"not YAML: {error.problem or error.context or 'cannot be read'}"
        hint = f"{error.context}, at column {mark.column + 1}" if mark and error.context else ""
        document.problems.append(Problem(file, (mark.line + 1) if mark else 0, "", message, hint))
    except yaml.YAMLError as error:
        position = getattr(error, "position", None)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else 0
        message = f"not YAML: {getattr(error, 'reason', None) or 'cannot be read'}"
        document.problems.append(Problem(file, line, "", message, "remove control characters; save as UTF-8"))
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        document.problems.append(Problem(file, line, "", "not YAML: not Unicode text", "save the file as UTF-8"))
    else:
        document.data = data
    return document


class _StopReadingError(Exception):
    """The rest of the text makes no sense after this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


class _Reader:
    """Builds values from parser events."""

    def __init__(self, file: str, events: Iterator[Any], document: Document) -> None:
        self._file = file
        self._events = events
        self._document = document

    def read(self) -> Any:
        """Return the value of the only document in the text; None for an empty text."""
        data = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._stop(event, (), "a second document starts here", "keep one site per file; remove ---")
            elif isinstance(event, yaml.NodeEvent):
                data = self._value(event, ())
        return data

    def _value(self, event: Any, path: Path) -> Any:
        line = self._line(event)
        self._document.lines.setdefault(path, line)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._stop(event, path, "anchors and aliases (& and *) are not supported", "write the value out")
        if event.tag is not None:
            raise self._stop(event, path, f"the tag {event.tag} is not supported", "remove it; quote what is text")
        if len(path) > MAX_DEPTH:
            raise self._stop(event, path[:4], "nested too deeply", f"at most {MAX_DEPTH} levels are read")
        if isinstance(event, yaml.ScalarEvent):
            return event.value if event.style else _scalar(event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return [self._value(item, (*path, at)) for at, item in enumerate(self._until(yaml.SequenceEndEvent))]
        return self._mapping(path)

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_event in self._until(yaml.MappingEndEvent):
            if not isinstance(key_event, yaml.ScalarEvent) or key_event.anchor or key_event.tag:
                raise self._stop(key_event, path, "a key must be a plain word", "quote it if it holds [ { & * or !")
            key = key_event.value
            line = self._line(key_event)
            here = (*path, key)
            if key in found:
                message = f"{key!r} stands twice; the first is in line {self._document.lines[here]}"
                self._document.problems.append(Problem(self._file, line, key_text(here), message, "keep one of them"))
                self._value(next(self._events), (*path, key, f"(line {line})"))
                continue
            self._document.lines[here] = line
            found[key] = self._value(next(self._events), here)
        return found

    def _until(self, end: type[Any]) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event

    def _stop(self, event: Any, path: Path, message: str, hint: str) -> _StopReadingError:
        return _StopReadingError(Problem(self._file, self._line(event), key_text(path), message, hint))

    def _line(self, event: Any) -> int:
        return int(event.start_mark.line) + 1


def _scalar(text: str) -> Any:
    """Return the value of an unquoted word: only what is plainly a number, true, false or null is not text."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= _MAX_DIGITS:
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
            return number
    return text
