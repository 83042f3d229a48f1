"""A script in a ScriptQueue as its records tell it: facts, one fold, and how it ended.

Sources: ts_xml ``enums/Script.py`` and ``enums/ScriptQueue.py``; ts_scriptqueue ``script_info.py``. A queue numbers its
scripts anew when it restarts, so an index alone is nobody: ``cmdId``, the number of the command that added it, and the
start of its process tell scripts apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from deploydash.core.model import CscId


class ScriptState(IntEnum):
    """What a script says of itself."""

    UNKNOWN = 0
    UNCONFIGURED = 1
    CONFIGURED = 2
    RUNNING = 3
    PAUSED = 4
    ENDING = 5
    STOPPING = 6
    FAILING = 7
    DONE = 8
    STOPPED = 9
    FAILED = 10
    CONFIGURE_FAILED = 11


class ProcessState(IntEnum):
    """What a queue says of a script's process."""

    UNKNOWN = 0
    LOADING = 1
    CONFIGURED = 2
    RUNNING = 3
    DONE = 4
    LOADFAILED = 5
    CONFIGURE_FAILED = 6
    TERMINATED = 7


@dataclass(frozen=True, slots=True)
class ScriptTold:
    """A queue's ``logevent_script``. ``origin`` is the queue's process; stamps in TAI, 0 for not yet."""

    queue: CscId
    origin: int
    sal_index: int
    cmd_id: int
    path: str
    process_state: ProcessState
    state: ScriptState
    started_tai: float
    ended_tai: float


@dataclass(frozen=True, slots=True)
class StateOfScript:
    """A script's own ``logevent_state``; told again at every checkpoint."""

    sal_index: int
    origin: int
    sent_tai: float
    state: ScriptState
    reason: str
    checkpoint: str


@dataclass(frozen=True, slots=True)
class LogOfScript:
    """A script's ``logMessage``; ``level`` as Python's logging."""

    sal_index: int
    origin: int
    sent_tai: float
    level: int
    message: str


@dataclass(frozen=True, slots=True)
class BeatOfScript:
    """A script's heartbeat: one every 5 s (ts_salobj ``base_script.py``)."""

    sal_index: int
    origin: int
    sent_tai: float


@dataclass(frozen=True, slots=True)
class QueueTold:
    """A queue's ``logevent_queue``; ``current`` 0 for none."""

    queue: CscId
    origin: int
    enabled: bool
    running: bool
    current: int
    waiting: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ScriptsListed:
    """A queue's ``logevent_availableScripts``: the paths in both of its directories."""

    queue: CscId
    standard: tuple[str, ...]
    external: tuple[str, ...]


OfScript = StateOfScript | LogOfScript | BeatOfScript
ScriptFact = ScriptTold | OfScript | QueueTold | ScriptsListed

FINAL = frozenset({ScriptState.DONE, ScriptState.STOPPED, ScriptState.FAILED, ScriptState.CONFIGURE_FAILED})
_NEVER_RAN = frozenset({ProcessState.LOADFAILED, ProcessState.CONFIGURE_FAILED, ProcessState.TERMINATED})
_EARLIER_S = 1.0
"""A script cannot tell anything before the queue started its process; the two stamps are of one host's clock."""
_MOST_KEPT = 2_000
"""Facts that are kept until the queue tells whose they are: all that is read back of every script, and some more."""


