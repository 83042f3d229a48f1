"""The EFD's query language, against the shapes that InfluxDB 1.x answers."""

from __future__ import annotations

from typing import Any

import pytest

from deploydash.demo.influxql import Point, QueryError, parse, run

ESS = "lsst.sal.ESS.logevent_summaryState"
WATCHER = "lsst.sal.Watcher.logevent_summaryState"
SECOND = 10**9
POINTS = {
    ESS: [
        Point(1794740800 * SECOND, {"salIndex": 1, "summaryState": 5, "private_sndStamp": 1794740837.0}),
        Point(1794992800 * SECOND, {"salIndex": 2, "summaryState": 2, "private_sndStamp": 1794992837.0}),
        Point(1794996400 * SECOND, {"salIndex": 1, "summaryState": 2, "private_sndStamp": 1794996437.0}),
        Point(1794999940 * SECOND, {"salIndex": 104, "summaryState": 3, "private_sndStamp": 1794999977.5}),
    ],
    WATCHER: [Point(1794999995 * SECOND, {"summaryState": 2})],
}


def ask(text: str, epoch: str | None = "ns") -> list[list[dict[str, Any]]]:
    return [run(each, "efd", sorted(POINTS), lambda name: POINTS.get(name, []), epoch) for each in parse(text)]


def test_last_of_several_in_one_request() -> None:
    answers = ask(
        f'SELECT last(summaryState) FROM "{ESS}" WHERE salIndex = 1; '
        f'SELECT last("summaryState") FROM "efd"."autogen"."{ESS}" WHERE "salIndex" = 104;'
        f'SELECT last(summaryState) FROM "{WATCHER}"',
    )

    assert answers == [
        [{"name": ESS, "columns": ["time", "last"], "values": [[1794996400 * SECOND, 2]]}],
        [{"name": ESS, "columns": ["time", "last"], "values": [[1794999940 * SECOND, 3]]}],
        [{"name": WATCHER, "columns": ["time", "last"], "values": [[1794999995 * SECOND, 2]]}],
    ]


def test_last_with_other_fields_gives_those_of_the_same_point() -> None:
    [[series]] = ask(f'SELECT last(summaryState), salIndex, private_sndStamp FROM "{ESS}" WHERE salIndex = 1')

    assert series["columns"] == ["time", "last", "salIndex", "private_sndStamp"]
    assert series["values"] == [[1794996400 * SECOND, 2, 1, 1794996437]]


def test_order_by_time_desc_limit() -> None:
    [[series]] = ask(f'SELECT summaryState, salIndex FROM "{ESS}" ORDER BY time DESC LIMIT 2')

    assert series["values"] == [[1794999940 * SECOND, 3, 104], [1794996400 * SECOND, 2, 1]]


def test_a_time_without_epoch_is_text() -> None:
    [[series]] = ask(f'SELECT last(summaryState) FROM "{ESS}" WHERE salIndex = 1', epoch=None)

    assert series["values"] == [["2026-11-18T10:06:40Z", 2]]


@pytest.mark.parametrize(
    "condition",
    [
        "salIndex = 2 OR salIndex = 104",
        "(salIndex = 2 OR salIndex > 100) AND summaryState != 9",
        "time > '2026-11-18T00:00:00Z' AND salIndex <> 1",
        "time >= 1794992800000000000 AND salIndex != 1",
        "time > 1794740800s AND salIndex <> 1",
    ],
)
def test_conditions(condition: str) -> None:
    [[series]] = ask(f'SELECT salIndex FROM "{ESS}" WHERE {condition}')

    assert [row[1] for row in series["values"]] == [2, 104]


def test_what_is_not_there_is_no_error_and_no_series() -> None:
    assert ask(
        f'SELECT last(summaryState) FROM "lsst.sal.Nope.logevent_summaryState"; SELECT last(nope) FROM "{ESS}"; '
        f'SELECT last(summaryState) FROM "{WATCHER}" WHERE salIndex = 1; SELECT summaryState FROM "{ESS}" '
        "WHERE time > now() - 1h",
    ) == [[], [], [], []]


def test_a_regular_expression_names_several_measurements() -> None:
    [answer] = ask(r"SELECT last(summaryState) FROM /lsst\.sal\..*\.logevent_summaryState/")

    assert [series["name"] for series in answer] == [ESS, WATCHER]


def test_show_databases_and_retention_policies() -> None:
    answers = ask("SHOW DATABASES; SHOW RETENTION POLICIES ON efd; SHOW MEASUREMENTS")

    assert answers[0] == [{"name": "databases", "columns": ["name"], "values": [["efd"]]}]
    assert answers[1][0]["values"] == [["autogen", "0s", "168h0m0s", 1, True]]
    assert answers[2][0]["values"] == [[ESS], [WATCHER]]


@pytest.mark.parametrize(
    "text",
    [
        "SELEC last(x)",
        f'SELECT last(x) FROM "{ESS}"; SELEC',
        "DROP DATABASE efd",
        "SELECT mean(x) FROM y",
        "SELECT x FROM y LIMIT z",
        "SELECT x FROM y WHERE time > 'tomorrow'",
        "SELECT 'x",
    ],
)
def test_what_is_not_understood_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(QueryError):
        parse(text)
