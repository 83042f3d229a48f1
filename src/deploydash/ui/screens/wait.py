"""The wait: who is missing, for how long, why, and what may be done. It never ends by itself."""

from __future__ import annotations

from dataclasses import replace

from textual.app import ComposeResult

from deploydash.core.model import CscId
from deploydash.core.published import Published
from deploydash.core.run.orders import Finish
from deploydash.core.views.run_view import RunView
from deploydash.ui.bindings import run_bindings
from deploydash.ui.draw import lines
from deploydash.ui.draw.ink import Line, Surface
from deploydash.ui.draw.run.direct import news
from deploydash.ui.draw.run.reading import Reading
from deploydash.ui.draw.run.run_header import keys_foot, run_header
from deploydash.ui.draw.run.wait import BoardFocus, Straggler, blocking_sentence, stragglers, wait_lines
from deploydash.ui.run_keys import LEADS, WAIT
from deploydash.ui.screens.detail import DetailScreen
from deploydash.ui.screens.direct import open_direct
from deploydash.ui.screens.messages import MessageScreen
from deploydash.ui.screens.run_base import Acting
from deploydash.ui.screens.run_help import RunHelpScreen
from deploydash.ui.widgets.canvas import Lines


class WaitScreen(Acting):
    """One wait, from its beginning until the lead ends it."""

    BINDINGS = run_bindings(WAIT)
    TABLE = WAIT

    def __init__(self) -> None:
        super().__init__()
        self._focus = BoardFocus()
        self._run_shown: RunView | None = None

    def compose(self) -> ComposeResult:
        """Header, page, one line that answers, footer."""
        yield Lines(id="run-top")
        yield Lines(id="wait-page")
        yield Lines(id="wait-message")
        yield Lines(id="footer")

    def on_mount(self) -> None:
        """Draw it once it has a size; keys count from when it has been read."""
        run = self.run_view
        if run is not None:
            self._opened_with(run)
        self.call_after_refresh(self.repaint)

    def on_resize(self) -> None:
        """Draw it in the new size."""
        self.call_after_refresh(self.repaint)

    def take(self, snapshot: Published) -> None:
        """Show a new snapshot; a CSC that left its target is back on the board."""
        run = snapshot.run
        if run is None or run.wait is None:
            if self.app.screen is self:
                self.dismiss()
            return
        self._opened_with(run)
        self.repaint()
        if told := news(self._run_shown, run):
            self.say(told)
        self._run_shown = run

    def _opened_with(self, run: RunView) -> None:
        """Tell apart what stands here: another wait, the last one arrived, held."""
        if run.wait is not None:
            self.opened((run.wait.step, bool(run.wait.missing), run.held_by is not None))

    def second(self) -> None:
        """Let clocks go on."""
        self.repaint()

    @property
    def reading(self) -> Reading | None:
        """The run as it stands there now."""
        snapshot = self.host.snapshot
        if snapshot is None or snapshot.run is None:
            return None
        lead = self.host.inbox is not None
        return Reading.of(snapshot.run, snapshot, self.host.moment(), lead=lead, owners=self.host.owners)

    def repaint(self) -> None:
        """Draw everything; only what changed is written."""
        reading = self.reading
        if reading is None or not self.is_there:
            return
        width = self.size.width
        top = run_header(reading, width, self.host.speed, self.host.watching())
        self.query_one("#run-top").styles.height = len(top)
        self.query_one("#run-top", Lines).show(top)
        height = max(0, self.size.height - len(top) - 2)
        shown = wait_lines(reading, self._focus, width, height, bell=self.host.bells.on)
        self.query_one("#wait-page", Lines).show(shown)
        surface = Surface.REHEARSAL if reading.snapshot.roster.rehearsal else Surface.BAR
        table = WAIT if reading.lead else tuple(key for key in WAIT if key.act not in LEADS)
        self.query_one("#footer", Lines).show([keys_foot(table, reading.run, width, surface, {}, covered=self.covered)])

    def say(self, sentence: str) -> None:
        """Answer above the footer; the next key takes it away."""
        shown = lines.message(sentence, self.size.width) if sentence else [Line()]
        message = self.query_one("#wait-message", Lines)
        message.styles.height = len(shown)
        message.show(shown)

    def _missing(self) -> list[Straggler]:
        reading = self.reading
        if reading is None or reading.run.wait is None:
            return []
        return stragglers(reading, reading.run.wait)

    def _here(self, missing: list[Straggler]) -> Straggler:
        return missing[min(self._focus.row, len(missing) - 1)]

    def _chosen(self, missing: list[Straggler]) -> tuple[CscId, ...]:
        """Return those marked, or everyone of the line under the cursor."""
        marked = tuple(csc for one in missing for csc in one.cscs if csc in self._focus.marked)
        return marked or self._here(missing).cscs

    def act_move(self, rows: str) -> None:
        """Move the cursor on the board."""
        missing = self._missing()
        if not missing:
            self.say("all CSCs are at target or waived")
            return
        row = max(0, min(len(missing) - 1, min(self._focus.row, len(missing) - 1) + int(rows)))
        if row == self._focus.row:
            self.say("that is the end of the board")
        self._focus = replace(self._focus, row=row)
        self.repaint()

    def act_mark(self, _: str) -> None:
        """Mark who stands under the cursor, or take the mark away."""
        missing = self._missing()
        if not missing:
            self.say("all CSCs are at target or waived")
            return
        cscs, marked = frozenset(self._here(missing).cscs), self._focus.marked
        row = min(self._focus.row + 1, len(missing) - 1)
        self._focus = replace(self._focus, marked=marked - cscs if cscs <= marked else marked | cscs, row=row)
        self.repaint()

    def act_all(self, _: str) -> None:
        """Mark all of them, or none."""
        missing = frozenset(csc for one in self._missing() for csc in one.cscs)
        self._focus = replace(self._focus, marked=frozenset() if missing <= self._focus.marked else missing)
        self.repaint()

    def act_direct(self, _: str) -> None:
        """Command directly those marked, or the one under the cursor: a CSC in FAULT is cleared without leaving."""
        missing = self._missing()
        marked = tuple(csc for one in missing for csc in one.cscs if csc in self._focus.marked)
        if missing:
            open_direct(self, marked or self._here(missing).cscs)
        else:
            self.say("all CSCs are at target or waived: no CSC to command here; Esc goes to the grid")

    def act_waive(self, _: str) -> None:
        """Waive those marked, or the one under the cursor."""
        missing = self._missing()
        if not missing:
            self.say("all CSCs are at target or waived: no CSC to waive")
            return
        self.waive(self._chosen(missing))

    def act_go(self, _: str) -> None:
        """Look closer at the CSC under the cursor; when all are at target or waived, end the wait."""
        reading, missing = self.reading, self._missing()
        if reading is None or reading.run.wait is None:
            self.say("no wait is under way")
        elif missing:
            self.app.push_screen(DetailScreen(self._here(missing).csc, self._neighbour))
        else:
            self.order(Finish(reading.run.wait.step))

    def _neighbour(self, way: str) -> CscId | None:
        missing = self._missing()
        if not missing:
            return None
        self._focus = replace(self._focus, row=(self._focus.row + int(way)) % len(missing))
        return missing[self._focus.row].csc

    def act_why(self, _: str) -> None:
        """Say what the wait waits for."""
        reading = self.reading
        if reading is not None and reading.run.wait is not None:
            self.say(blocking_sentence(reading, reading.run.wait))

    def act_owners(self, _: str) -> None:
        """Show a message to the owner of those marked, or of the one under the cursor."""
        missing = self._missing()
        if not missing:
            self.say("all CSCs are at target or waived: no owner to write to")
            return
        self.app.push_screen(MessageScreen(self._chosen(missing)))

    def act_back(self, _: str) -> None:
        """Go back to the run; the wait does not end."""
        if self._focus.marked:
            self._focus = replace(self._focus, marked=frozenset())
            self.repaint()
        else:
            self.dismiss()

    def act_help(self, _: str) -> None:
        """Open the help."""
        self.app.push_screen(RunHelpScreen(WAIT, "the wait"))
