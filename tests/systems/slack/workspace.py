"""The demo observatory's Slack and an action that speaks to it through the vendor's own client, in one loop."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import numbered
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.state import ItemProgress, ItemStatus
from deploydash.demo import site
from deploydash.demo.fakes.slack import TOKEN
from deploydash.demo.fakes.slack import Slack as FakeSlack
from deploydash.demo.world import World
from deploydash.session.clock import SystemClock
from deploydash.systems.slack.act import SlackAction
from deploydash.systems.slack.client import Slack, Workspace
from deploydash.systems.slack.settings import SlackSettings
from deploydash.systems.slack.steps import Spec, message_item
from tests.demo.harness import SITE

CHANNEL = "#hill"


def nobody(_: CscId) -> None:
    """See nothing of any CSC."""


@dataclass
class Hill:
    """A fake Slack, an action on it, and who holds the run."""

    fake: FakeSlack
    action: SlackAction
    slack: Slack
    settings: SlackSettings
    held: list[str] = field(default_factory=list)
    unseen: list[bool] = field(default_factory=list)

    def texts(self, channel: str = CHANNEL) -> list[str]:
        """Return what stands in a channel, as Slack keeps it."""
        found = self.fake.channels.named(channel)
        assert found is not None
        return [message.text for message in found.messages]

    async def planned(self, item: Item) -> ItemPlan:
        """Return what an item would be now."""
        [plan] = (await self.action.describe([item], nobody)).items
        return plan


@asynccontextmanager
async def hill(folder: Path, *, pace: float = 1.0, budget_s: int = 5, token: str = TOKEN) -> AsyncIterator[Hill]:
    """Serve a Slack and an action on it until the block ends."""
    path = folder / "hill.yaml"
    path.write_text(yaml.safe_dump(SITE), "utf-8")
    fake = FakeSlack(World(site.read(path, speed=pace), 1, pace))
    section: Any = await fake.start()
    slack = Slack(Workspace(section["systems"]["slack"]["url"], token), budget_s)
    settings = SlackSettings.model_validate({**SITE["systems"]["slack"], **section["systems"]["slack"]})
    held: list[str] = []
    unseen: list[bool] = []
    action = SlackAction(
        slack, SystemClock(), lambda: held[-1] if held else None, poll_s=0.05, unseen=lambda: bool(unseen)
    )
    try:
        yield Hill(fake, action, slack, settings, held, unseen)
    finally:
        await fake.stop()


def message(text: str = "Hello", channel: str = CHANNEL, **spec: str) -> Item:
    """Return an item that says something."""
    return message_item(numbered(0), Spec(channel, **spec), text)


def history(approved: str, key: str = "", **told: Any) -> ItemProgress:
    """Return what is known of an item whose outcome is not."""
    return ItemProgress(**{"status": ItemStatus.UNKNOWN, "approved": approved, "key": key, **told})


def agreed(plan: ItemPlan) -> dict[str, Any]:
    """Return what a plan's approval says."""
    found: dict[str, Any] = json.loads(plan.approved)
    return found
