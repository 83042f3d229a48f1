"""What the fleet makes of observations: the durable facts, in the past tense.

A fold of records alone gives the same fleet as the observations did, except for the beats of CSCs that beat:
a heartbeat is no record. Fields are plain values, so that a journal can write each as one line. ``at`` is
monotonic seconds of the process that noticed.
"""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.core.fleet.facts import Fact
from deploydash.core.model import CameraSubstate, CscId, FeedName, FeedState, Liveness, Source, SummaryState


@dataclass(frozen=True, slots=True)
class CscAppeared:
    """A CSC that the roster does not have showed life for the first time."""

    csc: CscId
    at: float


@dataclass(frozen=True, slots=True)
class StateRecorded:
    """A summary state was told. ``current``: by the process that beats, as far as one is known.

    ``origin`` and ``seq_num`` are None where the source does not tell them.
    """

    csc: CscId
    state: SummaryState
    sent_utc: float | None
    source: Source
    origin: int | None
    seq_num: int | None
    live: bool
    current: bool
    at: float


@dataclass(frozen=True, slots=True)
class SubstateRecorded:
    """A camera told its sub-state; fields as in StateRecorded."""

    csc: CscId
    substate: CameraSubstate
    sent_utc: float | None
    source: Source
    origin: int | None
    seq_num: int | None
    live: bool
    current: bool
    at: float


@dataclass(frozen=True, slots=True)
class ErrorRecorded:
    """An errorCode was told; code 0 clears the one before."""

    csc: CscId
    code: int
    report: str
    sent_utc: float | None
    live: bool
    at: float


@dataclass(frozen=True, slots=True)
class ErrorLogged:
    """A CSC logged an error, the likely reason why it is not where it should be.

    Not every one: a log that repeats itself or runs on must not fill the journal (asides.log_told).
    """

    csc: CscId
    level: int
    message: str
    sent_utc: float | None
    live: bool
    at: float


@dataclass(frozen=True, slots=True)
class BeatsChanged:
    """A CSC's heartbeats came, became late, stopped, or are given up on.

    ``beat_at`` (monotonic) is the last beat, or with ``at_least`` a bound: no beat is known of since then.
    ``has_beaten`` is False where no beat was found at all. ``listening`` is True while the limit of an unseen
    CSC has not passed. ``why``: why records that may be its heartbeats cannot be read, while it is unreadable.
    """

    csc: CscId
    liveness: Liveness
    listening: bool
    beat_at: float | None
    at_least: bool
    has_beaten: bool
    at: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class StateUnread:
    """Whether the last state (or sub-state) of a CSC is hidden by a newer record that cannot be read.

    ``why`` is empty once it is known again. ``waits``: the record's schema may still come.
    """

    csc: CscId
    event: str
    why: str
    waits: bool
    at: float


@dataclass(frozen=True, slots=True)
class ProcessNoticed:
    """Another process than before beats as this CSC (or the first one we hear).

    ``restarted``: its heartbeat's number fell, or its origin changed. The ``keeps_*`` say whether what was told
    before is known to be told by this process; what is not counts as not known until it is told again.
    """

    csc: CscId
    origin: int
    restarted: bool
    keeps_state: bool
    keeps_substate: bool
    keeps_error: bool
    at: float
    keeps_logged: bool = False


@dataclass(frozen=True, slots=True)
class DuplicateNoticed:
    """Two series of heartbeats interleave again and again: two processes beat as one CSC."""

    csc: CscId
    at: float


@dataclass(frozen=True, slots=True)
class DuplicateEnded:
    """All but one of several processes stopped beating; the fields are those of the one that is left."""

    csc: CscId
    origin: int
    keeps_state: bool
    keeps_substate: bool
    at: float


@dataclass(frozen=True, slots=True)
class FeedReported:
    """A feed's health changed, or what it says about it."""

    feed: FeedName | str
    state: FeedState
    detail: str
    at: float


@dataclass(frozen=True, slots=True)
class FetchesLost:
    """The heartbeats of these components can no longer be read; silence was a fact until ``answered_until``."""

    components: frozenset[str]
    answered_until: float
    why: str
    at: float


@dataclass(frozen=True, slots=True)
class FetchesBack:
    """The heartbeats of these components can be read (again, or for the first time)."""

    components: frozenset[str]
    at: float


@dataclass(frozen=True, slots=True)
class StandstillNoted:
    """This process took in nothing from ``since`` to ``at``, in all ``lasted_s``; ``where`` as StoodStill has it.

    ``touched``: the CSCs of which nothing is known by that, until a heartbeat is received or a whole limit of
    listening has passed. ``joined``: from when to when it stood still before, since the last such record; those
    touched nobody.
    """

    since: float
    lasted_s: float
    where: str
    touched: tuple[CscId, ...]
    at: float
    joined: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class TopicsFound:
    """The components whose heartbeat topic exists and may be read."""

    components: frozenset[str]
    at: float


@dataclass(frozen=True, slots=True)
class StatesRead:
    """A component's last states were read from Kafka."""

    component: str
    at: float


@dataclass(frozen=True, slots=True)
class EfdRead:
    """The EFD has answered for these CSCs."""

    cscs: frozenset[CscId]
    at: float


@dataclass(frozen=True, slots=True)
class CommandNoticed:
    """A command that is none of ours was acknowledged for good, under this identity. ``outcome`` is in words.

    ``command``: which it was, empty where that is not known.
    """

    csc: CscId
    identity: str
    outcome: str
    at: float
    command: str = ""


@dataclass(frozen=True, slots=True)
class FactNoted:
    """A fact of a system that was not known, or of which more than its age changed."""

    fact: Fact
    at: float


@dataclass(frozen=True, slots=True)
class UndecodableNoticed:
    """A topic holds records that cannot be decoded; said once a topic. ``example`` is why, for one of them."""

    topic: str
    example: str
    at: float


Record = (
    CscAppeared
    | StateRecorded
    | SubstateRecorded
    | ErrorRecorded
    | ErrorLogged
    | BeatsChanged
    | StateUnread
    | ProcessNoticed
    | DuplicateNoticed
    | DuplicateEnded
    | FeedReported
    | FetchesLost
    | FetchesBack
    | StandstillNoted
    | TopicsFound
    | StatesRead
    | EfdRead
    | CommandNoticed
    | UndecodableNoticed
    | FactNoted
)

NOTHING: tuple[Record, ...] = ()
"""What most observations make; shared, so that a beat of a beating CSC makes no garbage."""
