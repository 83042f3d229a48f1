"""The live grid and what its keys do. A key that cannot act says why, in one line.

The screens that open over it are loaded by their key: the first frame needs none.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.widgets import Input

from deploydash.core.fleet.commands import CompareWith
from deploydash.core.model import CscId, Phase, TargetKind
from deploydash.ui.bindings import bindings
from deploydash.ui.draw import lines, search
from deploydash.ui.keys import Scope
from deploydash.ui.screens.painting import Painting
from deploydash.ui.widgets.departing import Departing
from deploydash.ui.widgets.events import Events
from deploydash.ui.widgets.field import TypedField, at_once, taken
from deploydash.ui.widgets.grid import Grid

EDGES = {"up": "nothing above", "down": "nothing below", "left": "nothing on the left", "right": "nothing on the right"}
NOTHING_YET = "nothing is known yet: waiting for the first snapshot"


IN_FILTER = (("enter", "take_filter"),)
"""Keys of the filter while it is typed."""


class WatchScreen(Painting):
    """The grid under the operator's keys."""

    BINDINGS = [*bindings(Scope.GRID), *at_once(IN_FILTER)]  # noqa: RUF012 - Textual's

    def say(self, sentence: str) -> None:
        """Answer in the line above the footer; the next key takes it away."""
        self.message = sentence
        self.answer(self.moment())

    def action_act(self, number: int) -> None:
        """Do what the key says, after taking the last answer away."""
        self.message = ""
        super().action_act(number)
        if not self.message:
            self.answer(self.moment())

    def act_move(self, way: str) -> None:
        """Move the cursor of the pane that has it."""
        if self.in_events:
            self._move_in_events(way)
        elif self.snapshot is None or not self.snapshot.cscs:
            self.say(NOTHING_YET)
        elif self.listing:
            self._move_in_list(way)
        else:
            self._move_in_grid(way)

    def _move_in_grid(self, way: str) -> None:
        grid = self.query_one(Grid)
        page = max(1, grid.size.height - 1)
        order = sorted(grid.arrangement.places)
        item = {
            "up": lambda: grid.neighbour(0, -1),
            "down": lambda: grid.neighbour(0, 1),
            "left": lambda: grid.neighbour(-1, 0),
            "right": lambda: grid.neighbour(1, 0),
            "page_up": lambda: grid.neighbour(0, -page),
            "page_down": lambda: grid.neighbour(0, page),
            "first": lambda: order[0] if order else None,
            "last": lambda: order[-1] if order else None,
        }[way]()
        if item is None:
            self.say(EDGES.get(way, "that is the end"))
        else:
            self.choose(item)

    def _move_in_list(self, way: str) -> None:
        listed = self.query_one("#list", Departing)
        items = listed.items
        if not items:
            self.say("the list is empty: nothing to move to; x shows everything")
            return
        if way in {"left", "right"}:
            self.say("this list has one column; x shows the whole grid")
            return
        page = max(1, listed.size.height - 1)
        here = items.index(self.selected) if self.selected in items else None
        steps = {"up": -1, "down": 1, "page_up": -page, "page_down": page, "first": -len(items), "last": len(items)}
        there = 0 if here is None else max(0, min(len(items) - 1, here + steps[way]))
        if there == here:
            self.say(EDGES.get(way, "that is the end"))
        else:
            self.choose(items[there])

    def _move_in_events(self, way: str) -> None:
        events = self.query_one(Events)
        if way in {"left", "right"}:
            self.say("events have one column; tab goes back to the grid")
            return
        page = max(1, events.size.height - 1)
        count = events.row_count
        steps = {"up": -1, "down": 1, "page_up": -page, "page_down": page, "first": -count, "last": count}
        if not events.move(steps[way]):
            self.say("no events yet" if not count else EDGES.get(way, "that is the end"))

    def choose(self, item: int | None) -> None:
        """Put the cursor on a CSC, in the grid and in the lists."""
        self.selected = item
        self.query_one(Grid).select(item)
        for listed in self.query(Departing):
            listed.select(item, self.found)

    def act_pane(self, _: str) -> None:
        """Go from the grid to the events and back."""
        self.in_events = not self.in_events
        self.query_one(Events).move(0 if self.in_events else None)
        self.around(self.moment())
        if self.in_events and not self.query_one(Events).row_count:
            self.say("no events yet; tab goes back to the grid")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the key of the filter to a field that has the focus, and Enter to the screen where none has."""
        del parameters
        typing = self.focused is not None
        return {"filter_at_once": not typing, "take_filter": typing}.get(action, True)

    def action_filter_at_once(self) -> None:
        """Open the filter."""
        self.say("")
        self.act_filter("")

    def act_filter(self, _: str) -> None:
        """Let the operator type."""
        field = self.query_one(Input)
        self.query_one("#message").display = False
        self.query_one("#asking").display = True
        field.value = self.pattern
        # Widget.focus() waits for the next turn, and letters typed meanwhile would act as keys.
        self.set_focus(field)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing."""
        self._find(event.value)

    def on_typed_field_refused(self, message: TypedField.Refused) -> None:
        """Say why nothing of a paste was taken."""
        message.stop()
        self.query_one("#message").display = True
        self.say(message.sentence)

    async def action_take_filter(self) -> None:
        """Keep the filter and give the keys back."""
        self._find(await taken(self.query_one(Input)))
        self._end_typing()
        if self.pattern and not self.found:
            self.say(f"nothing matches {self.pattern!r}; esc takes the filter away")
        elif self.pattern:
            self.act_match("1")
            self.say(f"{len(self.found)} match {self.pattern!r}: n and N go through them, esc ends it")

    def _find(self, text: str) -> None:
        self.pattern = text.strip()
        self.found = frozenset(search.matches(self.snapshot.cscs, self.pattern) if self.snapshot else ())
        self.query_one(Grid).find(self.found)
        self.choose(self.selected)
        self.around(self.moment())

    def _end_typing(self) -> None:
        self.query_one("#asking").display = False
        self.query_one("#message").display = True
        self.set_focus(None)

    def act_back(self, _: str) -> None:
        """Go one level back."""
        if self.query_one("#asking").display:
            self._end_typing()
            self._find("")
        elif self.query_one("#start").display:
            self.card_closed = True
            self.rearrange()
        elif self.pattern:
            self._find("")
        elif self.in_events:
            self.act_pane("")
        elif self.selected is not None:
            self.choose(None)
        else:
            self.say("nothing to go back from; q leaves")

    def act_match(self, way: str) -> None:
        """Go to the next match, or without a filter to the next one off target."""
        if self.snapshot is None:
            self.say(NOTHING_YET)
            return
        items: Sequence[int] = sorted(self.found) if self.pattern else search.departing(self.snapshot.cscs)
        item = search.after(items, self.selected, int(way))
        if item is None:
            self.say(f"nothing matches {self.pattern!r}" if self.pattern else "no CSC is off target")
        else:
            self.choose(item)

    def act_only(self, _: str) -> None:
        """Show only what is off target, or everything."""
        self.only, self.versions = not self.listing or self.versions, False
        self.rearrange()

    def act_versions(self, _: str) -> None:
        """Show only what runs or reports another version than the rest, or what stood there before."""
        self.versions = not self.versions
        self.rearrange()

    def act_colours(self, _: str) -> None:
        """Colour mismatch or state."""
        self.by_state = not self.by_state
        self.paint()
        self.say("colours show the state itself" if self.by_state else "colours show mismatch with the target")

    def act_theme(self, _: str) -> None:
        """Go to the next theme."""
        self.say(self.deploydash.next_theme())

    def act_compare(self, _: str) -> None:
        """Compare with the next kind of target."""
        if self.snapshot is None:
            self.say(NOTHING_YET)
            return
        kinds = [kind.value for kind in TargetKind]
        here = kinds.index(self.snapshot.target) if self.snapshot.target in kinds else -1
        kind = TargetKind(kinds[(here + 1) % len(kinds)])
        self.deploydash.order(CompareWith(Phase(kind)))
        self.say(f"comparing with target {kind}")

    def act_why(self, _: str) -> None:
        """Say why the selected CSC counts as it does."""
        if self.snapshot is None or self.selected is None:
            self.say("no CSC is selected: move with the arrows, or n for the next one off target")
            return
        view = self.snapshot.cscs[self.selected]
        verdict = view.verdict.replace("_", " ")
        self.say(f"{view.csc} {verdict}: {lines.reason_of(view, self.moment())}")

    def act_detail(self, _: str) -> None:
        """Open everything about the selected CSC, or about the subject of the chosen event."""
        item = self.selected
        if self.in_events:
            chosen = self.query_one(Events).chosen
            item = self._item_of(chosen.subject) if chosen else None
            if item is None:
                self.say(f"{chosen.subject} is no CSC" if chosen else "no event is chosen")
                return
        if self.snapshot is None or item is None:
            self.say("no CSC is selected: move with the arrows, or n for the next one off target")
            return
        from deploydash.ui.screens.detail import DetailScreen  # noqa: PLC0415 - as the first lines say

        self.choose(item)
        self.app.push_screen(DetailScreen(self.snapshot.cscs[item].csc, self._neighbour_of))

    def _item_of(self, subject: str) -> int | None:
        cscs = self.snapshot.cscs if self.snapshot else ()
        return next((item for item, view in enumerate(cscs) if str(view.csc) == subject), None)

    def _neighbour_of(self, way: str) -> CscId | None:
        """Move the cursor for the detail screen and return the CSC it is on."""
        self.act_match(way)
        return self.snapshot.cscs[self.selected].csc if self.snapshot and self.selected is not None else None

    def act_palette(self, _: str) -> None:
        """Open the command palette."""
        self.app.action_command_palette()

    def act_help(self, _: str) -> None:
        """Open the help of this view."""
        from deploydash.ui.screens.help import HelpScreen  # noqa: PLC0415 - as the first lines say

        self.app.push_screen(HelpScreen(Scope.GRID))

    def act_quit(self, _: str) -> None:
        """Leave."""
        self.app.exit()
