"""The requests that change something in Slack. Imported by ``act`` alone, and each sent once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deploydash.systems.slack.client import Channel, Slack


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it goes: its text as Slack reads it, and the message that it answers, empty for none."""

    channel: Channel
    text: str
    thread: str = ""

    def fields(self) -> dict[str, Any]:
        """Return what is sent of it."""
        threaded = {"thread_ts": self.thread, "reply_broadcast": True} if self.thread else {}
        return {"channel": self.channel.id, "text": self.text, **threaded}


async def post(slack: Slack, letter: Letter) -> str:
    """Post a message and return its ``ts``.

    Raises:
        SlackError: it was refused, or no answer came; says which.
    """
    told, _ = await slack.ask(
        "chat.postMessage", lambda web: web.chat_postMessage(**letter.fields()), channel=letter.channel.name
    )
    return str(told.get("ts", ""))


async def schedule(slack: Slack, letter: Letter, at: int) -> str:
    """Let a message go out at a time (UTC unix seconds) and return its id; never with metadata: it is not posted then.

    Raises:
        SlackError: it was refused, or no answer came; says which.
    """
    told, _ = await slack.ask(
        "chat.scheduleMessage",
        lambda web: web.chat_scheduleMessage(**letter.fields(), post_at=at),
        channel=letter.channel.name,
    )
    return str(told.get("scheduled_message_id", ""))


async def unschedule(slack: Slack, channel: Channel, name: str) -> None:
    """Take back a message that was not posted yet.

    Raises:
        SlackError: it was refused, or no answer came; says which.
    """
    await slack.ask(
        "chat.deleteScheduledMessage",
        lambda web: web.chat_deleteScheduledMessage(channel=channel.id, scheduled_message_id=name),
        channel=channel.name,
    )
