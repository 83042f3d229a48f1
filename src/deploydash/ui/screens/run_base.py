"""What the screens of a run share: whose keys may act, when they count, and the orders that stand behind them."""

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from textual.events import Paste

from deploydash.core.model import CscId
from deploydash.core.run.orders import ArmOrder, Extend, Note, Proposal, Release, RunOrder, Waive
from deploydash.core.views.run_view import RunView
from deploydash.core.words import counted
from deploydash.ui.draw.run.offers import OBSERVES, Mode, mode_of
from deploydash.ui.draw.run.proposal import Asked
from deploydash.ui.keys import Key
from deploydash.ui.screens.base import View
from deploydash.ui.screens.form import Field, Form

if TYPE_CHECKING:
    from deploydash.ui.run_host import RunHost

EXTENSION_S = 600.0
"""What one ``e`` adds to a wait."""

GUARD_S = 0.4
"""A key counts only if it was typed this long after the card opened: nobody has read it before."""

ANSWERS = frozenset(
    "arm go done all_done fill edit retry fallback control add direct waive skip override release extend".split()  # noqa: SIM905
)
"""Acts that answer what stands on the card, so that a key typed for another card must not reach them."""


class Acting(View):
    """A screen with the run on it."""

    TABLE: Sequence[Key] = ()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._shown: object = None
        self._shown_at = 0.0
        self._front_at = 0.0

    @property
    def host(self) -> RunHost:
        """The app, which knows the desk."""
        return cast("RunHost", self.app)

    @property
    def run_view(self) -> RunView | None:
        """The run of the newest snapshot."""
        snapshot = self.host.snapshot
        return snapshot.run if snapshot is not None else None

    def on_paste(self, event: Paste) -> None:
        """Say that nothing here takes a paste."""
        event.stop()
        self.say("nothing here takes what was pasted")

    @abstractmethod
    def say(self, sentence: str) -> None:
        """Answer in the line above the footer."""

    @abstractmethod
    def repaint(self) -> None:
        """Draw the run anew."""

    def action_key(self, number: int, name: str = "") -> None:
        """Do what line ``number`` of this screen's table says, if its key was typed for what stands there now.

        ``name`` is the key itself where each key of the line has its own meaning.
        """
        key = self.TABLE[number]
        self.say("")
        early = self.host.typed_at < max(self._shown_at, self._front_at) + GUARD_S
        if key.act in ANSWERS and early and not self.goes_by_itself:
            self.say("the card has just changed; look once more, then press again")
            return
        getattr(self, f"act_{key.act}")(name or key.argument)

    @property
    def covered(self) -> bool:
        """Whether a dialog lies over this screen: its keys do not work, so none is shown."""
        top = self.app.screen
        return top is not self and top.is_modal

    @property
    def goes_by_itself(self) -> bool:
        """Whether the card counts down: no key sends it, so one pressed out of habit is told that, and nothing else."""
        return self.run_view is not None and mode_of(self.run_view) is Mode.GOING

    def on_screen_suspend(self) -> None:
        """Show no keys that do not work any more."""
        self.call_after_refresh(self._repaint_if_there)

    def on_screen_resume(self) -> None:
        """Remember since when this screen is in front: what was typed for a dialog that went away acts nowhere."""
        self._front_at = self.host.source.clock.monotonic()
        self.call_after_refresh(self._repaint_if_there)

    def _repaint_if_there(self) -> None:
        if self.is_there:
            self.repaint()

    def opened(self, card: object) -> None:
        """Remember since when this card stands there; ``card`` tells one from another."""
        if card != self._shown:
            self._shown = card
            self._shown_at = self.host.source.clock.monotonic()

    def order(self, order: RunOrder | ArmOrder) -> bool:
        """Hand an order to the desk; an observer has none."""
        inbox = self.host.inbox
        if inbox is None:
            self.say(OBSERVES)
            return False
        inbox.run_order(order)
        return True

    def leads(self) -> bool:
        """Say whether this is the lead's screen, and answer if it is not."""
        if self.host.inbox is None:
            self.say(OBSERVES)
        return self.host.inbox is not None

    def today(self) -> dt.date:
        """Return the day as the site's calendar has it."""
        zone = self.host.snapshot.roster.time_zone if self.host.snapshot is not None else "UTC"
        try:
            return dt.datetime.fromtimestamp(self.host.moment().utc, ZoneInfo(zone)).date()
        except (ZoneInfoNotFoundError, ValueError):
            return dt.datetime.fromtimestamp(self.host.moment().utc, dt.UTC).date()

    def ask(self, form: Form) -> None:
        """Open a dialog over this screen."""
        self.app.push_screen(form)

    def propose(self, order: Proposal, told: Sequence[str] = (), exact: Sequence[str] = ()) -> None:
        """Open the dialog that shows exactly what an order would do, and arms it."""
        self.host.open_proposal(Asked(order, tuple(told), tuple(exact)))

    def act_hold(self, _: str) -> None:
        """Hold everything at once."""
        self.say(self.host.hold())

    def act_stop(self, _: str) -> None:
        """Send the emergency stop of an orchestrator at once: it only stops."""
        self.say(self.host.stop())

    def act_release(self, _: str) -> None:
        """Ask whether a held run is to go on."""
        run = self.run_view
        if not self.leads() or run is None:
            return
        if run.held_by is None:
            self.say("the run is not held")
            return
        told = (
            f"It is held by {run.held_by}.",
            "What is under way goes on: the next item of a sequence, the next request. All else waits for its arm.",
        )
        self.propose(Release(), told)

    def act_note(self, _: str) -> None:
        """Ask for a note."""
        if self.leads():
            field = Field("note", "what is to be remembered")
            form = Form("A note for the journal", (), fields=(field,), done=lambda _, text: self.order(Note(text[0])))
            self.ask(form)

    def act_extend(self, _: str) -> None:
        """Give the wait more time."""
        run = self.run_view
        if not self.leads():
            return
        if run is None or run.wait is None:
            self.say("no wait is under way")
        elif self.order(Extend(run.wait.step, EXTENSION_S)):
            self.say("10 minutes more were asked for")

    def act_timeline(self, _: str) -> None:
        """Show the run over time."""
        self.host.open_timeline()

    def act_bell(self, _: str) -> None:
        """Turn the bell on or off."""
        bell = self.host.bells
        bell.on = not bell.on
        self.say(f"the bell is {'on' if bell.on else 'off'}")
        self.repaint()

    def act_notes(self, _: str) -> None:
        """Turn the terminal's notifications on or off."""
        bell = self.host.bells
        bell.notes = not bell.notes
        self.say(f"notifications of the terminal are {'on' if bell.notes else 'off'}")

    def act_theme(self, _: str) -> None:
        """Go to the next theme."""
        self.say(self.host.next_theme())
        self.repaint()

    def waive(self, cscs: Sequence[CscId]) -> None:
        """Ask for one reason, and for the count when there is more than one."""
        if self.leads():
            self.ask(waive_form(cscs, self.order))


def waive_form(cscs: Sequence[CscId], order: Callable[[Waive], object]) -> Form:
    """Return the dialog that waives CSCs: all names listed, one reason, the typed count for more than one."""
    fields = [
        Field("reason", "why they hold nothing up any more" if len(cscs) > 1 else "why it holds nothing up any more")
    ]
    if len(cscs) > 1:
        fields.append(Field("count", f"type {len(cscs)}"))

    def done(_: str, text: Sequence[str]) -> object:
        count = 1 if len(cscs) == 1 else int(text[1]) if text[1].strip().isdigit() else 0
        return order(Waive(tuple(cscs), text[0].strip(), count))

    def wrong(text: Sequence[str]) -> str:
        if not text[0].strip():
            return "a waiver needs a reason"
        if len(cscs) > 1 and text[1].strip() != str(len(cscs)):
            return f"type the count, {len(cscs)}, to waive these together"
        return ""

    body = (
        ", ".join(map(str, cscs)),
        "They hold no gate and no wait for the rest of this run; nothing is sent to them.",
    )
    return Form(f"Waive {counted(len(cscs), 'CSC')} by name", body, fields=tuple(fields), done=done, wrong=wrong)
