"""The site's channels, and what its messages say: its section ``slack``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from deploydash.core.model import Roster
from deploydash.systems.address import is_loopback
from deploydash.systems.section import Host, Path, SiteSection, Text, Url


def _channel(text: str) -> str:
    if not re.fullmatch(r"#[a-z0-9_-]+", text):
        raise ValueError(f"{text!r} is not a Slack channel", "write # and its name, in quotes")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{text!r} is not a time zone", "write for example America/Santiago") from None
    return text


Channel = Annotated[Text, AfterValidator(_channel)]
Zone = Annotated[Text, AfterValidator(_zone)]

CHANNELS = ("announce", "m2", "square")
"""The channels that a step may name instead of writing one out."""


class SlackSettings(SiteSection):
    """The site's channels, and what its announcements ask for. ``m2``: where M2 closed loop is asked for.

    ``square``: where SQuaRE is told of the pull request. ``messages``: what a step's message says here, by the step, in
    place of the runbook's text. ``zone``: the zone in which ``<date>`` and ``<start>`` are meant. ``thread``: a run's
    later messages to a channel answer its first one, and are shown in the channel, too. ``workspace``: its address, as
    a link to a message begins, so that a token of another one is noticed. ``url`` and ``token`` are the demo
    observatory's: at a site the token is the environment's.
    """

    announce: Channel
    request: Text
    m2: Channel | None = None
    square: Channel | None = None
    messages: dict[Text, Text] = Field(default_factory=dict)
    zone: Zone = "America/Santiago"
    thread: bool = False
    workspace: Host | None = None
    url: Url | None = None
    token: Text | None = Field(default=None, repr=False)

    def channel(self, name: str) -> str:
        """Return the channel that a step names; empty where this site has none of that name."""
        if name.startswith("#"):
            return name
        found = {"announce": self.announce, "m2": self.m2, "square": self.square}.get(name)
        return found or ""

    def names(self) -> Iterator[tuple[Path, str]]:
        """Yield the channel of this site's announcements; all sites share the workspace."""
        yield ("announce",), self.announce

    def words(self) -> Mapping[str, Any]:
        """Return ``slack.announce``, ``slack.m2`` and ``slack.request``."""
        return {"slack.announce": self.announce, "slack.m2": self.m2, "slack.request": self.request}

    def hosts(self) -> Iterator[tuple[Path, str]]:
        """Yield where it is, if that is not Slack itself."""
        if self.url is not None:
            yield ("url",), urlsplit(self.url).hostname or ""

    def contradictions(self, roster: Roster) -> Iterator[tuple[Path, str, str]]:
        """Yield what only a demo observatory may say."""
        del roster
        here = self.url is not None and is_loopback(urlsplit(self.url).hostname or "")
        if self.url is not None and not here:
            yield ("url",), f"{self.url} is not Slack", "leave it out: only a demo observatory has its own"
        if self.token is not None and not here:
            yield ("token",), "a token must not stand in a file", "set SLACK_BOT_TOKEN in the environment"
