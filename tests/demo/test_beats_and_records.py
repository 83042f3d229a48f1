"""What a calm observatory writes, read over Kafka with the schemas of its registry."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.demo.harness import SITE, Demo, demo

NAMES = {entry["csc"]: entry for entry in SITE["cscs"]}


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """An observatory at speed 20, read for some seconds of live beats."""
    with demo(tmp_path_factory.mktemp("calm"), "--speed", "20") as running:
        now = time.time()
        running.until(lambda: len(running.beats_after("ATAOS", now)) >= 5)
        yield running


def _csc(name: str) -> str:
    return "DREAM:0" if name == "DREAM" else name


def test_every_csc_beats_once_a_second_whatever_the_speed(calm: Demo) -> None:
    for name in NAMES:
        beats = calm.of(_csc(name), "logevent_heartbeat")[-20:]
        gaps = [later.at - earlier.at for earlier, later in pairwise(beats)]
        assert len(gaps) == 19
        assert all(0.7 < gap < 1.4 for gap in gaps), f"{name}: {gaps}"


def test_the_beats_of_a_process_are_numbered_without_a_hole(calm: Demo) -> None:
    for name in NAMES:
        numbers = [beat["private_seqNum"] for beat in calm.of(_csc(name), "logevent_heartbeat")]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert len({beat["private_origin"] for beat in calm.of(_csc(name), "logevent_heartbeat")}) == 1


def test_everybody_stands_at_its_start_up_target(calm: Demo) -> None:
    last = {name: calm.states(_csc(name))[-1] for name in NAMES}
    assert last == {
        "ATAOS": 5, "ATCamera": 4, "ATDome": 2, "MTM1M3": 1, "MTMount": 5, "MTRotator": 5, "DREAM": 5,
        "ESS:104": 5, "ESS:105": 5, "ScriptQueue:1": 2, "Watcher": 5,
    }  # fmt: skip
    assert calm.of("ATCamera", "logevent_offlineDetailedState")[-1]["substate"] == 1


def test_keys_are_the_text_that_salobj_writes_and_that_cpp_writes(calm: Demo) -> None:
    def key(csc: str, sal_name: str) -> bytes | None:
        return calm.of(csc, sal_name)[-1].key

    assert key("ESS:104", "logevent_heartbeat") == b'{ "name": "ESS", "index": 104, "topic": "logevent_heartbeat" }'
    assert key("Watcher", "logevent_summaryState") == b'{ "name": "Watcher", "topic": "logevent_summaryState" }'
    assert key("DREAM:0", "logevent_heartbeat") == b'{ "name": "DREAM", "index": 0, "topic": "logevent_heartbeat" }'
    assert key("MTM1M3", "logevent_heartbeat") == b'{"name":"MTM1M3","topic":"MTM1M3_logevent_heartbeat"}'


def test_stamps_are_tai_beside_utc(calm: Demo) -> None:
    beat = calm.of("ESS:105", "logevent_heartbeat")[-1]

    assert beat["private_sndStamp"] == pytest.approx(beat["private_efdStamp"] + 37.0, abs=1e-6)
    assert beat["private_sndStamp"] == beat["private_kafkaStamp"]
    assert beat["private_rcvStamp"] == 0.0
    assert abs(beat["private_efdStamp"] - beat.at) < 0.01
    assert beat["private_identity"] == "ESS:105"
    assert len(beat["private_revCode"]) == 8
    assert beat["heartbeat"] is False


def test_only_indexed_components_have_a_sal_index(calm: Demo) -> None:
    assert "salIndex" not in (calm.of("Watcher", "logevent_heartbeat")[-1].fields or {})
    assert calm.of("DREAM:0", "logevent_heartbeat")[-1]["salIndex"] == 0


def test_every_record_can_be_decoded(calm: Demo) -> None:
    assert [record for record in calm.records if record.fields is None] == []


def test_every_topic_has_one_partition_and_a_subject(calm: Demo) -> None:
    assert {len(topic.partitions) for topic in calm.topics.values()} == {1}
    assert set(calm.get("schema_registry", "/subjects")) == {f"{topic}-value" for topic in calm.topics}


def test_events_are_not_repeated(calm: Demo) -> None:
    for name in NAMES:
        states = calm.states(_csc(name))
        assert all(one != other for one, other in pairwise(states))


def test_versions_simulation_mode_and_configuration_are_told(calm: Demo) -> None:
    assert calm.of("ATAOS", "logevent_softwareVersions")[-1]["xmlVersion"] == "28.0.1"
    assert calm.of("ATAOS", "logevent_simulationMode")[-1]["mode"] == 0
    assert calm.of("ATDome", "logevent_configurationApplied")[-1]["configurations"] == "_init.yaml"
    assert calm.of("ATAOS", "logevent_errorCode")[-1]["errorCode"] == 0


def test_the_same_seed_makes_the_same_world_and_another_seed_another(
    calm: Demo,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def origins(running: Demo) -> dict[str, int]:
        running.until(lambda: all(running.of(_csc(name), "logevent_heartbeat") for name in NAMES))
        return {name: running.of(_csc(name), "logevent_heartbeat")[0]["private_origin"] for name in NAMES}

    with demo(tmp_path_factory.mktemp("again"), "--speed", "20") as again:
        assert origins(again) == origins(calm)
    with demo(tmp_path_factory.mktemp("other"), "--speed", "20", "--seed", "2") as other:
        assert origins(other) != origins(calm)
