"""The run's screen: the grid, and on its left card, runbook and debts."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from textual.app import ComposeResult

from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import Tier
from deploydash.core.published import Published
from deploydash.core.run.orders import Disarm
from deploydash.core.views.run_view import RunView
from deploydash.ui.bindings import run_bindings
from deploydash.ui.draw.ink import Line, Surface
from deploydash.ui.draw.run.asked import asked, cscs_of, ids_of
from deploydash.ui.draw.run.direct import news
from deploydash.ui.draw.run.item_offers import is_list
from deploydash.ui.draw.run.messages import asks_people, concerned
from deploydash.ui.draw.run.offers import Mode, asked_now, first_open, mode_of, rows_of, why
from deploydash.ui.draw.run.reading import Focus, Reading
from deploydash.ui.draw.run.run_header import keys_foot, run_header
from deploydash.ui.draw.run.runbook import Place, brief_lines, here, left_lines
from deploydash.ui.draw.sizes import Size
from deploydash.ui.draw.tiles import Moment
from deploydash.ui.draw.walk import stepped
from deploydash.ui.run_keys import RUN
from deploydash.ui.screens.card_keys import Answers
from deploydash.ui.screens.direct import open_direct
from deploydash.ui.screens.facts import FactsScreen
from deploydash.ui.screens.messages import MessageScreen, PrincipalScreen
from deploydash.ui.screens.now import NowScreen
from deploydash.ui.screens.run_help import RunHelpScreen
from deploydash.ui.screens.wait import WaitScreen
from deploydash.ui.screens.watch import EDGES, IN_FILTER, NOTHING_YET, WatchScreen
from deploydash.ui.widgets.canvas import Lines
from deploydash.ui.widgets.departing import Departing
from deploydash.ui.widgets.events import Events
from deploydash.ui.widgets.field import at_once
from deploydash.ui.widgets.grid import Grid

GRID_ROWS = 30
"""Rows in which the Summit's CSCs all stand beside the left column at 120x40; events give way to them."""

BRIEF = 3
"""Lines of the runbook on a screen that has no room for more."""


class Pane(Enum):
    """What the arrows move."""

    CARD = "card"
    RUNBOOK = "runbook"
    GRID = "grid"
    EVENTS = "events"


