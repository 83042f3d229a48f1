"""The registry and the EFD of a running demo observatory, and its scenarios as a Kafka client sees them."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.demo.harness import Demo, demo
from tests.servers.waiting import patient

SCENARIO = """
name: strange
cscs:
  - {csc: ATAOS, life: efd, died: 600000, since: 700000}
  - {csc: "ESS:105", state: ENABLED, life: dead, died: 40}
  - {csc: MTMount, life: never}
  - {csc: MTRotator, twice: true}
  - {csc: ATDome, beats: slow}
timeline:
  - {at: 10, do: malformed, csc: ESS:104, count: 14, event: heartbeat}
  - {at: 10, do: unexpected, csc: "ESS:999", state: DISABLED}
  - {at: 20, do: script, seconds: 60}
  - {at: 30, do: restart, csc: Watcher, origin: same}
  - {at: 40, do: fault, csc: MTM1M3, code: 5, report: "force limit"}
"""


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with demo(tmp_path_factory.mktemp("strange"), "--speed", "20", scenario=SCENARIO) as running:
        yield running


def _refusal(running: Demo, path: str, body: Any = None, method: str = "GET") -> tuple[int, Any]:
    request = urllib.request.Request(
        running.info["schema_registry"] + path,
        method=method,
        data=json.dumps(body).encode() if body else None,
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=patient(5))
    with refused.value as answer:
        return answer.code, json.load(answer)


def _post(running: Demo, path: str, body: Any, method: str = "POST") -> Any:
    request = urllib.request.Request(
        running.info["schema_registry"] + path,
        method=method,
        data=json.dumps(body).encode(),
    )
    with urllib.request.urlopen(request, timeout=patient(5)) as answer:
        assert answer.headers["Content-Type"].startswith("application/vnd.schemaregistry.v1+json")
        return json.load(answer)


def _efd(running: Demo, text: str) -> Any:
    return running.get("efd", f"/query?db=efd&epoch=ns&q={quote(text)}")["results"]


def test_a_schema_is_found_by_subject_and_by_id(strange: Demo) -> None:
    subject = "/subjects/lsst.sal.ESS.logevent_heartbeat-value"
    latest = strange.get("schema_registry", f"{subject}/versions/latest")

    assert latest["subject"] == "lsst.sal.ESS.logevent_heartbeat-value"
    assert latest["version"] == 1
    assert strange.get("schema_registry", f"/schemas/ids/{latest['id']}") == {"schema": latest["schema"]}
    assert strange.get("schema_registry", f"{subject}/versions") == [1]
    assert json.loads(latest["schema"])["namespace"] == "lsst.sal.ESS"
    assert _post(strange, subject, {"schema": latest["schema"]})["id"] == latest["id"]
    assert _post(strange, f"{subject}/versions", {"schema": latest["schema"]}) == {"id": latest["id"]}


def test_the_registry_refuses_with_confluent_s_codes(strange: Demo) -> None:
    subject = "/subjects/lsst.sal.ESS.logevent_heartbeat-value"

    assert _refusal(strange, "/schemas/ids/999999")[1] == {"error_code": 40403, "message": "Schema not found"}
    assert _refusal(strange, "/schemas/ids/abc")[0] == 404
    assert _refusal(strange, "/subjects/no.such-value/versions") == (
        404, {"error_code": 40401, "message": "Subject 'no.such-value' not found."},
    )  # fmt: skip
    assert _refusal(strange, f"{subject}/versions/99")[1]["error_code"] == 40402
    assert _refusal(strange, f"{subject}/versions/abc")[1]["error_code"] == 42202
    assert _refusal(strange, subject, {"schema": '{"type": "recrd"}'}, "POST")[1]["error_code"] == 42201
    assert _refusal(strange, subject, {"schema": '"string"'}, "POST")[1]["error_code"] == 40403
    assert _refusal(strange, "/config", {"compatibility": "SIDEWAYS"}, "PUT")[1]["error_code"] == 42203


def test_the_compatibility_level_can_be_read_and_set(strange: Demo) -> None:
    assert strange.get("schema_registry", "/config") == {"compatibilityLevel": "FULL_TRANSITIVE"}
    assert _post(strange, "/config", {"compatibility": "FORWARD"}, "PUT") == {"compatibility": "FORWARD"}
    assert strange.get("schema_registry", "/config") == {"compatibilityLevel": "FORWARD"}


def test_a_state_that_kafka_forgot_is_in_the_efd(strange: Demo) -> None:
    strange.until(lambda: len(strange.of("ESS:104", "logevent_heartbeat")) > 2)
    [found, missing] = _efd(
        strange,
        'SELECT summaryState, private_efdStamp FROM "efd"."autogen"."lsst.sal.ATAOS.logevent_summaryState" '
        'ORDER BY time DESC LIMIT 1; SELECT last(summaryState) FROM "lsst.sal.MTMount.logevent_summaryState"',
    )

    assert [r for r in strange.records if r.component == "ATAOS"] == []
    [[stamp, state, efd_stamp]] = found["series"][0]["values"]
    assert state == 5
    assert abs(stamp / 1e9 - efd_stamp) < 0.001
    assert missing == {"statement_id": 1}


def test_the_efd_takes_up_new_states_after_a_while(strange: Demo) -> None:
    strange.until(lambda: strange.states("MTM1M3")[-1:] == [3])

    def last() -> Any:
        [answer] = _efd(strange, 'SELECT last(summaryState) FROM "lsst.sal.MTM1M3.logevent_summaryState"')
        return answer["series"][0]["values"][0][1] == 3

    strange.until(last)


def test_the_efd_answers_as_influxdb_does_when_it_cannot(strange: Demo) -> None:
    other = strange.get("efd", "/query?db=nodb&q=SELECT%20x%20FROM%20y")
    assert other == {"results": [{"statement_id": 0, "error": "database not found: nodb"}]}
    for bad in ("", "?q=", "?q=SELEC%20x"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            strange.get("efd", f"/query{bad}")
        with refused.value as answer:
            assert answer.code == 400
            assert "error" in json.load(answer)
    with urllib.request.urlopen(strange.info["efd"] + "/ping", timeout=patient(5)) as pong:
        assert pong.status == 204


def test_a_killed_csc_s_last_state_lies_for_ever(strange: Demo) -> None:
    now = time.time()
    strange.until(lambda: len(strange.beats_after("ESS:104", now)) >= 2)

    assert strange.states("ESS:105")[-1] == 2
    beats = strange.of("ESS:105", "logevent_heartbeat")
    assert beats != []
    assert now - beats[-1].at > 35


def test_a_csc_that_never_ran_has_topics_and_no_record(strange: Demo) -> None:
    assert "lsst.sal.MTMount.logevent_heartbeat" in strange.topics
    assert [r for r in strange.records if r.component == "MTMount"] == []


def test_two_processes_beat_as_one_csc_with_two_series_of_numbers(strange: Demo) -> None:
    now = time.time()
    strange.until(lambda: len(strange.beats_after("MTRotator", now)) >= 6)
    series: dict[int, list[int]] = {}
    for beat in strange.beats_after("MTRotator", now):
        series.setdefault(beat["private_origin"], []).append(beat["private_seqNum"])

    assert len(series) == 2
    assert all(numbers == sorted(numbers) and len(numbers) >= 2 for numbers in series.values())


def test_a_restart_with_the_same_origin_begins_its_numbers_anew(strange: Demo) -> None:
    first = strange.of("Watcher", "logevent_heartbeat")[0]
    again = strange.until(
        lambda: [beat for beat in strange.of("Watcher", "logevent_heartbeat") if beat["private_seqNum"] == 1],
    )[0]

    assert again["private_origin"] == first["private_origin"]
    assert first["private_seqNum"] > 1000


def test_malformed_records_lie_among_the_good_ones(strange: Demo) -> None:
    strange.until(lambda: len([r for r in strange.records if r.fields is None]) >= 10)
    now = time.time()
    strange.until(lambda: strange.beats_after("ESS:104", now))

    assert {r.component for r in strange.records if r.fields is None} == {"ESS"}


def test_an_unexpected_csc_appears(strange: Demo) -> None:
    strange.until(lambda: strange.states("ESS:999") == [5, 1])
    assert "ESS:999" not in [entry["csc"] for entry in strange.site_file["cscs"]]


def test_a_slow_csc_beats_between_its_limits_of_late_and_silent(strange: Demo) -> None:
    strange.until(lambda: len(strange.of("ATDome", "logevent_heartbeat")) >= 4)
    beats = strange.of("ATDome", "logevent_heartbeat")

    assert 2.5 < beats[-1].at - beats[-2].at < 4.0


def test_a_script_comes_and_goes_without_a_summary_state(strange: Demo) -> None:
    strange.until(lambda: [r for r in strange.of("Script:100000", "logevent_state") if r["state"] == 8], 15)
    strange.until(
        lambda: [r for r in strange.of("ScriptQueue:1", "logevent_script") if r["processState"] == 4],
    )
    beats = strange.of("Script:100000", "logevent_heartbeat")

    assert [r["state"] for r in strange.of("Script:100000", "logevent_state")] == [1, 2, 3, 3, 3, 5, 8]
    assert beats != []
    assert "lsst.sal.Script.logevent_summaryState" not in strange.topics
    queue = strange.of("ScriptQueue:1", "logevent_queue")
    assert list(dict.fromkeys(r["currentSalIndex"] for r in queue)) == [0, 100000]
    assert len(queue[0]["salIndices"]) == 400
