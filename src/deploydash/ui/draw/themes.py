"""Themes: hues as true colour and as one of the 256, and what each ink looks like on each surface.

The state hues are those of LOVE (lsst-ts/LOVE-frontend), changed so that colour-blind operators can tell them
apart and every text reaches a contrast of 4.5:1; Okabe-Ito is the palette of jfly.uni-koeln.de/color.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from rich.color import Color
from rich.style import Style

from deploydash.core.model import Effective
from deploydash.ui.draw.ink import Ink, Surface, fill, letter


@dataclass(frozen=True)
class Hue:
    """A colour: ``#rrggbb`` and its number among the 256."""

    hex: str
    number: int


@dataclass(frozen=True)
class Fill:
    """A state's background, the text on it, and its hue as text on the page."""

    back: Hue
    text: Hue
    on_page: Hue


@dataclass(frozen=True)
class Palette:
    """One theme. ``colour`` False means that attributes alone (bold, reverse, underline, dim) carry it."""

    name: str
    title: str
    page: Hue
    bar: Hue
    selected: Hue
    rehearsal: Hue
    rehearsal_text: Hue
    rehearsal_line: Hue
    badge: Hue
    badge_text: Hue
    dim: Hue
    text: Hue
    bright: Hue
    line: Hue
    accent: Hue
    good: Hue
    warn: Hue
    bad: Hue
    states: Mapping[Effective, Fill]
    colour: bool = True

    @cached_property
    def styles(self) -> Mapping[tuple[Ink, Surface], Style]:
        """Every look there is, ready to draw with."""
        look = self._coloured if self.colour else _bare
        return {(ink, surface): look(ink, surface) for ink in Ink for surface in Surface}

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Every colour of the theme with its number among the 256."""
        hues = [value for value in vars(self).values() if isinstance(value, Hue)]
        for state in self.states.values():
            hues += [state.back, state.text, state.on_page]
        return {hue.hex: hue.number for hue in hues}

    def _coloured(self, ink: Ink, surface: Surface) -> Style:
        backs = {
            Surface.PAGE: self.page,
            Surface.BAR: self.bar,
            Surface.SELECTED: self.selected,
            Surface.REHEARSAL: self.rehearsal,
        }
        text, back = self._hues(ink, backs[surface])
        loud = surface in {Surface.SELECTED, Surface.REHEARSAL}
        if loud and ink is Ink.DIM:
            text = self.text
        if surface is Surface.REHEARSAL and not ink.startswith(("fill", "badge", "rehearsal")):
            text = self.rehearsal_line if ink is Ink.LINE else self.rehearsal_text
        return Style(
            color=Color.parse(text.hex),
            bgcolor=Color.parse(back.hex),
            bold=ink in _BOLD
            or ink.startswith(("fill", "letter"))
            or (surface is Surface.REHEARSAL and ink in {Ink.ACCENT, Ink.WARN}),
            underline=ink in {Ink.FOUND, Ink.FILL_OFFLINE_AMISS}
            or (surface is Surface.SELECTED and ink.startswith("fill")),
        )

    def _hues(self, ink: Ink, back: Hue) -> tuple[Hue, Hue]:
        for state, look in self.states.items():
            if ink is fill(state):
                return look.text, look.back
            if ink is letter(state):
                return look.on_page, back
        return {
            Ink.DIM: (self.dim, back),
            Ink.TEXT: (self.text, back),
            Ink.BRIGHT: (self.bright, back),
            Ink.TITLE: (self.bright, back),
            Ink.FOUND: (self.bright, back),
            Ink.LINE: (self.line, back),
            Ink.ACCENT: (self.accent, back),
            Ink.GOOD: (self.good, back),
            Ink.WARN: (self.warn, back),
            Ink.WARN_TITLE: (self.warn, back),
            Ink.BAD: (self.bad, back),
            Ink.BADGE: (self.badge_text, self.badge),
            Ink.REHEARSAL: (self.page, self.warn),
            Ink.FILL_OFFLINE_AMISS: (self.bright, self.states[Effective.OFFLINE].back),
        }[ink]


_BOLD = frozenset({Ink.WARN_TITLE, Ink.BRIGHT, Ink.TITLE, Ink.FOUND, Ink.BAD, Ink.BADGE, Ink.REHEARSAL})
_REVERSED = frozenset({Ink.BADGE, Ink.REHEARSAL})


def _bare(ink: Ink, surface: Surface) -> Style:
    """Return a look without any colour."""
    filled = ink.startswith("fill") or ink in _REVERSED
    return Style(
        bold=filled or ink in _BOLD or ink is Ink.WARN or ink.startswith("letter"),
        dim=ink in {Ink.DIM, Ink.LINE} and surface is Surface.PAGE,
        reverse=filled or surface in {Surface.SELECTED, Surface.REHEARSAL},
        underline=ink is Ink.FOUND or (filled and surface is Surface.SELECTED),
    )


_DARK = Hue("#06121a", 233)
_WHITE = Hue("#ffffff", 231)
_PAGE = Hue("#0c161c", 234)
_PALE = Hue("#c1ced2", 252)
_OFFLINE = Fill(Hue("#29363d", 236), _PALE, _PALE)
_UNKNOWN = Fill(_PAGE, _PALE, Hue("#f2b134", 214))

_LOVE = Palette(
    name="love",
    title="LOVE's hues, corrected",
    page=_PAGE,
    bar=Hue("#15272f", 235),
    selected=Hue("#183540", 236),
    rehearsal=Hue("#5a3fa8", 61),
    rehearsal_text=_WHITE,
    rehearsal_line=Hue("#9a84dd", 140),
    badge=Hue("#b9412b", 130),
    badge_text=_WHITE,
    dim=Hue("#869ca8", 247),
    text=_PALE,
    bright=_WHITE,
    line=Hue("#34505d", 240),
    accent=Hue("#5bc4da", 80),
    good=Hue("#2fbf8f", 43),
    warn=Hue("#f2b134", 214),
    bad=Hue("#ff8a6b", 209),
    states={
        Effective.ENABLED: Fill(Hue("#00a370", 35), _DARK, Hue("#22bd8a", 42)),
        Effective.DISABLED: Fill(Hue("#4b7386", 60), _WHITE, Hue("#86b3c8", 110)),
        Effective.STANDBY: Fill(Hue("#f0e400", 220), _DARK, Hue("#f0e400", 220)),
        Effective.FAULT: Fill(Hue("#df5601", 166), _DARK, Hue("#ff8033", 208)),
        Effective.OFFLINE: _OFFLINE,
        Effective.LOST: Fill(Hue("#c77bd8", 176), _DARK, Hue("#d490e3", 176)),
        Effective.UNKNOWN: _UNKNOWN,
    },
)

_OKABE_ITO = Palette(
    **{
        **{key: value for key, value in vars(_LOVE).items() if key != "states"},
        "name": "okabe-ito",
        "title": "Okabe-Ito, for colour-blind operators",
        "accent": Hue("#8ccdf2", 117),
        "good": Hue("#1fc495", 43),
        "warn": Hue("#e69f00", 178),
        "bad": Hue("#ff8a4a", 209),
        "states": {
            Effective.ENABLED: Fill(Hue("#009e73", 36), _DARK, Hue("#22bd8f", 42)),
            Effective.DISABLED: Fill(Hue("#56b4e9", 74), _DARK, Hue("#56b4e9", 74)),
            Effective.STANDBY: Fill(Hue("#f0e442", 221), _DARK, Hue("#f0e442", 221)),
            Effective.FAULT: Fill(Hue("#d55e00", 166), _DARK, Hue("#ff8426", 208)),
            Effective.OFFLINE: _OFFLINE,
            Effective.LOST: Fill(Hue("#cc79a7", 175), _DARK, Hue("#dd8fba", 182)),
            Effective.UNKNOWN: Fill(_PAGE, _PALE, Hue("#e69f00", 178)),
        },
    }
)

_BLACK = Hue("#000000", 16)

_CONTRAST = Palette(
    name="high-contrast",
    title="high contrast",
    page=_BLACK,
    bar=Hue("#1c1c1c", 234),
    selected=Hue("#00005f", 17),
    rehearsal=Hue("#5f00af", 55),
    rehearsal_text=_WHITE,
    rehearsal_line=Hue("#af87ff", 141),
    badge=Hue("#d70000", 160),
    badge_text=_WHITE,
    dim=Hue("#b2b2b2", 249),
    text=Hue("#eeeeee", 255),
    bright=_WHITE,
    line=Hue("#767676", 243),
    accent=Hue("#5fffff", 87),
    good=Hue("#00ff87", 48),
    warn=Hue("#ffd700", 220),
    bad=Hue("#ff875f", 209),
    states={
        Effective.ENABLED: Fill(Hue("#00ff87", 48), _BLACK, Hue("#00ff87", 48)),
        Effective.DISABLED: Fill(Hue("#5fd7ff", 81), _BLACK, Hue("#5fd7ff", 81)),
        Effective.STANDBY: Fill(Hue("#ffff00", 226), _BLACK, Hue("#ffff00", 226)),
        Effective.FAULT: Fill(Hue("#ff8700", 208), _BLACK, Hue("#ff8700", 208)),
        Effective.OFFLINE: Fill(Hue("#444444", 238), _WHITE, Hue("#eeeeee", 255)),
        Effective.LOST: Fill(Hue("#ff87ff", 213), _BLACK, Hue("#ff87ff", 213)),
        Effective.UNKNOWN: Fill(_BLACK, _WHITE, Hue("#ffd700", 220)),
    },
)

_MONO = Palette(
    **{**vars(_CONTRAST), "name": "mono", "title": "no colour", "colour": False},
)

PALETTES: Mapping[str, Palette] = {palette.name: palette for palette in (_LOVE, _OKABE_ITO, _CONTRAST, _MONO)}
"""The themes in the order in which ``T`` goes through them."""

DEFAULT = _LOVE.name
MONO = _MONO.name
