"""The sign under a page that scrolls."""

from __future__ import annotations

from deploydash.ui.draw.lines import rule
from deploydash.ui.widgets.canvas import Canvas, Lines


class More(Lines):
    """One line that says how much of a page is below its edge; empty where nothing is."""

    def mark(self, page: Canvas) -> None:
        """Say what is below now."""
        below = page.row_count - page.scroll_offset.y - page.size.height
        sign = f"more below {self.glyphs.dot} {below} line{'s' * (below > 1)} {self.glyphs.dot} j, PgDn"
        self.show([rule(sign, self.size.width, self.glyphs, bright=True)] if below > 0 else [])
