"""CSCs that beat by themselves in the background until they are killed."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from deploydash.core.model import CscId
from tests.servers.fleet import SalWriter

_FIRST_ORIGIN = 1000


@dataclass(slots=True)
class _Life:
    """One process of a CSC: its origin and the number of its last beat."""

    origin: int
    seq: int = 0


class Beater:
    """Beats a set of CSCs every ``period`` seconds from a thread; a context manager that stops on exit.

    A beat that the broker does not take within two seconds is dropped, so that a broker that comes back
    meets live beats only.
    """

    def __init__(
        self, writer: SalWriter, cscs: Iterable[CscId], *, period: float = 1.0, first_origin: int = _FIRST_ORIGIN
    ) -> None:
        self._writer = writer
        self._period = period
        self._origins = itertools.count(first_origin)
        self._lives: dict[CscId, _Life] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beater", daemon=True)
        wanted = list(cscs)
        writer.prepare(wanted, ["heartbeat"])
        for csc in wanted:
            self._lives[csc] = _Life(next(self._origins))

    def origin(self, csc: CscId) -> int:
        """Return the origin of the process that beats as this CSC."""
        with self._lock:
            return self._lives[csc].origin

    def kill(self, csc: CscId) -> None:
        """Let a CSC fall silent without a word, as SIGKILL does."""
        with self._lock:
            del self._lives[csc]

    def start_csc(self, csc: CscId, *, origin: int | None = None) -> int:
        """Let a new process of a CSC beat, its numbers from 1 again; return its origin (new unless given)."""
        self._writer.prepare([csc], ["heartbeat"])
        with self._lock:
            self._lives[csc] = _Life(next(self._origins) if origin is None else origin)
            return self._lives[csc].origin

    def _run(self) -> None:
        producer = self._writer.topics.new_producer(message_timeout_ms=2000)
        due = time.monotonic()
        while not self._stopped.is_set():
            with self._lock:
                for csc, life in self._lives.items():
                    life.seq += 1
                    topic, key, value = self._writer.record(
                        csc, "heartbeat", {"heartbeat": False}, origin=life.origin, seq=life.seq
                    )
                    producer.produce(topic, key=key, value=value)
            producer.poll(0)
            due = max(due + self._period, time.monotonic())
            self._stopped.wait(due - time.monotonic())
        producer.flush(5)

    def start(self) -> Self:
        """Begin to beat at once."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Let all fall silent; return when no more beat is under way."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
