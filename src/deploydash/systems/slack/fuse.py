"""Whether the token is of the site's Slack: it alone says which workspace a message goes to. Reads only."""

from __future__ import annotations

import os

from deploydash.systems.slack.client import Slack, Who, workspace
from deploydash.systems.slack.errors import SlackError
from deploydash.systems.slack.settings import SlackSettings
from deploydash.systems.table import Place


async def fuse(place: Place) -> tuple[str, ...]:
    """Return that the token is of another workspace than the site's file names.

    Raises:
        SlackError: the file names none, there is no token, or Slack does not answer.
    """
    settings = place.settings
    assert isinstance(settings, SlackSettings)  # noqa: S101 - the table says so
    if settings.workspace is None:
        raise SlackError("the site file names no workspace below systems: slack:", unsent=True)
    who = await Slack(workspace(settings, os.environ, rehearsal=place.roster.rehearsal)).who()
    return (why,) if (why := elsewhere(settings, who)) else ()


def elsewhere(settings: SlackSettings, who: Who) -> str:
    """Return that the token is of another workspace, empty where it is not or that cannot be told."""
    if not settings.workspace or not who.workspace or settings.workspace.lower() == who.workspace.lower():
        return ""
    return f"the token is of {who.workspace} ({who.team}), the site's Slack is {settings.workspace}"
