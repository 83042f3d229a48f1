"""The text of the help. Pure."""

from __future__ import annotations

from deploydash.core.model import Effective
from deploydash.ui.draw.glyphs import Glyphs
from deploydash.ui.draw.ink import Ink, Line, Span, fill, letter
from deploydash.ui.draw.lines import rule
from deploydash.ui.draw.tiles import ALARMS, LETTERS
from deploydash.ui.keys import KEYS, Scope

STATES = {
    Effective.ENABLED: "ENABLED",
    Effective.DISABLED: "DISABLED",
    Effective.STANDBY: "STANDBY",
    Effective.FAULT: "FAULT: it says so itself",
    Effective.OFFLINE: "OFFLINE",
    Effective.LOST: "LOST: was up, then its heartbeats stopped; its hardware may not be safe",
    Effective.UNKNOWN: "unknown: nothing reported, not readable, or not decided yet",
}


def help_lines(scope: Scope, width: int, glyphs: Glyphs) -> list[Line]:
    """Return the keys of a view, then what letters, marks and colours mean."""
    lines = [Line(), rule(f"Keys: {scope}", width, glyphs, bright=True)]
    lines += [
        Line((Span(f"   {ascii_arrows(key.shown, glyphs):<9}", Ink.ACCENT), Span(key.help)))
        for key in KEYS
        if key.scope is scope
    ]
    lines += [Line((Span(f"   {'ctrl+c':<9}", Ink.ACCENT), Span("leave at once, also while typing"))), Line()]
    lines.append(rule("Letters", width, glyphs, bright=True))
    for state, words in STATES.items():
        mark = "!" if state in ALARMS else " "
        lines.append(
            Line(
                (
                    Span("   "),
                    Span(LETTERS[state] + mark, fill(state)),
                    Span("  "),
                    Span(LETTERS[state], letter(state)),
                    Span(f"    {words}"),
                )
            )
        )
    lines += [Line(), rule("Marks after the letter", width, glyphs, bright=True)]
    for mark, words in (
        ("!", "needs a person: FAULT, LOST, or a contradiction in a state that looks right"),
        ("*", "inferred, not reported: its heartbeats stopped after STANDBY"),
        ("~", "its heartbeats are late"),
        (glyphs.moving, "on its way, within its time"),
        ("?", "last seen so; the feed is down or the state is older than the process"),
    ):
        lines.append(Line((Span(f"   {mark:<9}", Ink.WARN), Span(words))))
    lines += [
        Line(),
        rule("Looks", width, glyphs, bright=True),
        Line((Span(f"   {'dim':<9}", Ink.DIM), Span("at its target, or without one: nothing to do"))),
        Line(
            (
                Span("   "),
                Span(" filled ", fill(Effective.STANDBY)),
                Span(" not at its target; OFFLINE is underlined, too"),
            )
        ),
        Line((Span(f"   {'41s':<9}", Ink.WARN), Span("since its last heartbeat; of a FAULT, since it was reported"))),
        Line((Span(f"   {'found':<9}", Ink.FOUND), Span("matches the filter"))),
    ]
    return lines


def ascii_arrows(shown: str, glyphs: Glyphs) -> str:
    """Return a key's name in signs that the terminal has."""
    if glyphs.arrow == "→":
        return shown
    for arrow, word in (("↑", "up"), ("↓", "down"), ("←", "left"), ("→", "right")):
        shown = shown.replace(arrow, word)
    return shown