class RunScreen(Answers, WatchScreen, inherit_bindings=False):
    """The lead's view of grid and run."""

    BINDINGS = [*run_bindings(RUN), *at_once(IN_FILTER)]  # noqa: RUF012 - Textual's
    TABLE = RUN

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.pane = Pane.CARD
        self._step_row: int | None = None
        self._top_height = 2
        self._placed: dict[Lines, tuple[int, ...]] = {}
        self._run_shown: RunView | None = None
        self._waits_seen: set[tuple[str, float]] = set()
        self.marked: frozenset[int] = frozenset()

    def compose(self) -> ComposeResult:
        """The grid's parts, and over them those of the run."""
        yield from super().compose()
        yield Lines(id="run-top")
        yield Lines(id="left")
        yield Lines(id="brief")

    def on_mount(self) -> None:
        """Put the run's header on top."""
        if self.children:
            self.move_child(self.query_one("#run-top"), before=0)
        super().on_mount()

    def _wants_card(self, snapshot: Published | None) -> bool:
        """Show no start card: it says that nothing here can act, and would hide the card that says what is next."""
        del snapshot
        return False

    def say(self, sentence: str) -> None:
        """Answer in the line above the footer; the next key takes it away."""
        WatchScreen.say(self, sentence)

    @property
    def reading(self) -> Reading | None:
        """The run as it stands there now."""
        snapshot = self.host.snapshot
        if snapshot is None or snapshot.run is None:
            return None
        return Reading.of(snapshot.run, snapshot, self.moment(), lead=self.host.inbox is not None)

    @property
    def left_width(self) -> int:
        """Cells of the left column."""
        width = self.size.width
        return 41 if width < 100 else 46 if width < 150 else 54

    def rearrange(self) -> None:
        """Make room for the left column."""
        super().rearrange()
        small = self.design is Size.SMALL
        self.query_one("#side").display = False
        self.query_one("#brief").display = small
        width = self.left_width
        for name in ("above", "grid", "list", "board"):
            self.query_one(f"#{name}").styles.margin = (0, 0, 0, width + 1 if small else 0)
        self.query_one("#main").styles.margin = (0, 0, 0, 0 if small else width + 1)
        if small:
            self.query_one("#above").styles.margin = (BRIEF, 0, 0, width + 1)
        else:
            events = self.query_one("#events").styles
            told = int(events.height.value) if events.height is not None else 4
            events.height = max(2, min(told, self.size.height - self._top_height - 4 - GRID_ROWS))
        self.call_after_refresh(self.repaint)

    def take(self, snapshot: Published) -> None:
        """Show a new snapshot, ring for what is new, and open the wait when one begins."""
        before = self._run_shown
        super().take(snapshot)
        self.host.ring(snapshot)
        if snapshot.run is None:
            return
        self._follow_card(before, snapshot.run)
        if before != snapshot.run:
            self.repaint()
        if told := news(before, snapshot.run):
            self.say(told)
        self._open_what_began(snapshot.run)
        self._run_shown = snapshot.run

    def second(self) -> None:
        """Let clocks go on."""
        super().second()
        run = self.run_view
        if self.snapshot is not None and run is not None:
            self.host.ring(self.snapshot)
            self._open_what_began(run)
        self.repaint()

    def _follow_card(self, before: RunView | None, run: RunView) -> None:
        """Put the cursor where it belongs when another card opens, and forget what was marked on the last."""
        mode = mode_of(run)
        armed = mode in {Mode.ARMED, Mode.NAMING, Mode.GOING, Mode.SENDING}
        now, was = asked_now(run), asked_now(before) if before is not None else None
        if now != was:
            self.focus_on = Focus(row=first_open(run))
            self._step_row = None
        elif run.card is not None:
            marked = frozenset(ids_of(run.card.asking)) & self.focus_on.marked
            came_to = before.card if before is not None else None
            by_lines = is_list(run.card) or run.card.step.manual
            follows = (
                by_lines and before is not None and came_to is not None and self.focus_on.row == first_open(before)
            )
            row = first_open(run) if follows else min(self.focus_on.row, max(0, rows_of(run) - 1))
            self.focus_on = replace(self.focus_on, row=row, marked=marked)
        self.opened((now, Mode.READY if armed else mode))

    def _open_what_began(self, run: RunView) -> None:
        """Open the wait's own screen once when it begins, and the dialog for the site's name when a card is armed."""
        arm = run.card.armed if run.card is not None else None
        if arm is not None and arm.tier is Tier.SEVERE and arm.typed_at is None and self._named != arm.at:
            self._named = arm.at
            if self.app.screen is self and self.host.inbox is not None:
                self.ask_name(run)
        if run.wait is None or (run.wait.step, run.wait.started_utc) in self._waits_seen:
            return
        if self.app.screen is self:
            self._waits_seen.add((run.wait.step, run.wait.started_utc))
            self.app.push_screen(WaitScreen())

    def repaint(self) -> None:
        """Draw header, left column, brief runbook and footer."""
        reading = self.reading
        if reading is None or not self.is_there:
            return
        width = self.size.width
        top = run_header(reading, width, self.host.speed, self.host.watching())
        header = self.query_one("#run-top", Lines)
        if self._top_height != len(top):
            self._top_height = len(top)
            header.styles.height = len(top)
            self.rearrange()
        header.show(top)
        self._paint_left(reading)
        self.query_one("#footer", Lines).show([self.footer()])

    def _paint_left(self, reading: Reading) -> None:
        left = self.query_one("#left", Lines)
        small = self.design is Size.SMALL
        top = self._top_height + self._banner_height
        height = self.size.height - top - self._height_of("#answer") - 1
        if small:
            top += self._height_of("#groups")
            height -= self._height_of("#groups") + self._height_of("#events") + 1
        height = max(0, height)
        self._place(left, 0, top, self.left_width, height)
        focus = replace(self.focus_on, active=self.pane is Pane.CARD, covered=self.covered)
        place = Place(self._step_row, active=self.pane is Pane.RUNBOOK)
        if small:
            left.show(left_lines(reading, focus, place, self.left_width, height)[:height])
            brief = self.query_one("#brief", Lines)
            room = max(1, self.size.width - self.left_width - 1)
            self._place(brief, self.left_width + 1, top, room, BRIEF)
            brief.show(brief_lines(reading, place, room - 1, BRIEF - 1))
        else:
            left.show(left_lines(reading, focus, place, self.left_width, height))

    def _place(self, widget: Lines, *wanted: int) -> None:
        """Put a part of the upper layer at x, y in width and height; nothing happens where it is there already."""
        if self._placed.get(widget) != wanted:
            self._placed[widget] = wanted
            x, y, width, height = wanted
            widget.styles.offset = (x, y)
            widget.styles.width, widget.styles.height = width, height

    def _height_of(self, name: str) -> int:
        """Return the lines a part is to take, also before the layout has given them to it."""
        height = self.query_one(name).styles.height
        return int(height.value) if height is not None else 1

    def answer(self, moment: Moment) -> None:
        """Draw the line that answers; the left column gives way to a long answer."""
        before = self._answer_height
        super().answer(moment)
        reading = self.reading
        if before != self._answer_height and reading is not None:
            self._paint_left(reading)

    def footer(self) -> Line:
        """Return the keys that are always there, and at the right the hold."""
        rehearsal = self.snapshot is not None and self.snapshot.roster.rehearsal
        words = {"only": "everything" if self.listing else "off target only"}
        surface = Surface.REHEARSAL if rehearsal else Surface.BAR
        return keys_foot(RUN, self.run_view, self.size.width, surface, words, covered=self.covered)

    def act_pane(self, way: str) -> None:
        """Give the arrows to the next pane."""
        panes = list(Pane)
        self.pane = panes[(panes.index(self.pane) + int(way)) % len(panes)]
        self.in_events = self.pane is Pane.EVENTS
        self.query_one(Events).move(0 if self.in_events else None)
        run = self.run_view
        self._step_row = here(run) if self.pane is Pane.RUNBOOK and run is not None else None
        self.around(self.moment())
        self.repaint()
        self.say(f"the arrows move in the {self.pane.value}")

    def act_move(self, way: str) -> None:
        """Move the cursor of the pane that has it."""
        run = self.run_view
        if self.pane in {Pane.GRID, Pane.EVENTS}:
            super().act_move(way)
        elif run is None:
            self.say(NOTHING_YET)
        elif self.pane is Pane.RUNBOOK:
            self._move_in_runbook(run, way)
        else:
            self._move_on_card(run, way)

    def _move_on_card(self, run: RunView, way: str) -> None:
        rows = rows_of(run)
        row = stepped(self.focus_on.row, rows, way)
        if row is None:
            self.say("nothing to go through on this card; tab goes to the runbook and the grid")
        elif row == self.focus_on.row:
            self.say(EDGES.get(way, "that is the end"))
        else:
            self.focus_on = replace(self.focus_on, row=row)
            self.repaint()

    def _move_in_runbook(self, run: RunView, way: str) -> None:
        row = stepped(self._step_row if self._step_row is not None else here(run), len(run.rows), way)
        if row is None:
            self.say("the runbook has one column")
            return
        self._step_row = row
        step = run.rows[row].step
        if self.host.inbox is not None:
            self.host.inbox.choose(step)
        self.repaint()
        self.say(f"{step}: {run.rows[row].title}")

    def act_match(self, way: str) -> None:
        """Go to the grid and there to the next match."""
        self.pane = Pane.GRID
        super().act_match(way)
        self.repaint()

    def act_go(self, _: str) -> None:
        """Answer the card, or look closer at what is under the cursor; an armed card comes first, and is read first."""
        if self.pane is not Pane.CARD and self._is_armed():
            self.to_card()
            self.say("the card is armed: Enter once more sends it, Esc disarms it")
            return
        if self.pane is Pane.CARD:
            self.answer_card()
        elif self.pane is Pane.RUNBOOK:
            self.pane, self._step_row = Pane.CARD, None
            self.repaint()
        else:
            super().act_detail("")

    async def action_take_filter(self) -> None:
        """Keep the filter and give the keys back; where a card is armed, say what its Enter is."""
        await super().action_take_filter()
        if self._is_armed():
            self.say("the card is armed: Enter comes to it, Enter once more sends it, Esc disarms it")

    def _is_armed(self) -> bool:
        run = self.run_view
        return run is not None and self.host.inbox is not None and mode_of(run) in {Mode.ARMED, Mode.NAMING}

    def act_back(self, _: str) -> None:
        """Go one level back; an armed card first."""
        run = self.run_view
        chosen = run is not None and self.pane is Pane.RUNBOOK
        if run is not None and run.card is not None and run.card.armed is not None and self.host.inbox is not None:
            if run.card.armed.gone:
                self.say("it is being sent; H holds what is not sent yet")
            else:
                self.order(Disarm(run.card.step.id))
        elif self.query_one("#asking").display or self.query_one("#start").display or self.pattern:
            super().act_back("")
        elif self.marked:
            self._mark(frozenset())
        elif self.focus_on.marked:
            self.focus_on = Focus(row=self.focus_on.row)
            self.repaint()
        elif chosen or self.pane is not Pane.CARD or self.selected is not None:
            self.choose(None)
            self._to_next()
        else:
            self._to_next()
            self.say("the card of what is next; q leaves")

    def _to_next(self) -> None:
        if self.host.inbox is not None:
            self.host.inbox.choose(None)
        self.to_card()

    def to_card(self) -> None:
        """Give the arrows to the card."""
        self.pane, self._step_row, self.in_events = Pane.CARD, None, False
        self.query_one(Events).move(None)
        self.around(self.moment())
        self.repaint()

    def act_why(self, _: str) -> None:
        """Say why the gate is closed, or in the grid why the CSC counts as it does."""
        run = self.run_view
        if self.pane is Pane.GRID or run is None:
            super().act_why("")
        else:
            self.say(why(run))

    def selected_cscs(self) -> tuple[CscId, ...]:
        """Return the CSCs marked in the grid, else the one under its cursor, if the grid has the arrows."""
        if self.pane is not Pane.GRID or self.snapshot is None:
            return ()
        if self.marked:
            return tuple(self.snapshot.cscs[item].csc for item in sorted(self.marked))
        return (self.snapshot.cscs[self.selected].csc,) if self.selected is not None else ()

    def act_direct(self, _: str) -> None:
        """Command directly those marked or selected in the grid, or those that the card asks about."""
        run = self.run_view
        asks = self.pane is Pane.CARD and run is not None and mode_of(run) is Mode.ASKING
        about = cscs_of(asked(run, self.focus_on)) if asks and run is not None else self.selected_cscs()
        open_direct(self, about)

    def act_mark(self, way: str) -> None:
        """Mark the CSC under the cursor of the grid, or of the card, or take the mark away."""
        if self.pane is not Pane.GRID:
            super().act_mark(way)
        elif self.selected is None:
            self.say("no CSC is selected: move with the arrows, or n for the next one off target")
        else:
            self._mark(self.marked ^ {self.selected})

    def act_all(self, way: str) -> None:
        """Mark all that match the filter, or of the card, or none."""
        if self.pane is not Pane.GRID:
            super().act_all(way)
        elif not self.found:
            self.say("nothing to mark: in the grid * marks all that match a filter; / filters")
        else:
            self._mark(frozenset() if self.found <= self.marked else self.marked | self.found)

    def _mark(self, items: frozenset[int]) -> None:
        self.marked = items
        self.query_one(Grid).mark(items)
        for listed in self.query(Departing):
            listed.mark(items)
        self.say(f"{len(items)} marked: C direct command, w waive, Esc takes the marks away" if items else "no marks")

    def act_owners(self, _: str) -> None:
        """Show a message to each owner of those asked about, waited for or waived."""
        run = self.run_view
        cscs = concerned(run) if run is not None else ()
        if cscs:
            self.app.push_screen(MessageScreen(cscs))
        elif run is not None and asks_people(run):
            self.app.push_screen(PrincipalScreen())
        else:
            self.say("nobody is asked about, waited for or waived, so there is no owner to write to")

    def act_now(self, _: str) -> None:
        """Show what waits, runs, is late and is owed."""
        self.app.push_screen(NowScreen())

    def act_facts(self, _: str) -> None:
        """Show what other systems report."""
        self.app.push_screen(FactsScreen())

    def act_help(self, _: str) -> None:
        """Open the help."""
        self.app.push_screen(RunHelpScreen(RUN, "run"))

    def open_wait(self) -> None:
        """Open the wait's own screen."""
        self.app.push_screen(WaitScreen())
