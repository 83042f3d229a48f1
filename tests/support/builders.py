"""Short ways to say what a site expects and what was observed.

All observations take the monotonic time ``at``; stamps follow from it as if every clock were right: UTC is
``START_UTC + at``, TAI 37 s ahead, and the broker appends at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import (
    BeatArrived,
    BeatFoundInLog,
    BeatsUnreadable,
    ErrorTold,
    FeedChanged,
    LoggedBeat,
    LogTold,
    Observation,
    Process,
    StateTold,
    SubstateTold,
)
from deploydash.core.fleet.records import Record
from deploydash.core.fleet.snapshot import CscView, Snapshot
from deploydash.core.model import (
    CameraSubstate,
    CscId,
    CscSpec,
    FeedName,
    FeedState,
    Limits,
    Roster,
    Source,
    SummaryState,
    Target,
)
from tests.support.clock import START_UTC

TAI_MINUS_UTC = 37.0
USUAL = Limits()


def spec(
    text: str,
    *,
    group: str = "Test",
    camera: bool = False,
    protected: bool = False,
    shutdown: str = "OFFLINE",
    limits: Limits = USUAL,
) -> CscSpec:
    """Read ``ESS:104 STANDBY``: a CSC and its start-up target, which is its end target too."""
    name, _, target = text.partition(" ")
    startup = Target.parse(target or "STANDBY")
    return CscSpec(CscId.parse(name), group, startup, startup, Target.parse(shutdown), protected, camera, limits)


def roster(*cscs: str | CscSpec, site: str = "test") -> Roster:
    """Build a roster of specs, or of texts as ``spec`` reads them."""
    specs = tuple(spec(csc) if isinstance(csc, str) else csc for csc in cscs)
    return Roster(site, True, specs, tuple(dict.fromkeys(one.group for one in specs)))


def process(text: str) -> Process:
    """Read ``7/100``: origin and number."""
    origin, _, number = text.partition("/")
    return Process(int(origin), int(number))


def beat(
    csc: str, life: str, at: float, *, delay: float = 0.0, create_time: bool = False, count: int = 1
) -> BeatArrived:
    """A heartbeat that arrived at ``at``, ``delay`` seconds after it was sent and appended."""
    sent = START_UTC + at - delay
    return BeatArrived(CscId.parse(csc), process(life), at, None if create_time else sent, sent + TAI_MINUS_UTC, count)


def logged_beat(
    csc: str,
    life: str,
    at: float,
    *,
    age: float,
    create_time: bool = False,
    lately: Iterable[tuple[str, float]] = (),
) -> BeatFoundInLog:
    """A heartbeat that was found in the log at ``at`` and appended ``age`` seconds before.

    ``lately``: life and age of the last beats there, oldest first, this one at the end.
    """

    def appended(age: float) -> float | None:
        return None if create_time else START_UTC + at - age

    beats = tuple(LoggedBeat(process(one), START_UTC + at - old + TAI_MINUS_UTC, appended(old)) for one, old in lately)
    return BeatFoundInLog(CscId.parse(csc), process(life), at, appended(age), beats)


def unreadable(name: str, at: float, why: str, *, age: float = 0.0, live: bool = True) -> BeatsUnreadable:
    """A heartbeat that cannot be read: of a component, or of one CSC where that much can be told."""
    csc = CscId.parse(name)
    return BeatsUnreadable(csc.name, csc.index or None, why, at, START_UTC + at - age, live)


def told(
    csc: str,
    state: str,
    at: float,
    *,
    life: str | None = "7/3",
    age: float = 0.0,
    live: bool = True,
    source: Source = Source.KAFKA,
    order: int = -1,
) -> StateTold:
    """A summaryState that was received at ``at`` and sent ``age`` seconds before."""
    teller = None if life is None else process(life)
    return StateTold(CscId.parse(csc), SummaryState[state], teller, START_UTC + at - age, at, source, live, order)


def substate(
    csc: str, name: str, at: float, *, life: str | None = "7/3", age: float = 0.0, live: bool = True
) -> SubstateTold:
    """An offlineDetailedState, as ``told``."""
    teller = None if life is None else process(life)
    sent_utc = START_UTC + at - age
    return SubstateTold(CscId.parse(csc), CameraSubstate[name], teller, sent_utc, at, Source.KAFKA, live)


def error(csc: str, code: int, at: float, *, report: str = "", age: float = 0.0, live: bool = True) -> ErrorTold:
    """An errorCode, as ``told``."""
    return ErrorTold(CscId.parse(csc), code, report, START_UTC + at - age, at, live)


def log(csc: str, message: str, at: float, *, level: int = 20, age: float = 0.0, live: bool = True) -> LogTold:
    """A logMessage, as ``told``."""
    return LogTold(CscId.parse(csc), level, message, START_UTC + at - age, at, live)


def feed(name: FeedName, state: FeedState, at: float, detail: str = "") -> FeedChanged:
    """A feed says how it is."""
    return FeedChanged(name, state, detail, at)


class Watched:
    """A fleet that is fed as a session feeds it: every record applied at once, ticks 4 times a second."""

    def __init__(self, fleet: Fleet, at: float = 0.0, tick: float = 0.25) -> None:
        self.fleet = fleet
        self.tick = tick
        self.now = at
        self.records: list[Record] = []

    def see(self, *observations: Observation) -> None:
        """Observe now, in this order."""
        for observation in observations:
            self._apply(self.fleet.observe(observation, self.now))

    def until(self, at: float) -> None:
        """Let time pass, with a tick every quarter of a second (or as often as was said)."""
        while self.now < at:
            self.now = min(at, self.now + self.tick)
            self._apply(self.fleet.tick(self.now))

    def snapshot(self) -> Snapshot:
        return self.fleet.snapshot(self.now, START_UTC + self.now)

    def view(self, csc: str) -> CscView:
        wanted = CscId.parse(csc)
        return next(view for view in self.snapshot().cscs if view.csc == wanted)

    def _apply(self, records: tuple[Record, ...]) -> None:
        for record in records:
            self.records.append(record)
            self.fleet.apply(record)
