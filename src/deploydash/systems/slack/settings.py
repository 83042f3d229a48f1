"""The site's channels: its section ``slack``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from deploydash.systems.section import Path, SiteSection, Text


def _channel(text: str) -> str:
    if not re.fullmatch(r"#[a-z0-9_-]+", text):
        raise ValueError(f"{text!r} is not a Slack channel", "write # and its name, in quotes")
    return text


Channel = Annotated[Text, AfterValidator(_channel)]


class SlackSettings(SiteSection):
    """The site's channels, and what its announcements ask for. ``m2``: where M2 closed loop is asked for."""

    announce: Channel
    request: Text
    m2: Channel | None = None

    def names(self) -> Iterator[tuple[Path, str]]:
        """Yield the channel of this site's announcements; all sites share the workspace."""
        yield ("announce",), self.announce

    def words(self) -> Mapping[str, Any]:
        """Return ``slack.announce``, ``slack.m2`` and ``slack.request``."""
        return {"slack.announce": self.announce, "slack.m2": self.m2, "slack.request": self.request}
