"""The site's Slack, read: who we are, which channels there are, what stands in them. Built on slack-sdk.

Nothing is asked twice by itself. What changes something is in ``writes``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from deploydash.loading import loaded
from deploydash.systems.address import is_loopback
from deploydash.systems.slack.errors import SlackError, no_answer, refusal
from deploydash.systems.slack.settings import SlackSettings

SLACK_URL = "https://slack.com/api"
BUDGET_S = 8
"""So long one question may take."""

KNOWN_S = 300.0
"""So long who we are and which channels there are counts as known: Slack takes few such questions a minute."""

AGAIN_S = 30.0
"""A channel that was not there is looked for once more after so long."""

PAGE = 200
MOST_PAGES = 50
MOST_MESSAGES = 100

NO_TOKEN = "no SLACK_BOT_TOKEN is set"  # noqa: S105 - a sentence
NO_SLACK = "a rehearsal reaches no Slack but the demo observatory's"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where Slack is and for whom; ``why_not``: why nothing can be asked, empty where it can."""

    url: str = SLACK_URL
    token: str = field(default="", repr=False)
    why_not: str = ""

    @property
    def host(self) -> str:
        """The host that is asked."""
        return urlsplit(self.url).hostname or ""


def workspace(settings: SlackSettings, environ: Mapping[str, str], *, rehearsal: bool) -> Workspace:
    """Return where a site's Slack is; in a rehearsal only the demo observatory's, and never with the user's token."""
    if rehearsal:
        here = settings.url is not None and is_loopback(urlsplit(settings.url).hostname or "")
        if not here or settings.url is None or settings.token is None:
            return Workspace(why_not=NO_SLACK)
        return Workspace(settings.url, settings.token)
    token = environ.get("SLACK_BOT_TOKEN", "").strip() or environ.get("SLACK_TOKEN", "").strip()
    return Workspace(token=token) if token else Workspace(why_not=NO_TOKEN)


