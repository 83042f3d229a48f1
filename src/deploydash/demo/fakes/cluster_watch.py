"""Watches: what is there, what changes, bookmarks, and every way in which a watch ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from deploydash.demo.fakes.cluster_kinds import Object, Resource
from deploydash.demo.fakes.cluster_select import Matches
from deploydash.demo.fakes.cluster_status import Refusal, status
from deploydash.demo.fakes.cluster_store import Change, Store, TooOldError

_LONG_S = 2400.0
"""A watch without ``timeoutSeconds`` ends after so long: the server takes 30 to 60 minutes."""
_BOOKMARK_EVERY_S = 60.0
_BEFORE_END_S = 1.0
_LOOK_S = 1.0
"""So often it is looked whether the client is still there."""


@dataclass(eq=False)
class Watch:
    """One watch that is open. ``end`` makes it end: ``cut`` in the middle, ``expired``, or ``clean``."""

    resource: Resource
    namespace: str
    matches: Matches
    end: str = ""
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    changes: list[Change] = field(default_factory=list)

    def hear(self, change: Change) -> None:
        """Take up a change."""
        if self.sees(change):
            self.changes.append(change)
            self.woken.set()

    def sees(self, change: Change) -> bool:
        """Whether this watch tells of a change."""
        return (
            change.resource is self.resource
            and self.namespace in {"", change.item["metadata"].get("namespace", "")}
            and self.matches(change.item)
        )

    def finish(self, how: str) -> None:
        """End it now."""
        self.end = how
        self.woken.set()


def version_of(query: Mapping[str, str]) -> int:
    """The resourceVersion that is asked for, 0 for none. Raises Refusal."""
    text = query.get("resourceVersion", "")
    if text and not text.isdigit():
        told = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise Refusal(500, status(500, "", told))
    return int(text or 0)


def _line(kind: str, item: Object) -> bytes:
    return json.dumps({"type": kind, "object": item}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _bookmark(resource: Resource, version: int, *, initial: bool = False) -> bytes:
    about: Object = {"resourceVersion": str(version)}
    if initial:
        about["annotations"] = {"k8s.io/initial-events-end": "true"}
    head = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": about}
    return _line("BOOKMARK", {**head, **(resource.empty or {})})


def expired(version: int, oldest: int) -> bytes:
    """The event that ends a watch whose beginning is forgotten."""
    return _line("ERROR", status(410, "Expired", f"too old resource version: {version} ({oldest})"))


def backlog(store: Store, watch: Watch, query: Mapping[str, str]) -> list[bytes]:
    """What a watch says at its beginning. Raises Refusal, TooOldError."""
    version = version_of(query)
    if version and query.get("sendInitialEvents") != "true":
        return [_line(each.type, each.item) for each in store.since(version) if watch.sees(each)]
    lines = [_line("ADDED", item) for item in store.items(watch.resource, watch.namespace, watch.matches)]
    if query.get("sendInitialEvents") == "true" and query.get("allowWatchBookmarks") == "true":
        lines.append(_bookmark(watch.resource, store.last(watch.resource), initial=True))
    return lines


async def serve(request: web.Request, store: Store, watch: Watch, limit: float | None) -> web.StreamResponse:
    """Answer a watch until it ends; ``limit`` lets it be cut after so many seconds. Raises Refusal before it began."""
    query: Mapping[str, str] = request.query
    response = web.StreamResponse(headers={"Cache-Control": "no-cache, private", "Content-Type": "application/json"})
    response.enable_chunked_encoding()
    try:
        lines = backlog(store, watch, query)
    except TooOldError as error:
        await response.prepare(request)
        await response.write(expired(version_of(query), error.oldest))
        return response
    hear = watch.hear
    store.on_change.append(hear)
    try:
        await response.prepare(request)
        for line in lines:
            await response.write(line)
        await _live(request, response, store, watch, limit)
    except (ConnectionError, asyncio.CancelledError):
        if request.transport is not None:
            request.transport.abort()
        raise
    finally:
        store.on_change.remove(hear)
    return response


async def _live(
    request: web.Request, response: web.StreamResponse, store: Store, watch: Watch, limit: float | None
) -> None:
    loop = asyncio.get_running_loop()
    seconds = float(request.query.get("timeoutSeconds", 0) or _LONG_S)
    ends, cut = loop.time() + seconds, loop.time() + limit if limit is not None else float("inf")
    version = version_of(request.query)
    future = version > store.version
    marks = request.query.get("allowWatchBookmarks") == "true" and not future
    mark_at = loop.time() + max(0.0, min(_BOOKMARK_EVERY_S, seconds - _BEFORE_END_S))
    while not watch.end and loop.time() < min(ends, cut):
        changes, watch.changes = watch.changes, []
        for change in changes:
            if change.version > version:
                await response.write(_line(change.type, change.item))
        if marks and loop.time() >= mark_at:
            await response.write(_bookmark(watch.resource, max(version, store.last(watch.resource))))
            mark_at += min(_BOOKMARK_EVERY_S, max(_BEFORE_END_S, ends - loop.time() - _BEFORE_END_S))
        if request.transport is None or request.transport.is_closing():
            return
        pause = min(_LOOK_S, ends - loop.time(), cut - loop.time(), *([mark_at - loop.time()] if marks else []))
        await _woken(watch.woken, max(0.0, pause))
    if watch.end == "expired":
        await response.write(expired(version or store.version - 1, store.version))
    elif (watch.end == "cut" or loop.time() >= cut) and request.transport is not None:
        request.transport.abort()  # there is none any more where the client went while this waited


async def _woken(event: asyncio.Event, seconds: float) -> Any:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
    event.clear()
