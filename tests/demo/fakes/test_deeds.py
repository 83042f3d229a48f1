"""What a demo observatory tells of itself at its end: what it was asked to change, and how it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import yaml

from deploydash.demo import site
from deploydash.demo.deeds import NAME, UNFINISHED, Deeds
from deploydash.demo.fakes.registry import Registry
from deploydash.demo.world import World
from tests.demo.harness import SITE


def test_a_request_stands_from_when_it_came_and_tells_last_what_came_of_it(tmp_path: Path) -> None:
    deeds = Deeds()
    deeds.stands["registry"] = lambda: {"level": "NONE"}
    first = deeds.note("registry", "set_config", "/config")
    deeds.note("slack", "post", "#there: hello")
    first.outcome = "200"
    deeds.leave(tmp_path)
    told: dict[str, Any] = json.loads((tmp_path / NAME).read_text("utf-8"))
    assert [(one["fake"], one["kind"], one["outcome"]) for one in told["asked"]] == [
        ("registry", "set_config", "200"),
        ("slack", "post", UNFINISHED),
    ]
    assert told["stands"] == {"registry": {"level": "NONE"}}


async def test_a_fake_notes_what_is_to_change_it_and_what_only_looks_not(tmp_path: Path) -> None:
    where = tmp_path / "hill.yaml"
    where.write_text(yaml.safe_dump(SITE), "utf-8")
    world = World(site.read(where, speed=1.0), 1, 1.0)
    fake = Registry(world)
    url = (await fake.start())["schema_registry"]["url"]
    async with httpx2.AsyncClient() as http:
        await http.get(f"{url}/config")
        await http.put(f"{url}/config", json={"compatibility": "NONE"})
        await http.put(f"{url}/config", json={"compatibility": "no level"})
    await fake.stop()
    noted = [(deed.kind, deed.about.replace(" ", ""), deed.outcome) for deed in world.deeds.done]
    assert noted == [
        ("set_config", '/config{"compatibility":"NONE"}', "200"),
        ("set_config", '/config{"compatibility":"nolevel"}', "422"),
    ]
    assert world.deeds.stands["registry"]()["level"] == "NONE"
