"""A registry's level as each product tells and takes it: its recorded answers, by what stands there now."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId
from deploydash.systems.registry.act import RegistryAction
from deploydash.systems.registry.compatibility import UNSET, Compatibility
from deploydash.systems.registry.steps import REGISTRY
from tests.support.clock import ManualClock
from tests.systems.registry.registry_server import RECORDED, answering

Exchange = dict[str, Any]


def exchanges(product: str) -> list[Exchange]:
    """Return what was asked of a product and answered."""
    found: list[Exchange] = json.loads((RECORDED / f"{product}.json").read_text("utf-8"))["exchanges"]
    return found


def labelled(product: str, label: str) -> Exchange:
    """Return the first exchange with a label."""
    return next(one for one in exchanges(product) if one["label"] == label)


def with_level(answer: Any, level: str) -> Any:
    """Return an answer that tells one level as telling another: only its word is changed."""
    return {**answer, "body": dict.fromkeys(answer["body"], level)}


@dataclass
class Levels:
    """A registry of a product. ``level``: what is set, UNSET for nothing.

    ``ways``: what is done with the next requests instead of answering them, by method: a status is answered and nothing
    is taken; ``lost`` takes it and breaks off, ``late`` takes it and answers too late, ``broken`` breaks off and takes
    nothing.
    """

    product: str
    level: str
    ways: dict[str, list[int | str]] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request as the product does."""
        path = request.path.removeprefix("/api")
        if path == "/mode":
            return _said(labelled(self.product, "mode")["response"])
        assert path == "/config"
        way = self.ways[request.method].pop(0) if self.ways.get(request.method) else "answers"
        if request.method != "GET":
            self.changes.append(f"{request.method} {(await request.read()).decode()}".strip())
            self.bodies.append(await request.read())
        if isinstance(way, int):
            return web.json_response({"error_code": way * 100 + 1, "message": "so it is"}, status=way)
        answer = self._told() if request.method == "GET" else await self._taken(request, way)
        if way in {"lost", "broken"}:
            assert request.transport is not None
            request.transport.close()
        elif way == "late":
            await asyncio.sleep(60)
        return answer

    def _told(self) -> web.Response:
        if self.level == UNSET:
            return _said(labelled("karapace-6.2.0", "subject config, unset")["response"])
        return _said(with_level(labelled(self.product, "global config")["response"], self.level))

    async def _taken(self, request: web.Request, way: str) -> web.Response:
        if way == "broken":
            return web.Response()
        if request.method == "DELETE":
            self.level = UNSET
            return _said(with_level(labelled(self.product, "delete subject config")["response"], "BACKWARD"))
        self.level = (await request.json())["compatibility"]
        if way == "no rule":  # 3.0.9, whose level NONE is that no rule is there
            return _said(labelled(self.product, "set global NONE")["response"])
        return _said(with_level(labelled(self.product, "set global BACKWARD")["response"], self.level))


def _said(told: Any) -> web.Response:
    body = told["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"Content-Type": told["content_type"]} if told["content_type"] else {}
    return web.Response(text=text, status=told["status"], headers=headers)


def level_item(level: str, *payers: str) -> Item:
    """Return the item of a step that sets a level."""
    spec = json.dumps({"set": level, "paid_by": payers})
    return Item(ItemId("#1"), f"schema compatibility {level}", REGISTRY, spec)


@dataclass
class Scene:
    """An action over a registry that answers as recorded."""

    levels: Levels
    action: RegistryAction
    registry: Compatibility
    url: str


@asynccontextmanager
async def scene(
    product: str, level: str, *, budget: float = 5.0, foreign: bool = False, look: Callable[[], None] = lambda: None
) -> AsyncIterator[Scene]:
    """Serve a registry with a level until the block ends. ``look``: called before what was lost is read once more."""
    levels, clock = Levels(product, level), ManualClock()

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)
        look()
        await asyncio.sleep(0)

    async with answering(levels.answer) as server:
        settings = server.settings if not foreign else type(server.settings)(server.url, "the shell", foreign=True)
        registry = Compatibility(settings, rehearsal=True, budget=budget)
        try:
            yield Scene(levels, RegistryAction(registry, clock, sleep), registry, server.url)
        finally:
            await registry.aclose()
