"""What an operator names on the command line."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploydash.config.pattern import parse_pattern, parse_target
from deploydash.core.model import CameraSubstate, CscId, Phase, SummaryState, Target, TargetKind
from deploydash.errors import UserError

CSCS = [CscId("ESS", 104), CscId("ESS", 1), CscId("Watcher"), CscId("MTHexapod", 1), CscId("MTHexapod", 2)]


@pytest.mark.parametrize(
    ("pattern", "fitting"),
    [
        ("ESS:104", ["ESS:104"]),
        ("ESS:*", ["ESS:104", "ESS:1"]),
        (" Watcher:0 , MTHexapod:2 ", ["Watcher", "MTHexapod:2"]),
        ("Watcher:*", ["Watcher"]),
        ("ESS", []),
        ("ESS:1,ESS:*,Watcher", ["ESS:104", "ESS:1", "Watcher"]),
    ],
)
def test_a_pattern_fits_what_it_lists(pattern: str, fitting: list[str]) -> None:
    fits = parse_pattern(pattern)
    assert [str(csc) for csc in CSCS if fits(csc)] == fitting


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("", "'' is not a CSC"),
        ("Watcher,", "'' is not a CSC"),
        ("*", r"'\*' is not a CSC"),
        (":*", "'' is not a CSC"),
        ("ESS:1*", "the index after the colon must be a number"),
        ("ESS:1:*", r"\* stands for a whole index .write ESS:\* for every ESS"),
        ("MT Dome", "is not a CSC"),
    ],
)
def test_a_pattern_that_lists_no_csc_is_refused_in_words(pattern: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        parse_pattern(pattern)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("startup", TargetKind.STARTUP),
        ("end", TargetKind.END),
        ("shutdown", TargetKind.SHUTDOWN),
        ("STANDBY", Target(SummaryState.STANDBY)),
        ("OFFLINE/AVAILABLE", Target(SummaryState.OFFLINE, CameraSubstate.AVAILABLE)),
    ],
)
def test_a_target_is_a_kind_or_a_state(text: str, wanted: TargetKind | Target) -> None:
    assert parse_target(text) == Phase(wanted)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("standby", "did you mean STANDBY?"),
        ("start-up", "did you mean startup?"),
        ("ENABLED/AVAILABLE", "use startup, end, shutdown, DISABLED, ENABLED, FAULT, OFFLINE, STANDBY"),
        ("", "use startup"),
    ],
)
def test_another_target_is_refused_with_the_nearest(text: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_target(text)
    assert caught.value.message == f"{text!r} is not a target"
    assert hint in caught.value.hint


@given(st.text())
def test_any_text_is_a_pattern_or_a_sentence(text: str) -> None:
    for parse in (parse_pattern, parse_target):
        with suppress(UserError):
            assert parse(text)
