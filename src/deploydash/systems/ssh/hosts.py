"""Connections to hosts: one for each, shared by whoever works there, opened when used, closed when nobody does."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from deploydash.errors import FeedError
from deploydash.loading import loaded
from deploydash.systems.ssh.argv import Argv, quoted, refuse_unsendable
from deploydash.systems.ssh.ran import READ_S, Ran
from deploydash.systems.ssh.where import Login, Places

if TYPE_CHECKING:
    import asyncssh

KEEP_S = 20.0
"""So long a connection is kept that nobody uses: what a card would do is read again and again."""

CHANNELS = 4
"""So many commands may be under way on one connection; servers allow ten."""

Answer = TypeVar("Answer")

Chain = tuple[Login, ...]
"""A host behind the jump hosts through which it is reached."""


class Host:
    """One host that one may ask and tell."""

    def __init__(
        self,
        login: Login,
        connection: asyncssh.SSHClientConnection,
        channels: asyncio.Semaphore,
        sent: Callable[[], None],
    ) -> None:
        self.login = login
        self.sent = sent
        """Called before each command that changes something there."""
        self._connection = connection
        self._channels = channels

    @property
    def gone(self) -> bool:
        """Whether its connection was lost."""
        return self._connection.is_closed()

    async def run(
        self,
        argv: Argv,
        *,
        stdin: str = "",
        limit_s: float = READ_S,
        output: Callable[[str], None] | None = None,
    ) -> Ran:
        """Run a command to its end and return what came of it; a cut and a limit that passed are told, not raised.

        Raises:
            ValueError: an argument would not arrive as it is; nothing was sent.
        """
        refuse_unsendable(argv)
        async with self._channels:
            run = loaded("deploydash.systems.ssh.channel").run
            ran: Ran = await run(self._connection, quoted(argv), stdin=stdin, limit_s=limit_s, output=output)
            return ran


class _Link:
    """A connection, or the attempt at one, and how many use it."""

    def __init__(self, opening: asyncio.Task[asyncssh.SSHClientConnection]) -> None:
        self.opening = opening
        self.channels = asyncio.Semaphore(CHANNELS)
        self.users = 0
        self.closing: asyncio.TimerHandle | None = None

    @property
    def dead(self) -> bool:
        """Whether it failed or was lost."""
        if not self.opening.done():
            return False
        return self.opening.cancelled() or self.opening.exception() is not None or self.opening.result().is_closed()


class Hosts:
    """The connections to the hosts of a site. ``sent``: how many commands that change something went to each."""

    def __init__(self, places: Places, again_s: float = 5.0) -> None:
        self._places = places
        self._again_s = again_s
        """So long a host that did not let us in is not tried again: some lock out whoever comes too often."""
        self._failed: dict[Chain, tuple[float, FeedError]] = {}
        self._links: dict[Chain, _Link] = {}
        self._chains: dict[Login, Chain] = {}
        self._held: dict[Login, int] = {}
        self.sent: Counter[Login] = Counter()

    @asynccontextmanager
    async def host(self, login: Login) -> AsyncIterator[Host]:
        """Hold a connection to a host; a lost one is made anew.

        Raises:
            FeedError: the host must not be reached, is not, or does not let us in.
        """
        chain = await self._chain(login)
        link = self._use(chain)
        try:
            connection = await asyncio.shield(link.opening)
            yield Host(login, connection, link.channels, lambda: self.sent.update((login,)))
        finally:
            self._leave(chain, link)

    async def read(self, login: Login, question: Callable[[Host], Awaitable[Answer]]) -> Answer:
        """Return what a question to a host brings; it is asked once more where the connection had been lost before.

        Raises:
            FeedError: as for ``host``, and what the question raises.
        """
        async with self.host(login) as host:
            try:
                return await question(host)
            except FeedError:
                if not host.gone:
                    raise
        async with self.host(login) as host:
            return await question(host)

    @asynccontextmanager
    async def holding(self, logins: Iterable[Login]) -> AsyncIterator[None]:
        """Keep what is opened to these hosts until the end, and close it then."""
        held = tuple(dict.fromkeys(logins))
        for login in held:
            self._held[login] = self._held.get(login, 0) + 1
        try:
            yield
        finally:
            for login in held:
                self._held[login] -= 1
                chain = self._chains.get(login)
                link = self._links.get(chain) if chain is not None else None
                if chain is not None and link is not None and not link.users and not self._held[login]:
                    self._close(chain, link)

    async def aclose(self) -> None:
        """Close everything."""
        links = list(self._links.items())
        for chain, link in links:
            self._close(chain, link)
        for _, link in links:
            with suppress(asyncio.CancelledError, Exception):
                await (await link.opening).wait_closed()

    async def _chain(self, login: Login) -> Chain:
        if login not in self._chains:
            module = await asyncio.to_thread(loaded, "deploydash.systems.ssh.connect")
            way = await module.way_to(login, self._places)
            self._chains[login] = (*way.jumps, login)
        return self._chains[login]

    def _use(self, chain: Chain) -> _Link:
        link = self._links.get(chain)
        if link is None or link.dead:
            now = asyncio.get_running_loop().time()
            at, error = self._failed.get(chain, (0.0, None))
            if error is not None and now - at < self._again_s:
                raise FeedError(error.system, error.message, hint=error.hint)
            link = self._links[chain] = _Link(asyncio.create_task(self._open(chain), name=f"ssh {chain[-1]}"))
            link.opening.add_done_callback(lambda opening: self._looked_at(chain, opening))
        if link.closing is not None:
            link.closing.cancel()
            link.closing = None
        link.users += 1
        return link

    def _leave(self, chain: Chain, link: _Link) -> None:
        link.users -= 1
        if link.users or self._links.get(chain) is not link:
            if not link.users:
                self._end(link)
            return
        if link.dead:
            self._close(chain, link)
        elif not self._held.get(chain[-1]):
            link.closing = asyncio.get_running_loop().call_later(KEEP_S, self._close, chain, link)

    def _close(self, chain: Chain, link: _Link) -> None:
        if self._links.get(chain) is link:
            del self._links[chain]
        self._end(link)

    @staticmethod
    def _end(link: _Link) -> None:
        if link.closing is not None:
            link.closing.cancel()
        if not link.opening.done():
            link.opening.cancel()
        elif not link.opening.cancelled() and link.opening.exception() is None:
            link.opening.result().close()

    def _looked_at(self, chain: Chain, opening: asyncio.Task[asyncssh.SSHClientConnection]) -> None:
        """Take note of a failure, even of one that nobody waits for any more."""
        self._failed.pop(chain, None)
        error = None if opening.cancelled() else opening.exception()
        if isinstance(error, FeedError):
            self._failed[chain] = (asyncio.get_running_loop().time(), error)

    async def _open(self, chain: Chain) -> asyncssh.SSHClientConnection:
        module: Any = await asyncio.to_thread(loaded, "deploydash.systems.ssh.connect")
        way = await module.way_to(chain[-1], self._places)
        if len(chain) == 1:
            connection: asyncssh.SSHClientConnection = await module.connect(way, None)
            return connection
        before = chain[:-1]
        link = self._use(before)
        try:
            connection = await module.connect(way, await asyncio.shield(link.opening))
        except BaseException:
            self._leave(before, link)
            raise
        _when_closed(connection, lambda: self._leave(before, link))
        return connection


_WATCHED: set[asyncio.Task[None]] = set()


def _when_closed(connection: asyncssh.SSHClientConnection, then: Callable[[], None]) -> None:
    async def watch() -> None:
        await connection.wait_closed()
        then()

    task = asyncio.create_task(watch(), name="ssh behind a jump host")
    _WATCHED.add(task)
    task.add_done_callback(_WATCHED.discard)
