"""The screen of a run: the grid with the run beside it. Watching alone never loads this."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from textual import events
from textual.binding import Binding
from textual.screen import Screen

from deploydash.core.owners import NO_SPEAKERS, Owners, Speakers
from deploydash.core.published import Published
from deploydash.core.run.orders import EmergencyStop, Hold
from deploydash.ui.app import DeploydashApp
from deploydash.ui.copying import copy
from deploydash.ui.draw.run.attention import Bell
from deploydash.ui.draw.run.notify import notification, wanted
from deploydash.ui.draw.run.proposal import Asked
from deploydash.ui.draw.run.reading import NOBODYS
from deploydash.ui.inbox import History, RunInbox
from deploydash.ui.keys import INTERRUPT
from deploydash.ui.run_keys import HOLD_ANYWHERE, STOP_ANYWHERE
from deploydash.ui.screens.proposal import ProposalScreen
from deploydash.ui.screens.run import RunScreen
from deploydash.ui.screens.run_base import Acting
from deploydash.ui.screens.run_palette import RunCommands
from deploydash.ui.screens.timeline import TimelineScreen
from deploydash.ui.source import SnapshotSource
from deploydash.ui.widgets.in_order import InOrder, Taken

_AT_ONCE = frozenset({HOLD_ANYWHERE, STOP_ANYWHERE, INTERRUPT})


class DeploydashRunApp(DeploydashApp):
    """The lead's screen, or with ``desk`` None an observer's, on which no key acts.

    ``ask_hold`` lets an observer ask for a hold. ``watching`` says how many others look at this run now. ``history``
    tells the run over time.
    ``ask_hold`` lets an observer ask for a hold. ``watching`` says how many others look at this run now. ``owners``:
    whom a message about a CSC goes to; ``speakers``: who answers for each owner of the site;
    ``me``: the lead's own name.
    ``copies``: the file that takes what is copied.

    Raises:
        ValueError: there is no such theme.
    """

    CSS_PATH = ["deploydash.tcss", "run.tcss"]  # type: ignore[assignment]  # noqa: RUF012 - as Textual has it
    COMMANDS = {RunCommands}  # noqa: RUF012 - Textual reads a class attribute
    BINDINGS = [  # noqa: RUF012 - as above
        Binding(HOLD_ANYWHERE, "hold", show=False, priority=True),
        Binding(STOP_ANYWHERE, "stop", show=False, priority=True),
    ]

    def __init__(
        self,
        source: SnapshotSource,
        inbox: RunInbox | None,
        *,
        ask_hold: Callable[[], None] | None = None,
        watching: Callable[[], int] = lambda: 0,
        history: History | None = None,
        theme: str | None = None,
        speed: float | None = None,
        owners: Owners = NOBODYS,
        speakers: Speakers = NO_SPEAKERS,
        me: str = "",
        copies: Path | None = None,
    ) -> None:
        super().__init__(source, theme=theme, speed=speed)
        self.inbox = inbox
        self.owners = owners
        self.speakers = speakers
        self.me = me
        self.watching = watching
        self.history = history
        self.bells = Bell(notes=wanted(os.environ))
        self.typed_at = 0.0
        self._ask_hold = ask_hold
        self._copies = copies
        self._typed = InOrder(self, self._hand_on)
        if inbox is not None:
            inbox.subscribe_refusals(self.refused)

    def get_default_screen(self) -> Screen[None]:
        """Return the run."""
        return RunScreen(id="_default")

    async def on_event(self, event: events.Event) -> None:
        """Let keys and pastes act one after the other; what holds or ends everything waits for no other."""
        typed = isinstance(event, events.Key | events.Paste) and not event.is_forwarded
        if typed and not (isinstance(event, events.Key) and event.key in _AT_ONCE):
            self._typed.put(event)
        else:
            await self._hand_on(event)

    async def _hand_on(self, event: events.Event) -> None:
        """Note when a key was typed before anything sees it."""
        self._note(event)
        await super().on_event(event)

    def on_taken(self, message: Taken) -> None:
        """Let the next key act."""
        message.stop()
        message.done.set()

    def on_unmount(self) -> None:
        """Take no more keys."""
        self._typed.close()
        super().on_unmount()

    def on_key(self, event: events.Key) -> None:
        """Note it again when the key comes back to be bound: others may have been typed meanwhile."""
        self._note(event)

    def _note(self, event: events.Event) -> None:
        """Keep a key's time by the clock of the snapshots; it may have waited while the screen was busy."""
        if isinstance(event, events.Key):
            waited = max(0.0, time.monotonic() - event.time)
            self.typed_at = self.source.clock.monotonic() - waited

    def hold(self) -> str:
        """Hold everything, or as an observer ask the lead to; return the sentence that says which."""
        run = self.snapshot.run if self.snapshot is not None else None
        if self.inbox is not None:
            self.inbox.run_order(Hold(run.operator if run is not None else "the lead"))
            return "hold: nothing further is sent; R releases it"
        if self._ask_hold is None:
            return "you observe; only the lead acts, and this view cannot ask for a hold"
        self._ask_hold()
        return "the lead's process was asked to hold"

    def action_hold(self) -> None:
        """Hold everything, whatever has the focus."""
        self.refused(self.hold())

    def stop(self) -> str:
        """Send the emergency stops of the systems here; return the sentence that says so, or why there is none."""
        if self.inbox is None:
            return "you observe; only the lead acts: H asks the lead to hold"
        stops = self.inbox.stops()
        if not stops:
            return "no system here has an emergency stop; H holds the run"
        self.inbox.run_order(EmergencyStop(stops))
        return f"emergency stop sent: {', '.join(item.label for item in stops)}"

    def action_stop(self) -> None:
        """Send the emergency stops, whatever has the focus."""
        self.refused(self.stop())

    def open_timeline(self) -> None:
        """Show the run over time, beginning with the CSC under the grid's cursor."""
        run = next((screen for screen in self.screen_stack if isinstance(screen, RunScreen)), None)
        chosen = run.selected_cscs() if run is not None else ()
        self.push_screen(TimelineScreen(chosen[0] if chosen else None))

    def open_proposal(self, asked: Asked) -> None:
        """Show exactly what an order about items would do, and arm it there."""
        self.push_screen(ProposalScreen(asked))

    async def copy(self, text: str) -> str:
        """Copy a text out of the screen, and return where to, in words."""
        return await copy(text, self._copies, self.tell_terminal)

    def refused(self, sentence: str) -> None:
        """Say a refusal on the screen of the run that is in front."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Acting) and screen.is_mounted:
                screen.say(sentence)
                return

    def ring(self, snapshot: Published) -> None:
        """Ring once for each thing that needs the lead, and have the terminal say what it is."""
        if snapshot.run is None:
            return
        news = self.bells.news(snapshot.run, self.source.clock.utc())
        if news and self.bells.on:
            self.bell()
        if self.bells.notes:
            for words in news:
                self.tell_terminal(notification(f"{snapshot.roster.site}: {words}", os.environ))
