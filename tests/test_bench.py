"""The benchmarks' own parts: what they write is what real programs write, and what they say follows from it."""

from __future__ import annotations

import io
import itertools
import json
import time
from pathlib import Path
from typing import Any

import fastavro
import pytest
from aiokafka.record.memory_records import MemoryRecords

from bench.bare_backlog import backlog
from bench.fleet import DEAD, LARGER, SITE_SIZE, BenchCsc, roster, site_text
from bench.history import phase, write_history
from bench.imports import BARE, FRAME, WHOLE, load
from bench.p1 import expected
from bench.p2 import Change, latencies, tiles_of
from bench.p6 import parts, serial_seconds
from bench.terminal import Terminal
from bench.wire import BeatBytes, batch, zigzag
from deploydash.config.load import load_site
from deploydash.core.model import CscId, SummaryState
from tests.servers.fleet import schema_text
from tests.servers.waiting import wait_until


def one_of(csc: str) -> BenchCsc:
    return next(one for one in roster(SITE_SIZE) if one.csc == CscId.parse(csc))


def decoded(one: BenchCsc, value: bytes) -> dict[str, Any]:
    schema = fastavro.parse_schema(json.loads(schema_text(one.csc.name, "heartbeat", indexed=one.indexed)))
    fields: Any = fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, None)
    return dict(fields)


@pytest.mark.parametrize("csc", ["ESS:443", "MTMount", "DREAM"])
@pytest.mark.parametrize("number", [1, 63, 64, 8_191, 8_192, 2_000_000])
def test_a_spliced_beat_is_a_heartbeat(csc: str, number: int) -> None:
    one = one_of(csc)
    value = BeatBytes.of(one, "topic", 77).value(number, 1.79e9)
    assert value[:5] == b"\0\0\0\0\x4d"
    fields = decoded(one, value)
    assert fields["private_seqNum"] == number
    assert fields["private_origin"] == one.origin
    assert fields["private_sndStamp"] == fields["private_efdStamp"] + 37.0 == 1.79e9 + 37.0
    assert fields.get("salIndex", one.csc.index) == one.csc.index


def test_a_written_batch_is_read_by_a_kafka_client() -> None:
    beat = BeatBytes.of(one_of("ESS:104"), "topic", 7)
    number = zigzag(86_400)
    records = MemoryRecords(batch(5, 1.79e9, beat.record_head(len(number)), number, beat.tail))
    found = records.next_batch()
    assert found.validate_crc()
    (record,) = found
    assert (record.offset, record.timestamp, record.timestamp_type) == (5, 1_790_000_000_000, 1)
    assert (record.key, record.value) == (beat.key, beat.value(86_400, 1.79e9))


def test_a_history_holds_every_beat_in_order_and_none_of_the_dead(tmp_path: Path) -> None:
    fleet = [one_of("ESS:104"), one_of("ESS:106"), one_of("MTMount")]
    hours = int(DEAD[CscId("ESS", 106)])
    seconds = hours * 3600 + 10
    beats = [(one, BeatBytes.of(one, one.csc.name, 1)) for one in fleet]
    for name in ("ESS-0", "MTMount-0"):
        (tmp_path / name).mkdir()
    assert write_history(tmp_path, beats, 1.79e9, seconds) == 2 * seconds + 10
    log = MemoryRecords((tmp_path / "ESS-0" / "00000000000000000000.log").read_bytes())
    offsets, stamps, dead = [], [], 0
    while log.has_next():
        for record in log.next_batch():
            offsets.append(record.offset)
            stamps.append(record.timestamp)
            dead += record.key == beats[1][1].key
    assert offsets == list(range(seconds + 10))
    assert stamps == sorted(stamps)
    assert dead == 10


@pytest.mark.parametrize("size", [SITE_SIZE, *LARGER])
def test_a_roster_of_any_size_has_the_summits_components_and_is_a_usable_site(size: int, tmp_path: Path) -> None:
    fleet = roster(size)
    assert len({one.csc for one in fleet}) == size
    assert len({one.csc.name for one in fleet}) == 54
    file = tmp_path / "site.yaml"
    file.write_text(site_text(size, "127.0.0.1:9092", "http://127.0.0.1:8081"))
    assert [spec.csc for spec in load_site(file).roster.cscs] == [one.csc for one in fleet]


