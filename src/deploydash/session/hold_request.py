"""How an observer asks the lead's process to hold: one line over a Unix socket in the run's folder.

The socket takes nothing else, so whoever may write to it can stop a run but never move it.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploydash.core.outside_text import visible
from deploydash.errors import UserError

SOCKET = "hold.sock"
MOST_BYTES = 200
ANSWER_S = 3.0
LONGEST_SOCKET = 100
"""Bytes of a socket's path; the kernel takes 107."""


async def serve_holds(folder: Path, hold: Callable[[str], Awaitable[object]]) -> None:
    """Call ``hold`` with the name of whoever asks, until cancelled. The run's group may ask, too.

    A folder that takes no socket is no reason not to run: then nobody can ask this way.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), ANSWER_S)
            who = line[:MOST_BYTES].decode(errors="replace").strip()
            if who and who.isprintable():
                await hold(_truly(who, writer))
                writer.write(b"held\n")
                await writer.drain()
        except (TimeoutError, ValueError, ConnectionError):
            pass
        finally:
            writer.close()

    path = folder / SOCKET
    path.unlink(missing_ok=True)
    try:
        with _within_reach(folder) as address:
            server = await asyncio.start_unix_server(answer, address, limit=MOST_BYTES)
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
            with _within_reach(folder) as address:
                reader, writer = await asyncio.open_unix_connection(address, limit=MOST_BYTES)
            try:
                writer.write(f"{visible(who)}\n".encode())
                answer = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError) as error:  # ValueError: an answer without end
        raise UserError("the lead's process does not answer; nothing was held", hint="call the lead") from error
    if answer != b"held\n":
        raise UserError("the lead's process did not hold", hint="call the lead")


def _truly(who: str, writer: asyncio.StreamWriter) -> str:
    """Return who asks, with the user's name as the kernel knows it where another one was given (Linux; unix(7))."""
    peer = writer.get_extra_info("socket")
    if not hasattr(socket, "SO_PEERCRED") or peer is None:
        return who
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = f"user {uid}"
    return who if who.startswith(f"{user}@") else f"{user}, who says {who}"


@contextmanager
def _within_reach(folder: Path) -> Iterator[Path]:
    """Give the socket's path, through the open folder where it is too long for a socket (Linux; proc(5))."""
    path = folder / SOCKET
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        yield path
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Path(f"/proc/self/fd/{descriptor}/{SOCKET}")
    finally:
        os.close(descriptor)