@dataclass(frozen=True, slots=True)
class Who:
    """Whose token it is. ``bot``: the id of its app, empty for a person's. ``workspace``: where its links lead."""

    team: str
    user: str
    user_id: str
    bot: str = ""
    scopes: str = ""
    workspace: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as Slack knows it."""

    id: str
    name: str
    member: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A message in a channel: its time, which is its name, too; who wrote it; its text as Slack keeps it."""

    ts: str
    user: str
    bot: str
    text: str


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A message that goes out later, at ``at`` (UTC unix seconds)."""

    id: str
    channel: str
    at: int
    text: str


class Slack:
    """One workspace. Nothing is loaded or asked before the first question."""

    def __init__(self, place: Workspace, budget_s: int = BUDGET_S) -> None:
        self.place = place
        self._budget_s = budget_s
        self._web: Any = None
        self._who: tuple[float, Who] | None = None
        self._channels: tuple[float, dict[str, Channel]] | None = None

    async def who(self) -> Who:
        """Return whose token it is.

        Raises:
            SlackError: no answer, or a refusal; says why.
        """
        now = time.monotonic()
        if self._who is None or now > self._who[0] + KNOWN_S:
            told, headers = await self.ask("auth.test", lambda web: web.auth_test())
            names = (_text(told, "team"), _text(told, "user"), _text(told, "user_id"), _text(told, "bot_id"))
            scopes = headers.get("x-oauth-scopes", "")
            self._who = (now, Who(*names, scopes, urlsplit(_text(told, "url")).hostname or ""))
        return self._who[1]

    async def channel(self, name: str) -> Channel:
        """Return a channel by its name, with the ``#``.

        Raises:
            SlackError: there is none that we may see, no answer, or a refusal; says why.
        """
        now = time.monotonic()
        known = self._channels
        old = known is None or now > known[0] + KNOWN_S
        if known is None or old or (name not in known[1] and now > known[0] + AGAIN_S):
            self._channels = known = (now, await self._all_channels())
        found = known[1].get(name)
        if found is None:
            raise refusal("conversations.list", 200, {"error": "channel_not_found"}, {}, channel=name)
        return found

    async def _all_channels(self) -> dict[str, Channel]:
        found: dict[str, Channel] = {}
        cursor = ""
        for _ in range(MOST_PAGES):
            told, _headers = await self.ask("conversations.list", lambda web, at=cursor: _channels_page(web, at))  # type: ignore[misc]
            for row in _rows(told, "channels"):
                name = f"#{_text(row, 'name')}"
                found[name] = Channel(_text(row, "id"), name, row.get("is_member") is True)
            cursor = _cursor(told)
            if not cursor:
                break
        return found

    async def history(self, channel: Channel, oldest: float, latest: float) -> tuple[Message, ...]:
        """Return what was written in a channel between two times (UTC unix seconds), the newest first.

        Raises:
            SlackError: no answer, or a refusal; says why.
        """
        found: list[Message] = []
        cursor = ""
        while True:
            told, _ = await self.ask(
                "conversations.history",
                lambda web, at=cursor: web.conversations_history(  # type: ignore[misc]
                    channel=channel.id,
                    oldest=f"{oldest:.6f}",
                    latest=f"{latest:.6f}",
                    inclusive=True,
                    limit=MOST_MESSAGES,
                    cursor=at or None,
                ),
                channel=channel.name,
            )
            found += [_message(row) for row in _rows(told, "messages")]
            cursor = _cursor(told)
            if not cursor or len(found) >= MOST_PAGES * MOST_MESSAGES:
                return tuple(found)

    async def scheduled(self, channel: Channel) -> tuple[Scheduled, ...]:
        """Return what we have scheduled in a channel and is not posted yet.

        Raises:
            SlackError: no answer, or a refusal; says why.
        """
        found: list[Scheduled] = []
        cursor = ""
        for _ in range(MOST_PAGES):
            told, _headers = await self.ask(
                "chat.scheduledMessages.list",
                lambda web, at=cursor: web.chat_scheduledMessages_list(  # type: ignore[misc]
                    channel=channel.id, limit=MOST_MESSAGES, cursor=at or None
                ),
                channel=channel.name,
            )
            found += [_scheduled(row) for row in _rows(told, "scheduled_messages")]
            cursor = _cursor(told)
            if not cursor:
                break
        return tuple(found)

    async def permalink(self, channel: Channel, ts: str) -> str:
        """Return the address of a message.

        Raises:
            SlackError: no answer, or a refusal; says why.
        """
        told, _ = await self.ask(
            "chat.getPermalink",
            lambda web: web.chat_getPermalink(channel=channel.id, message_ts=ts),
            channel=channel.name,
        )
        return _text(told, "permalink")

    async def ask(
        self, method: str, call: Callable[[Any], Awaitable[Any]], *, channel: str = ""
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        """Ask once, and return the body and the headers of the answer.

        Raises:
            SlackError: no answer, or a refusal; says why.
        """
        if self.place.why_not:
            raise SlackError(self.place.why_not, unsent=True)
        if self._web is None:
            module = await asyncio.to_thread(loaded, "deploydash.systems.slack.sdk")
            self._web = module.Web(self.place.token, self.place.url, self.place.host, self._budget_s)
        api_error: Any = loaded("slack_sdk.errors").SlackApiError
        try:
            async with asyncio.timeout(self._budget_s + 1):
                answer = await call(self._web)
        except api_error as error:
            raise self._refused(method, error, channel) from None
        except (OSError, TimeoutError) as error:
            raise no_answer(self.place.host, error) from None
        except Exception as error:
            if type(error).__module__.split(".")[0] != "aiohttp" and not isinstance(error, ValueError):
                raise
            raise no_answer(self.place.host, error) from None
        data = answer.data
        return (data if isinstance(data, dict) else {}), _lower(answer.headers)

    def _refused(self, method: str, error: Any, channel: str) -> SlackError:
        answer = error.response
        status = getattr(answer, "status_code", None) or getattr(answer, "status", None) or 0
        body = getattr(answer, "data", None)
        user = self._who[1].user if self._who is not None else ""
        return refusal(method, int(status), body, _lower(answer.headers), channel=channel, user=user)


def ours(message: Message, who: Who) -> bool:
    """Say whether a message was written with our token."""
    return bool(message.user and message.user == who.user_id) or bool(message.bot and message.bot == who.bot)


async def _channels_page(web: Any, cursor: str) -> Any:
    types = "public_channel,private_channel"
    return await web.conversations_list(types=types, exclude_archived=True, limit=PAGE, cursor=cursor or None)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _message(row: Mapping[str, Any]) -> Message:
    return Message(_text(row, "ts"), _text(row, "user"), _text(row, "bot_id"), _text(row, "text"))


def _scheduled(row: Mapping[str, Any]) -> Scheduled:
    at = str(row.get("post_at", ""))
    return Scheduled(_text(row, "id"), _text(row, "channel_id"), int(at) if at.isdigit() else 0, _text(row, "text"))


def _rows(told: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    rows = told.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _cursor(told: Mapping[str, Any]) -> str:
    more = told.get("response_metadata")
    return _text(more, "next_cursor") if isinstance(more, dict) else ""


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""