def test_what_is_true_of_the_dead_follows_their_last_state() -> None:
    assert expected(one_of("ESS:104")) == one_of("ESS:104").state.name
    assert expected(one_of("MTAOS")) == "OFFLINE"
    assert expected(BenchCsc(CscId("Test", 1), "Test", SummaryState.ENABLED, 1, dead=True)) == "LOST"


def test_beats_are_spread_over_the_second() -> None:
    phases = sorted(phase(one.origin) for one in roster(SITE_SIZE))
    gaps = [after - before for before, after in itertools.pairwise(phases)]
    assert max(gaps) < 3 / SITE_SIZE


def test_a_backlog_begins_as_far_behind_as_was_asked() -> None:
    assert backlog({"a": 300, "b": 100}, 100) == {"a": 225, "b": 75}
    assert backlog({"a": 300, "b": 100}, 1_000) == {"a": 0, "b": 0}


def test_a_change_counts_from_its_append_until_its_letter_is_on_the_screen() -> None:
    one = one_of("MTMount")
    script = "printf 'S  MTMount'; read x; printf '\\033[1;1HD'; read x"
    with Terminal(["sh", "-c", script], {"PATH": "/usr/bin:/bin", "TERM": "xterm-256color"}) as terminal:
        terminal.wait_for(["S  MTMount"], 10)
        (tile,) = tiles_of([one], terminal.lines())
        assert (tile.row, tile.column) == (0, 0)
        appended = time.time()
        terminal.type("\n")
        change = Change(tile, SummaryState.DISABLED, appended)
        late: list[float] = []

        def shown() -> bool:
            late.extend(latencies(terminal, [change]))
            return bool(late)

        wait_until(shown, 10, "the letter is on the screen")
    assert 0 < late[0] < 10


def told(utc: float, kind: str, step: str = "", csc: str = "", **more: Any) -> dict[str, Any]:
    return {"utc": utc, "kind": kind, "csc": csc, **({"step": step} if step else {}), **more}


def test_the_parts_of_a_shutdown_leave_out_the_leads_time_and_a_second_try() -> None:
    took = parts(
        [
            told(10.0, "StepApproved", "watcher"),
            told(10.0, "ItemsDispatched", "watcher"),
            told(10.4, "RequestAnswered", "watcher", "Watcher"),
            told(10.5, "StateRecorded", csc="Watcher", state=4, live=True),
            told(13.5, "ItemEnded", "watcher", "Watcher"),
            told(20.0, "ItemsDispatched", "cscs"),
            told(21.0, "RequestAnswered", "cscs", "ATAOS"),
            told(21.1, "ItemEnded", "cscs", "ATDome"),
            told(24.0, "ItemEnded", "cscs", "ATAOS"),
            told(30.0, "ItemsDispatched", "cscs"),
            told(30.5, "RequestAnswered", "cscs", "ATDome"),
            told(34.0, "ItemEnded", "cscs", "ATDome"),
            told(40.0, "ItemsDispatched", "queues"),
            told(41.0, "RequestAnswered", "queues", "ScriptQueue:1"),
            told(44.0, "ItemEnded", "queues", "ScriptQueue:1"),
        ]
    )
    assert (took["watcher"], took["watcher told"]) == (3.5, 0.5)
    assert (took["cscs"], took["cscs answered"], took["cscs silent"], took["retry"]) == (4.0, 1.0, 3.0, 4.0)
    assert (took["both"], took["all"]) == (4.5, 34.0)


def test_the_serial_script_is_reckoned_for_every_csc_that_it_would_send_down() -> None:
    assert serial_seconds() == pytest.approx(119, abs=1)


@pytest.mark.parametrize("code", [BARE, FRAME, WHOLE])
def test_what_is_imported_beside_each_other_can_be(code: str) -> None:
    took = load(code)
    assert took.cpu > 0
    assert took.seconds > 0


def test_an_import_that_fails_is_no_measurement() -> None:
    with pytest.raises(AssertionError, match="ended with 1"):
        load("import nothing_of_this_name")
