"""How an observer asks the lead's process to hold: one line over a Unix socket in the run's folder.

The socket takes nothing else, so whoever may write to it can stop a run but never move it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from deploydash.errors import UserError

SOCKET = "hold.sock"
MOST_BYTES = 200
ANSWER_S = 3.0


async def serve_holds(folder: Path, hold: Callable[[str], Awaitable[object]]) -> None:
    """Call ``hold`` with the name of whoever asks, until cancelled. The run's group may ask, too.

    A folder whose path is too long for a socket is no reason not to run: then nobody can ask this way.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), ANSWER_S)
            who = line[:MOST_BYTES].decode(errors="replace").strip()
            if who and who.isprintable():
                await hold(who)
                writer.write(b"held\n")
                await writer.drain()
        except (TimeoutError, ValueError, ConnectionError):
            pass
        finally:
            writer.close()

    path = folder / SOCKET
    path.unlink(missing_ok=True)
    try:
        server = await asyncio.start_unix_server(answer, path, limit=MOST_BYTES)
    except OSError:
        return
    path.chmod(0o660)
    try:
        async with server:
            await server.serve_forever()
    finally:
        path.unlink(missing_ok=True)


async def ask_to_hold(folder: Path, who: str) -> None:
    """Ask the lead's process to hold, and wait until it says that it does.

    Raises:
        UserError: nobody answers: the run is not open in a process of this machine, or may not be asked.
    """
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_unix_connection(folder / SOCKET)
            writer.write(f"{who}\n".encode())
            answer = await reader.readline()
            writer.close()
    except (OSError, TimeoutError) as error:
        raise UserError("the lead's process does not answer; nothing was held", hint="call the lead") from error
    if answer != b"held\n":
        raise UserError("the lead's process did not hold", hint="call the lead")
