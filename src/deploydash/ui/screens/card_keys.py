"""The keys that answer a card: each checks that it may, asks what it must, and hands over one order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from deploydash.core.procedure.runbook import Choice, Tier
from deploydash.core.published import Published
from deploydash.core.run.arm import Arm
from deploydash.core.run.orders import Acknowledge, Answer, Approve, ArmStep, Close, Finish, Fire, Skip
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import Card, RunView
from deploydash.core.words import counted
from deploydash.ui.draw.run.asked import cscs_of, here
from deploydash.ui.draw.run.item_offers import item_that_asks, to_edit
from deploydash.ui.draw.run.offers import Mode, answer_here, may_override, mode_of, open_questions
from deploydash.ui.screens.detail import DetailScreen
from deploydash.ui.screens.edit import EditScreen
from deploydash.ui.screens.exact import ExactScreen
from deploydash.ui.screens.fill import placeholders_form
from deploydash.ui.screens.form import Field, Form, Option
from deploydash.ui.screens.item_keys import ItemKeys
from deploydash.ui.screens.naming import name_form
from deploydash.ui.screens.step import StepScreen


class Answers(ItemKeys):
    """Acts of the card."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._named: float | None = None

    @abstractmethod
    def open_wait(self) -> None:
        """Open the wait's own screen."""

    def answer_card(self) -> None:
        """Do what Enter means on this card: fire, do what is mild, end what has ended, open what is asked."""
        run = self.run_view
        if run is not None and run.card is not None and mode_of(run) is Mode.WAITING:
            self.open_wait()
            return
        if run is not None and run.card is not None and self.host.inbox is not None:
            mode = mode_of(run)
            manual = mode is Mode.MANUAL or (run.card.step.manual and mode is Mode.READY)
            if mode is Mode.NAMING:
                self.act_arm("")
                return
            if manual or mode is Mode.QUESTION_OF_ITEM:
                self.act_done("")
                return
        found = self.card_for("go")
        if found is None:
            return
        mode, card = mode_of(found[0]), found[1]
        if mode is Mode.ASKING:
            self.app.push_screen(DetailScreen(cscs_of(here(card, self.focus_on))[0], self.next_asked))
        elif mode is Mode.ARMED:
            self.order(Fire(card.step.id))
        elif mode is Mode.QUESTION:
            self.order(Answer(open_questions(card)[0].id, answer_here(card, self.focus_on).answer))
        elif mode is Mode.ENDING:
            self.order(Finish(card.step.id))
        else:
            self.order(Approve(card.step.id, self._number()))

    def _number(self) -> int:
        return self.host.snapshot.number if self.host.snapshot is not None else 0

    def act_arm(self, _: str) -> None:
        """Arm the card; nothing is sent."""
        run = self.run_view
        if run is not None and mode_of(run) is Mode.NAMING and self.leads():
            self.ask_name(run)
            return
        found = self.card_for("arm")
        if found is None:
            return
        card = found[1]
        if card.step.closes:
            self._ask_close()
        else:
            self.to_card()
            self.order(ArmStep(card.step.id, self._number()))

    def ask_name(self, run: RunView) -> None:
        """Ask for the site's name; the dialog goes away when the arm does."""
        snapshot, card = self.host.snapshot, run.card
        if snapshot is None or card is None:
            return
        step = card.step.id

        def armed(newer: Published) -> Arm | None:
            there = newer.run.card if newer.run is not None else None
            return there.armed if there is not None and there.step.id == step else None

        self.ask(name_form(snapshot.roster.site, card.step.title, _reach(card), step, self.order, armed))

    def _ask_close(self) -> None:
        options = (Option("stay", "not yet, the run stays open"), Option("close", "close it for good"))
        body = ("Nothing can be added to a closed run. Its report stays.",)
        done = lambda answer, _: answer == "close" and self.order(Close())  # noqa: E731 - as every dialog here
        self.ask(Form("Close the run?", body, options=options, done=done))

    def act_done(self, _: str) -> None:
        """Decide the first open question of the card, answer an item, or sign off what was done."""
        run = self.run_view
        mode = mode_of(run) if run is not None else None
        if mode is Mode.QUESTION_OF_ITEM or (mode is Mode.HELD and run and item_that_asks(run) is not None):
            self.ask_answer()
        elif mode is not Mode.QUESTION:
            self.ask_sign_off()
        elif (found := self.card_for("decide")) is not None:
            self._ask_choice(open_questions(found[1])[0])

    def act_again(self, _: str) -> None:
        """Ask a question of the card anew that was answered; only the palette offers it."""
        run = self.run_view
        if run is None or run.card is None or not self.leads():
            return
        answered = dict(run.card.answers)
        again = [choice for choice in run.card.choices if choice.id in answered]
        if again:
            self._ask_choice(again[0], f"Answered so far: {answered[again[0].id]}.")
        else:
            self.say(f"{run.card.step.id} has no question that was answered")

    def _ask_choice(self, choice: Choice, *more: str) -> None:
        """Ask a question; the safe answer is the first."""
        options = tuple(Option(option.answer, f"{option.answer}: {option.text}") for option in choice.options)
        done = lambda answer, _: self.order(Answer(choice.id, answer))  # noqa: E731 - as every dialog here
        self.ask(Form("The procedure leaves this open", (choice.question, *more), options=options, done=done))

    def act_fill(self, _: str) -> None:
        """Ask for the placeholders that the commands of the card wait for."""
        found = self.card_for("fill")
        if found is not None:
            self.ask(placeholders_form(found[1], self.order, self.today(), lead=found[0].signed_by or self.host.me))

    def act_edit(self, _: str) -> None:
        """Open the text of the item under the cursor, to be written otherwise."""
        found = self.card_for("edit")
        row = to_edit(found[1], self.focus_on) if found is not None else None
        if row is not None:
            self.app.push_screen(EditScreen(row, self.order))

    def act_skip(self, _: str) -> None:
        """Leave the step out, with a reason."""
        found = self.card_for("skip")
        if found is None:
            return
        card = found[1]

        def wrong(text: Sequence[str]) -> str:
            return "" if text[0].strip() else "skipping needs a reason"

        def done(_: str, text: Sequence[str]) -> object:
            return self.order(Skip(card.step.id, text[0].strip()))

        body = (card.step.title, "What comes after it may then go. It does not count as done and pays no debt.")
        fields = (Field("reason", "why it is left out"),)
        self.ask(Form(f"Skip {card.step.id}", body, fields=fields, done=done, wrong=wrong))

    def act_override(self, _: str) -> None:
        """Override red preconditions with a typed reason: it goes into the journal and the report."""
        found = self.card_for("override")
        if found is None:
            return
        card = found[1]
        red = may_override(card)

        def wrong(text: Sequence[str]) -> str:
            return "" if text[0].strip() else "an override needs a typed reason"

        def done(_: str, text: Sequence[str]) -> object:
            reason = text[0].strip()
            if card.step.tier in {Tier.READ, Tier.MILD}:
                return self.order(Approve(card.step.id, self._number(), red, reason))
            self.to_card()
            return self.order(ArmStep(card.step.id, self._number(), red, reason))

        body = (*(f"red: {sentence}" for sentence in red), "Your reason goes into the journal and the report.")
        fields = (Field("reason", "why it may go all the same"),)
        self.ask(Form(f"Override the gate of {card.step.id}", body, fields=fields, done=done, wrong=wrong))

    def act_exact(self, _: str) -> None:
        """Show the exact lines of the card, to be copied."""
        run = self.run_view
        if run is None or run.card is None:
            self.say("no step is left")
        else:
            self.app.push_screen(ExactScreen())

    def act_acknowledge(self, _: str) -> None:
        """Take note of who else commands CSCs."""
        run = self.run_view
        if run is None or not self.leads():
            return
        if run.others:
            self.order(Acknowledge(tuple(other.identity for other in run.others)))
        else:
            self.say("nobody else commands, or you have taken note of all")

    def act_page(self, _: str) -> None:
        """Show everything about the step, every command in full."""
        run = self.run_view
        if run is None or run.card is None:
            self.say("no step is left")
        else:
            self.app.push_screen(StepScreen())

    def act_quit(self, _: str) -> None:
        """Leave, after asking while the run is open."""
        run = self.run_view
        if run is None or run.closed or self.host.inbox is None:
            self.app.exit()
            return

        def done(answer: str, _: Sequence[str]) -> None:
            if answer == "leave":
                self.app.exit()

        going = Option("leave", "leave; deploydash resume continues from the journal")
        body = ["The run is open.", "While the lead's screen is closed nothing is sent and no wait is watched."]
        if moving := [row.title for row in run.rows if row.status is StepStatus.UNDER_WAY and row.acts]:
            body.append(f"What was begun outside goes on there: {'; '.join(moving)}.")
        self.ask(Form("Leave the run?", body, options=(Option("stay", "stay"), going), done=done))


def _reach(card: Card) -> str:
    """Return how many a step reaches, in words."""
    return counted(len(card.step.cscs), "CSC") if card.of_cscs or not card.rows else counted(len(card.rows), "item")
