"""Each answer of the demo's Slack has the shape that Slack published (tests/data/slack, its Web API of 2021)."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest

from deploydash.demo.fakes.slack import TOKEN
from tests.servers.waiting import within
from tests.support.command_line import ROOT
from tests.systems.slack.workspace import Hill, hill

SCHEMAS = json.loads((ROOT / "tests/data/slack/answers.json").read_text("utf-8"))
READS = frozenset(
    {"auth.test", "chat.getPermalink", "chat.scheduledMessages.list", "conversations.list", "conversations.history"}
)


def judge(method: str, told: Any) -> Any:
    """Hold an answer against what Slack publishes."""
    schema = {**SCHEMAS["answers"][method], "definitions": SCHEMAS["definitions"]}
    jsonschema.Draft4Validator(schema).validate(told)
    return told


async def ask(here: Hill, method: str, **fields: Any) -> Any:
    """Ask as the vendor's documentation has it, and judge the answer."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(base_url=here.slack.place.url, headers=headers, timeout=20) as client:
        reads = method in READS
        answer = await (client.get(f"/{method}", params=fields) if reads else client.post(f"/{method}", json=fields))
    return judge(method, answer.json())


async def test_what_is_read_and_changed_has_slacks_shapes(tmp_path: Path) -> None:
    async with within(30), hill(tmp_path) as here:
        await ask(here, "auth.test")
        listed = await ask(here, "conversations.list", limit=300)
        (channel,) = (one["id"] for one in listed["channels"] if one["name"] == "hill")
        assert (await ask(here, "conversations.history", channel=channel))["messages"] == []
        posted = await ask(here, "chat.postMessage", channel=channel, text="Hello & <b> \U0001f52d")
        await ask(here, "chat.postMessage", channel=channel, text="and", thread_ts=posted["ts"], reply_broadcast=True)
        await ask(here, "chat.update", channel=channel, ts=posted["ts"], text="Hello")
        await ask(here, "chat.getPermalink", channel=channel, message_ts=posted["ts"])
        at = int(time.time()) + 3000
        later = await ask(here, "chat.scheduleMessage", channel=channel, text="Later", post_at=at)
        waiting = await ask(here, "chat.scheduledMessages.list", channel=channel)
        assert [one["id"] for one in waiting["scheduled_messages"]] == [later["scheduled_message_id"]]
        name = later["scheduled_message_id"]
        await ask(here, "chat.deleteScheduledMessage", channel=channel, scheduled_message_id=name)
        assert len((await ask(here, "conversations.history", channel=channel))["messages"]) == 2


def test_the_judge_can_refuse() -> None:
    for method in SCHEMAS["answers"]:
        with pytest.raises(jsonschema.ValidationError):
            judge(method, {"ok": False})
