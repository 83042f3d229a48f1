"""What is shown, moment by moment, as feeds report: the golden stories, told to a fleet."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import (
    BeatsReadBack,
    EfdAnswered,
    EfdUnreadable,
    ExitAcknowledged,
    FetchesResumed,
    FetchesStopped,
    Observation,
    StatesReadBack,
    StatesUnreadable,
    StoodStill,
    TopicsListed,
    Unreadable,
)
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Effective, FeedName, FeedState, Phase, Roster, Source, Target
from tests.support.builders import Watched, beat, error, feed, logged_beat, roster, spec, substate, told, unreadable
from tests.support.clock import START_UTC

STORIES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[2] / "data/golden/stories.yaml").read_text(encoding="utf-8")
)
CHECKS = ("see", "all", "banner", "decided", "summary")


def roster_of(story: dict[str, Any]) -> Roster:
    lines = (line if isinstance(line, dict) else {"csc": line} for line in story["roster"])
    return roster(*(spec(line["csc"], camera=line.get("camera", False)) for line in lines))


def usual_start(expected: Roster) -> list[Observation]:
    components = frozenset(one.csc.name for one in expected.cscs)
    return [
        feed(FeedName.KAFKA, FeedState.UP, 0.0),
        TopicsListed(components, 0.0),
        FetchesResumed(components, 0.0),
        *(StatesReadBack(component, 0.0) for component in sorted(components)),
        *(BeatsReadBack(component, 0.0, START_UTC, append_time=False) for component in sorted(components)),
    ]


def background(story: dict[str, Any]) -> Iterator[tuple[float, Observation]]:
    for csc, life, start, end, *how in story.get("beating", ()):
        origin, _, number = life.partition("/")
        for second in range(int(end - start) + 1):
            at = float(start + second)
            yield at, beat(csc, f"{origin}/{int(number) + second}", at, create_time=how == ["create time"])
    for name, start, end, why in story.get("unreadable", ()):
        for second in range(int(end - start) + 1):
            yield float(start + second), unreadable(name, float(start + second), why)


def observation_of(step: dict[str, Any]) -> Observation:
    """Read one step of a story; an unknown key is an error."""
    left = dict(step)
    at = float(left.pop("at"))
    live = not left.pop("back", False)
    if "told" in left:
        csc, state = left.pop("told").split()
        efd = left.pop("source", "") == "efd"
        source = Source.EFD if efd else Source.KAFKA
        return told(
            csc, state, at, life=None if efd else left.pop("life"), live=live and not efd, source=source, **left
        )
    if "substate" in left:
        csc, name = left.pop("substate").split()
        return substate(csc, name, at, live=live, **left)
    if "error" in left:
        csc, code = left.pop("error").split()
        return error(csc, int(code), at, live=live, **left)
    if "beat" in left:
        return beat(left.pop("beat"), left.pop("life"), at, **left)
    if "logged unreadable" in left:
        return unreadable(left.pop("logged unreadable"), at, live=False, **left)
    if "log" in left:
        create_time = left.pop("create time", False)
        lately = tuple((life, float(age)) for life, age in left.pop("lately", ()))
        return logged_beat(left.pop("log"), left.pop("life"), at, create_time=create_time, lately=lately, **left)
    return report_of(left, at)


def report_of(left: dict[str, Any], at: float) -> Observation:
    """Read a step that is about feeds and topics."""
    if "log read" in left:
        since = START_UTC + at - left["since"]
        append_time, complete = not left.get("create time", False), left.get("complete", False)
        return BeatsReadBack(left["log read"], at, since, append_time, complete, left.get("reaches", inf))
    if "feed" in left:
        name, state = left["feed"].split()
        return feed(FeedName(name), FeedState(state), at, left.get("detail", ""))
    if "states unread" in left:
        component, event = left["states unread"].split()
        newest = (Unreadable(None if index == "any" else index, order, why) for index, order, why in left["newest"])
        return StatesUnreadable(component, event, tuple(newest), at)
    if "efd unread" in left:
        csc, event = left["efd unread"].split()
        return EfdUnreadable(CscId.parse(csc), event, left["why"], at)
    if "exited" in left:
        return ExitAcknowledged(CscId.parse(left["exited"]), at)
    if "topics" in left:
        return TopicsListed(frozenset(left["topics"]), at)
    if "answered" in left:
        return FetchesResumed(frozenset(left["answered"]), at)
    if "not answered" in left:
        return FetchesStopped(frozenset(left["not answered"]), at, left["until"], left["why"])
    if "stood still" in left:
        return StoodStill(at - left["stood still"], left["stood still"], "", at)
    if "states read" in left:
        return StatesReadBack(left["states read"][0], at)
    return EfdAnswered(frozenset(CscId.parse(csc) for csc in left["efd answered"]), at)


def shown(view: CscView, now: float, fields: dict[str, Any]) -> list[Any]:
    """Return of a view what the golden file says of it."""
    star = "*" if view.inferred else ""
    seen: list[Any] = [view.liveness.value, f"{view.effective}{star}", view.verdict.value, view.reason.render(now)]
    if fields:
        seen.append({name: plain(getattr(view, name)) for name in fields})
    return seen


def plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if hasattr(value, "report"):
        return f"{value.code} {value.report}"
    if isinstance(value, Source | Effective):
        return value.value
    return getattr(value, "name", value)


def check(step: dict[str, Any], watched: Watched) -> None:
    snapshot = watched.snapshot()
    views = {str(view.csc): view for view in snapshot.cscs}
    for csc, expected in step.get("see", {}).items():
        fields = expected[4] if len(expected) > 4 else {}
        assert (csc, shown(views[csc], watched.now, fields)) == (csc, expected)
    if "all" in step:
        assert list(views) == step["all"]
    if "banner" in step:
        assert snapshot.banner == step["banner"]
    if "decided" in step:
        assert snapshot.decided is step["decided"]
    for name, expected in step.get("summary", {}).items():
        count = getattr(snapshot.summary, name)
        assert (name, [str(csc) for csc in count] if isinstance(count, tuple) else count) == (name, expected)


@pytest.mark.parametrize("story", [pytest.param(story, id=story["story"]) for story in STORIES])
def test_the_story_is_told_as_written(story: dict[str, Any]) -> None:
    expected = roster_of(story)
    phase = Phase(Target.parse(story["phase"])) if "phase" in story else Phase()
    watched = Watched(Fleet(expected, 0.0, phase))
    if story.get("start", "usual") == "usual":
        watched.see(*usual_start(expected))
    events: list[tuple[float, Observation | dict[str, Any]]] = [*background(story)]
    events += [(float(step["at"]), step) for step in story["steps"]]
    checked = 0
    for at, event in sorted(events, key=lambda event: event[0]):
        watched.until(at)
        if not isinstance(event, dict):
            watched.see(event)
        elif any(name in event for name in CHECKS):
            assert not set(event) - {"at", *CHECKS}
            check(event, watched)
            checked += 1
        else:
            watched.see(observation_of(event))
    assert checked
