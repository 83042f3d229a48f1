"""Snapshots as a session would publish them, and a source that hands them to a screen."""

from __future__ import annotations

import csv
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deploydash.core.fleet.commands import Command, Inspect
from deploydash.core.fleet.snapshot import (
    CscDetail,
    CscView,
    ErrorView,
    EventLine,
    FeedView,
    GroupView,
    LogLine,
    Reason,
    Summary,
    Undecodable,
)
from deploydash.core.model import (
    CameraSubstate,
    CscId,
    CscSpec,
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
from deploydash.core.published import Published

SUMMIT = Path(__file__).parents[1] / "data" / "ui" / "summit.csv"
UTC = 1_795_208_652.0
"""2026-11-20 21:04:12 UTC."""
NOW = 50_000.0
CAMERAS = frozenset({"ATCamera", "MTCamera", "CCCamera"})
GROUPS = {"Calibration Systems": "Calibration", "Observatory Systems": "Observatory"}


@dataclass
class ManualClock:
    """Both clocks, moved by hand."""

    now: float = NOW
    unix: float = UTC

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> float:
        return self.unix

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.unix += seconds


class RunningClock:
    """The machine's clocks, shifted so that the screen begins at UTC."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def monotonic(self) -> float:
        return NOW + time.monotonic() - self._start

    def utc(self) -> float:
        return UTC + time.monotonic() - self._start


def summit() -> list[tuple[CscId, str]]:
    """Return the CSCs of the Summit with their display groups."""
    with SUMMIT.open() as lines:
        return [
            (CscId(row["name"], int(row["index"])), GROUPS.get(row["group"], row["group"]))
            for row in csv.DictReader(lines)
        ]


def many(count: int) -> list[tuple[CscId, str]]:
    """Return ``count`` CSCs in the Summit's shape, told apart by a number."""
    base = summit()
    names = []
    for number in range(count):
        csc, group = base[number % len(base)]
        copy = number // len(base)
        names.append(
            (csc if not copy else CscId(f"{csc.name}X{copy}", csc.index), f"{group} {copy}" if copy else group)
        )
    return names


def view(csc: CscId, group: str = "AT", **changes: Any) -> CscView:
    """Return a CSC that beats in STANDBY and should; ``changes`` are fields of CscView."""
    calm = CscView(
        csc=csc,
        group=group,
        expected=True,
        camera=csc.name in CAMERAS,
        protected=csc.name in {"MTM1M3", "MTM1M3TS"},
        reported=SummaryState.STANDBY,
        reported_utc=UTC - 3_600,
        source=Source.KAFKA,
        substate=None,
        liveness=Liveness.BEATING,
        beat_at=NOW - 0.4,
        beat_at_least=False,
        effective=Effective.STANDBY,
        inferred=False,
        target=Target(SummaryState.STANDBY),
        verdict=Verdict.AT_TARGET,
        reason=Reason("says STANDBY"),
        error=None,
        restarts=0,
        duplicate=False,
        changed_at=None,
    )
    return replace(calm, **changes)


def in_state(base: CscView, state: SummaryState, **changes: Any) -> CscView:
    """Return the CSC beating in a state, compared with its target."""
    effective = Effective[state.name]
    met = base.target is not None and base.target.state is state
    verdict = Verdict.AT_TARGET if met else Verdict.OFF_TARGET
    reason = Reason(f"says {state.name}")
    values: dict[str, Any] = {
        "reported": state,
        "effective": effective,
        "verdict": verdict,
        "reason": reason,
        "inferred": False,
        "liveness": Liveness.BEATING,
        "error": None,
    }
    return replace(base, **{**values, **changes})


def faulted(base: CscView, age: float = 161.0) -> CscView:
    """Return the CSC in FAULT with an error code."""
    return in_state(
        base,
        SummaryState.FAULT,
        reported_utc=UTC - age,
        error=ErrorView(101, "shutter drive: encoder lost", UTC - age),
        reason=Reason("says FAULT, error 101"),
    )


def lost(base: CscView, age: float = 41.0) -> CscView:
    """Return the CSC as LOST: it was ENABLED when its beats stopped."""
    text = "LOST: was ENABLED when its beats stopped {age} ago; its hardware may not be safe"
    return replace(
        base,
        reported=SummaryState.ENABLED,
        effective=Effective.LOST,
        inferred=True,
        liveness=Liveness.SILENT,
        beat_at=NOW - age,
        verdict=Verdict.OFF_TARGET,
        reason=Reason(text, NOW - age),
    )


def stopped(base: CscView, age: float = 900.0) -> CscView:
    """Return the CSC as silent after STANDBY: OFFLINE, inferred."""
    met = base.target is not None and base.target.state is SummaryState.OFFLINE
    return replace(
        base,
        effective=Effective.OFFLINE,
        inferred=True,
        liveness=Liveness.SILENT,
        beat_at=NOW - age,
        verdict=Verdict.AT_TARGET if met else Verdict.OFF_TARGET,
        reason=Reason("OFFLINE inferred: last state STANDBY, no beat for {age}", NOW - age),
    )


def never_seen(base: CscView) -> CscView:
    """Return the CSC as never seen anywhere."""
    return replace(
        base,
        reported=None,
        reported_utc=None,
        source=Source.NONE,
        effective=Effective.UNKNOWN,
        liveness=Liveness.UNSEEN,
        beat_at=None,
        verdict=Verdict.UNKNOWN,
        reason=Reason("never seen: no beat for {age}, no record in Kafka or EFD", NOW - 41, at_least=True),
    )


def listening(base: CscView) -> CscView:
    """Return the CSC as it is before anything is known."""
    return replace(never_seen(base), reason=Reason("listening for {age}", NOW - 2))


def late(base: CscView, age: float = 7.0) -> CscView:
    """Return the CSC with a late beat."""
    return replace(base, liveness=Liveness.LATE, beat_at=NOW - age)


def unreachable(base: CscView) -> CscView:
    """Return the CSC as last seen before its feed was lost."""
    return replace(
        base,
        liveness=Liveness.FEED_DOWN,
        verdict=Verdict.UNKNOWN,
        reason=Reason(f"Kafka lost {{age}} ago; last seen {base.effective}", NOW - 12),
    )


def moving(base: CscView) -> CscView:
    """Return the CSC on its way out."""
    return in_state(
        base, SummaryState.OFFLINE, verdict=Verdict.MOVING, reason=Reason("says OFFLINE, waiting for silence")
    )


def feeds(**changes: FeedView) -> tuple[FeedView, ...]:
    """Return healthy feeds; ``changes`` replaces by name."""
    up = {
        "kafka": FeedView(FeedName.KAFKA, FeedState.UP, "127.0.0.1:9094 (site file)", NOW - 600, 243.0, 0.2, 0.1),
        "schema_registry": FeedView(FeedName.SCHEMA_REGISTRY, FeedState.UP, "http://127.0.0.1:8081", NOW - 600),
        "efd": FeedView(FeedName.EFD, FeedState.UP, "http://127.0.0.1:8086", NOW - 600),
    }
    return tuple({**up, **changes}.values())


def snapshot(
    views: Iterable[CscView],
    *,
    site: str = "summit",
    target: str = "startup",
    rehearsal: bool = False,
    decided: bool = True,
    banner: str = "",
    number: int = 1,
    events: tuple[EventLine, ...] | None = None,
    feed_views: tuple[FeedView, ...] | None = None,
    undecodable: tuple[Undecodable, ...] = (),
    at: float = NOW,
    utc: float = UTC,
) -> Published:
    """Return a snapshot of these CSCs with counts that add up."""
    cscs = tuple(views)
    names = tuple(dict.fromkeys(each.group for each in cscs if each.expected))
    counted = [each for each in cscs if each.expected]
    verdicts = Counter(each.verdict for each in counted)
    standby = Target(SummaryState.STANDBY)
    specs = tuple(CscSpec(each.csc, each.group, each.target or standby, standby, standby) for each in counted)
    return Published(
        number=number,
        at=at,
        utc=utc,
        roster=Roster(site, rehearsal, specs, names, "America/Santiago", "yagan"),
        target=target,
        cscs=cscs,
        groups=tuple(_group(name, counted) for name in names),
        feeds=feeds() if feed_views is None else feed_views,
        summary=Summary(
            len(counted),
            verdicts[Verdict.AT_TARGET],
            verdicts[Verdict.MOVING],
            verdicts[Verdict.OFF_TARGET],
            verdicts[Verdict.UNKNOWN],
            verdicts[Verdict.NO_TARGET],
            tuple(each.csc for each in cscs if not each.expected),
        ),
        events=some_events() if events is None else events,
        undecodable=undecodable,
        detail=None,
        decided=decided,
        banner=banner,
    )


def _group(name: str, views: list[CscView]) -> GroupView:
    members = [each for each in views if each.group == name and each.verdict is not Verdict.NO_TARGET]
    return GroupView(name, sum(each.verdict is Verdict.AT_TARGET for each in members), len(members))


def some_events() -> tuple[EventLine, ...]:
    """Return a short past, oldest first."""
    told: list[tuple[float, str, str, str, Effective | None]] = [
        (195, "AT", "13 of 13 STANDBY", "as wanted", None),
        (162, "MT", "24 of 28 STANDBY", "as wanted; 2 protected", None),
        (161, "MTDome", "STANDBY → FAULT", "code 101 “shutter drive: encoder lost”", Effective.FAULT),
        (90, "Envsys", "37 of 45 STANDBY", "as wanted", None),
        (41, "ESS:303", "ENABLED → LOST", "no beat for 10 s; its hardware may not be safe", Effective.LOST),
        (3, "GIS", "DISABLED → STANDBY", "at target", Effective.STANDBY),
    ]
    return tuple(
        EventLine(number, UTC - ago, subject, change, detail, effective in {None, Effective.STANDBY}, effective)
        for number, (ago, subject, change, detail, effective) in enumerate(told, 1)
    )


def calm_views(names: list[tuple[CscId, str]] | None = None) -> list[CscView]:
    """Return everybody at their start-up target."""
    wanted = {
        "MTM1M3": SummaryState.DISABLED,
        "MTM1M3TS": SummaryState.ENABLED,
        "MTAirCompressor": SummaryState.DISABLED,
    }
    enabled = {"ESS", "DIMM", "WeatherForecast", "HVAC", "EAS", "DREAM", "Watcher", "ScriptQueue", "EPM"}
    cameras = Target(SummaryState.OFFLINE, CameraSubstate.AVAILABLE)
    views = []
    for csc, group in names or summit():
        base = view(csc, group)
        state = wanted.get(csc.name) or (SummaryState.ENABLED if csc.name in enabled else SummaryState.STANDBY)
        if csc.name in CAMERAS:
            base = replace(base, target=cameras, substate=CameraSubstate.AVAILABLE)
            state = SummaryState.OFFLINE
        else:
            base = replace(base, target=Target(state))
        views.append(in_state(base, state))
    return views


def busy_views(names: list[tuple[CscId, str]] | None = None) -> list[CscView]:
    """Return a night on which most is at target and some of everything is not."""
    special: dict[str, Callable[[CscView], CscView]] = {
        "MTDome": faulted,
        "ESS:303": lost,
        "ESS:106": lambda base: in_state(base, SummaryState.STANDBY),
        "CBP": never_seen,
        "ESS:441": stopped,
        "MTVMS:2": lambda base: late(base, 7),
        "ESS:122": late,
        "ATCamera": lambda base: replace(
            base,
            substate=CameraSubstate.PUBLISH_ONLY,
            verdict=Verdict.OFF_TARGET,
            reason=Reason("says OFFLINE/PUBLISH_ONLY"),
        ),
        "Scheduler:2": lambda base: in_state(base, SummaryState.DISABLED),
        "OCPS:101": moving,
        "LinearStage:103": lambda base: in_state(base, SummaryState.ENABLED),
        "GIS": lambda base: replace(base, changed_at=NOW - 1),
    }
    return [special.get(str(base.csc), unchanged)(base) for base in calm_views(names)]


def busy(**changes: Any) -> Published:
    """Return ``busy_views`` as a snapshot."""
    return snapshot(
        busy_views(), undecodable=(Undecodable("lsst.sal.ESS.logevent_summaryState", 3, "no schema 71"),), **changes
    )


def unchanged(base: CscView) -> CscView:
    """Return the CSC as it is."""
    return base


def detail_of(csc: CscId) -> CscDetail:
    """Return what a session would gather of one CSC."""
    beats = tuple(
        -1 if second < 8 else 0 if second in {30, 31, 32} else 2 if second == 40 else 1 for second in range(60)
    )
    return CscDetail(
        csc,
        beats,
        (
            (UTC - 7_200, SummaryState.STANDBY, Source.EFD),
            (UTC - 3_000, SummaryState.DISABLED, Source.KAFKA),
            (UTC - 2_900, SummaryState.ENABLED, Source.KAFKA),
            (UTC - 161, SummaryState.FAULT, Source.KAFKA),
        ),
        (
            LogLine(UTC - 170, 20, "moving to azimuth 121.3"),
            LogLine(UTC - 165, 30, "encoder 3: retrying"),
            LogLine(
                UTC - 161,
                40,
                "shutter drive: encoder lost. Traceback (most recent call last): " + "drive refused; " * 12,
            ),
        ),
        "1.12.3",
        "23.1.0",
        0,
        "_init.yaml,_summit.yaml",
        "v6",
        4711,
    )


@dataclass
class FakeSource:
    """A session that shows what it is told to show and remembers what was ordered."""

    current: Published | None = None
    clock: ManualClock | RunningClock = field(default_factory=ManualClock)
    ordered: list[Command] = field(default_factory=list)
    subscribers: list[Callable[[Published], None]] = field(default_factory=list)

    def subscribe(self, subscriber: Callable[[Published], None], /) -> Callable[[], None]:
        self.subscribers.append(subscriber)
        if self.current is not None:
            subscriber(self.current)
        return lambda: self.subscribers.remove(subscriber)

    def order(self, command: Command, /) -> None:
        self.ordered.append(command)
        if isinstance(command, Inspect) and self.current is not None:
            self.publish(replace(self.current, detail=detail_of(command.csc) if command.csc else None))

    def publish(self, new: Published) -> None:
        self.current = new
        for subscriber in tuple(self.subscribers):
            subscriber(new)


def shaken(old: Published, rng: random.Random, changes: int, now: float, utc: float) -> Published:
    """Return the next snapshot of a storm: some CSCs have changed state."""
    views = list(old.cscs)
    events = list(old.events)
    for item in rng.sample(range(len(views)), changes):
        state = rng.choice([*SummaryState])
        views[item] = in_state(views[item], state, changed_at=now, reported_utc=utc)
        number = events[-1].number + 1 if events else 1
        events.append(
            EventLine(number, utc, str(views[item].csc), f"→ {state.name}", "storm", False, Effective[state.name])
        )
    made = snapshot(views, number=old.number + 1, events=tuple(events[-100:]), feed_views=old.feeds, at=now, utc=utc)
    return replace(made, detail=old.detail)
