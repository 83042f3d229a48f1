"""What fakes that speak HTTP have in common: a free loopback port, counted requests, faults before any answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from deploydash.demo.deeds import Deeds
from deploydash.demo.fake import Fault, Faults

_SHUTDOWN_S = 1.0
"""Seconds that answers under way, such as stalled ones, get when the fake stops."""

Route = tuple[str, str, str]
"""Method, path and kind of request; the method ``on_KIND`` of the fake answers it."""


def kinds(routes: Iterable[Route]) -> frozenset[str]:
    """The kinds of requests that a fake with these routes counts; ``other`` is whatever it has no route for."""
    return frozenset(kind for _, _, kind in routes) | {"other"}


class HttpFake:
    """A server whose routes are answered by its methods ``on_KIND``, after `failing` had the first word."""

    def __init__(self, routes: Iterable[Route], faults: Mapping[str, Fault]) -> None:
        self.faults = Faults(faults, self.switched)
        self.asked: Counter[str] = Counter()
        self._routes = tuple(routes)
        self._kind_of: dict[Any, str] = {}
        self._noted: tuple[Deeds, str] | None = None
        self._runner: web.AppRunner | None = None

    async def listen(self) -> str:
        """Open the port; the address without a slash at its end."""
        app = web.Application(middlewares=[self._guard])
        for method, path, kind in self._routes:
            handler = getattr(self, f"on_{kind}")
            self._kind_of[handler] = kind
            app.router.add_route(method, path, handler)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close the port."""
        if self._runner is not None:
            await self._runner.cleanup()

    def switched(self, fault: str) -> None:
        """Hear that a fault was switched on or off."""

    def kind(self, request: web.Request) -> str:
        """The kind of a request: that of its route."""
        return self._kind_of.get(request.match_info.handler, "other")

    async def failing(self, kind: str) -> web.StreamResponse | None:
        """The answer that the faults which are on give to a request of a kind; None to answer it as ever.

        ``down`` is what a cluster's ingress says when nothing stands behind it; ``stalled`` waits.
        """
        del kind
        if self.faults["down"] is not None:
            return web.Response(status=503, text="upstream connect error")
        stalled = self.faults["stalled"]
        if stalled is not None:
            await asyncio.sleep(float(stalled["seconds"]))
        return None

    def noted_in(self, deeds: Deeds, fake: str, stands: Callable[[], Mapping[str, object]]) -> None:
        """Have what changes something noted under the name of this fake, and how it stands."""
        self._noted = deeds, fake
        deeds.stands[fake] = stands

    async def about(self, kind: str, request: web.Request) -> str | None:
        """What a request is to change, with what it asks; None where it only looks."""
        del kind, request
        return None

    def outcome(self, response: web.StreamResponse) -> str:
        """What came of a request that was to change something."""
        return str(response.status)

    async def answer(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """The answer of a route."""
        response: web.StreamResponse = await handler(request)
        return response

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        kind = self.kind(request)
        self.asked[kind] += 1
        about = await self.about(kind, request) if self._noted is not None else None
        if self._noted is None or about is None:
            return await self._answered(kind, request, handler)
        deed = self._noted[0].note(self._noted[1], kind, about)
        response = await self._answered(kind, request, handler)
        deed.outcome = self.outcome(response)
        return response

    async def _answered(self, kind: str, request: web.Request, handler: Any) -> web.StreamResponse:
        failed = await self.failing(kind)
        return failed if failed is not None else await self.answer(request, handler)
