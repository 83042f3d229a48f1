"""What sends messages in a site's Slack, made of the means of a run."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploydash.core.run.ports import Action
from deploydash.core.run.state import ItemStatus
from deploydash.systems.slack.act import SlackAction
from deploydash.systems.slack.client import Slack, workspace
from deploydash.systems.slack.following import POLL_S
from deploydash.systems.slack.settings import SlackSettings
from deploydash.systems.slack.steps import SLACK
from deploydash.wiring.acting import Means

REHEARSED_S = 1.0
"""So often the demo observatory's Slack is looked at: its hours are short."""


@asynccontextmanager
async def action(means: Means) -> AsyncIterator[Action]:
    """Make the action of a site."""
    settings = means.site.sections[SLACK]
    assert isinstance(settings, SlackSettings)  # noqa: S101 - it was read by this model
    rehearsal = means.site.rehearsal
    slack = Slack(workspace(settings, os.environ, rehearsal=rehearsal))

    def held_by() -> str | None:
        return means.state().held_by

    def thread(channel: str) -> str:
        """Return the first message of the run in a channel."""
        posted = [
            dict(progress.values)
            for _, item, progress in (means.state().work() if settings.thread else ())
            if item.system == SLACK and progress.status is ItemStatus.REACHED
        ]
        return min((told["ts"] for told in posted if told.get("channel") == channel and "ts" in told), default="")

    yield SlackAction(slack, means.clock, held_by, thread, REHEARSED_S if rehearsal else POLL_S, means.unseen)
