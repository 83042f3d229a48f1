"""A feed that fails is shown and started again, later each time; nothing it raises ends the session."""

from __future__ import annotations

import asyncio
import logging

import pytest

from deploydash.core.fleet.observations import FeedChanged
from deploydash.core.fleet.snapshot import FeedView
from deploydash.core.model import FeedName, FeedState
from deploydash.core.ports import Inbox
from deploydash.errors import FeedError
from tests.session.sessions import ToldFeed, Watched, for_ever, running
from tests.support.leaping import leaping


def kafka(watched: Watched) -> list[FeedView]:
    """Return what the Kafka feed looked like, each look once, in order."""
    looks: list[FeedView] = []
    for _, snapshot in watched.published:
        [view] = [feed for feed in snapshot.feeds if feed.feed is FeedName.KAFKA]
        if not looks or looks[-1] != view:
            looks.append(view)
    return looks


async def refused(_: Inbox, __: int) -> None:
    raise FeedError("kafka", "127.0.0.1:9094: connection refused", hint="is the broker running?")


def test_a_failing_feed_is_shown_in_its_own_words_and_started_again_later_each_time() -> None:
    async def story() -> None:
        feed = ToldFeed(refused)
        async with running(feed) as watched:
            await asyncio.sleep(30)
            assert feed.started == [0, 1, 3, 8, 18, 28]
            details = [view.detail for view in kafka(watched) if view.state is FeedState.DOWN]
            why = "127.0.0.1:9094: connection refused (is the broker running?); trying again in"
            assert list(dict.fromkeys(details)) == [f"{why} {pause} s" for pause in (1, 2, 5, 10)]
        assert feed.open == 0

    leaping(story())


def test_a_feed_that_had_recovered_is_started_again_soon() -> None:
    async def work(inbox: Inbox, attempt: int) -> None:
        if attempt == 4:
            await asyncio.sleep(61)
        await refused(inbox, attempt)

    async def story() -> None:
        feed = ToldFeed(work)
        async with running(feed):
            await asyncio.sleep(71)
        assert feed.started == [0, 1, 3, 8, 8 + 61 + 1]

    leaping(story())


def test_a_fault_of_ours_is_one_sentence_on_the_screen_and_a_traceback_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work(_: Inbox, __: int) -> None:
        raise KeyError("salIndex")

    async def story() -> None:
        async with running(ToldFeed(work)) as watched:
            await asyncio.sleep(0.5)
            [view] = [view for view in kafka(watched) if view.state is FeedState.DOWN]
            assert view.detail == (
                "its reader failed (KeyError: 'salIndex'); the log has the details; trying again in 1 s"
            )

    with caplog.at_level(logging.ERROR):
        leaping(story())
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_a_feed_that_ends_by_itself_is_down_too() -> None:
    async def work(_: Inbox, __: int) -> None:
        return

    async def story() -> None:
        feed = ToldFeed(work)
        async with running(feed) as watched:
            await asyncio.sleep(1.5)
            assert kafka(watched)[-1].detail.startswith("its reader ended by itself")
        assert feed.started == [0, 1]

    leaping(story())


def test_a_failing_feed_does_not_disturb_the_others() -> None:
    async def work(inbox: Inbox, _: int) -> None:
        at = asyncio.get_running_loop().time()
        await inbox.put([FeedChanged(FeedName.EFD, FeedState.UP, "fine", at)])
        await asyncio.Event().wait()

    async def story() -> None:
        efd = ToldFeed(work, FeedName.EFD)
        async with running(ToldFeed(refused), efd) as watched:
            await asyncio.sleep(20)
            states = {feed.feed: feed.state for feed in watched.last.feeds}
            assert states[FeedName.KAFKA] is FeedState.DOWN
            assert states[FeedName.EFD] is FeedState.UP
        assert efd.started == [0]
        assert efd.open == 0

    leaping(story())


def test_a_feed_that_comes_back_is_up_again() -> None:
    async def work(inbox: Inbox, attempt: int) -> None:
        if attempt == 1:
            await refused(inbox, attempt)
        await inbox.put([FeedChanged(FeedName.KAFKA, FeedState.UP, "127.0.0.1:9094", 1.0)])
        await for_ever(inbox, attempt)

    async def story() -> None:
        async with running(ToldFeed(work)) as watched:
            await asyncio.sleep(2)
            assert [view.state for view in kafka(watched)][-2:] == [FeedState.DOWN, FeedState.UP]

    leaping(story())
