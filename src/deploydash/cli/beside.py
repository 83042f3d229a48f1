"""A screen and the work behind it, side by side, until one of them ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from deploydash.cli.exits import Exit
from deploydash.errors import UserError
from deploydash.ui.app import DeploydashApp

log = logging.getLogger(__name__)


async def side_by_side(
    app: DeploydashApp, work: Coroutine[Any, Any, None], *, finish: Callable[[], Awaitable[object]] | None = None
) -> Exit:
    """Run ``app`` and ``work`` until the app is left or the work ends, then end the other.

    ``finish``, if given, is waited for when the screen failed or its terminal was lost: what is under way outlives
    both. SIGHUP is how the loss of a terminal is told.

    Raises:
        UserError: the work could not go on and said why.
        ExceptionGroup: work or screen have a fault of their own; none hides the other.
    """
    working = asyncio.create_task(work, name="work")
    showing = asyncio.create_task(app.run_async(mouse=False), name="screen")
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, app.terminal_lost)
    try:
        await asyncio.wait({working, showing}, return_when=asyncio.FIRST_COMPLETED)
        lost = app.return_code == Exit.TERMINAL_LOST
        if finish is not None and (lost or app.failure is not None) and not working.done():
            what = "the terminal is lost" if lost else "the screen failed"
            log.warning("%s; what is under way is followed to its end", what)
            await asyncio.to_thread(_say, f"{what}; what is under way is followed to its end")
            finishing = asyncio.ensure_future(finish())
            await asyncio.wait({working, finishing}, return_when=asyncio.FIRST_COMPLETED)
            finishing.cancel()
    finally:
        # A cancelled screen may leave the terminal as it is; one that exits by itself restores it.
        if not showing.done():
            app.exit()
        working.cancel()
        ended = await asyncio.gather(working, showing, return_exceptions=True)
    faults = [fault for each in (*ended, app.failure) if isinstance(each, Exception) for fault in _single(each)]
    said = [fault for fault in faults if isinstance(fault, UserError)]
    if said and len(said) == len(faults):
        raise said[0]
    if faults:
        raise ExceptionGroup("the screen or what stands behind it failed", faults)
    return Exit(app.return_code or Exit.YES)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _single(fault: Exception) -> list[Exception]:
    if isinstance(fault, ExceptionGroup):
        return [single for inner in fault.exceptions for single in _single(inner)]
    return [fault]
