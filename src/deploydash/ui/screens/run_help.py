"""The help of the run's screens, from their key tables."""

from __future__ import annotations

from collections.abc import Sequence

from deploydash.cells import wrapped
from deploydash.ui.draw import lines
from deploydash.ui.draw.help import ascii_arrows, help_lines
from deploydash.ui.draw.ink import Ink, Line, Span, Surface, plain
from deploydash.ui.keys import Key, Scope
from deploydash.ui.screens.help import HelpScreen
from deploydash.ui.widgets.canvas import Lines


class RunHelpScreen(HelpScreen):
    """Keys of the run first, then the legend of the grid."""

    def __init__(self, table: Sequence[Key], name: str) -> None:
        super().__init__(Scope.HELP)
        self._table = tuple(table)
        self._title = name

    def draw(self) -> None:
        """Draw keys and legend."""
        width, glyphs = self.size.width, self.deploydash.glyphs
        shown = [Line(), lines.rule(f"Keys: {self._title}", width - 2, glyphs, bright=True)]
        room = max(20, width - 16)
        for key in self._table:
            words = wrapped(key.help, room)
            shown.append(Line((Span(f"   {ascii_arrows(key.shown, glyphs):<10}", Ink.ACCENT), Span(words[0]))))
            shown += [Line((Span(" " * 13), Span(word))) for word in words[1:]]
        legend = help_lines(Scope.HELP, width - 2, glyphs)
        start = next(n for n, line in enumerate(legend) if " Letters " in plain(line))
        self.query_one("#page", Lines).show([*shown, Line(), *legend[start:]])
        self.query_one("#footer", Lines).show([lines.keys_line(Scope.HELP, width, {}, Surface.BAR)])
