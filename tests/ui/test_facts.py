"""What other systems report stands where people look: the CSC's page and reason, the board, a page, the header."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.snapshot import FeedView
from deploydash.core.model import CscId, FeedName, FeedState
from deploydash.ui.draw.board import board_lines
from deploydash.ui.draw.detail import detail_lines
from deploydash.ui.draw.glyphs import UNICODE
from deploydash.ui.draw.header import feeds_line
from deploydash.ui.draw.ink import plain
from deploydash.ui.draw.lines import departing, reason_of, selection
from deploydash.ui.draw.run.facts import facts_lines
from deploydash.ui.draw.run.failures import state_evidence
from deploydash.ui.draw.run.reading import Reading
from deploydash.ui.draw.run.run_header import run_header
from deploydash.ui.draw.run.wait import likely_reason
from deploydash.ui.draw.tiles import Moment, look
from tests.support import run_snapshots, snapshots
from tests.support.run_ui import running_run
from tests.support.snapshots import NOW, UTC

MOMENT = Moment(NOW, UTC, UNICODE)
ESS = CscId("ESS", 309)
PULL = Fact("cluster", "ess309", str(ESS), ok=False, value="", sentence="cannot pull its image", read_utc=UTC - 4)
FINE = Fact("cluster", "atdome", "ATDome", ok=True, value="", sentence="its pod runs", read_utc=UTC - 4)
NOTICE = Fact("notes", "notes.posted", "", ok=True, value="", sentence="the notice is posted", read_utc=UTC - 200)
CLUSTER = FeedView("cluster", FeedState.DEGRADED, "2 of 8 namespaces do not answer", NOW - 9)
NOTES = FeedView("notes", FeedState.UP, "notes.example.org", NOW - 9)


def reading() -> Reading:
    base = run_snapshots.waiting()
    cscs = tuple(
        replace(view, likely="cluster: cannot pull its image") if view.csc == ESS else view for view in base.cscs
    )
    base = replace(base, cscs=cscs, facts=(FINE, NOTICE, PULL), feeds=(*base.feeds, NOTES, CLUSTER))
    assert base.run is not None
    return Reading.of(base.run, base, MOMENT)


def test_it_is_the_first_likely_reason_on_the_board_and_follows_the_csc_s_own_elsewhere() -> None:
    here = reading()
    assert likely_reason(here.views[ESS], here) == "cluster: cannot pull its image; restarted 3 times"
    assert reason_of(here.views[ESS], MOMENT).endswith("; cluster: cannot pull its image")
    assert "pull" not in state_evidence(here.views[ESS], here)


@pytest.mark.parametrize("width", [80, 120])
def test_where_there_is_room_for_a_line_it_stands_before_the_csc_s_own(width: int) -> None:
    view = reading().views[ESS]
    words = "cluster: cannot pull its image; "
    assert words in plain(selection(view, MOMENT, width))
    assert words in plain(departing(view, look(view, MOMENT), MOMENT, width))


def test_of_a_csc_that_is_at_target_it_is_no_reason() -> None:
    calm = replace(snapshots.calm_views()[0], likely="cluster: cannot pull its image")
    assert "pull" not in reason_of(calm, MOMENT)


def test_the_page_about_a_csc_has_every_fact_with_its_age_and_marks_an_old_one() -> None:
    facts = (replace(FINE, read_utc=UTC - 75), PULL)
    lines = [plain(line) for line in detail_lines(reading().views[ESS], None, MOMENT, 100, facts=facts)]
    at = next(number for number, line in enumerate(lines) if "Reported by other systems" in line)
    assert lines[at + 1 : at + 3] == [
        f"   {'cluster':<18}cannot pull its image   (read 4 s ago)",
        f"   {'cluster':<18}its pod runs   (read 75 s ago, old)",
    ]


def test_the_page_of_systems_has_each_feed_with_its_detail_and_what_is_on_no_csc_s_page() -> None:
    assert [plain(line).rstrip() for line in facts_lines(reading(), 90)] == [
        "  ● notes notes.example.org",
        f"   {'notes.posted':<18}the notice is posted   (read 3 min 20 s ago, old)",
        "",
        "  ◐ cluster degraded 2 of 8 namespaces do not answer",
        f"   {'ESS:309':<18}cannot pull its image   (read 4 s ago)",
        "   1 fact about CSCs as wanted: on the page of each",
    ]


def test_a_system_s_feed_in_trouble_stands_in_the_header_before_those_that_are_up_with_what_is_wrong() -> None:
    here = reading()
    wide, small = (plain(run_header(here, width, None)[1]) for width in (200, 80))
    assert wide.startswith(
        " ● kafka 243/s 0.2 s  ◐ cluster degraded 2 of 8 namespaces do not answer  ● registry  ● efd"
    )
    assert "● notes  " in wide
    assert small.startswith(" ● kafka 243/s 0.2 s  ◐ cluster degraded  ● registry  ● efd  +1  ")
    assert "2 of 8 namespaces" in plain(feeds_line(here.snapshot, 100, NOW, UNICODE))


def test_kafka_stays_first_whatever_else_is_in_trouble() -> None:
    down = replace(CLUSTER, state=FeedState.DOWN)
    line = plain(feeds_line(snapshots.busy(feed_views=(down, *snapshots.feeds())), 60, NOW, UNICODE))
    assert line.index(FeedName.KAFKA) < line.index("cluster")


async def test_a_key_opens_the_page_of_systems() -> None:
    base = run_snapshots.waiting()
    async with running_run(run_snapshots.SCENES["watcher"]()) as screen:
        await screen.publish(replace(run_snapshots.SCENES["watcher"](), facts=(NOTICE,), feeds=(*base.feeds, NOTES)))
        await screen.press("F")
        await screen.sees("notes.example.org")
        await screen.press("escape")
        await screen.until(lambda: screen.app.screen is screen.run)


def test_at_a_site_without_cscs_the_facts_stand_in_the_place_of_the_grid_in_their_order() -> None:
    facts = (FINE, NOTICE, PULL, replace(FINE, system="lab", about="agent tel1", sentence="up: 2 deployed"))
    bare = replace(run_snapshots.waiting(), cscs=(), facts=facts)
    lines = [plain(line) for line in board_lines(bare, MOMENT, 70, 20)]
    assert [line.split(" · ")[0].strip("─ ") for line in lines if "as wanted" in line] == ["cluster", "notes", "lab"]
    assert any("agent tel1" in line and "up: 2 deployed" in line for line in lines)
    assert any("the notice is posted  (read" in line and "old)" in line for line in lines), "an old one says so"
    few = [plain(line) for line in board_lines(replace(bare, facts=(FINE, FINE, PULL)), MOMENT, 70, 3)]
    assert "cannot pull its image" in few[1], "what departs comes first where there is no room for all"
    assert few[-1].strip() == "2 more: F"


async def test_the_run_s_screen_shows_them_beside_the_card() -> None:
    bare = replace(
        run_snapshots.SCENES["watcher"](), cscs=(), groups=(), facts=(replace(FINE, sentence="up: 2 deployed"),)
    )
    async with running_run(bare) as screen:
        await screen.sees("up: 2 deployed")
