"""Which components' silence is a fact, and how the feed as a whole fares: values in, observations out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from deploydash.core.fleet.observations import FeedChanged, FetchesResumed, FetchesStopped, Observation
from deploydash.core.model import FeedName, FeedState
from deploydash.core.words import first_of

_NAMED = 3
"""So many components are named in a sentence; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What was found out about the heartbeat partitions just now.

    ``unanswered``: components to the reason and the monotonic time until which their fetches were answered.
    ``answered``: components with an answered fetch since they were assigned. ``lost``: those of the unanswered
    that no broker answers for; the others are answered with what cannot be read.
    """

    listed: frozenset[str]
    answered: Collection[str]
    unanswered: Mapping[str, tuple[str, float]]
    lost: Collection[str] = ()
    refused: Collection[str] = ()
    events_behind: int = 0


@dataclass(slots=True)
class Health:
    """Remembers what was told, so that only changes are told.

    ``address`` begins every sentence; ``topics`` is how the topics are named, for the sentence when none is there.
    ``unreachable`` are brokers that it names for itself and that cannot be reached, with the reasons; ``trouble`` is
    why no broker can be reached, once somebody has found out, and ``lost_since`` since when (monotonic) none was.
    """

    address: str
    topics: str
    trouble: str = ""
    unreachable: str = ""
    lost_since: float | None = None
    _stopped: set[str] = field(default_factory=set)
    _resumed: set[str] = field(default_factory=set)
    _told: tuple[FeedState, str] | None = None

    def is_stopped(self, component: str) -> bool:
        """Tell whether the component's silence is no fact at the moment, as last told."""
        return component in self._stopped

    def resume(self, component: str, at: float) -> list[Observation]:
        """Note that a fetch of a stopped component was answered with records."""
        if component not in self._stopped:
            return []
        self._stopped.discard(component)
        self._resumed.add(component)
        return [FetchesResumed(frozenset({component}), at)]

    def update(self, answers: Answers, at: float) -> list[Observation]:
        """Return what changed."""
        changes = self._stops(answers, at)
        resumed = {
            component
            for component in answers.answered
            if component not in answers.unanswered and component not in self._resumed
        }
        if resumed:
            self._resumed |= resumed
            self._stopped -= resumed
            changes.append(FetchesResumed(frozenset(resumed), at))
        state, detail = self._state(answers)
        if state is not FeedState.DOWN or not answers.lost:
            self.lost_since, self.trouble = None, ""
        elif self.lost_since is None:
            self.lost_since = at
        if (state, detail) != self._told:
            self._told = (state, detail)
            changes.insert(0, FeedChanged(FeedName.KAFKA, state, detail, at))
        return changes

    def _stops(self, answers: Answers, at: float) -> list[Observation]:
        stops: dict[tuple[str, float], set[str]] = {}
        for component, (why, until) in answers.unanswered.items():
            if component not in self._stopped:
                stops.setdefault((why, until), set()).add(component)
        for components in stops.values():
            self._stopped |= components
            self._resumed -= components
        return [FetchesStopped(frozenset(components), at, until, why) for (why, until), components in stops.items()]

    def _state(self, answers: Answers) -> tuple[FeedState, str]:
        readable = answers.listed - set(answers.refused)
        if answers.listed and not readable:
            return (
                FeedState.DOWN,
                f"{self.address}: connected, but this account may not read any of {self.topics}; ask for READ on them",
            )
        if not readable:
            return (
                FeedState.DEGRADED,
                f"{self.address}: sees no topic {self.topics}*; ask for DESCRIBE and READ on them, "  # noqa: ISC004
                "or set another LSST_TOPIC_SUBNAME if none exists under this name",
            )
        if readable <= set(answers.lost):
            return FeedState.DOWN, self.trouble or f"{self.address}: no broker answers; waiting for it"
        parts: list[str] = []
        if answers.unanswered:
            why = next(iter(answers.unanswered.values()))[0]
            parts.append(f"no heartbeats of {first_of(sorted(answers.unanswered), _NAMED)}: {why}")
        if self.unreachable:
            parts.append(f"it names brokers that cannot be reached from here: {self.unreachable}")
        if answers.refused:
            refused = first_of(sorted(answers.refused), _NAMED)
            parts.append(f"this account may not read {refused}; ask for READ on {self.topics}*")
        if answers.events_behind:
            parts.append(f"{answers.events_behind} event topics are not answered or may not be read")
        if parts:
            return FeedState.DEGRADED, f"{self.address}: {'; '.join(parts)}"
        if answers.answered:
            return FeedState.UP, self.address
        return FeedState.CONNECTING, f"{self.address}: connected, waiting for the first answers"
