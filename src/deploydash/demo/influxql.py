"""The InfluxQL that clients of an EFD send: SELECT of fields or of last()/first(), WHERE, ORDER BY time, LIMIT.

Answers have the shape of InfluxDB 1.x: a statement without a match has no ``series`` at all; a missing measurement
or field is no error.
"""

from __future__ import annotations

import operator
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Condition = Callable[["Point"], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<string>'(?:[^'\\]|\\.)*')|(?P<regex>/(?:[^/\\]|\\.)+/)"""
    r"""|(?P<number>-?\d+(?:\.\d+)?(?:ns|ms|u|s|m|h|d|w)?)|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<sign><>|!=|>=|<=|=~|[=<>(),;.*+-]))""",
)
_UNITS = {"ns": 1, "u": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
_UNITS["w"] = 7 * _UNITS["d"]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SELECTORS = ("last", "first")


class QueryError(Exception):
    """The text is no query that is understood here; the message is InfluxDB's way of saying so."""


@dataclass(frozen=True, slots=True)
class Point:
    """One point: UTC nanoseconds and fields."""

    time: int
    fields: dict[str, Any]


@dataclass(slots=True)
class Statement:
    """One statement. ``columns`` are (function or "", field); ``source`` a measurement or, if ``pattern``, a regex."""

    kind: str
    columns: list[tuple[str, str]] = field(default_factory=list)
    database: str = ""
    source: str = ""
    pattern: bool = False
    where: Condition | None = None
    descending: bool = False
    limit: int = 0


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        place = 0
        text = text.rstrip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if not found or not found.lastgroup:
                raise QueryError(f"found {text[place:].split()[0]}, expected SELECT, SHOW at line 1, char {place + 1}")
            self._tokens.append((found.lastgroup, found.group(found.lastgroup), found.start(found.lastgroup) + 1))
            place = found.end()
        self._next = 0

    def _peek(self) -> tuple[str, str, int]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "EOF", 0)

    def _take(self) -> tuple[str, str, int]:
        token = self._peek()
        self._next += 1
        return token

    def _is(self, *texts: str) -> bool:
        kind, text, _ = self._peek()
        if kind in {"word", "sign"} and text.upper() in texts:
            self._next += 1
            return True
        return False

    def _want(self, *texts: str) -> None:
        if not self._is(*texts):
            raise self._unexpected(*texts)

    def _unexpected(self, *wanted: str) -> QueryError:
        _, text, place = self._peek()
        return QueryError(f"found {text}, expected {', '.join(wanted)} at line 1, char {place}")

    def statements(self) -> list[Statement]:
        found = []
        while self._next < len(self._tokens):
            if self._is(";"):
                continue
            found.append(self._statement())
            if self._next < len(self._tokens):
                self._want(";")
        return found

    def _statement(self) -> Statement:
        if self._is("SHOW"):
            if self._is("DATABASES"):
                return Statement("databases")
            if self._is("MEASUREMENTS"):
                return Statement("measurements")
            self._want("RETENTION")
            self._want("POLICIES")
            if self._is("ON"):
                self._name()
            return Statement("policies")
        self._want("SELECT", "SHOW")
        made = Statement("select")
        made.columns.append(self._column())
        while self._is(","):
            made.columns.append(self._column())
        self._want("FROM")
        self._source(made)
        if self._is("WHERE"):
            made.where = self._either()
        if self._is("ORDER"):
            self._want("BY")
            self._want("TIME")
            made.descending = self._is("DESC")
            if not made.descending:
                self._is("ASC")
        if self._is("LIMIT"):
            made.limit = int(self._take()[1])
        return made

    def _name(self) -> str:
        kind, text, _ = self._peek()
        if kind not in {"quoted", "word"}:
            raise self._unexpected("identifier")
        self._next += 1
        return re.sub(r"\\(.)", r"\1", text[1:-1]) if kind == "quoted" else text

    def _column(self) -> tuple[str, str]:
        if self._is("*"):
            return "", "*"
        name = self._name()
        if not self._is("("):
            return "", name
        if name.lower() not in _SELECTORS:
            raise QueryError(f"undefined function {name}()")
        inner = "*" if self._is("*") else self._name()
        self._want(")")
        return name.lower(), inner

    def _source(self, made: Statement) -> None:
        parts = []
        while True:
            if self._peek()[0] == "regex":
                parts.append(self._take()[1][1:-1])
                made.pattern = True
            else:
                parts.append("" if self._peek()[1] == "." else self._name())
            if not self._is("."):
                break
        made.source = parts[-1]
        if len(parts) == 3:
            made.database = parts[0]

    def _either(self) -> Condition:
        left = self._both()
        while self._is("OR"):
            left = _or(left, self._both())
        return left

    def _both(self) -> Condition:
        left = self._comparison()
        while self._is("AND"):
            left = _and(left, self._comparison())
        return left

    def _comparison(self) -> Condition:
        if self._is("("):
            inner = self._either()
            self._want(")")
            return inner
        name = self._name()
        _, sign, _ = self._take()
        if sign not in _COMPARE:
            raise QueryError(f"found {sign}, expected =, !=, <, > after {name}")
        compare = _COMPARE[sign]
        if name.lower() == "time":
            moment = self._moment()
            return lambda point: compare(point.time, moment)
        kind, text, _ = self._take()
        value: Any = text[1:-1] if kind == "string" else float(text) if kind == "number" else text.lower() == "true"
        return lambda point: name in point.fields and compare(point.fields[name], value)

    def _moment(self) -> int:
        """A time in nanoseconds: an integer, '2026-11-20T…', or now() with a duration."""
        kind, text, _ = self._take()
        if kind == "string":
            moment = datetime.fromisoformat(text[1:-1].replace(" ", "T"))
            return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e9)
        if kind == "number":
            return _nanoseconds(text)
        self._want("(")
        self._want(")")
        now = time.time_ns()
        kind, text, _ = self._peek()
        if kind == "sign" and text in {"+", "-"}:
            self._next += 1
            return now + (1 if text == "+" else -1) * _nanoseconds(self._take()[1])
        if kind == "number" and text.startswith("-"):
            return now + _nanoseconds(self._take()[1])
        return now


