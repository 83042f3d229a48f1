"""What every fake of the table keeps: it starts on loopback, is counted, fails by name and recovers, and stops."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from deploydash.demo import site
from deploydash.demo.fake import Fake, Kind, Section
from deploydash.demo.fakes.table import FAKES
from deploydash.demo.world import World
from tests.demo.harness import SITE
from tests.servers.waiting import patient, wait_until

Started = tuple[Kind, Fake, Section]


@pytest.fixture
def world(tmp_path: Path) -> World:
    where = tmp_path / "hill.yaml"
    where.write_text(yaml.safe_dump(SITE), "utf-8")
    return World(site.read(where, speed=1.0), 1, 1.0)


@pytest.fixture(params=FAKES, ids=lambda kind: kind.name)
async def started(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Started]:
    kind: Kind = request.param
    fake = kind.make(world)
    section = await fake.start()
    yield kind, fake, section
    await fake.stop()


def _address(section: Section) -> tuple[str, int]:
    [address] = site.addresses([section]).values()
    if isinstance(address, dict):
        [address] = address.values()
    if address.endswith(".yaml"):
        config = yaml.safe_load(Path(address).read_text("utf-8"))
        address = config["clusters"][0]["cluster"]["server"]
    parts = urlsplit(address if "//" in address else f"//{address}")
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _connects(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, patient(2)).close()
    except OSError:
        return False
    return True


async def test_it_starts_on_a_loopback_port_which_its_section_of_the_site_file_names(
    world: World, started: Started
) -> None:
    _, _, section = started
    host, _ = _address(section)
    assert host == "127.0.0.1"
    assert _connects(_address(section))
    written = site.rehearsal(world.site, [section], {"speed": 1.0, "scenario": "calm", "seed": 1})
    assert all(written[key] == value for key, value in section.items() if key != "systems")
    for name, value in section.get("systems", {}).items():
        assert {**written["systems"][name], **value} == written["systems"][name]
    assert json.loads(json.dumps(section)) == section


async def test_each_of_its_faults_is_switched_on_with_its_values_and_off_again(started: Started) -> None:
    kind, fake, _ = started
    assert kind.faults
    assert dict(fake.faults) == dict.fromkeys(kind.faults)
    for name, fault in kind.faults.items():
        assert fault.about
        assert not fault.values.keys() & {"system", "name"}  # a scenario writes these of every fault
        fake.faults.switch_on(name)
        assert fake.faults[name] == fault.values
        other: dict[str, Any] = {key: "other" if isinstance(old, str) else 0.5 for key, old in fault.values.items()}
        fake.faults.switch_on(name, other)
        assert fake.faults[name] == other
        fake.faults.switch_off(name)
        assert fake.faults[name] is None
    with pytest.raises(KeyError):
        fake.faults.switch_on("no-such-fault")
    with pytest.raises(KeyError):
        fake.faults.switch_on("down", {"no-such-value": 1.0})


async def test_nothing_was_asked_of_it_before_anybody_asked_and_it_counts_what_it_says_it_counts(
    started: Started,
) -> None:
    kind, fake, _ = started
    assert fake.asked.total() == 0
    assert kind.asks


async def test_it_is_stopped_while_each_of_its_faults_is_on(world: World) -> None:
    for kind in FAKES:
        fake = kind.make(world)
        address = _address(await fake.start())
        for name in kind.faults:
            fake.faults.switch_on(name)
        await fake.stop()
        wait_until(lambda address=address: not _connects(address), 10, "a closed port")  # type: ignore[misc]


def test_no_two_fakes_have_one_name() -> None:
    names = [kind.name for kind in FAKES]
    assert len(set(names)) == len(names)
