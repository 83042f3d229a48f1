"""An HTTP server that answers for a schema registry what a test wants; for failures a real one would not show."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from deploydash.systems.settings import RegistrySettings

RECORDED = Path(__file__).parents[2] / "data" / "sal" / "registry"
PRODUCTS = ("apicurio-2.6.13-ccompat-v7", "apicurio-3.0.9-ccompat-v7", "karapace-6.2.0")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AnsweringServer:
    """Asks ``handler`` for every answer and remembers the paths it was asked for."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.asked: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        return await self.handler(request)

    @property
    def settings(self) -> RegistrySettings:
        return RegistrySettings(self.url, "site file")


@asynccontextmanager
async def answering(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[AnsweringServer]:
    server = AnsweringServer(handler)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    listening = TestServer(app, scheme="http" if tls is None else "https")
    await listening.start_server(ssl=tls)
    try:
        server.url = str(listening.make_url("/api")).rstrip("/")
        yield server
    finally:
        await listening.close()


def schemas(texts: dict[int, str]) -> Handler:
    """A registry that has these schemas."""

    async def answer(request: web.Request) -> web.StreamResponse:
        text = texts.get(int(request.path.rpartition("/")[2]))
        if text is None:
            return web.json_response({"error_code": 40403, "message": "Schema not found"}, status=404)
        return web.json_response({"schema": text}, content_type="application/vnd.schemaregistry.v1+json")

    return answer


def always(body: str | bytes, status: int = 200, headers: dict[str, str] | None = None) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers=headers)

    return answer


async def dripping(request: web.Request) -> web.StreamResponse:
    """A byte now and then, for ever: no single read ever takes long."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.02)


def recorded(product: str) -> Handler:
    """The recorded answers of a product to the questions that were put to it, the last one of each path."""
    exchanges = json.loads((RECORDED / f"{product}.json").read_text())["exchanges"]
    answers: dict[str, Any] = {}
    for exchange in exchanges:
        if exchange["request"]["method"] == "GET":
            answers.setdefault(exchange["request"]["path"], exchange["response"])

    async def answer(request: web.Request) -> web.StreamResponse:
        found = answers[request.path.removeprefix("/api")]
        body = found["body"]
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(text=text, status=found["status"], headers={"Content-Type": found["content_type"]})

    return answer