@dataclass(frozen=True, slots=True)
class Followed:
    """One script that we added by the command number ``cmd_id``, as far as it has been told.

    ``log`` is its last line, ``reason`` what its last state gave as one. ``heard`` counts facts about it, so that
    silence can be told. ``running``: whether its queue runs scripts; ``halted``: it does not, and this is its
    current one.
    ``restarted``: the queue has another process now, so nobody tells of this script any more.
    """

    queue: CscId
    cmd_id: int
    sal_index: int = 0
    origin: int = 0
    script_origin: int = 0
    process_state: ProcessState = ProcessState.UNKNOWN
    state: ScriptState = ScriptState.UNKNOWN
    checkpoint: str = ""
    reason: str = ""
    log: str = ""
    started_tai: float = 0.0
    ended_tai: float = 0.0
    heard: int = 0
    running: bool | None = None
    halted: bool = False
    restarted: bool = False
    early: tuple[OfScript, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether it will not run any further; its process may still be leaving."""
        return self.state in FINAL or self.process_state in _NEVER_RAN or self.ended_tai > 0

    @property
    def done(self) -> bool:
        """Whether it ran to its end without fault."""
        return self.state is ScriptState.DONE and self.process_state not in _NEVER_RAN

    @property
    def failed(self) -> bool:
        """Whether it failed by itself, so that the last line of its log says why; whoever stopped it wrote none."""
        return self.state in {ScriptState.FAILED, ScriptState.CONFIGURE_FAILED}

    @property
    def stands(self) -> str:
        """The name of its state; before it reports one, that of its process, as the queue tells it."""
        return self.process_state.name if self.state is ScriptState.UNKNOWN else self.state.name

    @property
    def paused_by_it(self) -> bool:
        """Whether its end left the queue paused."""
        return self.halted and self.ended and not self.done

    @property
    def gone(self) -> bool:
        """Whether its process has ended and its queue has said what follows from it."""
        waits = self.state is ScriptState.FAILED or self.process_state is ProcessState.TERMINATED
        return self.ended_tai > 0 and (self.paused_by_it or not waits)

    @property
    def words(self) -> str:
        """How it stands, in words, for a card or the reason of an end."""
        if self.process_state in _NEVER_RAN:
            said = self.process_state.name.replace("_", " ").lower().replace("loadfailed", "could not be loaded")
        else:
            said = self.stands.replace("_", " ").lower()
        if not self.ended:
            return f"{said} at checkpoint {self.checkpoint}" if self.checkpoint else said
        told = first_line(self.reason) or (first_line(self.log) if self.failed else "")
        paused = f"; it left {self.queue} paused" if self.paused_by_it else ""
        return (said if self.done or not told else f"{said}: {told}") + paused


def follow(seen: Followed, fact: ScriptFact) -> Followed:
    """Return what is known of a script after one more fact; facts about others change nothing."""
    if isinstance(fact, ScriptsListed):
        return seen
    if isinstance(fact, QueueTold):
        return _queue(seen, fact) if fact.queue == seen.queue else seen
    if isinstance(fact, ScriptTold):
        return _told(seen, fact)
    if not seen.started_tai:
        return replace(seen, early=(*seen.early, fact)[-_MOST_KEPT:])
    return _of_script(seen, fact)


def _told(seen: Followed, fact: ScriptTold) -> Followed:
    if (fact.queue, fact.cmd_id) != (seen.queue, seen.cmd_id):
        return seen
    if seen.started_tai and (fact.sal_index, fact.started_tai) != (seen.sal_index, seen.started_tai):
        return seen
    told = replace(
        seen,
        sal_index=fact.sal_index,
        origin=fact.origin,
        process_state=fact.process_state,
        state=_later(seen.state, fact.state) if fact.state in FINAL or not seen.script_origin else seen.state,
        started_tai=fact.started_tai,
        ended_tai=fact.ended_tai,
        heard=seen.heard + 1,
        early=(),
    )
    for early in seen.early:
        told = _of_script(told, early)
    return told


def _of_script(seen: Followed, fact: OfScript) -> Followed:
    if fact.sal_index != seen.sal_index or fact.sent_tai < seen.started_tai - _EARLIER_S:
        return seen
    if seen.script_origin not in {0, fact.origin}:
        return seen
    seen = replace(seen, script_origin=fact.origin, heard=seen.heard + 1)
    if isinstance(fact, StateOfScript):
        checkpoint, reason = fact.checkpoint or seen.checkpoint, fact.reason or seen.reason
        return replace(seen, state=_later(seen.state, fact.state), checkpoint=checkpoint, reason=reason)
    if isinstance(fact, LogOfScript) and not fact.message.startswith(_FAREWELL):
        return replace(seen, log=fact.message)
    return seen


_FAREWELL = ("Setting final state", "Cleanup ")
"""What every script says after what matters (ts_salobj ``base_script.py``)."""


def _later(before: ScriptState, told: ScriptState) -> ScriptState:
    """Two topics tell the state, in any order: a final one is never taken back, else the script's own word counts."""
    return before if before in FINAL or told is ScriptState.UNKNOWN else told


def _queue(seen: Followed, fact: QueueTold) -> Followed:
    if seen.origin and fact.origin != seen.origin:
        return seen if seen.ended else replace(seen, restarted=True)
    return replace(seen, running=fact.running, halted=not fact.running and fact.current == seen.sal_index != 0)


def first_line(text: str) -> str:
    """Return the first line of a text, at most 160 characters of it."""
    return text.strip().partition("\n")[0][:160]
