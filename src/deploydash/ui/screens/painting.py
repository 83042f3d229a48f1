"""The live grid as it is drawn: header, groups, grid or list, events, one line that answers, footer."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.events import Resize
from textual.widgets import Input

from deploydash.core.fleet.snapshot import CscView, GroupView
from deploydash.core.published import Published
from deploydash.ui.draw import header, lines, search
from deploydash.ui.draw.board import board_lines
from deploydash.ui.draw.ink import Ink, Line, Span, Surface
from deploydash.ui.draw.sizes import Size, calm_sentence, changed_items, departing_title
from deploydash.ui.draw.start import is_wanted, start_lines
from deploydash.ui.draw.tiles import Moment
from deploydash.ui.keys import Scope
from deploydash.ui.screens.base import View
from deploydash.ui.widgets.canvas import Lines
from deploydash.ui.widgets.departing import Departing
from deploydash.ui.widgets.events import Events
from deploydash.ui.widgets.field import TypedField
from deploydash.ui.widgets.grid import Grid

AROUND_S = 0.5
"""Header, groups and events are drawn at most this often in a storm, faster than anybody reads them; tiles at once."""

LISTS_S = 0.75
"""The lists of those off target, in which one change moves many lines, at most this often."""

CARD_WIDTH = 66


class Painting(View):
    """Shows the newest snapshot. What the operator chose is kept here; the session knows nothing of it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._around_at = 0.0
        self._around_waits = False
        self._lists_at = 0.0
        self._listed: tuple[int, ...] = ()
        self._listed_for: tuple[Sequence[CscView], str] = ((), "")
        self.snapshot: Published | None = None
        self.selected: int | None = None
        self.by_state = False
        self.only: bool | None = None
        self.versions = False
        """Whether those of another version are listed, and not those off target."""
        self.in_events = False
        self.pattern = ""
        self.found: frozenset[int] = frozenset()
        self.message = ""
        self.card_closed = False
        self._answer_height = 1
        self._banner_height = 0

    def compose(self) -> ComposeResult:
        """Lay out the parts; ``deploydash.tcss`` says where they stand."""
        yield Lines(id="header")
        yield Lines(id="banner")
        yield Lines(id="groups")
        with Horizontal(id="body"):
            with Vertical(id="side"):
                yield Lines(id="side-top")
                with Container(id="side-frame"):
                    yield Departing(tall=True, id="panel")
            with Vertical(id="main"):
                yield Lines(id="above")
                yield Grid(id="grid")
                yield Lines(id="board")
                yield Departing(tall=False, id="list")
                yield Lines(id="events-rule")
                yield Events(self.deploydash.glyphs, id="events")
        with Horizontal(id="answer"):
            yield Lines(id="message")
            with Horizontal(id="asking"):
                yield Lines(id="slash")
                yield TypedField(id="filter", placeholder="name, group, state or liveness", compact=True)
                yield Lines(id="hits")
        yield Lines(id="footer")
        yield Lines(id="start")

    def on_mount(self) -> None:
        """Start with the calm parts in place."""
        if not self.children:
            return  # the app was left before the screen had its parts
        self.query_one(Input).cursor_blink = False
        self.query_one("#asking").display = False
        if self.deploydash.snapshot is not None:
            self.take(self.deploydash.snapshot)
        else:
            self.rearrange()

    def on_resize(self, event: Resize) -> None:
        """Change the design with the size."""
        del event
        if self.children:
            self.rearrange()

    @property
    def groups(self) -> Sequence[GroupView]:
        """The groups of the snapshot."""
        return self.snapshot.groups if self.snapshot is not None else ()

    def moment(self) -> Moment:
        """Return now, with the operator's choices."""
        return self.deploydash.moment(by_state=self.by_state)

    @property
    def design(self) -> Size:
        """The design in use."""
        return Size.of(self.size.width, self.size.height)

    @property
    def bare(self) -> bool:
        """Whether the site has no CSCs, so that what its systems report stands in the grid's place."""
        return self.snapshot is not None and not self.snapshot.cscs

    @property
    def listing(self) -> bool:
        """Whether a list stands in place of the grid: of those off target, or of another version."""
        return self.versions or (self.only if self.only is not None else self.design is Size.SMALL)

    def rearrange(self) -> None:
        """Show the parts that belong to this size and this choice."""
        small = self.design is Size.SMALL
        side = self.design is Size.WIDE and not self.listing
        for name, shown in (
            ("groups", small),
            ("side", side),
            ("grid", not self.listing and not self.bare),
            ("list", self.listing and not self.bare),
            ("board", self.bare),
            ("banner", bool(self.snapshot and self.snapshot.banner)),
            ("start", self._wants_card(self.snapshot)),
        ):
            self.query_one(f"#{name}").display = shown
        height = self.size.height
        self.query_one("#events").styles.height = 2 if small else 8 if height >= 46 else 6 if height >= 40 else 4
        across = max(1, (self.size.width - 1) // 25)
        self._banner_height = len(self._banner())
        self.query_one("#banner").styles.height = max(1, self._banner_height)
        self.query_one("#groups").styles.height = min(-(-len(self.groups) // across), max(1, height // 4))
        self.query_one("#side").set_class(self.deploydash.glyphs.rule == "-", "ascii")
        self.call_after_refresh(self.paint)

    def take(self, snapshot: Published) -> None:
        """Show a new snapshot."""
        old, self.snapshot = self.snapshot, snapshot
        changed = changed_items(old, snapshot)
        if changed is None and old is not None:
            self._follow(old, snapshot)
        moment = self.moment()
        self.query_one(Grid).show(snapshot, moment, changed)
        if (
            old is None
            or bool(old.banner) != bool(snapshot.banner)
            or old.decided != snapshot.decided
            or self._wants_card(old) != self._wants_card(snapshot)
        ):
            self.rearrange()
        elif (
            changed
            or old.events is not snapshot.events
            or old.feeds != snapshot.feeds
            or old.target != snapshot.target
            or old.banner != snapshot.banner
        ):
            self._around_soon(moment)

    def _wants_card(self, snapshot: Published | None) -> bool:
        """Say whether the start card is shown."""
        return snapshot is not None and is_wanted(snapshot) and not self.card_closed

    def second(self) -> None:
        """Let clocks, ages and fading changes go on."""
        if self.snapshot is not None:
            moment = self.moment()
            self.query_one(Grid).tick(moment)
            self.around(moment)

    def _follow(self, old: Published, new: Published) -> None:
        """Keep cursor and matches on the same CSCs in another roster."""
        here = old.cscs[self.selected].csc if self.selected is not None else None
        self.selected = next((item for item, view in enumerate(new.cscs) if view.csc == here), None)
        self.found = frozenset(search.matches(new.cscs, self.pattern))
        self.query_one(Grid).select(self.selected)
        self.query_one(Grid).find(self.found)

    def paint(self) -> None:
        """Draw what another arrangement or another choice of colours changes."""
        if self.snapshot is None:
            self.query_one("#footer", Lines).show([self.footer()])
            return
        moment = self.moment()
        self.query_one(Grid).show(self.snapshot, moment, ())
        self.around(moment)

    def _around_soon(self, moment: Moment) -> None:
        if self._around_waits:
            return
        wait = self._around_at + AROUND_S - moment.now
        if wait <= 0:
            self.around(moment, lists=False)
        else:
            self._around_waits = True
            self.deploydash.after(wait, self._around_late)

    def _around_late(self) -> None:
        if self.is_there:
            self.around(self.moment(), lists=False)

    def around(self, moment: Moment, *, lists: bool = True) -> None:
        """Draw everything but the grid; ``lists`` False leaves the lists alone when they were drawn just now."""
        self._around_waits, self._around_at = False, moment.now
        snapshot = self.snapshot
        if snapshot is None:
            return
        app, width = self.deploydash, self.size.width
        self.query_one("#header", Lines).show(
            [
                header.header(snapshot, moment.utc, width, app.glyphs, app.speed),
                header.feeds_line(snapshot, width, moment.now, app.glyphs),
            ]
        )
        banner = self._banner()
        self.query_one("#banner", Lines).show(banner)
        if self._banner_height != len(banner):
            self.rearrange()
        if self.design is Size.SMALL:
            self.query_one("#groups", Lines).show(lines.groups_lines(self.groups, width, app.glyphs))
        if lists or moment.now - self._lists_at >= LISTS_S:
            self._lists_at = moment.now
            self._show_lists(snapshot, moment)
        inner = self.query_one("#main").size.width
        if self.bare:
            board = self.query_one("#board", Lines)
            board.show(board_lines(snapshot, moment, inner, board.size.height))
        active = self.in_events
        self.query_one("#events-rule", Lines).show([lines.rule("Events", inner, app.glyphs, bright=active)])
        self.query_one(Events).show(snapshot.events, moment.utc)
        self.answer(moment)
        self.query_one("#footer", Lines).show([self.footer()])
        if self.query_one("#start").display:
            self._card(snapshot, moment)

    def _banner(self) -> list[Line]:
        sentence = self.snapshot.banner if self.snapshot is not None else ""
        return lines.banner(sentence, self.size.width, self.deploydash.glyphs)

    def _show_lists(self, snapshot: Published, moment: Moment) -> None:
        if self.versions:
            self._show_versions(snapshot, moment)
            return
        items = self._departing(snapshot)
        glyphs, width = self.deploydash.glyphs, self.query_one("#main").size.width
        filtered = f"{glyphs.dot} filter {self.pattern} {glyphs.dot} {len(self.found)} match" if self.pattern else ""
        calm = "none among the filter's matches" if self.pattern else calm_sentence(snapshot)
        above = Line()
        if self.listing:
            count = f"{len(items)} of {len(snapshot.cscs)}"
            head = f"{departing_title(snapshot, items)} {glyphs.dot} {count} {filtered}".rstrip()
            above = lines.rule(head, width, glyphs, bright=not self.in_events)
            self.query_one("#list", Departing).show(snapshot.cscs, items, moment, calm)
        elif self.pattern:
            above = lines.rule(filtered.lstrip(f"{glyphs.dot} "), width, glyphs, bright=True)
        self.query_one("#above", Lines).show([above])
        self.query_one("#slash", Lines).show([Line((Span(" / ", Ink.ACCENT),), Surface.BAR)])
        hits = f"{len(self.found)} match " if self.pattern else ""
        self.query_one("#hits", Lines).show([Line((Span(f"{hits:>14}", Ink.DIM),), Surface.BAR)])
        side = self.query_one("#side")
        if side.display:
            title = f"{departing_title(snapshot, items).capitalize()} {glyphs.dot} {len(items)} of {len(snapshot.cscs)}"
            asking = bool(items) and snapshot.decided
            self.query_one("#side-top", Lines).show([lines.frame_top(title, side.size.width, glyphs, asking=asking)])
            if side.has_class("asking") is not asking:
                side.set_class(asking, "asking")
            self.query_one("#panel", Departing).show(snapshot.cscs, items, moment, calm)

    def _show_versions(self, snapshot: Published, moment: Moment) -> None:
        """List those that run or report another version than the rest, or than the run's cycle."""
        why, found = search.of_another_version(snapshot.cscs, snapshot.run.cycle if snapshot.run is not None else "")
        items = tuple(item for item in why if not self.pattern or item in self.found)
        glyphs, width = self.deploydash.glyphs, self.query_one("#main").size.width
        calm = search.same_version_sentence(found, snapshot)
        head = f"of another version {glyphs.dot} {len(items)} of {found.of} {glyphs.dot} X leaves"
        self.query_one("#above", Lines).show([lines.rule(head, width, glyphs, bright=not self.in_events)])
        self.query_one("#list", Departing).show(snapshot.cscs, items, moment, calm, why)

    def _departing(self, snapshot: Published) -> tuple[int, ...]:
        """Return who is listed; found anew only when a CSC or the filter changed."""
        asked = (snapshot.cscs, self.pattern)
        if self._listed_for[0] is not asked[0] or self._listed_for[1] != asked[1]:
            items = search.departing(snapshot.cscs)
            self._listed = tuple(item for item in items if item in self.found) if self.pattern else items
            self._listed_for = asked
        return self._listed

    def answer(self, moment: Moment) -> None:
        """Draw the line that answers: a message, or the selected CSC and why it counts as it does."""
        width = self.query_one("#message").size.width or self.size.width
        answer = [Line()]
        if self.message:
            answer = lines.message(self.message, width)
        elif self.snapshot is not None and self.selected is not None:
            answer = [lines.selection(self.snapshot.cscs[self.selected], moment, width)]
        if self._answer_height != len(answer):
            self._answer_height = len(answer)
            self.query_one("#answer").styles.height = len(answer)
        self.query_one("#message", Lines).show(answer)

    def footer(self) -> Line:
        """Return the line of keys."""
        words = {
            "only": "everything" if self.listing else "off target only",
            "pane": "grid" if self.in_events else "events",
        }
        rehearsal = self.snapshot is not None and self.snapshot.roster.rehearsal
        surface = Surface.REHEARSAL if rehearsal else Surface.BAR
        return lines.keys_line(Scope.GRID, self.size.width, words, surface)

    def _card(self, snapshot: Published, moment: Moment) -> None:
        card = self.query_one("#start", Lines)
        width = min(CARD_WIDTH, self.size.width - 4)
        shown = start_lines(snapshot, moment, width)
        card.styles.width, card.styles.height = width, len(shown)
        card.styles.offset = ((self.size.width - width) // 2, max(3, (self.size.height - len(shown)) // 2 - 1))
        card.show(shown)
