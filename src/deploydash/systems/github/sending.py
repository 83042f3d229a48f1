"""One request that changes GitHub: on disk before it is sent, sent once, and looked for when no answer came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from deploydash.core.run.ports import End, ItemContext
from deploydash.core.run.records import Outcome
from deploydash.errors import FeedError
from deploydash.systems.github.errors import GithubError
from deploydash.systems.github.login import LoginError
from deploydash.systems.http import HttpError

LOOKS = 12
"""So often it is looked whether a request without an answer was carried out; GitHub may still be at it."""


async def sent_once(
    line: str,
    key: str,
    send: Callable[[], Awaitable[str]],
    done: Callable[[], Awaitable[bool]],
    context: ItemContext,
    poll_s: float,
) -> End | None:
    """Send a request once; return how it ended where it was not carried out, None where it was or goes on.

    ``send`` returns what was answered, in words; ``done`` looks whether it was carried out.
    """
    if why := await context.intend(line, key, begins=True):
        return End(Outcome.FAILED, why)
    try:
        answer = await send()
    except LoginError as error:
        await context.answered(False, str(error))
        return End(Outcome.FAILED, f"not sent: {error}")
    except HttpError as error:
        if error.unsent:
            await context.answered(False, str(error))
            return End(Outcome.FAILED, f"not sent: {error}")
        return await _unsure(str(error), done, context, poll_s)
    except GithubError as error:
        if error.unsure:
            return await _unsure(str(error), done, context, poll_s)
        await context.answered(False, str(error))
        return End(Outcome.FAILED, str(error))
    await context.answered(True, answer)
    return None


async def _unsure(why: str, done: Callable[[], Awaitable[bool]], context: ItemContext, poll_s: float) -> End | None:
    await context.answered(None, why)
    await context.progress("no answer", f"{why}; looking whether it was done, it is not sent again")
    for _ in range(LOOKS):
        try:
            if await done():
                return None
        except FeedError as error:
            why = str(error)
        await asyncio.sleep(poll_s / 2)
    return End(Outcome.UNKNOWN, f"{why}; GitHub shows nothing of it so far")
