"""An HTTP server on a real socket that stalls as hosts do: connections hang, or stand unanswered; then it is well."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum

Body = Callable[[str], bytes]
"""From the path that was asked for to the JSON of the answer."""


class Stall(Enum):
    """``SILENT``: what connects is never answered. ``DEAF``: what connects hangs until it is accepted."""

    SILENT = "accepts and never answers"
    DEAF = "accepts late"


class StallingServer:
    """Stalls from when it is made until ``recover()``; then it answers, also who connected before and still waits."""

    def __init__(self, stall: Stall, body: Body) -> None:
        self.asked = 0
        self._body = body
        self._well = asyncio.Event()
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        # A full queue of connections: the kernel lets every further one hang in its handshake.
        self._socket.listen(0 if stall is Stall.DEAF else 1_000)
        self._socket.setblocking(False)
        self._stall = stall
        self._fillers: list[socket.socket] = []
        self._serving: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    async def start(self) -> None:
        if self._stall is Stall.SILENT:
            self._serving = await asyncio.start_server(self._serve, sock=self._socket)
            return
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self._socket.getsockname())
            self._fillers.append(filler)

    async def recover(self) -> None:
        """Answer from now on."""
        self._well.set()
        for filler in self._fillers:
            filler.close()
        if self._serving is None:
            self._serving = await asyncio.start_server(self._serve, sock=self._socket, backlog=1_000)

    async def stop(self) -> None:
        await self.recover()
        if self._serving is not None:
            self._serving.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.asked += 1
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        await reader.readexactly(int(line.partition(b":")[2]))
                await self._well.wait()
                body = self._body(head.split()[1].decode())
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def stalling(stall: Stall, body: Body) -> AsyncIterator[StallingServer]:
    server = StallingServer(stall, body)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
