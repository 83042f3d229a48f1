"""The exact lines of the card, to be read and copied: each once, unwrapped, scrolled sideways."""

from __future__ import annotations

from dataclasses import replace

from textual.app import ComposeResult

from deploydash.core.published import Published
from deploydash.ui.bindings import run_bindings
from deploydash.ui.draw import lines as drawing
from deploydash.ui.draw.ink import Ink, Line, Span, Surface
from deploydash.ui.draw.run.exact import Lines as Exact
from deploydash.ui.draw.run.exact import Place, copied_words, drawn, exact_lines_of, longest
from deploydash.ui.draw.run.reading import Reading
from deploydash.ui.draw.run.run_header import keys_foot, run_header
from deploydash.ui.run_keys import EXACT
from deploydash.ui.screens.run_base import Acting
from deploydash.ui.widgets.canvas import Lines

SIDEWAYS = 20
"""Cells that one key scrolls."""


class ExactScreen(Acting):
    """Every exact line of the card. It follows the card while it is open."""

    BINDINGS = run_bindings(EXACT)
    TABLE = EXACT

    def __init__(self) -> None:
        super().__init__()
        self._place = Place()
        self._shown_lines = Exact()

    def compose(self) -> ComposeResult:
        """Header, the lines, one that answers, footer."""
        yield Lines(id="run-top")
        yield Lines(id="exact-page")
        yield Lines(id="exact-message")
        yield Lines(id="footer")

    def on_mount(self) -> None:
        """Draw it once it has a size."""
        self.call_after_refresh(self.repaint)

    def on_resize(self) -> None:
        """Draw it in the new size."""
        self.call_after_refresh(self.repaint)

    def take(self, snapshot: Published) -> None:
        """Show a new snapshot; marks are of the lines that stood there."""
        exact = exact_lines_of(snapshot.run) if snapshot.run is not None else Exact()
        if exact != self._shown_lines:
            row = max(0, min(self._place.row, len(exact.texts) - 1))
            self._place = Place(row, self._place.left)
            self._shown_lines = exact
        self.repaint()

    def second(self) -> None:
        """Let clocks go on."""
        self.repaint()

    def repaint(self) -> None:
        """Draw everything; only what changed is written."""
        snapshot = self.host.snapshot
        if snapshot is None or snapshot.run is None or not self.is_there:
            return
        self._shown_lines = exact_lines_of(snapshot.run)
        reading = Reading.of(snapshot.run, snapshot, self.host.moment(), lead=self.host.inbox is not None)
        width = self.size.width
        top = run_header(reading, width, self.host.speed, self.host.watching())
        self.query_one("#run-top").styles.height = len(top)
        self.query_one("#run-top", Lines).show(top)
        card, total = snapshot.run.card, len(self._shown_lines.texts)
        what = card.step.title if card is not None else "no step is left"
        title = Line((Span(f" {what}: ", Ink.BRIGHT), Span(f"{copied_words(total, total)}, exactly", Ink.DIM)))
        height = max(1, self.size.height - len(top) - 4)
        shown = drawn(reading, self._shown_lines, self._place, width, height)
        none = [Line((Span("  nothing is sent or typed for this step", Ink.DIM),))]
        self.query_one("#exact-page", Lines).show([title, *(shown or none)])
        surface = Surface.REHEARSAL if snapshot.roster.rehearsal else Surface.BAR
        self.query_one("#footer", Lines).show(
            [keys_foot(EXACT, snapshot.run, width, surface, {}, covered=self.covered)]
        )

    def say(self, sentence: str) -> None:
        """Answer above the footer; the next key takes it away."""
        shown = drawing.message(sentence, self.size.width) if sentence else [Line()]
        message = self.query_one("#exact-message", Lines)
        message.styles.height = len(shown)
        message.show(shown)

    def act_close(self, _: str) -> None:
        """Go back to the card."""
        self.dismiss()

    def act_move(self, way: str) -> None:
        """Go to another line."""
        row = max(0, min(len(self._shown_lines.texts) - 1, self._place.row + int(way)))
        self._place = replace(self._place, row=row)
        self.repaint()

    def act_side(self, way: str) -> None:
        """Scroll sideways."""
        most = max(0, longest(self._shown_lines) - self.size.width + 4)
        left = max(0, min(most, self._place.left + int(way) * SIDEWAYS))
        if left == self._place.left:
            self.say("nothing further to the left" if int(way) < 0 else "the longest line ends here")
        self._place = replace(self._place, left=left)
        self.repaint()

    def act_mark(self, _: str) -> None:
        """Mark the line, or take its mark away, and go to the next."""
        if self._shown_lines.texts:
            self._place = replace(self._place, marked=self._place.marked ^ {self._place.row})
            self.act_move("1")

    def act_all(self, _: str) -> None:
        """Mark all lines, or none."""
        everything = frozenset(range(len(self._shown_lines.texts)))
        marked = frozenset[int]() if self._place.marked == everything else everything
        self._place = replace(self._place, marked=marked)
        self.repaint()

    def act_copy(self, _: str) -> None:
        """Copy the lines that are marked, else the one under the cursor."""
        texts = self._shown_lines.texts
        if not texts:
            self.say("there is no line to copy")
            return
        numbers = sorted(self._place.marked) or [self._place.row]
        self.run_worker(self._copy([texts[number] for number in numbers], len(texts)), exclusive=True)

    async def _copy(self, texts: list[str], of: int) -> None:
        where = await self.host.copy("\n".join(texts))
        self.say(f"{copied_words(len(texts), of)} copied to {where}")
