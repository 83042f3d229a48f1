"""The vocabulary of the control system: CSCs, states, targets and the roster of a site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Self


class SummaryState(IntEnum):
    """A CSC's summary state with its number on the wire (ts_xml ``sal_enums.py`` ``State``)."""

    DISABLED = 1
    ENABLED = 2
    FAULT = 3
    OFFLINE = 4
    STANDBY = 5


class CameraSubstate(IntEnum):
    """``offlineDetailedState.substate`` of the three cameras (ts_xml ``OfflineDetailedState``)."""

    AVAILABLE = 1
    PUBLISH_ONLY = 2


class Liveness(StrEnum):
    """Whether a CSC's heartbeats arrive. ``unreadable``: records do that may be its own, and none can be read."""

    UNSEEN = "unseen"
    BEATING = "beating"
    LATE = "late"
    SILENT = "silent"
    UNREADABLE = "unreadable"
    FEED_DOWN = "feed_down"


class Effective(StrEnum):
    """What a CSC is taken to be in: a summary state, reported or inferred, or neither."""

    OFFLINE = "OFFLINE"
    STANDBY = "STANDBY"
    DISABLED = "DISABLED"
    ENABLED = "ENABLED"
    FAULT = "FAULT"
    LOST = "LOST"
    UNKNOWN = "UNKNOWN"


class Verdict(StrEnum):
    """An effective state compared with the target of the current phase."""

    AT_TARGET = "at_target"
    MOVING = "moving"
    OFF_TARGET = "off_target"
    UNKNOWN = "unknown"
    NO_TARGET = "no_target"


class Source(StrEnum):
    """Where the reported state was read."""

    KAFKA = "kafka"
    EFD = "efd"
    NONE = "none"


class FeedName(StrEnum):
    """A system that facts come from, as it is called in ``status --json`` and the header."""

    KAFKA = "kafka"
    SCHEMA_REGISTRY = "schema_registry"
    EFD = "efd"


class FeedState(StrEnum):
    """Health of a feed. ``OFF`` means not configured, which is no fault."""

    UP = "up"
    CONNECTING = "connecting"
    DEGRADED = "degraded"
    DOWN = "down"
    OFF = "off"


@dataclass(frozen=True, slots=True, order=True)
class CscId:
    """A CSC as the observatory writes it: ``Watcher`` (index 0, not indexed) or ``ESS:104``."""

    name: str
    index: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``Name`` or ``Name:index``; ``Watcher:0`` is ``Watcher``.

        Raises:
            ValueError: the text is no CSC; its message is a sentence for the operator.
        """
        name, colon, index = text.strip().partition(":")
        if not (name.isascii() and name.isalnum() and name[0].isalpha()):
            raise ValueError(f"{text!r} is not a CSC: write Name or Name:index, such as Watcher or ESS:104")
        if colon and not (index.isascii() and index.isdigit()):
            raise ValueError(f"{text!r} is not a CSC: the index after the colon must be a number")
        if len(index) > 10:  # SAL's is a 32-bit number
            raise ValueError(f"{text[:40]!r}... is not a CSC: an index has at most 10 digits")
        return cls(name, int(index) if colon else 0)

    def __str__(self) -> str:
        return f"{self.name}:{self.index}" if self.index else self.name


@dataclass(frozen=True, slots=True)
class Target:
    """The state a CSC should be in; for a camera OFFLINE may ask for a sub-state too."""

    state: SummaryState
    substate: CameraSubstate | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``STANDBY`` or ``OFFLINE/AVAILABLE``.

        Raises:
            ValueError: the text is no target; its message is a sentence for the operator.
        """
        state, slash, sub = text.strip().partition("/")
        if state not in SummaryState.__members__:
            known = ", ".join(SummaryState.__members__)
            raise ValueError(f"{text!r} is not a target: use one of {known}, or OFFLINE/AVAILABLE for a camera")
        if not slash:
            return cls(SummaryState[state])
        if state != "OFFLINE" or sub not in CameraSubstate.__members__:
            raise ValueError(
                f"{text!r} is not a target: only OFFLINE/AVAILABLE and OFFLINE/PUBLISH_ONLY have a second part"
            )
        return cls(SummaryState.OFFLINE, CameraSubstate[sub])

    @property
    def is_down(self) -> bool:
        """Whether a CSC is down there. A camera that is OFFLINE/AVAILABLE is where it starts from: it is up."""
        return self.state is SummaryState.OFFLINE and self.substate is not CameraSubstate.AVAILABLE

    def __str__(self) -> str:
        return self.state.name if self.substate is None else f"{self.state.name}/{self.substate.name}"


@dataclass(frozen=True, slots=True)
class Limits:
    """When a CSC that has beaten counts as late and as silent, in monotonic seconds since its last beat."""

    late: float = 5.0
    silent: float = 10.0


@dataclass(frozen=True, slots=True)
class CscSpec:
    """One line of a site's roster.

    ``shutdown`` is the target of a shutdown; protected CSCs keep what it says instead of OFFLINE. ``override`` is the
    configuration override that a step's ``start`` gets; empty: the CSC's own for its site.
    """

    csc: CscId
    group: str
    startup: Target
    end: Target
    shutdown: Target
    protected: bool = False
    camera: bool = False
    limits: Limits = Limits()
    override: str = ""


class TargetKind(StrEnum):
    """Which of its own targets each CSC is compared with."""

    STARTUP = "startup"
    END = "end"
    SHUTDOWN = "shutdown"


_AS_LISTED: Mapping[CscId, Target] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Phase:
    """What the present phase wants: each CSC's own target of a kind, one target for all, or nothing."""

    wanted: TargetKind | Target | None = TargetKind.STARTUP

    def target(self, spec: CscSpec, startup: Mapping[CscId, Target] = _AS_LISTED) -> Target | None:
        """Return the target of one CSC in this phase, or None where the phase has none for it.

        ``startup`` holds start-up targets that stand in place of the roster's. A CSC that nothing moves after the
        start-up has the same target at the end.
        """
        if not isinstance(self.wanted, TargetKind):
            return self.wanted
        stays = self.wanted is TargetKind.END and spec.end == spec.startup
        if spec.csc in startup and (stays or self.wanted is TargetKind.STARTUP):
            return startup[spec.csc]
        target: Target = getattr(spec, self.wanted.value)
        return target

    def __str__(self) -> str:
        return "none" if self.wanted is None else str(self.wanted)


@dataclass(frozen=True, slots=True)
class Roster:
    """Every CSC a site expects, in the site file's order, and its display groups in order."""

    site: str
    rehearsal: bool
    cscs: tuple[CscSpec, ...]
    groups: tuple[str, ...]
    time_zone: str = "UTC"
    cluster: str = ""


NEVER_EXPECTED = frozenset({"Script", "AlarmRule", "LOVE"})
"""Components without a summary state that come and go: neither expected nor unexpected (CLI.md)."""
