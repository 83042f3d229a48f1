"""What feeds tell the core: facts in the past tense, transient until the fleet makes records of them.

Every ``at`` is the receive time on our monotonic clock, in seconds. Commands and acks follow with the runbook.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from deploydash.core.fleet.facts import Fact
from deploydash.core.model import CameraSubstate, CscId, FeedName, FeedState, Source, SummaryState


class Process(NamedTuple):
    """One life of a CSC as its records show it: ``private_origin`` and a ``private_seqNum`` of one topic.

    The origin is a process id and may be the same after a restart, so only a fall of the number of the
    *heartbeat* topic tells lives apart (CLI.md, "What the words mean").
    """

    origin: int
    seq_num: int


@dataclass(slots=True, unsafe_hash=True)
class BeatArrived:
    """A heartbeat was received live, after our start.

    A feed may merge a run of beats of one CSC with one origin and rising numbers into the last of them
    (``count`` says how many), but must never merge across a change of origin or a fall of the number.
    ``appended_utc`` is the broker's append time, or None where the topic carries the producer's time
    (CreateTime). ``sent_tai`` is ``private_sndStamp``. Nobody changes one; to be frozen would double what it takes to
    make one, and ten thousand CSCs beat each second.
    """

    csc: CscId
    process: Process
    at: float
    appended_utc: float | None
    sent_tai: float
    count: int = 1


class LoggedBeat(NamedTuple):
    """One beat of a log: the sender's stamp (TAI seconds, 0.0: not told) and, where it is known, the append time."""

    process: Process
    sent_tai: float
    appended_utc: float | None


@dataclass(frozen=True, slots=True)
class BeatFoundInLog:
    """The newest beat of a CSC found by reading back. It can prove silence, never life.

    ``lately`` are the last that the log has of it, this one at the end, but for those within a run of rising
    numbers: enough to see whether two processes take turns.
    """

    csc: CscId
    process: Process
    at: float
    appended_utc: float | None
    lately: tuple[LoggedBeat, ...] = ()


@dataclass(frozen=True, slots=True)
class BeatsReadBack:
    """A component's heartbeat log was read back to ``since_utc`` (append time, UTC) and its tail is known.

    A CSC of it without a BeatFoundInLog has had no beat since then. ``complete`` says that the log was read
    to its start, so that no older beat exists. ``append_time`` is False where the topic carries CreateTime:
    then the log proves nothing about silence. Every beat of the last ``reaches_s`` seconds before its end was read,
    at least; infinite where none was ever deleted before them.
    """

    component: str
    at: float
    since_utc: float
    append_time: bool
    complete: bool = False
    reaches_s: float = math.inf


@dataclass(frozen=True, slots=True)
class BeatsUnreadable:
    """A record of a heartbeat topic arrived that cannot be read: somebody beats, nobody can tell what.

    ``index`` is None where it cannot be told whose it is: then it may be any CSC's of the component. Several may
    be merged into the newest. With ``live`` False it was found in the log and was appended at ``appended_utc``.
    ``waits``: its schema may still come, and BeatsRead follows once it has.
    """

    component: str
    index: int | None
    why: str
    at: float
    appended_utc: float | None
    live: bool = True
    waits: bool = False


@dataclass(frozen=True, slots=True)
class BeatsRead:
    """Nothing of a heartbeat topic waits for a schema any more: whose it was, or that nobody can tell, was told."""

    component: str
    at: float


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The newest record that cannot be read, of one index of a component, or of any (None).

    ``order`` rises along the topic, as ``StateTold.order`` does. ``waits``: its schema may still come.
    """

    index: int | None
    order: int
    why: str
    waits: bool = False


@dataclass(frozen=True, slots=True)
class StatesUnreadable:
    """What of a component's summaryState or offlineDetailedState cannot be read; replaces what was told before.

    A state is not known once a newer record that may be the same CSC's cannot be read.
    """

    component: str
    event: str
    newest: tuple[Unreadable, ...]
    at: float


@dataclass(frozen=True, slots=True)
class EfdUnreadable:
    """The EFD has a last record of a CSC's summaryState or offlineDetailedState, and it cannot be used."""

    csc: CscId
    event: str
    why: str
    at: float


@dataclass(frozen=True, slots=True)
class StateTold:
    """A summaryState event, live, read back from Kafka or from the EFD.

    ``sent_utc`` is the sender's stamp, None where it told no time: shown, never believed where arrival or the log's
    order tells which of two events is the later one. ``process`` is None where the source does not tell it.
    ``live`` is True for an event received after our start; a fact read back never replaces a newer live one.
    ``order`` is its place in the topic, -1 elsewhere.
    """

    csc: CscId
    state: SummaryState
    process: Process | None
    sent_utc: float | None
    at: float
    source: Source
    live: bool
    order: int = -1


@dataclass(frozen=True, slots=True)
class SubstateTold:
    """A camera's ``offlineDetailedState``."""

    csc: CscId
    substate: CameraSubstate
    process: Process | None
    sent_utc: float | None
    at: float
    source: Source
    live: bool
    order: int = -1


@dataclass(frozen=True, slots=True)
class EventShown:
    """An event that a step of a runbook shows: the fact that it is, as the CSC told it.

    ``fact.read_utc`` is when it was told; how long that holds depends on the process that told it.
    """

    csc: CscId
    fact: Fact
    process: Process
    sent_utc: float | None
    at: float
    live: bool


