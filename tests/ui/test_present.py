"""Letters, marks, looks and ages of single CSCs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.cells import cells
from deploydash.core.fleet.snapshot import CscView, GroupView, Reason
from deploydash.core.model import CscId, Effective, Liveness, SummaryState, Target, Verdict
from deploydash.ui.draw.glyphs import ASCII, UNICODE
from deploydash.ui.draw.ink import Ink, Span
from deploydash.ui.draw.sizes import calm_sentence
from deploydash.ui.draw.tiles import (
    Moment,
    age_of,
    bar,
    brief,
    chip,
    code,
    cut,
    is_departing,
    look,
    severity,
    tile,
    title,
)
from tests.support import snapshots
from tests.support.snapshots import NOW, UTC, view

MOMENT = Moment(NOW, UTC, UNICODE)
ESS = view(CscId("ESS", 104))


def text(spans: tuple[Span, ...]) -> str:
    return "".join(span.text for span in spans)


@pytest.mark.parametrize(
    ("shown", "csc"),
    [
        ("S", ESS),
        ("F!", snapshots.faulted(ESS)),
        ("L!", snapshots.lost(ESS)),
        ("O*", snapshots.stopped(ESS)),
        ("?", snapshots.never_seen(ESS)),
        ("?", snapshots.listening(ESS)),
        ("S~", snapshots.late(ESS)),
        ("S?", snapshots.unreachable(ESS)),
        ("L?", snapshots.unreachable(snapshots.lost(ESS))),
        ("O›", snapshots.moving(ESS)),
        ("D", snapshots.in_state(ESS, SummaryState.DISABLED)),
        ("E", snapshots.in_state(ESS, SummaryState.ENABLED)),
        ("O", snapshots.in_state(ESS, SummaryState.OFFLINE)),
        (
            "S!",
            replace(ESS, verdict=Verdict.OFF_TARGET, duplicate=True, reason=Reason("two processes beat as ESS:104")),
        ),
    ],
)
def test_letter_and_mark_tell_the_state_without_colour(shown: str, csc: CscView) -> None:
    assert code(csc, UNICODE) == shown


def test_ascii_terminals_get_ascii_marks() -> None:
    assert code(snapshots.moving(ESS), ASCII) == "O>"


def test_what_is_at_its_target_is_dim_and_what_is_not_is_filled() -> None:
    assert look(ESS, MOMENT).code_ink is look(ESS, MOMENT).name_ink is Ink.DIM
    off = look(snapshots.in_state(ESS, SummaryState.ENABLED), MOMENT)
    assert (off.code_ink, off.name_ink, off.filled) == (Ink.FILL_ENABLED, Ink.BRIGHT, True)


def test_an_offline_that_should_be_up_stands_out_and_one_in_its_state_colour_does_not() -> None:
    gone = look(snapshots.stopped(ESS), MOMENT)
    assert (gone.code_ink, gone.filled) == (Ink.FILL_OFFLINE_AMISS, True)
    assert chip("104", gone) == (Span("O*104", Ink.FILL_OFFLINE_AMISS),)
    assert look(snapshots.stopped(ESS), replace(MOMENT, by_state=True)).code_ink is Ink.FILL_OFFLINE


def test_a_whole_shutdown_goes_quiet_by_itself() -> None:
    down = snapshots.stopped(replace(ESS, target=Target(SummaryState.OFFLINE)))
    drawn = look(down, MOMENT)
    assert (drawn.code, drawn.code_ink, drawn.age, drawn.timed) == ("O*", Ink.DIM, "", False)


def test_state_colours_fill_everybody() -> None:
    by_state = replace(MOMENT, by_state=True)
    assert look(ESS, by_state).code_ink is Ink.FILL_STANDBY
    assert look(snapshots.unreachable(ESS), by_state).code_ink is Ink.DIM


def test_a_change_stands_out_and_fades_in_seconds() -> None:
    changed = replace(ESS, changed_at=NOW)
    inks = [look(changed, replace(MOMENT, now=NOW + age)) for age in (0.5, 3.0, 7.0)]
    assert [drawn.name_ink for drawn in inks] == [Ink.BRIGHT, Ink.TEXT, Ink.DIM]
    assert [drawn.timed for drawn in inks] == [True, True, False]


@pytest.mark.parametrize(
    ("age", "csc"),
    [
        ("", ESS),
        ("7s", snapshots.late(ESS)),
        ("41s", snapshots.lost(ESS)),
        ("15m", snapshots.stopped(ESS)),
        ("never", snapshots.never_seen(ESS)),
        ("2m", snapshots.faulted(ESS)),
        (">1m", replace(snapshots.stopped(ESS, 61), beat_at_least=True)),
        ("", snapshots.unreachable(snapshots.faulted(ESS))),
        ("41s", replace(snapshots.lost(ESS), beat_at=None)),
        ("41s", replace(snapshots.lost(ESS), beat_at=None, liveness=Liveness.UNSEEN)),
    ],
)
def test_an_age_stands_only_where_somebody_is_late_silent_or_in_fault(age: str, csc: CscView) -> None:
    assert age_of(csc, MOMENT) == age


def test_nobody_is_called_never_while_we_still_listen() -> None:
    listening = replace(MOMENT, listening=True)
    drawn = look(snapshots.listening(ESS), listening)
    assert (drawn.age, drawn.code_ink) == ("", Ink.DIM)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0s"), (59.9, "59s"), (60, "1m"), (3_599, "59m"), (3_600, "1h"), (90_000, "1d"), (-3, "0s")],
)
def test_ages_are_brief(seconds: float, words: str) -> None:
    assert brief(seconds) == words


@pytest.mark.parametrize("width", range(40))
def test_a_cut_name_keeps_its_index_where_there_is_room_for_it(width: int) -> None:
    shown = cut("GenericCameraWithALongName:104", width, UNICODE)
    assert shown.endswith(":104") or width < 5
    assert cells(shown) <= width


def test_the_worst_come_first_on_the_list() -> None:
    order = [
        snapshots.faulted(ESS),
        snapshots.lost(ESS),
        snapshots.in_state(ESS, SummaryState.ENABLED),
        snapshots.never_seen(ESS),
        snapshots.unreachable(ESS),
        snapshots.moving(ESS),
    ]
    assert [severity(csc) for csc in order] == [0, 1, 2, 3, 4, 5]
    assert all(is_departing(csc) for csc in order)
    assert not is_departing(ESS)
    assert is_departing(replace(ESS, expected=False))


@pytest.mark.parametrize("effective", list(Effective))
@pytest.mark.parametrize("liveness", list(Liveness))
@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_combination_has_a_letter_and_fits_its_chip(
    effective: Effective, liveness: Liveness, verdict: Verdict
) -> None:
    csc = replace(ESS, effective=effective, liveness=liveness, verdict=verdict)
    for by_state in (False, True):
        drawn = look(csc, replace(MOMENT, by_state=by_state))
        assert len(drawn.code) in {1, 2}
        assert text(chip("104", drawn)).endswith("104")
        assert len(text(tile("ESS:104", drawn, 20, UNICODE))) <= 20


@pytest.mark.parametrize("width", range(8, 60))
def test_a_title_is_as_wide_as_its_column_and_shows_its_count(width: int) -> None:
    shown = text(title("Calibration Systems", GroupView("Calibration Systems", 16, 18), width, UNICODE))
    assert len(shown) == width
    assert shown.endswith(" 16/18")


def test_a_bar_is_full_only_when_nothing_is_missing() -> None:
    assert text(bar(999, 1000, 10, UNICODE)) == "━" * 9 + "─"
    assert text(bar(1, 1000, 10, UNICODE)) == "━" + "─" * 9
    assert text(bar(1000, 1000, 10, UNICODE)) == "━" * 10
    assert text(bar(0, 1000, 10, ASCII)) == "-" * 10


def test_an_empty_list_is_no_praise_where_nothing_is_compared() -> None:
    calm = snapshots.snapshot(snapshots.calm_views())
    assert calm_sentence(calm) == "every CSC is at its target (startup)"
    views = [replace(view, target=None, verdict=Verdict.NO_TARGET) for view in snapshots.calm_views()]
    assert calm_sentence(snapshots.snapshot(views)) == "this phase wants nothing of any CSC"


def test_whoever_cannot_be_read_stands_out_while_others_are_still_listened_for() -> None:
    unread = replace(
        ESS, liveness=Liveness.UNREADABLE, effective=Effective.UNKNOWN, verdict=Verdict.UNKNOWN, reason=Reason("unread")
    )
    listening = replace(MOMENT, listening=True)
    assert look(unread, listening).name_ink is Ink.BRIGHT
    assert look(replace(unread, liveness=Liveness.UNSEEN), listening).name_ink is Ink.DIM
