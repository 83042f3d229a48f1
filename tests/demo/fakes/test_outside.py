"""A world on servers of somebody else: on this machine only, and never beside topics that are there already."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest
import yaml

from deploydash.demo import site
from deploydash.demo.fakes.outside import OutsideCluster, OutsideError, OutsideRegistry, instead
from deploydash.demo.fakes.table import FAKES
from deploydash.demo.world import World
from tests.demo.harness import SITE
from tests.servers.kafka import KafkaServer
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import patient
from tests.support.command_line import ROOT


@pytest.mark.parametrize("host", ["kafka.example.org", "localhost", "10.0.0.1", "192.0.2.7", "0.0.0.0", ""])
def test_an_address_that_is_not_literally_of_this_machine_is_refused_before_anything_is_contacted(
    tmp_path: Path, host: str
) -> None:
    with pytest.raises(OutsideError, match="loopback addresses only"):
        OutsideCluster(f"{host}:9092", "lsst.sal.")
    with pytest.raises(OutsideError, match="loopback addresses only"):
        OutsideCluster(f"127.0.0.1:9092,{host}:9092", "lsst.sal.")
    with pytest.raises(OutsideError, match="loopback addresses only"):
        OutsideRegistry(_world(tmp_path), f"https://{host}/subjects")


def test_the_process_says_so_and_ends_with_2(tmp_path: Path) -> None:
    ended = _demo(tmp_path, "--kafka", "kafka.example.org:9094")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "kafka.example.org:9094 is not on this machine: the demo observatory writes to loopback addresses only\n"
    )


@pytest.mark.server
def test_topics_that_are_there_already_are_not_written_to(tmp_path: Path, kafka: KafkaServer, subname: str) -> None:
    name = f"lsst.{subname}.Watcher.logevent_summaryState"
    kafka.topics.create([name])
    ended = _demo(tmp_path, "--kafka", kafka.bootstrap, subname=subname)
    assert ended.returncode == 2
    assert f"topics of lsst.{subname}.* already, such as {name}: they are not ours" in ended.stderr
    assert kafka.topics.read(name) == []
    assert {topic for topic in kafka.topics.names() if subname in topic} == {name}


@pytest.mark.server
def test_the_world_lives_on_them_under_the_ids_of_the_registry(
    tmp_path: Path, kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    words = _command(tmp_path, "--kafka", kafka.bootstrap, "--registry", schema_registry.url, subname=subname)
    with subprocess.Popen([*words, "--parent-pipe"], stdin=-1, stdout=-1, text=True, cwd=ROOT) as world:
        assert world.stdout is not None
        told = json.loads(world.stdout.readline())
        world.terminate()
    assert (told["kafka"], told["schema_registry"]) == (kafka.bootstrap, schema_registry.url)
    beats = f"lsst.{subname}.Watcher.logevent_heartbeat"
    written = kafka.topics.read(beats)
    about = httpx2.get(
        f"{schema_registry.url}/subjects/{beats}-value/versions/latest", timeout=patient(20)
    ).raise_for_status()
    assert written
    assert {value[1:5] for _, value in written if value is not None} == {about.json()["id"].to_bytes(4, "big")}


@pytest.mark.server
async def test_faults_of_servers_that_are_not_ours_are_left_out_and_said(
    tmp_path: Path,
    kafka: KafkaServer,
    schema_registry: SchemaRegistry,
    subname: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = _world(tmp_path, subname)
    kinds = {kind.name: kind for kind in instead(FAKES, kafka.bootstrap, schema_registry.url)}
    assert list(kinds) == [kind.name for kind in FAKES]
    assert kinds["efd"] in FAKES
    for name in ("broker", "registry"):
        fake = kinds[name].make(world)
        await fake.start()
        fake.faults.switch_on("down")
        assert f"demo: the {name} is not ours: its fault down is left out\n" in capsys.readouterr().err
        await fake.stop()
    assert kafka.topics.names()


def _world(folder: Path, subname: str = "sal") -> World:
    where = folder / "hill.yaml"
    where.write_text(yaml.safe_dump({**SITE, "kafka": {**SITE["kafka"], "topic_subname": subname}}), "utf-8")
    return World(site.read(where, speed=1.0), 1, 1.0)


def _command(folder: Path, *words: str, subname: str = "sal") -> Sequence[str]:
    site = folder / "hill.yaml"
    site.write_text(yaml.safe_dump({**SITE, "kafka": {**SITE["kafka"], "topic_subname": subname}}), encoding="utf-8")
    return [sys.executable, "-m", "deploydash.demo", "--site-file", str(site), "--scenario", "calm", *words]


def _demo(folder: Path, *words: str, subname: str = "sal") -> subprocess.CompletedProcess[str]:
    command = _command(folder, *words, subname=subname)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
