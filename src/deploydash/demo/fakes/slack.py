"""The Slack of a site: messages, those that go out later, channels in pages, refusals as Slack words them.

It answers as the Web API's public reference says (docs.slack.dev): errors with HTTP 200 and ``ok: false``, too many
requests with 429 and ``Retry-After``. Emoji come back as ``:names:`` and bare addresses as links, as they do there. A
scheduled message is posted when its time comes at the speed of the world, under another ``ts``.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import web

from deploydash.demo.fake import Kind, Section
from deploydash.demo.fakes.slack_channels import (
    BOT,
    BOT_NAME,
    CHANNELS,
    TEAM,
    TEAM_ID,
    USER,
    WORKSPACE,
    Channel,
    Channels,
    Message,
)
from deploydash.demo.fakes.slack_faults import FAULTS, SCOPES
from deploydash.demo.http_fake import HttpFake
from deploydash.demo.world import World

TOKEN = "xoxb-of-the-demo-observatory"
MOST_CHARACTERS = 40_000
FARTHEST_S = 120 * 86_400.0
KEPT_S = 60.0
"""In its last minute a scheduled message is not taken back."""

METHODS: dict[str, str] = {
    "auth.test": "auth_test",
    "chat.postMessage": "post",
    "chat.scheduleMessage": "schedule",
    "chat.scheduledMessages.list": "scheduled",
    "chat.deleteScheduledMessage": "unschedule",
    "chat.update": "update",
    "chat.getPermalink": "permalink",
    "conversations.list": "channels",
    "conversations.history": "history",
}
_WRITES = frozenset({"post", "schedule", "unschedule", "update"})
_ROUTES = tuple((verb, f"/api/{method}", kind) for method, kind in METHODS.items() for verb in ("GET", "POST"))


class Refused(Exception):
    """Slack does not do it; the text is its word for why."""


class Slack(HttpFake):
    """One workspace with the channels that the site file names."""

    def __init__(self, world: World) -> None:
        super().__init__(_ROUTES, FAULTS)
        self._world = world
        self._section = (world.site.document.get("systems") or {}).get("slack") or {}
        named = [str(self._section[key]) for key in CHANNELS if self._section.get(key)]
        self.channels = Channels(named)
        self._answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            kind: getattr(self, f"_{kind}") for kind in METHODS.values()
        }
        self.noted_in(world.deeds, "slack", self.channels.stand)
        for kind in METHODS.values():
            setattr(self, f"on_{kind}", self._handler(kind))
        world.on_turn.append(lambda _: self.channels.post_due(time.time()))

    async def start(self) -> Section:
        """Open the port; the section ``slack``. Empty for a site that has none."""
        url = await self.listen()
        if not self._section:
            return {}
        return {"systems": {"slack": {"url": f"{url}/api", "token": TOKEN, "workspace": WORKSPACE}}}

    def _handler(self, kind: str) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._respond(kind, request)

        return handle

    async def _respond(self, kind: str, request: web.Request) -> web.StreamResponse:
        self.channels.post_due(time.time())
        try:
            self._refuse(kind, request.headers.get("Authorization", ""))
            body = {"ok": True, **self._answers[kind](await _fields(request))}
        except Refused as refused:
            body = {"ok": False, "error": str(refused), **self._scopes(str(refused))}
        if kind in _WRITES and body["ok"]:
            await self._lose(request)
        return web.json_response(body, headers={"X-OAuth-Scopes": ",".join(SCOPES)})

    async def _lose(self, request: web.Request) -> None:
        """Keep the answer to what was done back for a while, or for good."""
        late = self.faults["answer-late"]
        if late is not None:
            await asyncio.sleep(float(late["seconds"]))
        if self.faults["answer-lost"] is not None and request.transport is not None:
            request.transport.abort()

    def _refuse(self, kind: str, authorization: str) -> None:
        if authorization != f"Bearer {TOKEN}":
            raise Refused("invalid_auth" if authorization else "not_authed")
        refused = self.faults["refused"]
        if refused is not None and kind in _WRITES:
            raise Refused(str(refused["error"]))
        if self.faults["token-refused"] is not None:
            raise Refused("invalid_auth")
        lacking = self.faults["missing-scope"]
        if lacking is not None and SCOPES.get(str(lacking["scope"]), frozenset()) & {kind}:
            raise Refused("missing_scope")

    def _scopes(self, error: str) -> dict[str, str]:
        lacking = self.faults["missing-scope"]
        if error != "missing_scope" or lacking is None:
            return {}
        has = [scope for scope in SCOPES if scope != lacking["scope"]]
        return {"needed": str(lacking["scope"]), "provided": ",".join(has)}

    async def failing(self, kind: str) -> web.StreamResponse | None:
        """The answer of a fault that is on, or None."""
        failed = await super().failing(kind)
        if failed is not None:
            return failed
        limited = self.faults["rate-limited"]
        if limited is not None and kind in {limited["kind"], *(METHODS.values() if limited["kind"] == "*" else ())}:
            if limited["times"] == 0:
                return None
            self.faults.switch_on("rate-limited", {**limited, "times": float(limited["times"]) - 1})
            headers = {"Retry-After": f"{float(limited['seconds']):.0f}"}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        return None

    async def about(self, kind: str, request: web.Request) -> str | None:
        """The channel and the text."""
        if kind not in _WRITES:
            return None
        asked = await _fields(request)
        return f"{asked.get('channel', '')}: {asked.get('text', '')}"

    def outcome(self, response: web.StreamResponse) -> str:
        """Slack's own word for why it does not do it."""
        with suppress(ValueError):  # what stands before Slack answers with a page
            told = json.loads(response.text or "{}") if isinstance(response, web.Response) else {}
            return str(told.get("error", response.status))
        return str(response.status)

    # -- methods ------------------------------------------------------------------------------------------------

    def _channel(self, asked: dict[str, Any], *, member: bool = True) -> Channel:
        known = self.channels.named(str(asked.get("channel", "")))
        if known is None or self.faults["no-channel"] is not None:
            raise Refused("channel_not_found")
        if member and (not known.member or self.faults["not-in-channel"] is not None):
            raise Refused("not_in_channel")
        return known

    def _text(self, asked: dict[str, Any]) -> str:
        text = str(asked.get("text", ""))
        if not text.strip():
            raise Refused("no_text")
        if len(text) > MOST_CHARACTERS:
            raise Refused("msg_too_long")
        return text

    def _auth_test(self, _: dict[str, Any]) -> dict[str, Any]:
        other = self.faults["other-workspace"]
        at = WORKSPACE if other is None else str(other["workspace"])
        told = {"url": f"https://{at}/", "team": TEAM, "team_id": TEAM_ID}
        return {**told, "user": BOT_NAME, "user_id": USER, "bot_id": BOT}

    def _post(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(asked)
        message = self.channels.post(channel, self._text(asked), time.time(), str(asked.get("thread_ts", "")))
        return {"channel": channel.id, "ts": message.ts, "message": message.told()}

    def _schedule(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel, text, now = self._channel(asked), self._text(asked), time.time()
        at = int(asked.get("post_at", 0))
        if at <= now:
            raise Refused("time_in_past")
        if at > now + FARTHEST_S:
            raise Refused("time_too_far")
        due = now + (at - now) / self._world.pace
        made = self.channels.schedule(channel, text, at, due, str(asked.get("thread_ts", "")))
        return {"channel": channel.id, "scheduled_message_id": made.id, "post_at": at, "message": self._unsent(text)}

    @staticmethod
    def _unsent(text: str) -> dict[str, str]:
        who = {"type": "delayed_message", "username": BOT_NAME, "bot_id": BOT, "user": USER, "team": TEAM_ID}
        return {"text": text, **who}

    def _scheduled(self, asked: dict[str, Any]) -> dict[str, Any]:
        wanted = str(asked.get("channel", ""))
        rows = [one.told() for one in self.channels.later if wanted in {"", one.channel.id}]
        page, cursor = _page(rows, asked)
        return {"scheduled_messages": page, "response_metadata": {"next_cursor": cursor}}

    def _unschedule(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._channel(asked)
        name = str(asked.get("scheduled_message_id", ""))
        found = next((one for one in self.channels.later if one.id == name), None)
        if found is None or (found.due - time.time()) * self._world.pace < KEPT_S:
            raise Refused("invalid_scheduled_message_id")
        self.channels.later.remove(found)
        return {}

    def _update(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(asked)
        found = self._message(channel, str(asked.get("ts", "")))
        found.text = self._text(asked)
        return {"channel": channel.id, "ts": found.ts, "text": found.text, "message": {"text": found.text}}

    def _permalink(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(asked, member=False)
        found = self._message(channel, str(asked.get("message_ts", "")))
        link = f"https://demo.slack.com/archives/{channel.id}/p{found.ts.replace('.', '')}"
        return {"channel": channel.id, "permalink": link}

    def _message(self, channel: Channel, ts: str) -> Message:
        found = next((one for one in channel.messages if one.ts == ts), None)
        if found is None:
            raise Refused("message_not_found")
        return found

    def _channels(self, asked: dict[str, Any]) -> dict[str, Any]:
        page, cursor = _page([channel.told() for channel in self.channels.every], asked)
        return {"channels": page, "response_metadata": {"next_cursor": cursor}}

    def _history(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(asked)
        oldest, latest = float(asked.get("oldest") or 0), float(asked.get("latest") or "inf")
        rows = [one.told() for one in reversed(channel.messages) if oldest <= float(one.ts) <= latest]
        page, cursor = _page(rows, asked)
        pins = {"pin_count": 0, "channel_actions_ts": None, "channel_actions_count": 0}
        more = {"has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}
        return {"messages": page, **pins, **more}


def _page(rows: list[dict[str, Any]], asked: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """One page of a list, and the cursor of the next: empty at the end."""
    first, most = int(asked.get("cursor") or 0), int(asked.get("limit") or 100)
    more = str(first + most) if len(rows) > first + most else ""
    return rows[first : first + most], more


async def _fields(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        body = await request.json()
        return body if isinstance(body, dict) else {}
    return {**request.query, **(await request.post() if request.method == "POST" else {})}


KIND = Kind("slack", FAULTS, frozenset({*METHODS.values(), "other"}), Slack)
