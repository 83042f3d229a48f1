"""An order about items before it goes: shown exactly, armed, and sent; over the card, at the top left."""

from __future__ import annotations

from dataclasses import replace

from textual.app import ComposeResult

from deploydash.core.procedure.names import PROPOSED
from deploydash.core.published import Published
from deploydash.core.run.arm import Arm
from deploydash.core.run.orders import ArmProposal, Disarm, Fire
from deploydash.core.views.proposal_view import ProposalCard
from deploydash.core.words import counted
from deploydash.ui.bindings import run_bindings
from deploydash.ui.draw.run.proposal import (
    Asked,
    Stage,
    card_of,
    proposal_foot,
    proposal_text,
    proposal_title,
    stage_of,
)
from deploydash.ui.draw.run.reading import Reading, box
from deploydash.ui.draw.run.windows import windowed
from deploydash.ui.run_keys import PROPOSAL
from deploydash.ui.screens.form import WIDTH
from deploydash.ui.screens.naming import name_form
from deploydash.ui.screens.run_base import Acting
from deploydash.ui.widgets.canvas import Lines


class ProposalScreen(Acting):
    """One order; it follows the run while it is open, and closes when the order went."""

    BINDINGS = run_bindings(PROPOSAL)
    TABLE = PROPOSAL

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self._modal = True
        self.asked = asked
        self._above = 0
        self._was_there = False
        self._named: float | None = None

    def compose(self) -> ComposeResult:
        """The frame alone."""
        yield Lines(id="proposal")

    def on_mount(self) -> None:
        """Ask what it would do."""
        if self.host.inbox is not None:
            self.host.inbox.propose(self.asked.order)
        self.opened(self.stage)
        self.call_after_refresh(self.repaint)

    def on_unmount(self) -> None:
        """Ask no more; what was armed is not any more."""
        if self.host.inbox is not None:
            self.host.inbox.propose(None)

    def on_resize(self) -> None:
        """Wrap anew."""
        self.call_after_refresh(self.repaint)

    @property
    def card(self) -> ProposalCard | None:
        """What is known of the order now."""
        return card_of(self.run_view, self.asked.order) if self.run_view is not None else None

    @property
    def stage(self) -> Stage:
        """How far the dialog has come."""
        return stage_of(self.card)

    def take(self, snapshot: Published) -> None:
        """Follow the run; an order that went is over."""
        card, run = self.card, snapshot.run
        if run is None or run.closed or (card is None and self._was_there):
            if self.app.screen is self:
                self.dismiss()
            return
        self._was_there = self._was_there or card is not None
        self.opened(self.stage)
        self.repaint()
        arm = card.armed if card is not None else None
        if self.stage is Stage.NAMING and arm is not None and arm.at != self._named and self.app.screen is self:
            self._named = arm.at
            self._ask_name()

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
        foot = proposal_foot(reading, self.asked, width - 4)
        most = max(1, max(6, self.size.height - 4) - len(foot) - 2)
        text, self._above = windowed(proposal_text(reading, self.asked, width - 4), self._above, most, reading)
        body = [*text, *foot]
        frame = self.query_one("#proposal", Lines)
        frame.styles.width, frame.styles.height = width, len(body) + 2
        frame.show(box(proposal_title(reading, self.asked), body, width, len(body) + 2, reading, asking=True))

    def say(self, sentence: str) -> None:
        """Answer inside the frame."""
        if sentence != self.asked.answer:
            self.asked = replace(self.asked, answer=sentence)
            self.repaint()

    def act_scroll(self, rows: str) -> None:
        """Go on in what is longer than the frame."""
        self._above = max(0, self._above + int(rows))
        self.repaint()

    def act_arm(self, _: str) -> None:
        """Arm the order as it stands there; nothing is sent."""
        card, stage = self.card, self.stage
        if stage is Stage.READY and card is not None:
            self.order(ArmProposal(self.asked.order))
        elif stage is Stage.NAMING:
            self._ask_name()
        else:
            told = {
                Stage.ARMED: "it is armed: Enter sends it",
                Stage.GOING: "it goes by itself; Esc cancels",
                Stage.MILD: "Enter does it",
            }
            self.say(told.get(stage, f"nothing to arm: {card.why_not if card is not None else stage.value}"))

    def act_go(self, _: str) -> None:
        """Send what is armed, or do what is mild."""
        stage = self.stage
        if stage is Stage.ARMED:
            self.order(Fire(PROPOSED))
        elif stage is Stage.NAMING:
            self._ask_name()
        elif stage is Stage.MILD:
            self.order(self.asked.order)
            self.dismiss()
        else:
            told = {Stage.READY: "it is armed first: a", Stage.GOING: "it goes by itself; Esc cancels"}
            self.say(told.get(stage, stage.value))

    def act_back(self, _: str) -> None:
        """Go one level back: disarm, close."""
        if self.stage in {Stage.ARMED, Stage.NAMING, Stage.GOING}:
            self.order(Disarm(PROPOSED))
        else:
            self.dismiss()

    def _ask_name(self) -> None:
        snapshot, card = self.host.snapshot, self.card
        if snapshot is None or card is None:
            return

        def armed(newer: Published) -> Arm | None:
            there = card_of(newer.run, self.asked.order) if newer.run is not None else None
            return there.armed if there is not None else None

        cscs = {csc for item in card.items for csc in item.cscs}
        reach = counted(len(cscs), "CSC") if cscs else counted(len(card.items), "item")
        self.ask(name_form(snapshot.roster.site, card.title, reach, PROPOSED, self.order, armed))
