"""Keeps a feed running: a failure becomes an observation, then it is started again with back-off."""

from __future__ import annotations

import asyncio
import logging

from deploydash.core.fleet.observations import FeedChanged
from deploydash.core.model import FeedState
from deploydash.core.ports import Clock, Feed, Inbox
from deploydash.errors import UserError

log = logging.getLogger(__name__)

BACK_OFF_S = (1.0, 2.0, 5.0, 10.0)
"""Seconds until a failed feed is started again; the last one repeats."""

STEADY_S = 60.0
"""A feed that ran this long had recovered: its next failure starts at the first back-off again."""


async def supervise(feed: Feed, inbox: Inbox, clock: Clock) -> None:
    """Run a feed until cancelled, whatever it raises.

    An error meant for the operator is shown in its own words; any other is a fault of ours, is logged
    with its traceback and shown as one sentence.
    """
    failures = 0
    while True:
        started = clock.monotonic()
        try:
            await feed.run(inbox)
            why = "its reader ended by itself"
        except UserError as error:
            why = str(error)
        except Exception as error:
            log.exception("feed %s failed", feed.name)
            why = f"its reader failed ({type(error).__name__}: {error}); the log has the details"
        now = clock.monotonic()
        failures = 0 if now - started > STEADY_S else failures
        pause = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
        failures += 1
        detail = f"{why}; trying again in {pause:.0f} s"
        await inbox.put([FeedChanged(feed.name, FeedState.DOWN, detail, now)])
        await asyncio.sleep(pause)


def is_ending(error: BaseException) -> bool:
    """Say whether an exception is the end of this task that somebody asked for.

    A library may raise a cancellation of its own instead of an error (aiokafka does), and nobody would hear of it.
    """
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling() > 0)
