"""What ``deploydash check`` asks of a site's Slack: its token, scopes and channels. Reads only."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

from deploydash.errors import FeedError
from deploydash.systems.slack.client import Slack, workspace
from deploydash.systems.slack.settings import SlackSettings
from deploydash.systems.slack.steps import SLACK
from deploydash.systems.table import Finding, Place

NEEDED = ("chat:write", "channels:read", "channels:history")
"""To post, to find a channel, and to see what was posted there."""


async def check(place: Place) -> tuple[Finding, ...]:
    """Ask a site's Slack once.

    Raises:
        FeedError: it does not answer, or does not know us.
    """
    settings = place.settings
    assert isinstance(settings, SlackSettings)  # noqa: S101 - the table says so
    where = workspace(settings, os.environ, rehearsal=place.roster.rehearsal)
    if where.why_not:
        hint = "messages are shown to be copied, and signed off with a link"
        return (Finding("warning", SLACK, where.why_not, hint),)
    return tuple([finding async for finding in _findings(Slack(where), settings)])


async def _findings(slack: Slack, settings: SlackSettings) -> AsyncIterator[Finding]:
    who = await slack.who()
    at = f" ({who.workspace})" if who.workspace else ""
    yield Finding("ok", SLACK, f"{who.user} in {who.team}{at}")
    if settings.workspace is None:
        hint = f"add workspace: {who.workspace} below systems: slack:, if it is the site's"
        yield Finding("warning", SLACK, "the site file does not say which workspace is the site's", hint)
    if who.scopes and (finding := of_scopes(who.scopes)) is not None:
        yield finding
    names = dict.fromkeys(name for name in (settings.announce, settings.m2, settings.square) if name)
    for name in names:
        try:
            channel = await slack.channel(name)
        except FeedError as error:
            yield Finding.refused(SLACK, error)
            continue
        if channel.member:
            yield Finding("ok", SLACK, f"{who.user} is in {name}")
        else:
            yield Finding("red", SLACK, f"{who.user} is not in {name}", f"/invite @{who.user} there")


def of_scopes(scopes: str) -> Finding | None:
    """Return whether the token's scopes suffice, None where they are those of a user's whole account."""
    has = {scope.strip() for scope in scopes.split(",")}
    lacking = [scope for scope in NEEDED if scope not in has]
    if lacking:
        hint = "add it to the app at api.slack.com/apps, install it again, and set the new token"
        return Finding("red", SLACK, f"the token lacks {', '.join(lacking)}", hint)
    return Finding("ok", SLACK, f"the token has {', '.join(NEEDED)}")
