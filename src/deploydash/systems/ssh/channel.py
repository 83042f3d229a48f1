"""One command on a connection: its output as it comes, bounded, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import asyncssh

from deploydash.systems.ssh.answers import without_secrets
from deploydash.systems.ssh.ran import KEPT, Ran

_PIECE = 16_384
_LONGEST = 4_000
"""Characters of a line that has no end yet and is shown nevertheless."""


class _Stream:
    """Keeps the end of a stream, and hands its lines on; a carriage return ends a line, too."""

    def __init__(self, output: Callable[[str], None] | None) -> None:
        self._output = output
        self._pieces: list[str] = []
        self._size = 0
        self._line = ""

    @property
    def text(self) -> str:
        return "".join(self._pieces)[-KEPT:]

    def take(self, piece: str) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > 2 * KEPT:
            kept = self.text
            self._pieces, self._size = [kept], len(kept)
        if self._output is None:
            return
        *whole, self._line = (self._line + piece).replace("\r", "\n").split("\n")
        for line in whole:
            self._show(line)
        if len(self._line) > _LONGEST:
            self.end()

    def end(self) -> None:
        self._show(self._line)
        self._line = ""

    def _show(self, line: str) -> None:
        if self._output is not None and line.strip():
            self._output(without_secrets(line.rstrip()))


async def run(
    connection: asyncssh.SSHClientConnection,
    line: str,
    *,
    stdin: str,
    limit_s: float,
    output: Callable[[str], None] | None,
) -> Ran:
    """Run a command line; it is never sent a second time.

    What it writes is decoded as UTF-8, bytes that are none are kept as surrogates. When the limit passes the channel
    is closed: whether the command goes on, nobody knows.
    """
    out, err = _Stream(output), _Stream(output)
    process: asyncssh.SSHClientProcess[str] | None = None
    over = whole = False
    try:
        async with asyncio.timeout(limit_s):
            process = await connection.create_process(line, encoding="utf-8", errors="surrogateescape")
            with suppress(OSError):  # it may have ended already; what it said is read all the same
                process.stdin.write(stdin)
                process.stdin.write_eof()
            async with asyncio.TaskGroup() as group:
                group.create_task(_read(process.stdout, out))
                group.create_task(_read(process.stderr, err))
            await process.wait_closed()
            whole = True
    except TimeoutError:
        over = True
    except (asyncssh.Error, OSError):
        pass  # the connection was lost
    except BaseExceptionGroup as group_error:
        if group_error.split((asyncssh.Error, OSError))[1] is not None:
            raise
    finally:
        if process is not None:
            with suppress(OSError, asyncssh.Error):
                process.close()
    out.end()
    err.end()
    status = process.exit_status if process is not None and whole else None
    signal = process.exit_signal[0] if process is not None and whole and process.exit_signal else ""
    if signal or (status is not None and status < 0):
        status = None
    cut = not over and status is None and not signal
    return Ran(status, out.text, err.text, signal, cut=cut, over=over)


async def _read(reader: asyncssh.SSHReader[str], stream: _Stream) -> None:
    while piece := await reader.read(_PIECE):
        stream.take(piece)
