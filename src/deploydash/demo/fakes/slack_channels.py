"""The channels of the demo observatory's Slack: what stands in them, and what is to be posted later."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

TEAM = "Demo observatory"
WORKSPACE = "demo.slack.com"
TEAM_ID = "T0DEMO0001"
BOT_NAME, USER, BOT = "deploydash", "U0DEMO0001", "B0DEMO0001"
CHANNELS = ("announce", "m2", "square")
"""The keys of the site file that name a channel."""

_MADE = 1_600_000_000
_OTHERS = 230
"""So many channels more there are: a workspace has more than one page of them."""

_BARE = re.compile(r"(?<![<|\w/])(https?://[^\s<>|]+)")


@dataclass
class Message:
    """A message. ``text``: as Slack keeps it."""

    ts: str
    text: str
    thread: str = ""

    def told(self) -> dict[str, Any]:
        """It as an answer has it."""
        threaded = {"thread_ts": self.thread, "subtype": "thread_broadcast"} if self.thread else {}
        who = {"type": "message", "user": USER, "bot_id": BOT}
        return {**who, "text": self.text, "ts": self.ts, **threaded}


@dataclass
class Channel:
    """A channel, its messages the oldest first."""

    id: str
    name: str
    member: bool
    messages: list[Message] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """It as an answer has it."""
        none = {"value": "", "creator": "", "last_set": 0}
        kinds = dict.fromkeys(("is_archived", "is_general", "is_mpim", "is_group", "is_im", "is_private"), False)
        shared = dict.fromkeys(("is_org_shared", "is_shared", "is_ext_shared", "is_pending_ext_shared"), False)
        made = {"created": _MADE, "creator": USER, "topic": none, "purpose": none}
        who = {"id": self.id, "name": self.name, "name_normalized": self.name}
        return {**who, **made, **kinds, **shared, "is_channel": True, "is_member": self.member}


@dataclass
class Later:
    """A message that is posted at ``due`` (UTC unix seconds), which its sender knows as ``at``."""

    id: str
    channel: Channel
    text: str
    at: int
    due: float
    thread: str
    made: int = field(default_factory=lambda: int(time.time()))

    def told(self) -> dict[str, Any]:
        """It as an answer has it."""
        made = {"date_created": self.made}
        return {"id": self.id, "channel_id": self.channel.id, "post_at": self.at, "text": self.text, **made}


class Channels:
    """All channels: those by name, ours among many others, and what goes out later."""

    def __init__(self, named: Iterable[str]) -> None:
        names = dict.fromkeys(name.removeprefix("#") for name in named)
        others = [Channel(f"C{number:08}", f"team-{number:03}", member=False) for number in range(_OTHERS)]
        ours = [Channel(f"C9{number:07}", name, member=True) for number, name in enumerate(names)]
        self.every = [*others, *ours]
        self.later: list[Later] = []
        self._last = 0.0
        self._numbers = count(1)

    def named(self, name: str) -> Channel | None:
        """A channel by its id or its name."""
        bare = name.removeprefix("#")
        return next((channel for channel in self.every if name == channel.id or bare == channel.name), None)

    def stand(self) -> dict[str, object]:
        """The texts of each channel that has any, the oldest first, and what is to be posted later."""
        posted = {each.name: [one.text for one in each.messages] for each in self.every if each.messages}
        return {"posted": posted, "later": [[one.channel.name, one.text] for one in self.later]}

    def post(self, channel: Channel, text: str, now: float, thread: str = "") -> Message:
        """Post a message; no two have one time."""
        self._last = max(now, self._last + 1e-6)
        message = Message(f"{self._last:.6f}", as_kept(text), thread)
        channel.messages.append(message)
        return message

    def schedule(self, channel: Channel, text: str, at: int, due: float, thread: str) -> Later:
        """Keep a message until its time."""
        made = Later(f"Q{next(self._numbers):08}", channel, text, at, due, thread)
        self.later.append(made)
        return made

    def post_due(self, now: float) -> None:
        """Post what is due."""
        for one in [one for one in self.later if one.due <= now]:
            self.later.remove(one)
            self.post(one.channel, one.text, now, one.thread)


def as_kept(text: str) -> str:
    """A text as Slack gives it back: emoji as their names, bare addresses as links."""
    named = "".join(f":{_name(letter)}:" if "\U0001f300" <= letter <= "\U0001faff" else letter for letter in text)
    return _BARE.sub(r"<\1>", named)


def _name(letter: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", unicodedata.name(letter, "emoji").lower())