def _nanoseconds(text: str) -> int:
    number, unit = re.fullmatch(r"(-?\d+)(?:\.\d+)?([a-z]*)", text).groups()  # type: ignore[union-attr]
    return int(number) * _UNITS.get(unit, 1)


def _or(left: Condition, right: Condition) -> Condition:
    return lambda point: left(point) or right(point)


def _and(left: Condition, right: Condition) -> Condition:
    return lambda point: left(point) and right(point)


def parse(text: str) -> list[Statement]:
    """The statements of a query, separated by semicolons.

    Raises:
        QueryError: one of them is not understood; then none is carried out.
    """
    try:
        return _Parser(text).statements()
    except (ValueError, AttributeError) as error:
        raise QueryError(str(error)) from error


def run(
    statement: Statement,
    database: str,
    measurements: list[str],
    points: Callable[[str], list[Point]],
    epoch: str | None,
) -> list[dict[str, Any]]:
    """The series that answer a statement; an empty list if nothing matches."""
    if statement.kind == "databases":
        return [{"name": "databases", "columns": ["name"], "values": [[database]]}]
    if statement.kind == "measurements":
        return [{"name": "measurements", "columns": ["name"], "values": [[name] for name in measurements]}]
    if statement.kind == "policies":
        columns = ["name", "duration", "shardGroupDuration", "replicaN", "default"]
        return [{"columns": columns, "values": [["autogen", "0s", "168h0m0s", 1, True]]}]
    names = [n for n in measurements if re.search(statement.source, n)] if statement.pattern else [statement.source]
    found = []
    for name in names:
        matching = [p for p in points(name) if statement.where is None or statement.where(p)]
        series = _series(statement, name, matching, epoch)
        if series:
            found.append(series)
    return found


def _series(statement: Statement, name: str, points: list[Point], epoch: str | None) -> dict[str, Any] | None:
    columns: list[tuple[str, str]] = []
    for function, wanted in statement.columns:
        every = sorted({key for point in points for key in point.fields}) if wanted == "*" else [wanted]
        columns += [(function, key) for key in every]
    selectors = [column for column in columns if column[0]]
    wanted_fields = {key for _, key in (selectors or columns)}
    rows = [point for point in points if wanted_fields & point.fields.keys()]
    if selectors and rows:
        rows = rows[-1:] if selectors[0][0] == "last" else rows[:1]
    if statement.descending:
        rows = rows[::-1]
    rows = rows[: statement.limit or None]
    if not rows:
        return None
    heads = [_head(function, key, statement) for function, key in columns]
    values = [[_time(row.time, epoch), *(_value(row.fields.get(key)) for _, key in columns)] for row in rows]
    return {"name": name, "columns": ["time", *heads], "values": values}


def _head(function: str, key: str, statement: Statement) -> str:
    if not function:
        return key
    return f"{function}_{key}" if (function, "*") in statement.columns else function


def _value(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _time(nanoseconds: int, epoch: str | None) -> Any:
    if epoch:
        return nanoseconds // _UNITS.get(epoch, 1)
    seconds, rest = divmod(nanoseconds, 10**9)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:09}".rstrip("0").rstrip(".") + "Z"
