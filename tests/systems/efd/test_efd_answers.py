"""What InfluxDB's answers mean: those recorded from a real one, and those that no sound one gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from deploydash.core.fleet.observations import EfdAnswered, EfdUnreadable, StateTold
from deploydash.core.model import CscId, FeedState, Source, SummaryState
from deploydash.session.clock import SystemClock
from deploydash.systems.efd.feed import EfdFeed
from deploydash.systems.efd.query import NoInfluxError, Question, query, questions, read_answer
from deploydash.systems.settings import EfdSettings
from tests.servers.certificates import make_certificates
from tests.servers.http_server import HttpServer, Request
from tests.support.collected import running

RECORDED = Path(__file__).resolve().parents[2] / "data" / "influxdb" / "influxdb-1.6.7.json"
ESS_1, ESS_104, WATCHER = CscId("ESS", 1), CscId("ESS", 104), CscId("Watcher")
FULL_RESULT = {
    "statement_id": 0,
    "series": [
        {
            "name": "lsst.sal.ESS.logevent_summaryState",
            "columns": ["time", "summaryState", "private_origin", "private_seqNum", "private_efdStamp", "salIndex"],
            "values": [[1763640000250000000, 2, 8, 4, 1763640000.25, 104]],
        }
    ],
}


def _recorded(label: str) -> Any:
    exchanges = json.loads(RECORDED.read_text())["exchanges"]
    (body,) = [exchange["response"]["body"] for exchange in exchanges if exchange["label"] == label]
    return body


def _state(*cscs: CscId) -> tuple[Question, ...]:
    return tuple(Question(csc, "summaryState") for csc in cscs)


def _result(**cells: Any) -> dict[str, Any]:
    given = {"time": 1763640000250000000, "summaryState": 2, "salIndex": 104, **cells}
    return {"results": [{"statement_id": 0, "series": [{"columns": list(given), "values": [list(given.values())]}]}]}


def test_one_query_asks_for_the_last_record_of_each() -> None:
    assert query(questions([ESS_104, CscId("MTCamera")]), "efd", "sal") == (
        'SELECT "summaryState", "private_origin", "private_seqNum", "private_efdStamp", "salIndex"'
        ' FROM "efd"."autogen"."lsst.sal.ESS.logevent_summaryState"'
        ' WHERE "salIndex" = 104 ORDER BY time DESC LIMIT 1; '
        'SELECT "summaryState", "private_origin", "private_seqNum", "private_efdStamp", "salIndex"'
        ' FROM "efd"."autogen"."lsst.sal.MTCamera.logevent_summaryState" ORDER BY time DESC LIMIT 1; '
        'SELECT "substate", "private_origin", "private_seqNum", "private_efdStamp", "salIndex"'
        ' FROM "efd"."autogen"."lsst.sal.MTCamera.logevent_offlineDetailedState" ORDER BY time DESC LIMIT 1'
    )


def test_a_recorded_state_without_its_process_is_told_by_its_time() -> None:
    answer = read_answer(_state(ESS_1), _recorded("order by time desc limit 1"), 5.0)
    assert answer.told == (StateTold(ESS_1, SummaryState.ENABLED, None, 1794996400.0, 5.0, Source.EFD, live=False),)
    assert answer.answered == {ESS_1}


@pytest.mark.parametrize(
    "label", ["missing measurement", "missing field", "salIndex in a measurement without that field"]
)
def test_a_recorded_answer_without_series_means_no_record(label: str) -> None:
    answer = read_answer(_state(ESS_104), _recorded(label), 5.0)
    assert (answer.told, answer.answered, answer.trouble) == ((), frozenset({ESS_104}), "")


def test_what_stands_behind_a_failing_statement_is_not_answered() -> None:
    body = _recorded("error in one statement of two")
    body["results"][0] = FULL_RESULT
    answer = read_answer(_state(ESS_104, ESS_1, WATCHER), body, 5.0)
    assert [told.csc for told in answer.told] == [ESS_104]
    assert answer.answered == {ESS_104}
    assert (answer.trouble, answer.troubled) == ("not executed", ESS_1)


def test_a_missing_database_is_an_error_inside_an_ok_answer() -> None:
    answer = read_answer(_state(WATCHER), _recorded("missing database"), 5.0)
    assert (answer.answered, answer.trouble) == (frozenset(), "database not found: nodb")
    assert read_answer((), _recorded("missing database"), 5.0).trouble == "database not found: nodb"


def test_answers_are_paired_by_number_and_not_by_place() -> None:
    body = {"results": [{"statement_id": 1}, FULL_RESULT]}
    answer = read_answer(_state(ESS_104, WATCHER), body, 5.0)
    assert [told.csc for told in answer.told] == [ESS_104]
    assert answer.answered == {ESS_104, WATCHER}


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"summaryState": 6}, "its summaryState is 6"),
        ({"summaryState": 2.5}, "it has no summaryState"),
        ({"summaryState": None}, "it has no summaryState"),
        ({"summaryState": True}, "it has no summaryState"),
        ({"summaryState": "2"}, "it has no summaryState"),
        ({"summaryState": float("nan")}, "it has no summaryState"),
        ({"summaryState": float("inf")}, "it has no summaryState"),
        ({"salIndex": 105}, "its salIndex is 105"),
        ({"salIndex": None}, "its salIndex is 0"),
        ({"time": "2026-11-18T10:06:40Z"}, "it has no time"),
    ],
    ids=str,
)
def test_a_record_that_tells_no_state_of_this_csc_is_not_no_record(cells: dict[str, Any], why: str) -> None:
    assert [told.csc for told in read_answer(_state(ESS_104), _result(), 5.0).told] == [ESS_104]
    answer = read_answer(_state(ESS_104), _result(**cells), 5.0)
    assert answer.told == (EfdUnreadable(ESS_104, "summaryState", why, 5.0),)
    assert answer.answered == frozenset({ESS_104})


def test_a_component_with_an_index_that_runs_without_is_told_by_index_zero_only() -> None:
    dream = _state(CscId("DREAM"))
    assert read_answer(dream, _result(salIndex=0), 5.0).told
    assert read_answer(dream, _result(salIndex=None), 5.0).told
    (unread,) = read_answer(dream, _result(salIndex=1), 5.0).told
    assert isinstance(unread, EfdUnreadable)


def test_numbers_written_as_floats_are_read() -> None:
    body = _result(summaryState=5.0, private_origin=12.0, private_seqNum=3.0, private_efdStamp=1763640000)
    (told,) = read_answer(_state(ESS_104), body, 5.0).told
    assert isinstance(told, StateTold)
    assert told.state is SummaryState.STANDBY
    assert told.process is not None
    assert (told.process.origin, told.process.seq_num, told.sent_utc) == (12, 3, 1763640000)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "pong",
        {"results": "none"},
        {"results": [1]},
        {"results": [{"statement_id": [0]}]},
        {"results": [{"statement_id": 0, "series": [{}]}]},
        {"results": [{"statement_id": 0, "series": [{"columns": ["time"], "values": [[1, 2]]}]}]},
        {"results": [{"statement_id": 0, "series": {"columns": []}}]},
        {"results": [{"statement_id": 0, "series": 7}]},
    ],
    ids=str,
)
def test_json_of_something_else_is_refused(body: Any) -> None:
    with pytest.raises(NoInfluxError):
        read_answer(_state(ESS_104), body, 5.0)


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode()))


def _feed(url: str) -> EfdFeed:
    settings = EfdSettings(url, "efd", "site file", "reader", "secret")
    return EfdFeed(settings, SystemClock(), back_off=(0.02,), probe_every=0.1)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"<html>Log in</html>", "does not answer as InfluxDB does: its answer is no JSON"),
        (200, b'{"status":"ok"}', "does not answer as InfluxDB does: no results in it"),
        (302, b"", "/login (HTTP 302), where nothing is asked (see that InfluxDB runs there"),
        (400, rb'{"error":"error parsing:\n FROM"}', "does not understand the query: error parsing: FROM (is it"),
        (503, b'{"error":"timeout"}', "is in trouble itself: HTTP 503: timeout (it is asked again"),
        (502, b"<html>Bad Gateway</html>", "is in trouble itself: HTTP 502 (it is asked again"),
        (
            200,
            b'{"results":[{"statement_id":0,"error":"too slow"}]}',
            "did not execute the query: too slow",
        ),
    ],
)
async def test_what_else_can_stand_at_that_address_is_named(status: int, body: bytes, words: str) -> None:
    with HttpServer(lambda _: (status, {"location": "/login"}, body)) as server:
        feed = _feed(server.url)
        async with running(feed) as inbox:
            feed.request(frozenset({ESS_104}))
            await inbox.until(lambda: inbox.health().state is FeedState.DOWN)
            assert words in inbox.health().detail
            assert not inbox.of(EfdAnswered)


async def test_a_statement_that_always_fails_does_not_keep_the_others_from_their_answers() -> None:
    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        statements = _form(request)["q"].split("; ")
        results: list[dict[str, Any]] = []
        for number, statement in enumerate(statements):
            if "ESS" in statement:
                results.append({"statement_id": number, "error": "shard is broken"})
                break
            results.append({"statement_id": number})
        return 200, {}, json.dumps({"results": results}).encode()

    with HttpServer(answer) as server:
        feed = _feed(server.url)
        async with running(feed) as inbox:
            feed.request(frozenset({ESS_104, WATCHER, CscId("ATMCS")}))
            await inbox.until(lambda: len({csc for batch in inbox.of(EfdAnswered) for csc in batch.cscs}) == 2)
            assert ESS_104 not in {csc for batch in inbox.of(EfdAnswered) for csc in batch.cscs}
            await inbox.until(lambda: "shard is broken" in inbox.health().detail)


async def test_many_requests_in_a_row_become_one_query() -> None:
    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        count = _form(request)["q"].count("SELECT")
        return 200, {}, json.dumps({"results": [{"statement_id": number} for number in range(count)]}).encode()

    with HttpServer(answer) as server:
        feed = _feed(server.url)
        wanted = [CscId("ESS", index) for index in range(1, 60)]
        for csc in wanted:
            feed.request(frozenset({csc}))
        async with running(feed) as inbox:
            await inbox.until(lambda: inbox.of(EfdAnswered))
            assert inbox.of(EfdAnswered)[0].cscs == set(wanted)
        assert _form(server.requests[0])["q"].count("SELECT") == len(wanted)
        assert _form(server.requests[0])["epoch"] == "ns"
        assert server.requests[0].method == "POST"
        assert server.requests[0].path == "/query"


async def test_a_certificate_that_nobody_here_trusts_is_named(tmp_path: Path) -> None:
    keystore = make_certificates(tmp_path).keystore
    with HttpServer(lambda _: (200, {}, b""), keystore=keystore) as server:
        async with running(_feed(server.url)) as inbox:
            await inbox.until(lambda: inbox.health().state is FeedState.DOWN)
            assert "cannot be reached: its certificate is not trusted: " in inbox.health().detail


async def test_a_server_without_tls_and_a_host_without_address_are_named() -> None:
    with HttpServer(lambda _: (200, {}, b"")) as server:
        async with running(_feed(server.url.replace("http:", "https:"))) as inbox:
            await inbox.until(lambda: inbox.health().state is FeedState.DOWN)
            assert "cannot be reached: [SSL" in inbox.health().detail
    async with running(_feed("http://no-such-host.invalid")) as inbox:
        await inbox.until(lambda: inbox.health().state is FeedState.DOWN)
        assert "http://no-such-host.invalid cannot be reached: " in inbox.health().detail
        assert "All connection attempts failed" not in inbox.health().detail
