"""The questions put to the EFD in InfluxQL, and what its answers say.

The EFD is InfluxDB 1.x, filled from Kafka by Telegraf: a measurement is a topic, ``salIndex`` is a field and
no tag, the time is ``private_efdStamp`` in UTC (phalanx, applications/sasquatch/charts/telegraf). The EFD
client names the default retention policy ``autogen`` (lsst-efd-client ``efd_helper.py``), and so do we.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploydash.core.fleet.observations import EfdUnreadable, Process, StateTold, SubstateTold
from deploydash.core.model import CameraSubstate, CscId, Source, SummaryState
from deploydash.systems.times import is_a_time
from deploydash.systems.topics import event_topic

CAMERAS = frozenset({"ATCamera", "CCCamera", "MTCamera"})
"""The CSCs that live on in OFFLINE and tell in which sub-state (ts_xml ``MTCamera_Events.xml``)."""

_EVENTS = {"summaryState": "summaryState", "offlineDetailedState": "substate"}
"""The events asked for, with the field that matters."""

_PRIVATE = ("private_origin", "private_seqNum", "private_efdStamp", "salIndex")


@dataclass(frozen=True, slots=True)
class Question:
    """What is the last record of one event of one CSC?"""

    csc: CscId
    event: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one response said.

    ``answered`` are the CSCs all of whose questions have an answer, whether or not it holds a record.
    ``trouble`` is the server's word about the first statement it did not execute, and ``troubled`` that
    statement's CSC; InfluxDB executes none after it.
    """

    told: tuple[StateTold | SubstateTold | EfdUnreadable, ...]
    answered: frozenset[CscId]
    trouble: str = ""
    troubled: CscId | None = None


class NoInfluxError(ValueError):
    """The response is JSON, but not what InfluxDB's query API answers."""


def questions(cscs: Iterable[CscId]) -> tuple[Question, ...]:
    """Return the questions about these CSCs, in their order: the state, and the sub-state of a camera."""
    return tuple(
        Question(csc, event) for csc in cscs for event in _EVENTS if event == "summaryState" or csc.name in CAMERAS
    )


def _quoted(identifier: str) -> str:
    """Quote an identifier as InfluxQL wants it, so that no name can end it."""
    escaped = identifier.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _statement(question: Question, database: str, subname: str) -> str:
    csc = question.csc
    wanted = ", ".join(_quoted(name) for name in (_EVENTS[question.event], *_PRIVATE))
    topic = event_topic(subname, csc.name, question.event)
    measurement = ".".join(_quoted(part) for part in (database, "autogen", topic))
    # A component without an index has no such field, and a condition on it would match nothing.
    index = f' WHERE "salIndex" = {csc.index:d}' if csc.index else ""
    return f"SELECT {wanted} FROM {measurement}{index} ORDER BY time DESC LIMIT 1"  # noqa: S608 all is quoted


def query(asked: Sequence[Question], database: str, subname: str) -> str:
    """Return one query with a statement for each question, in order."""
    return "; ".join(_statement(question, database, subname) for question in asked)


def probe(database: str, subname: str) -> str:
    """Return a query that is cheap and fails as the real ones would: for want of the database or the right to it."""
    topic = event_topic(subname, "Watcher", "summaryState")
    measurement = ".".join(_quoted(part) for part in (database, "autogen", topic))
    return f'SELECT "summaryState" FROM {measurement} WHERE time > now() - 1h LIMIT 1'  # noqa: S608 all is quoted


def read_answer(asked: Sequence[Question], body: Any, at: float) -> Answer:
    """Read a response's JSON; statements and results are paired by ``statement_id``.

    A missing measurement, field or index gives a result without series: all alike no record. A record that
    cannot be used is told as that, for there is one. ``at`` is the monotonic time of receipt, for the observations.

    Raises:
        NoInfluxError: this is not an answer of InfluxDB.
    """
    results = _results(body)
    told: list[StateTold | SubstateTold | EfdUnreadable] = []
    for number, question in enumerate(asked):
        result = results.get(number)
        if result is None or "error" in result:
            trouble = str((result or {}).get("error", "no result"))
            left = {other.csc for other in asked[number:]}
            answered = frozenset(other.csc for other in asked) - left
            return Answer(tuple(told), answered, trouble, question.csc)
        row = _only_row(result)
        if row is not None:
            told.append(_observation(question, row, at))
    first_error = next((str(result["error"]) for result in results.values() if "error" in result), "")
    return Answer(tuple(told), frozenset(question.csc for question in asked), first_error)


def _results(body: Any) -> dict[int, Mapping[str, Any]]:
    results = body.get("results") if isinstance(body, dict) else None
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        raise NoInfluxError("no results in it")
    # InfluxDB before 1.1 numbered nothing and answered in order.
    numbers = [result.get("statement_id", place) for place, result in enumerate(results)]
    if not all(isinstance(number, int) for number in numbers):
        raise NoInfluxError("statements without numbers")
    return dict(zip(numbers, results, strict=True))


def _only_row(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the one row of a result by column name, or None where there is none.

    Raises:
        NoInfluxError: the series is not shaped as InfluxDB shapes it.
    """
    series = result.get("series")
    if not series:
        return None
    try:
        columns, values = series[0]["columns"], series[0]["values"]
        return dict(zip(columns, values[0], strict=True)) if values else None
    except (LookupError, TypeError, ValueError) as error:
        raise NoInfluxError(f"a series without columns and values: {error}") from error


def _observation(question: Question, row: Mapping[str, Any], at: float) -> StateTold | SubstateTold | EfdUnreadable:
    csc, field = question.csc, _EVENTS[question.event]
    value, time_ns = _whole(row.get(field)), _number(row.get("time"))
    index = _number(row.get("salIndex")) or 0
    if value is None or time_ns is None or index != csc.index:
        lacks = "it has no time" if time_ns is None else f"it has no {field}"
        why = lacks if index == csc.index else f"its salIndex is {index:g}"
        return EfdUnreadable(csc, question.event, why, at)
    origin, seq_num = _whole(row.get("private_origin")), _whole(row.get("private_seqNum"))
    process = None if origin is None or seq_num is None else Process(origin, seq_num)
    stamp = _number(row.get("private_efdStamp"))
    sent_utc = stamp if stamp is not None and is_a_time(stamp) else time_ns / 1e9
    try:
        if question.event == "summaryState":
            return StateTold(csc, SummaryState(value), process, sent_utc, at, Source.EFD, live=False)
        return SubstateTold(csc, CameraSubstate(value), process, sent_utc, at, Source.EFD, live=False)
    except ValueError:
        return EfdUnreadable(csc, question.event, f"its {field} is {value}", at)


def _number(value: Any) -> float | None:
    """Return a finite number of JSON, and None for everything else, null and true among it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None


def _whole(value: Any) -> int | None:
    """Return a whole number, which Telegraf may have written as a float."""
    number = _number(value)
    return int(number) if number is not None and number == int(number) else None
