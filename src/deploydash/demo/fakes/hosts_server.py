"""The SSH port of one host of the demo observatory: real SSH on loopback, keys alone, one command a channel.

A port costs a listening socket until somebody knocks; asyncssh and the host's options are loaded then.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploydash.demo.fakes.hosts_keys import KeyPair, key_pair

if TYPE_CHECKING:
    import asyncssh

_LOGIN_S = 20.0
_KEX, _CIPHER = "curve25519-sha256", "aes128-gcm@openssh.com"
"""The cheapest of those that every client offers: many hosts share the one loop of the demo observatory."""


@dataclass(eq=False)
class Channel:
    """One command of a client: who asked it, what it says, and whether anybody is there to hear it.

    ``cut`` breaks the connection that it came by.
    """

    user: str
    command: str
    stdin: AsyncIterator[str]
    cut: Callable[[], None]
    _write: Callable[[str, bool], None] = field(repr=False)

    def out(self, text: str) -> None:
        """Write to standard output; what nobody hears is lost."""
        self._write(text, False)

    def err(self, text: str) -> None:
        """Write to standard error; what nobody hears is lost."""
        self._write(text, True)


Serve = Callable[[Channel], Coroutine[Any, Any, int]]
"""Carries a command out; returns its exit status, or less than 0 for the number of the signal that ended it."""


@dataclass
class Manner:
    """How a port fails now. ``stranger``: a key that it offers instead of its own."""

    down: bool = False
    silent: bool = False
    refuses_key: bool = False
    stranger: KeyPair | None = None


class Port:
    """The port of one host."""

    def __init__(self, client: KeyPair, serve: Serve) -> None:
        self.key = key_pair()
        self.number = 0
        self.manner = Manner()
        self._client = client
        self._serve = serve
        self._listening: socket.socket | None = None
        self._work: set[asyncio.Task[None]] = set()
        self._commands: set[asyncio.Task[int]] = set()
        self._connections: set[Any] = set()
        self._held: list[socket.socket] = []

    def open(self) -> None:
        """Listen; again on the same port after `close`."""
        if self._listening is None:
            self._listening = socket.create_server(("127.0.0.1", self.number))
            self._listening.setblocking(False)
            self.number = self._listening.getsockname()[1]
            asyncio.get_running_loop().add_reader(self._listening.fileno(), self._accept)

    def close(self) -> None:
        """Listen no more, and break what is connected; commands under way go on."""
        if self._listening is not None:
            asyncio.get_running_loop().remove_reader(self._listening.fileno())
            self._listening.close()
            self._listening = None
        for connection in list(self._connections):
            connection.abort()
        for held in self._held:
            held.close()
        self._held.clear()

    async def stop(self) -> None:
        """Close for good, and end commands under way."""
        self.close()
        tasks = [*self._work, *self._commands]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self) -> None:
        if self._listening is None:
            return
        with contextlib.suppress(BlockingIOError, ConnectionError):
            knocking, _ = self._listening.accept()
            knocking.setblocking(False)
            if self.manner.silent:
                self._held.append(knocking)
                return
            task = asyncio.get_running_loop().create_task(self._talk(knocking))
            self._work.add(task)
            task.add_done_callback(self._work.discard)

    async def _talk(self, knocking: socket.socket) -> None:
        with contextlib.closing(knocking):
            library = await asyncio.to_thread(importlib.import_module, "asyncssh")
            with contextlib.suppress(OSError, library.Error):
                connection = await library.run_server(knocking, options=self._options(library))
                self._connections.add(connection)
                try:
                    await connection.wait_closed()
                finally:
                    self._connections.discard(connection)

    def _options(self, library: Any) -> Any:
        allowed = key_pair() if self.manner.refuses_key else self._client
        offered = self.manner.stranger or self.key
        return library.SSHServerConnectionOptions(
            server_host_keys=[library.import_private_key(offered.private)],
            authorized_client_keys=library.import_authorized_keys(allowed.public),
            kex_algs=[_KEX],
            encryption_algs=[_CIPHER],
            process_factory=self._command,
            login_timeout=_LOGIN_S,
            allow_pty=True,
        )

    async def _command(self, process: asyncssh.SSHServerProcess[str]) -> None:
        """Carry out one command, in a task of its own that outlives its connection."""

        def write(text: str, to_stderr: bool) -> None:
            with contextlib.suppress(OSError):
                (process.stderr if to_stderr else process.stdout).write(text)

        channel = Channel(
            str(process.get_extra_info("username")),
            process.command or "",
            aiter(process.stdin),
            process.channel.get_connection().abort,
            write,
        )
        task = asyncio.get_running_loop().create_task(self._serve(channel))
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)
        status = await asyncio.shield(task)
        with contextlib.suppress(OSError):
            if status < 0:
                process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
            else:
                process.exit(status)
