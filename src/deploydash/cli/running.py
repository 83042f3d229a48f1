"""Runs a command's asynchronous work so that every way of ending it leaves the terminal as it was."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from deploydash.session.standstill import run_patiently

Result = TypeVar("Result")

ENDING = (signal.SIGTERM, signal.SIGHUP)
"""``kill``, and a terminal or ssh connection that goes away; ctrl+c is asyncio's own."""

SETTLED_S = 6.0
"""By then all topics are assigned, their schemas are read and every CSC is known: what stands then stays."""


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run ``work`` to its end and return what it returns.

    Raises:
        SystemExit: SIGTERM or SIGHUP cancelled it, or came while it ended; the code is 128 + the signal's number.
        KeyboardInterrupt: ctrl+c (SIGINT) cancelled it.
    """
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in ENDING}

    async def ending_in_order() -> Result:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()

        def end(number: int) -> None:
            received.append(number)
            if task is not None:
                task.cancel()

        for number in ENDING:
            loop.add_signal_handler(number, end, number)
        # Python's full collections go through everything that may ever go; of what stays for ever that was a tenth of
        # a second, in which no state reaches the screen.
        gc.freeze()
        loop.call_later(SETTLED_S, gc.freeze)
        return await work

    try:
        result = run_patiently(ending_in_order())
    except asyncio.CancelledError:
        if not received:
            raise
    else:
        if not received:
            return result
    finally:
        # The loop leaves the usual death by a signal behind, and what was found may still have to be written.
        for number, handler in before.items():
            signal.signal(number, handler)
    raise SystemExit(128 + received[0])
