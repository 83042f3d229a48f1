"""The help, made from the key table, with what letters and marks mean."""

from __future__ import annotations

from textual.app import ComposeResult

from deploydash.core.published import Published
from deploydash.ui.bindings import bindings
from deploydash.ui.draw import lines
from deploydash.ui.draw.help import help_lines
from deploydash.ui.draw.ink import Surface
from deploydash.ui.keys import Scope
from deploydash.ui.screens.base import View
from deploydash.ui.widgets.canvas import Lines
from deploydash.ui.widgets.more import More


class HelpScreen(View):
    """Keys of one view first, then the legend."""

    BINDINGS = bindings(Scope.HELP)

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self._scope = scope

    def compose(self) -> ComposeResult:
        """One scrolling page above the footer."""
        yield Lines(id="page")
        yield More(id="more")
        yield Lines(id="footer")

    def on_mount(self) -> None:
        """Draw it once it has a size."""
        self.on_resize()

    def on_resize(self) -> None:
        """Draw it anew."""
        self.call_after_refresh(self.draw)
        self.call_after_refresh(self.mark)

    def draw(self) -> None:
        """Draw keys and legend."""
        width = self.size.width
        self.query_one("#page", Lines).show(help_lines(self._scope, width - 2, self.deploydash.glyphs))
        self.query_one("#footer", Lines).show([lines.keys_line(Scope.HELP, width, {}, Surface.BAR)])

    def mark(self) -> None:
        """Say how much is below the edge."""
        self.query_one(More).mark(self.query_one("#page", Lines))

    def take(self, snapshot: Published) -> None:
        """Nothing here depends on the observatory."""

    def second(self) -> None:
        """Nothing here has an age."""

    def act_close(self, _: str) -> None:
        """Go back."""
        self.dismiss()

    def act_scroll(self, rows: str) -> None:
        """Scroll the page."""
        page = self.query_one("#page", Lines)
        page.scroll_relative(y=int(rows), animate=False, immediate=True)
        self.mark()

    def act_theme(self, _: str) -> None:
        """Go to the next theme."""
        self.deploydash.next_theme()
