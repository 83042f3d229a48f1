"""Acknowledgements of commands: what they say, to whom, and the wait for one's own.

Codes: ts_xml ``sal_enums.py`` ``SalRetCode``. A command is known by who sent it (identity and origin) and its
number; ``cmdtype`` means another thing in every language and is not looked at (ts_salobj ``remote_command.py``).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from deploydash.core.model import CscId
from deploydash.systems.sal.wire.fields import index_of, integer, text

_LONGEST_EXTENSION_S = 3600.0


class AckCode(IntEnum):
    """What an ``ackcmd`` says in its field ``ack``."""

    ACK = 300
    INPROGRESS = 301
    STALLED = 302
    COMPLETE = 303
    NOPERM = -300
    NOACK = -301
    FAILED = -302
    ABORTED = -303
    TIMEOUT = -304


FINAL = frozenset(AckCode) - {AckCode.ACK, AckCode.INPROGRESS, AckCode.STALLED}
"""Codes after which no other follows. STALLED is none of them here: a stalled command may still be carried out, so
it is waited for until its time is over and then unknown."""

_WORDS: Mapping[int, str] = {
    AckCode.COMPLETE: "done",
    AckCode.NOPERM: "no permission",
    AckCode.NOACK: "no acknowledgement (NOACK)",
    AckCode.FAILED: "failed",
    AckCode.ABORTED: "aborted",
    AckCode.TIMEOUT: "it ran out of its own time",
}


@dataclass(frozen=True, slots=True)
class Ack:
    """One ``ackcmd``. ``identity``, ``origin`` and ``seq_num`` are the command's; ``extends_s`` what it asks for.

    ``place``: that of the command among all topics of the component, None where nobody knows what its number means.
    """

    csc: CscId
    identity: str
    origin: int
    seq_num: int
    code: int
    error: int
    result: str
    extends_s: float
    place: int | None = None


def ack_of(component: str, fields: Mapping[str, Any]) -> Ack:
    """Return what a decoded ``ackcmd`` says.

    Raises:
        Undecodable: a needed field is missing, null or of a wrong type.
    """
    extends = fields.get("timeout")
    usable = isinstance(extends, float) and math.isfinite(extends) and extends > 0
    return Ack(
        CscId(component, index_of(fields)),
        text(fields, "identity"),
        integer(fields, "origin"),
        integer(fields, "private_seqNum"),
        integer(fields, "ack"),
        integer(fields, "error"),
        text(fields, "result"),
        min(float(extends or 0.0), _LONGEST_EXTENSION_S) if usable else 0.0,
        _place(fields),
    )


def _place(fields: Mapping[str, Any]) -> int | None:
    """Return the ``cmdtype`` of what ts_salobj acknowledged: SAL in C++ writes other numbers, and 0 as its origin."""
    place, origin = fields.get("cmdtype"), fields.get("private_origin")
    known = isinstance(place, int) and isinstance(origin, int) and origin > 0
    return place if known and isinstance(place, int) else None


def command_at(place: int | None, sal_names: Iterable[str]) -> str:
    """Return the command at a place among all topics of a component in alphabetical order, or nothing.

    ts_salobj counts so (``topics/controller_command.py``); it is for telling people and nothing is decided by it.
    """
    names = sorted(sal_names)
    name = names[place] if place is not None and 0 <= place < len(names) else ""
    return name.removeprefix("command_") if name.startswith("command_") else ""


@dataclass(frozen=True, slots=True)
class AckSeen:
    """A command that nobody here waits for was acknowledged for good: somebody else's, or ours after its time.

    ``at`` is our monotonic clock. ``command``: which it was, where that is known.
    """

    csc: CscId
    identity: str
    origin: int
    seq_num: int
    code: int
    result: str
    ours: bool
    at: float
    command: str = ""

    @property
    def what(self) -> str:
        """What came of the command, in words."""
        return in_words(self.code, self.result)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command of ours was answered; ``code`` 0: not within its time."""

    code: int
    error: int
    result: str

    @property
    def ok(self) -> bool | None:
        """Whether it was obeyed; None where nobody knows, because no answer came or whoever answered did not know."""
        if self.code in {0, AckCode.NOACK, AckCode.TIMEOUT}:
            return None
        return self.code == AckCode.COMPLETE

    @property
    def words(self) -> str:
        """The answer in words."""
        return self.result if self.code == 0 else in_words(self.code, self.result)


def in_words(code: int, result: str) -> str:
    """Return a code and its text as an operator reads them: ``failed: enable not allowed in state STANDBY``."""
    said = _WORDS.get(code, f"acknowledged with {code}")
    told = result.strip().removeprefix("Failed: ")
    return f"{said}: {told}" if told and told.lower() not in {"done", "ok"} else said


class Awaited:
    """The wait for the final acknowledgement of one command; it takes acks from before the wait begins, too."""

    def __init__(self, csc: CscId, limit_s: float, now: Callable[[], float]) -> None:
        self.csc = csc
        self._now = now
        self._began = now()
        self._limit_s = limit_s
        self._last = 0
        self._final: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def take(self, ack: Ack) -> None:
        """Take one acknowledgement of this command; each INPROGRESS adds its time to the limit."""
        self._last = ack.code
        if ack.code in FINAL:
            if not self._final.done():
                self._final.set_result(Answer(ack.code, ack.error, ack.result))
        elif ack.code == AckCode.INPROGRESS:
            self._limit_s += ack.extends_s

    async def answer(self) -> Answer:
        """Return the final acknowledgement, or an answer with code 0 once the time is over."""
        while not self._final.done():
            left = self._began + self._limit_s - self._now()
            if left <= 0:
                return Answer(0, 0, f"no answer within {self._limit_s:g} s{self._so_far()}")
            await asyncio.wait({self._final}, timeout=left)
        return self._final.result()

    def began(self) -> None:
        """Count the limit from now: the command is on Kafka."""
        self._began = self._now()

    def _so_far(self) -> str:
        if self._last == AckCode.INPROGRESS:
            return "; it was in progress"
        return "; it had stalled" if self._last == AckCode.STALLED else ""
