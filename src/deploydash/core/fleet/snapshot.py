"""One frozen view of everything, numbered: all that a screen, ``status`` or ``wait`` ever sees.

Views are shared between snapshots: a CSC whose view did not change is the *same object* in the next
snapshot, so a reader finds what changed by identity. Nothing in a view depends on the moment of looking;
ages are rendered by whoever looks, from monotonic times.
"""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.core.fleet.facts import Fact
from deploydash.core.model import (
    CameraSubstate,
    CscId,
    Effective,
    FeedName,
    FeedState,
    Liveness,
    Roster,
    Source,
    SummaryState,
    Target,
    Verdict,
)


def seconds_text(seconds: float) -> str:
    """Return an age as an operator reads it: ``41 s``, ``2 min 41 s``, ``3 h 5 min``, ``2 d 4 h``."""
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 172_800:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


@dataclass(frozen=True, slots=True)
class Reason:
    """A one-line sentence; ``{age}`` in it stands for the time since ``since`` (monotonic seconds)."""

    text: str
    since: float | None = None
    at_least: bool = False

    def render(self, now: float) -> str:
        """Return the sentence as of ``now`` (monotonic)."""
        if self.since is None:
            return self.text
        return self.text.replace("{age}", ("at least " if self.at_least else "") + seconds_text(now - self.since))


@dataclass(frozen=True, slots=True)
class ErrorView:
    """The last errorCode that was not cleared."""

    code: int
    report: str
    sent_utc: float | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A recent logMessage of one CSC. ``sent_utc`` is None where the CSC told no time."""

    sent_utc: float | None
    level: int
    message: str


StateTime = tuple[float | None, SummaryState, Source]
"""When a state was told by its sender's clock (UTC, None where it told no time), which one, and where it was read."""


@dataclass(frozen=True, slots=True)
class CscView:
    """One CSC as of a snapshot, by the truth table at the end of CLI.md.

    ``beat_at`` (monotonic) is exact whenever ``liveness`` is late or silent; of a beating CSC it is the
    last beat known when the view was made. ``beat_at_least`` says that the log was not read further back.
    ``commanded``: who else commanded it last, and when that was acknowledged (monotonic). ``state_unread``: why its
    newest summaryState cannot be read, which hides the one before it. ``changed_at`` (monotonic) is when ``effective``
    last changed while we watched, or None. ``logged`` is an error of its log, the last that was recorded.
    ``overrides``: the configuration overrides that its ``start`` takes. ``likely``: what other systems report about it
    that departs, the likely reason where it is off target. ``image``: the tag of what it runs, as another system names
    it; ``xml_version`` and ``csc_version``: as it reports them. Each is empty where nobody says.
    """

    csc: CscId
    group: str
    expected: bool
    camera: bool
    protected: bool
    reported: SummaryState | None
    reported_utc: float | None
    source: Source
    substate: CameraSubstate | None
    liveness: Liveness
    beat_at: float | None
    beat_at_least: bool
    effective: Effective
    inferred: bool
    target: Target | None
    verdict: Verdict
    reason: Reason
    error: ErrorView | None
    restarts: int
    duplicate: bool
    changed_at: float | None
    logged: LogLine | None = None
    overrides: tuple[str, ...] = ()
    state_unread: str = ""
    commanded: tuple[str, float] | None = None
    likely: str = ""
    image: str = ""
    xml_version: str = ""
    csc_version: str = ""


@dataclass(frozen=True, slots=True)
class FeedView:
    """A feed's health for the header. ``rate`` records/s; ``lag_s`` and ``skew_s`` as FeedMeasured has them."""

    feed: FeedName | str
    state: FeedState
    detail: str
    since: float
    rate: float | None = None
    lag_s: float | None = None
    skew_s: float | None = None


@dataclass(frozen=True, slots=True)
class GroupView:
    """n of m at target in one display group; CSCs without a target in this phase are not counted in m."""

    name: str
    at_target: int
    total: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The counts of ``status --json``; they add up to ``expected`` (CLI.md)."""

    expected: int
    at_target: int
    moving: int
    off_target: int
    unknown: int
    no_target: int
    unexpected: tuple[CscId, ...]


@dataclass(frozen=True, slots=True)
class EventLine:
    """One line of the event list. ``subject`` is a CSC, a group or a feed; ``calm`` marks what went as planned.

    ``number`` rises by one a line over the whole session, so that a reader sees what is new.
    """

    number: int
    utc: float
    subject: str
    change: str
    detail: str
    calm: bool
    effective: Effective | None = None


@dataclass(frozen=True, slots=True)
class CscDetail:
    """Everything known of the one CSC that is being looked at.

    ``beats``: for each of the last 60 seconds (oldest first), how many beats arrived in it, -1 where the
    feed was down or we were not watching yet. ``states`` and ``logs`` stand in the order in which
    they were told, newest last.
    """

    csc: CscId
    beats: tuple[int, ...]
    states: tuple[StateTime, ...]
    logs: tuple[LogLine, ...]
    csc_version: str
    xml_version: str
    simulation_mode: int | None
    configurations: str
    configuration_version: str
    origin: int | None


@dataclass(frozen=True, slots=True)
class OtherHand:
    """Somebody else who commands CSCs while a run is open: which one last, and when (monotonic)."""

    identity: str
    csc: CscId
    at: float


@dataclass(frozen=True, slots=True)
class Undecodable:
    """How many records of a topic could not be decoded, and why for one of them."""

    topic: str
    records: int
    example: str


@dataclass(frozen=True, slots=True)
class Standstill:
    """That this process took in nothing for ``lasted_s`` until ``at`` (monotonic), while that matters.

    ``waiting``: of so many CSCs nothing is known because of it, until a heartbeat is received. ``lately``: when each
    of the last half minute ended and how long it lasted, this one last.
    """

    at: float
    lasted_s: float
    waiting: int
    lately: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a reader may know, as of ``at`` (monotonic) and ``utc`` (unix seconds).

    ``cscs``: every expected CSC in the site file's order, then the unexpected in the order they appeared.
    ``decided``: every topic's last states are read and every expected CSC's liveness is decided.
    ``banner``: a sentence when the feed, not the observatory, is to blame for what is shown; else empty.
    ``standstill``: a standstill of our own, while it matters. ``facts``: what other systems told, each with its age.
    ``others``: the people elsewhere who command CSCs while a run is open, each with what was last.
    """

    number: int
    at: float
    utc: float
    roster: Roster
    target: str
    cscs: tuple[CscView, ...]
    groups: tuple[GroupView, ...]
    feeds: tuple[FeedView, ...]
    summary: Summary
    events: tuple[EventLine, ...]
    undecodable: tuple[Undecodable, ...]
    detail: CscDetail | None
    decided: bool
    banner: str
    standstill: Standstill | None = None
    facts: tuple[Fact, ...] = ()
    others: tuple[OtherHand, ...] = ()