@dataclass(frozen=True, slots=True)
class ErrorTold:
    """An ``errorCode`` event; code 0 clears. It may arrive before or after the FAULT it belongs to."""

    csc: CscId
    code: int
    report: str
    sent_utc: float | None
    at: float
    live: bool


@dataclass(frozen=True, slots=True)
class LogTold:
    """A ``logMessage`` event. ``level`` as Python's logging (10 to 50)."""

    csc: CscId
    level: int
    message: str
    sent_utc: float | None
    at: float
    live: bool


@dataclass(frozen=True, slots=True)
class VersionsTold:
    """A ``softwareVersions`` event; texts may be empty."""

    csc: CscId
    csc_version: str
    xml_version: str
    sent_utc: float | None
    at: float
    live: bool


@dataclass(frozen=True, slots=True)
class SimulationModeTold:
    """A ``simulationMode`` event; 0 is the real hardware."""

    csc: CscId
    mode: int
    sent_utc: float | None
    at: float
    live: bool


@dataclass(frozen=True, slots=True)
class ConfigurationTold:
    """A ``configurationApplied`` event: the comma list of files and their version."""

    csc: CscId
    configurations: str
    version: str
    sent_utc: float | None
    at: float
    live: bool


@dataclass(frozen=True, slots=True)
class OverridesTold:
    """A ``configurationsAvailable`` event: the overrides that ``start`` takes, each a file's name."""

    csc: CscId
    overrides: tuple[str, ...]
    sent_utc: float | None
    at: float
    live: bool


@dataclass(frozen=True, slots=True)
class StatesReadBack:
    """The end of a component's state topics was read: what was not told by then, Kafka no longer holds."""

    component: str
    at: float


@dataclass(frozen=True, slots=True)
class EfdAnswered:
    """The EFD was asked for these CSCs and has answered; the ones without a StateTold have no record there."""

    cscs: frozenset[CscId]
    at: float


@dataclass(frozen=True, slots=True)
class TopicsListed:
    """The broker's topic list was read: the components whose heartbeat topic exists and may be read."""

    components: frozenset[str]
    at: float


@dataclass(frozen=True, slots=True)
class ExitAcknowledged:
    """An exitControl of ours was acknowledged COMPLETE: no beat of that process follows (CLI.md)."""

    csc: CscId
    at: float


@dataclass(frozen=True, slots=True)
class CommandSeen:
    """A command of somebody else was acknowledged while a run is open: who, at which CSC, what came of it.

    ``command``: which it was, where that is known.
    """

    csc: CscId
    identity: str
    outcome: str
    at: float
    command: str = ""


@dataclass(frozen=True, slots=True)
class FetchesStopped:
    """The heartbeat partition of these components stopped answering fetches.

    ``answered_until`` is the monotonic time up to which silence was still a fact.
    """

    components: frozenset[str]
    at: float
    answered_until: float
    why: str


@dataclass(frozen=True, slots=True)
class FetchesResumed:
    """The heartbeat partition of these components answers fetches (also: for the first time)."""

    components: frozenset[str]
    at: float


@dataclass(frozen=True, slots=True)
class StoodStill:
    """This process took in nothing for ``lasted_s``: stopped, swapped out, or held up by work of its own.

    ``since`` is when it last could; ``lasted_s`` is more than from then to ``at`` where the whole machine slept.
    ``where`` names what held it up, or is empty where it was the process as a whole.
    """

    since: float
    lasted_s: float
    where: str
    at: float


@dataclass(frozen=True, slots=True)
class FeedChanged:
    """A feed came up, went down or degraded; ``detail`` is a sentence with the address and what to do."""

    feed: FeedName | str
    state: FeedState
    detail: str
    at: float


@dataclass(frozen=True, slots=True)
class FactRead:
    """A system's feed or check read a fact, at ``at`` (monotonic)."""

    fact: Fact
    at: float


@dataclass(frozen=True, slots=True)
class FeedMeasured:
    """What a feed measured since it last said so; None where it cannot.

    ``rate`` in records per second; ``lag_s`` from append to receipt; ``skew_s`` our UTC clock minus the
    broker's (positive: ours is ahead), coarse.
    """

    feed: FeedName | str
    at: float
    rate: float
    lag_s: float | None
    skew_s: float | None


@dataclass(frozen=True, slots=True)
class RecordsUndecodable:
    """Records of a topic could not be decoded since the last such report; ``example`` is why, for one of them.

    With ``waiting`` they are those that cannot be read yet: all of them, in place of what was reported before.
    """

    topic: str
    count: int
    example: str
    at: float
    waiting: bool = False


Observation = (
    BeatArrived
    | BeatFoundInLog
    | BeatsReadBack
    | BeatsUnreadable
    | BeatsRead
    | StatesUnreadable
    | EfdUnreadable
    | StateTold
    | SubstateTold
    | EventShown
    | ErrorTold
    | LogTold
    | VersionsTold
    | SimulationModeTold
    | ConfigurationTold
    | OverridesTold
    | StatesReadBack
    | EfdAnswered
    | TopicsListed
    | ExitAcknowledged
    | CommandSeen
    | FetchesStopped
    | FetchesResumed
    | StoodStill
    | FeedChanged
    | FactRead
    | FeedMeasured
    | RecordsUndecodable
)
