"""The run as lines and words: cards, rows, durations, what rings the bell. No screen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deploydash.core.model import CscId
from deploydash.core.procedure.names import Lane, StepId
from deploydash.core.published import Published
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.state import ItemStatus, StepStatus
from deploydash.core.views.run_view import Card, LaneHead, RunView
from deploydash.core.words import listed
from deploydash.ui.draw.detail import detail_lines
from deploydash.ui.draw.glyphs import ASCII, UNICODE, showable
from deploydash.ui.draw.ink import Ink, Line, Span, plain
from deploydash.ui.draw.run.attention import Bell, needs
from deploydash.ui.draw.run.card import card_lines, page_lines
from deploydash.ui.draw.run.card_parts import rest_lines
from deploydash.ui.draw.run.csc_card import in_short, kinds
from deploydash.ui.draw.run.item_card import sent_lines, told_lines
from deploydash.ui.draw.run.offers import Mode, mode_of, offers, open_questions
from deploydash.ui.draw.run.reading import Focus, Reading, box, chart, clipped, copied, folded, lasting
from deploydash.ui.draw.run.run_header import run_header
from deploydash.ui.draw.run.runbook import Place, left_lines, remaining, row_lines
from deploydash.ui.draw.run.signs import signs
from deploydash.ui.draw.run.wait import BoardFocus, wait_lines
from deploydash.ui.draw.tiles import Moment
from tests.support import run_snapshots
from tests.support.item_scenes import SCRIPT_SCENES
from tests.support.run_snapshots import SCENES, lines
from tests.support.snapshots import NOW, UTC


def reading(snapshot: Published, *, ascii_only: bool = False) -> Reading:
    assert snapshot.run is not None
    return Reading.of(snapshot.run, snapshot, Moment(NOW, UTC, ASCII if ascii_only else UNICODE))


def run_of(name: str) -> RunView:
    run = SCENES[name]().run
    assert run is not None
    return run


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("asking", Mode.ASKING),
        ("watcher", Mode.READY),
        ("armed", Mode.ARMED),
        ("naming", Mode.NAMING),
        ("going", Mode.GOING),
        ("queues", Mode.SHUT),
        ("by-hand", Mode.MANUAL),
        ("question", Mode.QUESTION),
        ("held", Mode.HELD),
        ("wait", Mode.WAITING),
        ("arrived", Mode.ENDING),
    ],
)
def test_what_the_card_asks_is_told_from_the_run_alone(name: str, mode: Mode) -> None:
    assert mode_of(run_of(name)) is mode


def test_a_closed_run_asks_nothing() -> None:
    run = replace(run_of("watcher"), closed=True)
    assert (mode_of(run), offers(run, Focus())) == (Mode.CLOSED, ())


@pytest.mark.parametrize("name", sorted(SCENES))
@pytest.mark.parametrize(("width", "height"), [(54, 46), (46, 36), (41, 15), (41, 14)])
def test_every_card_shows_its_keys_and_fills_its_place_exactly(name: str, width: int, height: int) -> None:
    seen = reading(SCENES[name]())
    lines = left_lines(seen, Focus(), Place(), width, height)
    assert len(lines) == height
    assert {len(plain(line)) for line in lines} == {width}
    text = "\n".join(map(plain, lines))
    for offer in offers(seen.run, Focus()):
        assert offer.key in text
        assert offer.words.replace("...", "…")[:12] in text


ASKING_STEPS = [step.id for step in run_snapshots.full_cycle().steps() if step.asks]


@pytest.mark.parametrize("step", ASKING_STEPS)
@pytest.mark.parametrize(("width", "height"), [(54, 46), (46, 36), (41, 15), (41, 14)])
def test_the_answer_that_enter_takes_stands_in_full_on_every_card(step: str, width: int, height: int) -> None:
    seen = reading(run_snapshots.at_step(step, run_snapshots.all_down()))
    card = seen.run.card
    assert card is not None
    assert mode_of(seen.run) is Mode.QUESTION
    options = open_questions(card)[0].options
    for row, option in enumerate(options):
        text = [plain(line).strip("│ ") for line in card_lines(seen, Focus(row=row), width, height)]
        whole = " ".join(" ".join(text).split())
        assert f"▸ {option.answer}: {option.text}" in whole
        assert f"Enter answer {option.answer}" in whole
    tall = " ".join(" ".join(plain(line).strip("│ ") for line in card_lines(seen, Focus(), width, height)).split())
    assert open_questions(card)[0].question in tall


@pytest.mark.parametrize("name", sorted(SCENES))
def test_a_poor_terminal_gets_nothing_but_ascii(name: str) -> None:
    seen = reading(SCENES[name](), ascii_only=True)
    lines = [
        *run_header(seen, 80, None, 2),
        *left_lines(seen, Focus(), Place(), 46, 36),
        *wait_lines(seen, BoardFocus(), 80, 20, bell=True),
        *page_lines(seen, 80),
    ]
    for line in lines:
        assert showable(plain(line), ASCII).isascii()


def test_signs_differ_without_colour() -> None:
    for each in (signs(UNICODE), signs(ASCII)):
        shown = [each.done, each.not_met, each.here, each.to_come, each.skipped, each.asks]
        assert len(set(shown)) == len(shown)


def test_done_skipped_asking_and_not_applicable_look_different_in_the_runbook() -> None:
    seen = reading(SCENES["closing"]())
    text = [plain(line) for line in row_lines(seen, Place(row=0), 60, 60)]
    shown = {
        word: line[0] for line in text for word in ("tickets", "announce-end", "love-start", "close") if word in line
    }
    assert shown == {"tickets": "✔", "announce-end": "↷", "love-start": "−", "close": "·"}


def test_forty_failures_are_one_line_each_around_the_cursor_with_the_evidence_of_one() -> None:
    seen = reading(SCENES["many"]())
    assert seen.run.card is not None
    names = [str(row.csc) for row in seen.run.card.asking]
    for row in (0, 20, 39):
        text = "\n".join(plain(line) for line in card_lines(seen, Focus(row=row), 46, 17))
        assert f"▸O* {names[row]} " in text
        assert "no answer in 30 s" in text
        assert "40 need a decision" in text


def test_a_card_that_is_too_long_says_how_much_is_left_and_keeps_its_keys() -> None:
    text = "\n".join(plain(line) for line in card_lines(reading(SCENES["cscs"]()), Focus(), 41, 12))
    assert "more lines" in text
    assert "a arm" in text


def test_the_page_of_a_step_names_every_csc_and_every_command() -> None:
    seen = reading(SCENES["cscs"]())
    text = "\n".join(plain(line) for line in page_lines(seen, 100))
    assert seen.run.card is not None
    for csc in seen.run.card.step.cscs:
        assert csc.name in text
        assert str(csc.index or "") in text
    by_hand = reading(SCENES["by-hand"]())
    text = " ".join(plain(line).strip() for line in page_lines(by_hand, 70))
    assert "We need your help with observing: standing down, configuration, starting up." in text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("lsst.sal.ESS.command_disable salIndex=104", "disable"),
        ("lsst.sal.ATAOS.command_start configurationOverride=an.yaml", "start with an.yaml"),
        ("anything else", "anything else"),
    ],
)
def test_an_exact_command_is_counted_by_what_it_does(line: str, words: str) -> None:
    assert in_short(line) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(-1, "0:00"), (9.9, "0:09"), (161, "2:41"), (3_599, "59:59"), (3_722, "1:02:02")]
)
def test_durations_read_like_a_stopwatch(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


def test_cscs_are_listed_with_the_indices_of_one_component_together() -> None:
    cscs = [CscId("ESS", 105), CscId("ATDome"), CscId("ESS", 104)]
    assert listed(cscs) == "ESS:104 105, ATDome"


def test_a_command_is_never_shortened() -> None:
    command = "ssh -t host sudo systemctl stop a-very-long-unit-name.service --now --and=more"
    assert "".join(plain(line)[2:] for line in copied(command, 20, Ink.ACCENT, "  ")) == command


@pytest.mark.parametrize("width", range(12, 60, 7))
def test_a_box_is_exactly_as_large_as_it_was_asked_to_be(width: int) -> None:
    body = [*folded("a sentence that has to be wrapped somewhere", width - 4), Line((Span("x" * 90),))]
    lines = box("a title that may be long", body, width, 8, reading(SCENES["watcher"]()), asking=True)
    assert len(lines) == 8
    assert {len(plain(line)) for line in lines} == {width}


def test_spans_are_cut_with_a_sign() -> None:
    assert [span.text for span in clipped((Span("abc"), Span("defgh")), 6, UNICODE)] == ["abc", "de…"]


def test_a_chart_rises_and_is_full_only_when_all_are_there() -> None:
    drawn = chart([10, 20, 30, 40], 0, 40, 4, 4, signs(UNICODE))
    assert drawn == "▂▄▆█"
    assert "█" not in chart([10, 20, 30], 0, 40, 4, 4, signs(UNICODE))
    assert chart([], 0, 40, 4, 4, signs(UNICODE)) == ""


def test_the_rest_is_foretold_from_three_arrivals_on() -> None:
    assert remaining([10, 20], 0, 10) is None
    assert remaining([10, 20, 30], 0, 6) == pytest.approx(30.0)


def test_each_thing_that_needs_the_lead_has_a_name_of_its_own() -> None:
    assert needs(run_of("watcher"), UTC) == {"turn watcher": "your turn, Send the Watcher to OFFLINE"}
    assert needs(run_of("queues"), UTC) == {}
    assert set(needs(run_of("asking"), UTC)) == {"turn cscs 109/111 · 2 need a decision"}
    assert needs(run_of("wait"), UTC) == {}
    assert needs(run_of("late"), UTC) == {"late standby 1800.0": "late, 5 of 117 are not at target"}
    assert needs(run_of("arrived"), UTC) == {"done standby": "all CSCs are at target, end the wait"}
    assert needs(run_of("held"), UTC) == {"held by ops2@laptop": "held by ops2@laptop"}
    assert "the journal" in needs(replace(run_of("queues"), fault="the disk is full"), UTC)


def test_each_is_news_once_and_again_when_it_comes_again() -> None:
    bell = Bell()
    heard = [len(bell.news(run_of(name), UTC)) for name in ("watcher", "watcher", "asking", "queues", "asking")]
    assert heard == [1, 0, 1, 0, 1]


def test_a_journal_that_cannot_be_written_is_the_first_thing_on_the_card() -> None:
    snapshot = run_snapshots.at_step("watcher", fault="no space left on the disk")
    lines = card_lines(reading(snapshot), Focus(), 46, 17)
    assert "The journal cannot be written: no space" in plain(lines[1])


def test_the_steps_before_the_place_are_two_and_the_place_moves_with_the_cursor() -> None:
    seen = reading(SCENES["asking"]())
    rows = [row.step for row in seen.run.rows]
    here = rows.index(StepId("cscs"))
    text = [plain(line).split()[1] for line in row_lines(seen, Place(), 60, 6, 2)]
    assert text == list(rows[here - 2 : here + 4])
    moved = [plain(line).split()[1] for line in row_lines(seen, Place(row=30), 60, 6, 2)]
    assert moved == list(rows[28:34])


def test_the_page_about_a_csc_says_what_the_run_wants_of_it() -> None:
    view = next(view for view in SCENES["asking"]().cscs if str(view.csc) == "MTDome")
    wants = ("cscs: to OFFLINE, failed at 21:03:00Z: refused in FAULT", "standby: to be waited for at STANDBY")
    lines = [plain(line) for line in detail_lines(view, None, Moment(NOW, UTC, UNICODE), 100, "", wants)]
    assert f"   {'the run':<18}{wants[0]}" in lines
    assert f"   {'':<18}{wants[1]}" in lines


def test_an_item_whose_effect_is_not_known_says_so_before_its_exact_lines() -> None:
    here = reading(SCENES["cscs"]())
    assert here.run.card is not None
    row = here.run.card.rows[0]
    said = "What it does to the states of CSCs is not known"
    unknown = replace(row, item=replace(row.item, opaque=True))
    assert any(said in plain(line) for line in sent_lines(unknown, 100, here, unfolded=False))
    assert not any(said in plain(line) for line in sent_lines(row, 100, here, unfolded=False))


def card_of(name: str) -> Card:
    card = run_of(name).card
    assert card is not None
    return card


def with_card(name: str, card: Card) -> Reading:
    snapshot = SCENES[name]()
    assert snapshot.run is not None
    return reading(replace(snapshot, run=replace(snapshot.run, card=card)))


def test_csc_commands_are_counted_by_kind_and_what_is_blocked_comes_first_with_its_why() -> None:
    card = card_of("cscs")
    plan = ItemPlan(card.rows[5].item.id, (), "two processes send heartbeats under this name", blocked=True)
    rows = (*card.rows[:5], replace(card.rows[5], plan=plan), *card.rows[6:])
    found = kinds(with_card("cscs", replace(card, rows=rows)), replace(card, rows=rows))
    assert [(kind.words, len(kind.cscs)) for kind in found] == [
        ("blocked: two processes send heartbeats under this name", 1),
        ("exitControl", 60),
        ("disable, standby, exitControl", 45),
        ("standby, exitControl", 2),
        ("nothing: is at target already", 3),
    ]
    seen = with_card("cscs", replace(card, rows=rows))
    text = [plain(line) for line in page_lines(seen, 100)]
    assert f"✘ 1 CSC: {found[0].words}" in text
    assert f"  {card.rows[5].item.label}" in text


def test_before_anything_was_read_the_card_says_what_is_sent_at_most() -> None:
    card = card_of("cscs")
    rows = tuple(replace(row, plan=ItemPlan(row.item.id, lines(row.item))) for row in card.rows)
    seen = with_card("cscs", replace(card, rows=rows, plan=None))
    text = [plain(line) for line in page_lines(seen, 100)]
    assert "→ 111 CSCs: disable, standby, exitControl" in text
    assert "How things stand is not read yet: at most this is sent." in text


def test_the_page_shows_every_exact_line_of_every_csc_once() -> None:
    card = card_of("cscs")
    text = [plain(line) for line in page_lines(reading(SCENES["cscs"]()), 100)]
    for row in card.rows:
        assert row.plan is not None
        for exact in row.plan.lines:
            assert text.count(f"  {exact}") == 1


def test_an_item_under_way_shows_how_far_it_is_and_the_last_of_its_output() -> None:
    seen = reading(SCRIPT_SCENES["scripts-running"]())
    assert seen.run.card is not None
    row = seen.run.card.rows[0]
    progress = replace(row.progress, done=3, of=12)
    told = replace(row, progress=progress, output=tuple(f"line {number}" for number in range(9)))
    text = [plain(line) for line in told_lines(seen, told, 40, unfolded=False)]
    assert any(line.endswith(" 3 of 12") for line in text)
    assert text[-3:] == ["line 6", "line 7", "line 8"]
    page = [plain(line) for line in told_lines(seen, told, 40, unfolded=True)]
    assert page[-9:] == [f"line {number}" for number in range(9)]


def test_what_remains_of_a_failed_item_and_what_it_made_known_are_told() -> None:
    seen = reading(SCRIPT_SCENES["scripts-failed"]())
    assert seen.run.card is not None
    row = seen.run.card.rows[0]
    told = replace(row, progress=replace(row.progress, left="a branch", values=(("commit", "1a2b"),)))
    text = [plain(line) for line in told_lines(seen, told, 60, unfolded=True)]
    assert "left outside: a branch" in text
    assert "commit: 1a2b" in text


@pytest.mark.parametrize(
    ("scene", "changes", "said"),
    [
        ("scripts-running", {"request": "", "answered": True}, "begun, nothing sent yet"),
        ("scripts-running", {"request": "GET /", "answered": False}, "sent, not answered yet"),
        ("scripts-running", {"request": "GET /", "answered": True}, "answered, its effect is looked for"),
        ("scripts-failed", {}, ""),
    ],
)
def test_what_reports_no_state_says_how_far_it_has_come_while_it_is_under_way(
    scene: str, changes: dict[str, Any], said: str
) -> None:
    seen = reading(SCRIPT_SCENES[scene]())
    assert seen.run.card is not None
    row = seen.run.card.rows[0]
    silent = replace(row, progress=replace(row.progress, state="", known_as="", **changes))
    text = [plain(line) for line in told_lines(seen, silent, 60, unfolded=False)]
    assert any(line.startswith(said) for line in text)
    known = ("begun", "sent,", "answered,")
    assert any(line.startswith(known) for line in text) is bool(said), text
    assert "" not in text


@pytest.mark.parametrize(("count", "words"), [(1, "… v shows it whole"), (4, "… v shows all 4 lines of it")])
def test_lines_are_counted_as_they_are_copied_not_as_they_break_on_the_card(count: int, words: str) -> None:
    seen = reading(SCRIPT_SCENES["scripts-running"]())
    assert seen.run.card is not None
    row = seen.run.card.rows[0]
    plan = ItemPlan(row.item.id, tuple(f"create Job {number} " + 30 * "long " for number in range(count)))
    pending = replace(row, plan=plan, progress=replace(row.progress, status=ItemStatus.PENDING))
    assert plain(sent_lines(pending, 40, seen, unfolded=False)[-1]).strip() == words


def test_what_failed_and_can_be_taken_back_names_the_way_back_on_its_card() -> None:
    seen = SCRIPT_SCENES["scripts-failed"]()
    assert seen.run is not None
    assert seen.run.card is not None
    card = replace(seen.run.card, way_back="deploydash run summit revert --cycle <the cycle before>")
    here = reading(replace(seen, run=replace(seen.run, card=card)))
    text = " ".join(plain(line).strip() for line in rest_lines(here, card, Focus(), 100))
    assert text.startswith("The way back: q leaves this run open, then deploydash run summit revert")
    assert "way back" not in " ".join(map(plain, rest_lines(here, seen.run.card, Focus(), 100)))


def test_another_lane_that_waits_rings_once_by_its_name() -> None:
    run = run_of("watcher")
    other = LaneHead(Lane("cameras"), StepId("bridges-stop"), StepStatus.PENDING, waits_for_lead=True)
    told = needs(replace(run, heads=(*run.heads, other)), UTC)
    assert told["turn bridges-stop"] == "your turn in lane cameras, Stop the camera OCS bridges"
