"""From a snapshot to an exit code, and what ``wait`` tells meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from deploydash.cli.exits import Exit
from deploydash.cli.status import is_answered, verdict
from deploydash.cli.telling import Telling
from deploydash.cli.wait import Watcher, table
from deploydash.core.fleet.snapshot import CscView, FeedView, Snapshot
from deploydash.core.model import CscId, Effective, FeedName, FeedState, SummaryState, Verdict
from tests.support import snapshots
from tests.support.snapshots import NOW

DOME, ESS = (snapshots.view(CscId("ATDome")), snapshots.view(CscId("ESS", 104)))
OFF = snapshots.in_state(ESS, SummaryState.ENABLED)
UNKNOWN = replace(ESS, effective=Effective.UNKNOWN, verdict=Verdict.UNKNOWN)
WITHOUT = replace(ESS, verdict=Verdict.NO_TARGET)
MOVING = replace(OFF, verdict=Verdict.MOVING)
STRANGER = replace(OFF, csc=CscId("ESS", 999), expected=False)
BOTH = frozenset({DOME.csc, ESS.csc})


def snapshot(*views: CscView, kafka: FeedState = FeedState.UP, decided: bool = True) -> Snapshot:
    feed = FeedView(FeedName.KAFKA, kafka, "127.0.0.1:9094 (site file)", NOW)
    return snapshots.snapshot(views, feed_views=snapshots.feeds(kafka=feed), decided=decided)


@pytest.mark.parametrize(
    ("views", "kafka", "decided", "code"),
    [
        ((DOME, ESS), FeedState.UP, True, Exit.YES),
        ((DOME, WITHOUT), FeedState.UP, True, Exit.YES),
        ((DOME, ESS, STRANGER), FeedState.UP, True, Exit.YES),
        ((DOME, ESS), FeedState.DEGRADED, True, Exit.YES),
        ((DOME, OFF), FeedState.UP, True, Exit.NO),
        ((DOME, MOVING), FeedState.UP, True, Exit.NO),
        ((DOME, UNKNOWN), FeedState.UP, True, Exit.NO),
        ((UNKNOWN,), FeedState.UP, True, Exit.NO),
        ((DOME, UNKNOWN), FeedState.DEGRADED, True, Exit.NO),
        ((UNKNOWN,), FeedState.DEGRADED, True, Exit.CANNOT_TELL),
        ((DOME, ESS), FeedState.DOWN, True, Exit.CANNOT_TELL),
        ((DOME, ESS), FeedState.CONNECTING, True, Exit.CANNOT_TELL),
        ((DOME, ESS), FeedState.UP, False, Exit.CANNOT_TELL),
        ((DOME, OFF), FeedState.UP, False, Exit.CANNOT_TELL),
    ],
)
def test_the_exit_code_says_yes_no_or_cannot_tell(
    views: tuple[CscView, ...], kafka: FeedState, decided: bool, code: Exit
) -> None:
    assert verdict(snapshot(*views, kafka=kafka, decided=decided)) is code


def test_looking_ends_when_all_is_decided_or_kafka_cannot_be_read() -> None:
    assert is_answered(snapshot(DOME))
    assert is_answered(snapshot(DOME, kafka=FeedState.DOWN, decided=False))
    assert not is_answered(snapshot(DOME, decided=False))
    assert not is_answered(snapshot(DOME, kafka=FeedState.CONNECTING, decided=False))
    assert not is_answered(snapshot(DOME, kafka=FeedState.CONNECTING)), "the log decided before the feed was up"


TELLING = Telling()


def lines(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    TELLING.finish()
    return [(line["csc"], line["verdict"]) for line in map(json.loads, capsys.readouterr().out.splitlines())]


def test_wait_tells_each_change_once_and_nothing_of_cscs_it_does_not_wait_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    watcher = Watcher(BOTH, TELLING, as_json=True)
    assert not watcher(snapshot(DOME, UNKNOWN, decided=False))
    assert lines(capsys) == [], "nothing is told before it is decided"
    assert not watcher(snapshot(DOME, OFF, STRANGER))
    assert lines(capsys) == [("ATDome", "at_target"), ("ESS:104", "off_target")]
    assert not watcher(snapshot(DOME, OFF, STRANGER))
    assert lines(capsys) == []
    assert not watcher(snapshot(DOME, MOVING))
    assert lines(capsys) == [("ESS:104", "moving")]
    assert watcher(snapshot(DOME, ESS))
    assert lines(capsys) == [("ESS:104", "at_target")]


@pytest.mark.parametrize("kafka", [FeedState.DOWN, FeedState.DEGRADED, FeedState.CONNECTING])
def test_wait_believes_only_a_kafka_that_is_up(kafka: FeedState, capsys: pytest.CaptureFixture[str]) -> None:
    watcher = Watcher(BOTH, TELLING, as_json=True)
    assert not watcher(snapshot(DOME, OFF))
    assert not watcher(snapshot(DOME, ESS, kafka=kafka))
    assert watcher(snapshot(DOME, ESS))
    assert lines(capsys) == [("ATDome", "at_target"), ("ESS:104", "off_target"), ("ESS:104", "at_target")]


def test_wait_survives_a_kafka_that_goes_but_not_one_that_never_came(capsys: pytest.CaptureFixture[str]) -> None:
    never = Watcher(BOTH, TELLING, as_json=False)
    assert not never(snapshot(DOME, ESS, kafka=FeedState.CONNECTING, decided=False))
    assert never(snapshot(DOME, ESS, kafka=FeedState.DOWN, decided=False))
    once = Watcher(BOTH, TELLING, as_json=False)
    assert not once(snapshot(DOME, OFF))
    assert not once(snapshot(DOME, OFF, kafka=FeedState.DOWN))
    TELLING.finish()
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "kafka down: 127.0.0.1:9094 (site file)",
        "kafka up: 127.0.0.1:9094 (site file)",
        f"ESS:104: ENABLED, off_target ({OFF.reason.render(NOW)})",
        "kafka down: 127.0.0.1:9094 (site file)",
    ]


def test_the_table_names_those_that_are_missing() -> None:
    text = table(snapshot(DOME, OFF), BOTH)
    assert text.splitlines()[0] == "1 of 2 at target startup"
    assert [line.split()[:2] for line in text.splitlines()[1:]] == [["ESS:104", "ENABLED"]]
    assert table(snapshot(DOME, ESS), BOTH) == "2 of 2 at target startup"
