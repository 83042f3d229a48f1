"""One CSC, everything known of it."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.events import Resize

from deploydash.core.fleet.commands import Inspect
from deploydash.core.model import CscId
from deploydash.core.published import Published
from deploydash.ui.bindings import bindings
from deploydash.ui.draw import header, lines
from deploydash.ui.draw.detail import detail_lines
from deploydash.ui.draw.ink import Line, Surface
from deploydash.ui.keys import Scope
from deploydash.ui.screens.base import View
from deploydash.ui.screens.help import HelpScreen
from deploydash.ui.widgets.canvas import Lines
from deploydash.ui.widgets.more import More


class DetailScreen(View):
    """Asks the session for the detail while it is open. ``neighbour`` moves the grid's cursor and says where it is."""

    BINDINGS = bindings(Scope.DETAIL)

    def __init__(self, csc: CscId, neighbour: Callable[[str], CscId | None]) -> None:
        super().__init__()
        self._csc = csc
        self._neighbour = neighbour

    def compose(self) -> ComposeResult:
        """One scrolling page between header and footer."""
        yield Lines(id="header")
        yield Lines(id="page")
        yield More(id="more")
        yield Lines(id="footer")

    def on_mount(self) -> None:
        """Ask for the detail."""
        self.deploydash.order(Inspect(self._csc))
        self.call_after_refresh(self.second)

    def on_unmount(self) -> None:
        """Ask no more."""
        self.deploydash.order(Inspect(None))

    def on_resize(self, event: Resize) -> None:
        """Wrap anew."""
        del event
        self.call_after_refresh(self.second)

    def take(self, snapshot: Published) -> None:
        """Show a new snapshot."""
        del snapshot
        self.second()

    def second(self) -> None:
        """Draw what is known now."""
        app, width = self.deploydash, self.size.width
        snapshot = app.snapshot
        if snapshot is None:
            return
        moment = app.moment()
        self.query_one("#header", Lines).show(
            [
                header.header(snapshot, moment.utc, width, app.glyphs, app.speed),
                header.feeds_line(snapshot, width, moment.now, app.glyphs),
            ]
        )
        view = next((view for view in snapshot.cscs if view.csc == self._csc), None)
        detail = snapshot.detail if snapshot.detail and snapshot.detail.csc == self._csc else None
        page = self.query_one("#page", Lines)
        rows = snapshot.run.direct if snapshot.run is not None else ()
        direct = next((row.sentence for row in rows if row.csc == self._csc), "")
        in_run = snapshot.run.inspected if snapshot.run is not None and detail is not None else ()
        facts = [fact for fact in snapshot.facts if fact.about == str(self._csc)]
        page.show(detail_lines(view, detail, moment, width - 2, direct, in_run, facts) if view else [Line()])
        self.query_one(More).mark(page)
        surface = Surface.REHEARSAL if snapshot.roster.rehearsal else Surface.BAR
        self.query_one("#footer", Lines).show([lines.keys_line(Scope.DETAIL, width, {}, surface)])

    def act_close(self, _: str) -> None:
        """Go back to the grid."""
        self.dismiss()

    def act_match(self, way: str) -> None:
        """Show the next one off target."""
        csc = self._neighbour(way)
        if csc is not None and csc != self._csc:
            self._csc = csc
            self.deploydash.order(Inspect(csc))
            self.query_one("#page").scroll_home(animate=False)
        self.second()

    def act_scroll(self, rows: str) -> None:
        """Scroll the page."""
        page = self.query_one("#page", Lines)
        page.scroll_relative(y=int(rows), animate=False, immediate=True)
        self.query_one(More).mark(page)

    def act_theme(self, _: str) -> None:
        """Go to the next theme."""
        self.deploydash.next_theme()

    def act_help(self, _: str) -> None:
        """Open the help."""
        self.app.push_screen(HelpScreen(Scope.DETAIL))
