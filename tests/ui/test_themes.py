"""Every text of every theme can be read, in true colour and in 256."""

from __future__ import annotations

from itertools import combinations

import pytest
from rich.color import Color
from rich.color_triplet import ColorTriplet

from deploydash.core.model import Effective
from deploydash.ui.draw.ink import Ink, Surface
from deploydash.ui.draw.themes import DEFAULT, MONO, PALETTES, Palette

COLOURED = [palette for palette in PALETTES.values() if palette.colour]
LEAST = 4.5


def luminance(colour: ColorTriplet) -> float:
    """Return the relative luminance of WCAG 2.1."""
    parts = [value / 255 for value in colour]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: ColorTriplet, other: ColorTriplet) -> float:
    """Return the contrast ratio of WCAG 2.1."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def triplet(text: str) -> ColorTriplet:
    return Color.parse(text).get_truecolor()


@pytest.mark.parametrize("palette", COLOURED, ids=lambda palette: palette.name)
def test_every_text_has_a_contrast_of_at_least_4_5_in_both_colour_depths(palette: Palette) -> None:
    weak = []
    for (ink, surface), style in palette.styles.items():
        if ink is Ink.LINE:
            continue
        assert style.color is not None
        assert style.bgcolor is not None
        true = contrast(style.color.get_truecolor(), style.bgcolor.get_truecolor())
        numbers = [palette.numbers[colour.name] for colour in (style.color, style.bgcolor)]
        numbered = contrast(*(Color.from_ansi(number).get_truecolor() for number in numbers))
        if min(true, numbered) < LEAST:
            weak.append(f"{ink} on {surface}: {true:.1f} true, {numbered:.1f} of 256")
    assert weak == []


@pytest.mark.parametrize("palette", COLOURED, ids=lambda palette: palette.name)
def test_no_two_states_share_a_background(palette: Palette) -> None:
    for one, other in combinations(palette.states.values(), 2):
        assert one.back.hex != other.back.hex
        assert one.back.number != other.back.number


def test_the_usual_theme_has_the_hues_that_were_agreed() -> None:
    states = PALETTES[DEFAULT].states
    backs = {state: (look.back.hex, look.back.number) for state, look in states.items()}
    assert backs == {
        Effective.ENABLED: ("#00a370", 35),
        Effective.DISABLED: ("#4b7386", 60),
        Effective.STANDBY: ("#f0e400", 220),
        Effective.FAULT: ("#df5601", 166),
        Effective.OFFLINE: ("#29363d", 236),
        Effective.LOST: ("#c77bd8", 176),
        Effective.UNKNOWN: ("#0c161c", 234),
    }


@pytest.mark.parametrize("palette", COLOURED, ids=lambda palette: palette.name)
def test_an_offline_that_should_not_be_is_seen_beside_one_that_should(palette: Palette) -> None:
    wrong = palette.styles[Ink.FILL_OFFLINE_AMISS, Surface.PAGE]
    right = palette.styles[Ink.DIM, Surface.PAGE]
    assert (wrong.bold, wrong.underline) == (True, True)
    assert {right.bold, right.underline} <= {None, False}
    assert wrong.bgcolor == palette.styles[Ink.FILL_OFFLINE, Surface.PAGE].bgcolor != right.bgcolor
    assert wrong.color is not None
    assert wrong.color.name == palette.bright.hex


def test_okabe_and_ito_chose_these() -> None:
    states = PALETTES["okabe-ito"].states
    chosen = [
        states[state].back.hex for state in (Effective.ENABLED, Effective.DISABLED, Effective.STANDBY, Effective.FAULT)
    ]
    assert chosen == ["#009e73", "#56b4e9", "#f0e442", "#d55e00"]


def test_without_colour_no_style_has_one_and_what_matters_differs_by_attributes() -> None:
    styles = PALETTES[MONO].styles
    assert all(style.color is None and style.bgcolor is None for style in styles.values())

    def attributes(ink: Ink, surface: Surface = Surface.PAGE) -> tuple[bool | None, ...]:
        style = styles[ink, surface]
        return style.bold, style.dim, style.reverse, style.underline

    looks = [attributes(ink) for ink in (Ink.DIM, Ink.TEXT, Ink.BRIGHT, Ink.FILL_FAULT, Ink.FOUND)]
    assert len(set(looks)) == len(looks)
    for ink in Ink:
        assert attributes(ink) != attributes(ink, Surface.SELECTED), "the cursor is seen"


@pytest.mark.parametrize("palette", list(PALETTES.values()), ids=lambda palette: palette.name)
def test_nothing_blinks(palette: Palette) -> None:
    assert not any(style.blink or style.blink2 for style in palette.styles.values())
    assert triplet(palette.page.hex)
