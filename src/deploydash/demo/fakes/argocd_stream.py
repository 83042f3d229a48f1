"""Streams of Argo CD: server-sent events, or lines of JSON, and silence before the first of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from deploydash.demo.fakes.argocd_fields import of_any
from deploydash.demo.fakes.argocd_status import Refusal
from deploydash.demo.fakes.cluster_kinds import Object
from deploydash.demo.fakes.cluster_store import Change, Store

KEEP_ALIVE_S = 15.0
_LOOK_S = 1.0


class Stream:
    """One stream that is open. What it tells goes through `tell`; ``silent`` says whether it must say nothing now."""

    def __init__(self, request: web.Request, silent: Callable[[], bool]) -> None:
        self._request = request
        self._silent = silent
        self._events = "text/event-stream" in request.headers.get("Accept", "")
        self._response: web.StreamResponse | None = None
        self._last: dict[str, Any] = {}
        self._queue: list[Object] = []
        self._woken = asyncio.Event()
        self.dies = False

    def die(self) -> None:
        """Let the connection break."""
        self.dies = True
        self._woken.set()

    def tell(self, result: Object, about: str = "") -> None:
        """Tell something, unless it was told last of the same thing."""
        told = of_any({"result": result}, self._request.query.get("fields", ""), "")
        plain = {**told, "result": {word: value for word, value in told["result"].items() if word != "type"}}
        if about and self._last.get(about) == plain:
            return
        if about:
            self._last[about] = plain
        self._queue.append(told)
        self._woken.set()

    def _bytes(self, told: Object, end: str = "\n") -> bytes:
        text = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
        return (f"data: {text} \n\n{end}" if self._events else f"{text}\n").encode()

    async def _prepared(self) -> web.StreamResponse:
        """Begin to answer, which is not before there is something to say."""
        if self._response is None:
            kind = "text/event-stream" if self._events else "application/json"
            headers = {"Content-Type": kind, "Grpc-Metadata-Content-Type": "application/grpc"}
            self._response = web.StreamResponse(headers=headers)
            self._response.enable_chunked_encoding()
            await self._response.prepare(self._request)
        return self._response

    async def refuse(self, refused: Refusal) -> web.StreamResponse:
        """Answer an error as a stream does; with ``fields`` it is filtered away."""
        told = of_any(refused.streamed, self._request.query.get("fields", ""), "")
        kind = "text/event-stream" if self._events else "application/json"
        return web.Response(status=refused.status, body=self._bytes(told, ""), headers={"Content-Type": kind})

    async def serve(self) -> web.StreamResponse:
        """Tell until the client goes."""
        loop = asyncio.get_running_loop()
        spoke = loop.time()
        while not self.dies:
            queue, self._queue = self._queue, []
            if queue and not self._silent():
                response = await self._prepared()
                for told in queue:
                    await response.write(self._bytes(told))
                spoke = loop.time()
            if loop.time() - spoke >= KEEP_ALIVE_S and not self._silent():
                response = await self._prepared()
                if self._events:
                    await response.write(b":\n")
                spoke = loop.time()
            if self._request.transport is None or self._request.transport.is_closing():
                break
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._woken.wait()
            except TimeoutError:
                continue
            self._woken.clear()
        if self.dies and self._request.transport is not None:
            self._request.transport.abort()
        return self._response or web.Response(status=200)


async def follow(store: Store, stream: Stream, hear: Callable[[Change], None]) -> web.StreamResponse:
    """Let a stream hear of changes while it is open."""
    store.on_change.append(hear)
    try:
        return await stream.serve()
    finally:
        store.on_change.remove(hear)
