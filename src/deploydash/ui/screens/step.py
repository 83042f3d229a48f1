"""Everything about the step on the card, to be scrolled: every command and every name in full."""

from __future__ import annotations

from textual.app import ComposeResult

from deploydash.core.published import Published
from deploydash.ui.bindings import run_bindings
from deploydash.ui.draw.ink import Line, Span, Surface
from deploydash.ui.draw.run.card import page_lines
from deploydash.ui.draw.run.reading import Reading
from deploydash.ui.draw.run.run_header import keys_foot, run_header
from deploydash.ui.run_keys import PAGE
from deploydash.ui.screens.run_base import Acting
from deploydash.ui.widgets.canvas import Lines


class StepScreen(Acting):
    """One step in full. It follows the card while it is open."""

    BINDINGS = run_bindings(PAGE)
    TABLE = PAGE

    def compose(self) -> ComposeResult:
        """One scrolling page between header and footer."""
        yield Lines(id="run-top")
        yield Lines(id="page")
        yield Lines(id="footer")

    def on_mount(self) -> None:
        """Draw it once it has a size."""
        self.call_after_refresh(self.repaint)

    def on_resize(self) -> None:
        """Wrap anew."""
        self.call_after_refresh(self.repaint)

    def take(self, snapshot: Published) -> None:
        """Show a new snapshot."""
        del snapshot
        self.repaint()

    def second(self) -> None:
        """Let clocks go on."""
        self.repaint()

    def repaint(self) -> None:
        """Draw everything; only what changed is written."""
        snapshot = self.host.snapshot
        if snapshot is None or snapshot.run is None or not self.is_there:
            return
        lead = self.host.inbox is not None
        reading = Reading.of(snapshot.run, snapshot, self.host.moment(), lead=lead, owners=self.host.owners)
        width = self.size.width
        top = run_header(reading, width, self.host.speed, self.host.watching())
        self.query_one("#run-top").styles.height = len(top)
        self.query_one("#run-top", Lines).show(top)
        self.query_one("#page", Lines).show([Line(), *self.page(reading, width)])
        surface = Surface.REHEARSAL if snapshot.roster.rehearsal else Surface.BAR
        self.query_one("#footer", Lines).show([keys_foot(PAGE, snapshot.run, width, surface, {}, covered=self.covered)])

    def page(self, reading: Reading, width: int) -> list[Line]:
        """Return what stands between header and footer."""
        return [Line((Span("  "), *line.spans)) for line in page_lines(reading, width - 4)]

    def say(self, sentence: str) -> None:
        """Answer where the footer stands; the next key takes it away."""
        if sentence:
            self.query_one("#footer", Lines).show([Line((Span(f" {sentence}"),), Surface.BAR)])
        else:
            self.repaint()

    def act_close(self, _: str) -> None:
        """Go back to the run."""
        self.dismiss()

    def act_scroll(self, rows: str) -> None:
        """Scroll the page."""
        self.query_one("#page").scroll_relative(y=int(rows), animate=False)
