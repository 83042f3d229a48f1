"""A direct command, from choosing it to what came of it: over the card, at the top left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.app import ComposeResult

from deploydash.core.fleet.override import bad_override, not_offered, offered
from deploydash.core.model import CscId
from deploydash.core.procedure.names import DIRECT
from deploydash.core.published import Published
from deploydash.core.run.orders import ArmDirect, DirectCommand, Disarm, Fire
from deploydash.core.views.direct_view import DirectCard
from deploydash.ui.bindings import run_bindings
from deploydash.ui.draw.ink import Line, Span
from deploydash.ui.draw.run.direct import Dialog, Stage, direct_body, direct_title, names_of, shut, stage_of
from deploydash.ui.draw.run.offers import Mode, mode_of
from deploydash.ui.draw.run.reading import Reading, box
from deploydash.ui.run_keys import DIRECT_KEYS
from deploydash.ui.screens.form import WIDTH, Field, Form
from deploydash.ui.screens.run_base import Acting
from deploydash.ui.widgets.canvas import Lines


def open_direct(view: Acting, cscs: Sequence[CscId]) -> None:
    """Open the dialog about these CSCs over a screen of the run, or say there why not."""
    run = view.run_view
    if not view.leads():
        return
    if run is None:
        view.say("nothing is known of the run yet")
    elif run.closed:
        view.say("the run is closed, and nothing more is sent")
    elif mode_of(run) in {Mode.ARMED, Mode.NAMING, Mode.GOING, Mode.SENDING}:
        view.say("the card is armed; Esc disarms it first")
    elif not cscs:
        view.say("no CSC is chosen: tab goes to the grid, the arrows or n to a CSC, then C")
    else:
        view.app.push_screen(DirectScreen(cscs))


class DirectScreen(Acting):
    """One command to one CSC or to several alike. It follows the run while it is open."""

    BINDINGS = run_bindings(DIRECT_KEYS)
    TABLE = DIRECT_KEYS

    def __init__(self, cscs: Sequence[CscId]) -> None:
        super().__init__()
        self._modal = True
        self.dialog = Dialog(tuple(dict.fromkeys(cscs)))

    def compose(self) -> ComposeResult:
        """The frame alone."""
        yield Lines(id="direct")

    def on_mount(self) -> None:
        """Ask what may be commanded."""
        if self.host.inbox is not None:
            self.host.inbox.show_direct_options(self.dialog.cscs)
        if self.run_view is not None:
            self.dialog = replace(self.dialog, before=names_of(self.run_view.direct))
        self.opened(self.stage)
        self.call_after_refresh(self.repaint)

    def on_unmount(self) -> None:
        """Ask no more."""
        if self.host.inbox is not None:
            self.host.inbox.show_direct_options(())

    def on_resize(self) -> None:
        """Wrap anew."""
        self.call_after_refresh(self.repaint)

    @property
    def stage(self) -> Stage:
        """How far the dialog has come."""
        return stage_of(self.run_view, self.dialog) if self.run_view is not None else Stage.LOOKING

    @property
    def card(self) -> DirectCard | None:
        """What may be commanded now."""
        return self.run_view.direct_card if self.run_view is not None else None

    def take(self, snapshot: Published) -> None:
        """Follow the run; a command that was chosen for another state is to be chosen anew."""
        run, wish, card = snapshot.run, self.dialog.wish, self.card
        if run is None or run.closed:
            if self.app.screen is self:
                self.dismiss()
            return
        if wish is not None and card is not None and self.stage is Stage.READY and card.seen != wish.seen:
            told = "" if card.message else "the state has changed since you chose: choose again"
            self.dialog = Dialog(self.dialog.cscs, told=told, before=self.dialog.before)
        if card is not None:
            self.dialog = replace(self.dialog, row=min(self.dialog.row, len(card.offers)))
        self.opened(self.stage)
        self.repaint()

    def second(self) -> None:
        """Let the arm run down."""
        self.repaint()

    def repaint(self) -> None:
        """Draw the frame."""
        snapshot = self.host.snapshot
        if snapshot is None or snapshot.run is None or not self.is_there:
            return
        reading = Reading.of(snapshot.run, snapshot, self.host.moment())
        width = max(24, min(WIDTH, self.size.width))
        body = direct_body(reading, self.dialog, width - 4)
        room = max(6, self.size.height - 4)
        if len(body) > room:
            body = [line for line in body if line.spans]
        if len(body) > room:
            body = [*body[: room - 3], Line((Span(reading.glyphs.cut),)), *body[-2:]]
        frame = self.query_one("#direct", Lines)
        frame.styles.width, frame.styles.height = width, len(body) + 2
        frame.show(box(direct_title(reading, self.dialog), body, width, len(body) + 2, reading, asking=True))

    def say(self, sentence: str) -> None:
        """Answer inside the frame."""
        if sentence != self.dialog.told:
            self.dialog = replace(self.dialog, told=sentence)
            self.repaint()

    def act_move(self, way: str) -> None:
        """Go to another command."""
        card = self.card
        if self.stage is Stage.CHOOSE and card is not None:
            row = max(0, min(len(card.offers), self.dialog.row + int(way)))
            if row == self.dialog.row:
                self.say("nothing above" if int(way) < 0 else "nothing below: these are all commands")
            self.dialog = replace(self.dialog, row=row)
            self.repaint()
        else:
            self.say("nothing to go through")

    def act_choose(self, digit: str) -> None:
        """Go to the command with this number; it is not taken yet."""
        card = self.card
        if self.stage is Stage.CHOOSE and card is not None and int(digit) <= len(card.offers) + 1:
            self.dialog = replace(self.dialog, row=int(digit) - 1)
            self.repaint()

    def act_go(self, _: str) -> None:
        """Take the command under the cursor, or send what is armed."""
        card, stage = self.card, self.stage
        if stage is Stage.ARMED:
            self.order(Fire(DIRECT))
        elif stage is Stage.READY:
            self.say("it is armed first: a")
        elif stage is Stage.SENT:
            self.dismiss()
        elif stage is Stage.CHOOSE and card is not None and self.dialog.row:
            command = card.offers[self.dialog.row - 1].command
            if why := shut(card, command):
                self.say(why)
            else:
                self._chosen(card, command)
        elif stage is Stage.CHOOSE:
            self.dismiss()

    def act_arm(self, _: str) -> None:
        """Arm the command as it stands there; nothing is sent."""
        wish = self.dialog.wish
        if self.stage is Stage.READY and wish is not None:
            self.order(ArmDirect(wish))
        else:
            told = {Stage.CHOOSE: "first take a command: the arrows, then Enter", Stage.ARMED: "Enter sends it"}
            self.say(told.get(self.stage, "nothing to arm"))

    def act_back(self, _: str) -> None:
        """Go one level back: disarm, choose again, close."""
        if self.stage is Stage.ARMED:
            self.order(Disarm(DIRECT))
        elif self.stage is Stage.READY:
            self.dialog = Dialog(self.dialog.cscs, before=self.dialog.before)
            self.repaint()
        else:
            self.dismiss()

    def _chosen(self, card: DirectCard, command: str) -> None:
        """Take a command; ask for what has to be typed with it."""
        seen = tuple(state for state in card.seen if state is not None)
        number = self.host.snapshot.number if self.host.snapshot is not None else 0
        wish = DirectCommand(card.cscs, command, seen, number)
        fields = []
        cscs = self.host.snapshot.cscs if self.host.snapshot is not None else ()
        names = offered(view for view in cscs if view.csc in card.cscs)
        if command == "start":
            fields.append(Field("override", "empty: the configuration of its site"))
        if card.confirm:
            fields.append(Field("confirm", f"type {card.confirm}"))
        if not fields:
            self._wish(wish)
            return

        def filled(text: Sequence[str]) -> DirectCommand:
            override = text[0].strip() if command == "start" else ""
            return replace(wish, override=override, typed=text[-1].strip() if card.confirm else "")

        def wrong(text: Sequence[str]) -> str:
            asked = filled(text)
            if asked.typed != card.confirm:
                return f"type {card.confirm} to confirm"
            return bad_override(asked.override) or not_offered(asked.override, names)

        body = [f"{command} of {', '.join(map(str, card.cscs))}"]
        if command == "start":
            body.append("The name of a configuration override, or nothing for the configuration of its site.")
            body.append(f"Offered: {', '.join(names)}." if names else "No overrides advertised.")
        if card.protected:
            body.append(f"{card.cscs[0]} is protected: no bulk step touches it.")
        body.append("Nothing is sent yet: it is armed after this.")
        self.query_one("#direct").display = False
        self.ask(
            Form(
                f"Direct command: {command}",
                body,
                fields=fields,
                done=lambda _, text: self._wish(filled(text)),
                wrong=wrong,
                left=lambda: self._wish(None),
            )
        )

    def _wish(self, wish: DirectCommand | None) -> None:
        self.query_one("#direct").display = True
        self.dialog = replace(self.dialog, wish=wish, told="")
        self.opened(self.stage)
        self.repaint()
