"""One child process of a test, its log kept in a file, never left behind; and free loopback ports for it."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.servers.waiting import patient, wait_until

_BELOW_EPHEMERAL = range(18_000, 32_000)
_RANDOM = random.SystemRandom()  # a seed that a test sets must not lead two servers to one port
_GIVEN: set[int] = set()


def free_port() -> int:
    """Return a loopback port that nobody listens on.

    It is taken from below the ephemeral range (Linux: 32768 up), so that no client connection takes it
    while a server of ours is stopped on purpose.
    """
    while True:
        port = _RANDOM.choice(_BELOW_EPHEMERAL)
        if port in _GIVEN:
            continue  # it belongs to a server that does not listen yet, or is stopped on purpose
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _GIVEN.add(port)
            return port


def listens(port: int) -> bool:
    """Return whether something accepts connections on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class ServerFailedError(AssertionError):
    """A server ended or did not get ready; the message ends with the tail of its log."""


class ChildProcess:
    """A server's process. It dies with the test process, however that ends (``setpriv --pdeathsig``)."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    @property
    def pid(self) -> int:
        assert self._popen is not None, f"{self.name} was not started"
        return self._popen.pid

    def start(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> None:
        """Start ``command`` with its output appended to the log."""
        assert not self.running, f"{self.name} runs already"
        setpriv = shutil.which("setpriv")
        prefix = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [*prefix, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=env
            )

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait for ``ready``.

        Raises:
            ServerFailedError: the process ended, or was not ready in time.
        """
        try:
            wait_until(lambda: not self.running or ready(), seconds, f"{self.name} is ready")
        except AssertionError as error:
            raise ServerFailedError(f"{error}\n{self.log_tail()}") from error
        if not self.running:
            raise ServerFailedError(f"{self.name} ended before it was ready\n{self.log_tail()}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal if the process still runs."""
        if self._popen is not None and self._popen.poll() is None:
            self._popen.send_signal(number)

    def stop(self, seconds: float = 15.0) -> None:
        """End it with SIGTERM, and with SIGKILL if it does not obey in ``seconds``."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        if self._popen is not None:
            try:
                self._popen.wait(patient(seconds))
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it with SIGKILL and wait until it is gone."""
        self.send(signal.SIGKILL)
        if self._popen is not None:
            self._popen.wait(patient(10))

    def log_tail(self, lines: int = 40) -> str:
        """Return the end of the log, for a failure's message."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
