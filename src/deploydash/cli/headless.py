"""Runs a session without a screen until a question about its snapshots is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from deploydash.core.fleet.snapshot import Snapshot
from deploydash.wiring.read_only import ReadOnly


async def until(reader: ReadOnly, answered: Callable[[Snapshot], bool], limit_s: float | None) -> Snapshot:
    """Run the session until ``answered`` says yes to a snapshot or ``limit_s`` (monotonic seconds) is over.

    Returns the snapshot that was answered yes, or the last one at the limit. A fault of the session and
    whatever ``answered`` raises are raised.
    """
    result: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()

    def look(snapshot: Snapshot) -> None:
        if result.done():
            return
        try:
            if answered(snapshot):
                result.set_result(snapshot)
        except Exception as error:  # noqa: BLE001 - the session must not swallow it; it is raised below
            result.set_exception(error)

    unsubscribe = reader.session.subscribe(look)
    running = asyncio.create_task(reader.session.run(), name="session")
    try:
        either: set[asyncio.Future[Any]] = {running, result}
        await asyncio.wait(either, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        return result.result() if result.done() else reader.session.snapshot()
    finally:
        unsubscribe()
        running.cancel()
        await asyncio.wait({running})
        await reader.aclose()
