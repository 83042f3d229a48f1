"""What check and the fuse say of Slack: as whom, in which workspace, in which channels; they only read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deploydash.errors import FeedError
from deploydash.systems.slack.check import check
from deploydash.systems.slack.fuse import fuse
from deploydash.systems.table import Place
from tests.servers.waiting import within
from tests.support.builders import roster
from tests.systems.slack.workspace import Hill, hill


def place(here: Hill, **changed: object) -> Place:
    return Place(here.settings.model_copy(update=changed), replace(roster(), rehearsal=True))


async def test_a_bot_that_may_post_where_the_site_says_is_good(tmp_path: Path) -> None:
    async with within(20), hill(tmp_path) as here:
        told = await check(place(here))
        assert [(one.level, one.sentence) for one in told] == [
            ("ok", "deploydash in Demo observatory (demo.slack.com)"),
            ("ok", "the token has chat:write, channels:read, channels:history"),
            ("ok", "deploydash is in #hill"),
        ]
        assert not {"post", "schedule", "unschedule", "update"} & set(here.fake.asked)


async def test_what_would_keep_a_message_from_going_is_red_days_before(tmp_path: Path) -> None:
    async with within(20), hill(tmp_path) as here:
        told = await check(place(here, square="#team-001", m2="#nowhere", workspace=None))
        assert [(one.level, one.sentence) for one in told if one.level != "ok"] == [
            ("warning", "the site file does not say which workspace is the site's"),
            ("red", "there is no channel #nowhere, or it is private and the bot is not in it"),
            ("red", "deploydash is not in #team-001"),
        ]
        here.fake.faults.switch_on("token-refused", {})
        with pytest.raises(FeedError, match="does not accept the token"):
            await check(place(here))


async def test_a_token_of_another_workspace_is_not_of_the_site(tmp_path: Path) -> None:
    async with within(20), hill(tmp_path) as here:
        assert await fuse(place(here)) == ()
        here.fake.faults.switch_on("other-workspace", {"workspace": "elsewhere.slack.com"})
        assert await fuse(place(here)) == (
            "the token is of elsewhere.slack.com (Demo observatory), the site's Slack is demo.slack.com",
        )
        with pytest.raises(FeedError, match="names no workspace"):
            await fuse(place(here, workspace=None))
