"""The keys that answer a card: each checks that it may, asks what it must, and hands over one order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import WHOLE, Choice, StepKind, Tier, csc_items, numbered
from deploydash.core.published import Published
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.orders import (
    Answer,
    Approve,
    ArmStep,
    Close,
    Disarm,
    Finish,
    Fire,
    Retry,
    SignOff,
    Skip,
    TypeName,
    WaiveDebt,
)
from deploydash.core.views.run_view import Card, RunView
from deploydash.ui.draw.run.asked import asked, asked_lines, here
from deploydash.ui.draw.run.offers import (
    Mode,
    items_of,
    may_override,
    mode_of,
    open_questions,
    refusal,
    signed_off,
)
from deploydash.ui.draw.run.reading import Focus, counted
from deploydash.ui.draw.run.script_offers import chosen
from deploydash.ui.screens.detail import DetailScreen
from deploydash.ui.screens.fill import placeholders_form
from deploydash.ui.screens.form import Field, Form, Option
from deploydash.ui.screens.run_base import Acting
from deploydash.ui.screens.script_add import AddDialog, add_refusal
from deploydash.ui.screens.script_dialogs import queue_form, route_form, script_sign_off_form
from deploydash.ui.screens.step import StepScreen


class Answers(Acting):
    """Acts of the card."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.focus_on = Focus()
        self._named: float | None = None

    @abstractmethod
    def selected_cscs(self) -> tuple[CscId, ...]:
        """Return the CSCs marked in the grid, else the one under its cursor, if the grid has the arrows."""

    @abstractmethod
    def open_wait(self) -> None:
        """Open the wait's own screen."""

    def _card_for(self, act: str) -> tuple[RunView, Card] | None:
        """Return run and card if this key may act on them now; else say why not."""
        run = self.run_view
        if run is None:
            self.say("nothing is known of the run yet")
            return None
        if not self.leads():
            return None
        why = refusal(act, run, self.focus_on)
        if why is not None or run.card is None:
            self.say(why or "no step is left")
            return None
        return run, run.card

    def answer_card(self) -> None:
        """Do what Enter means on this card: fire, do what is mild, end what has ended, open what is asked."""
        run = self.run_view
        if run is not None and run.card is not None and mode_of(run) is Mode.WAITING:
            self.open_wait()
            return
        if run is not None and run.card is not None and self.host.inbox is not None:
            other = {Mode.QUESTION: self.act_done, Mode.NAMING: self.act_arm}.get(mode_of(run))
            ready = run.card.step.kind is StepKind.MANUAL and mode_of(run) is Mode.READY
            by_hand = ready or mode_of(run) is Mode.MANUAL
            if other is not None or by_hand:
                (other or self.act_done)("")
                return
        found = self._card_for("go")
        if found is None:
            return
        mode, card = mode_of(found[0]), found[1]
        if mode is Mode.ASKING:
            self.app.push_screen(DetailScreen(here(card, self.focus_on)[0].csc, self._next_asked))
        elif mode is Mode.ARMED:
            self.order(Fire())
        elif mode is Mode.ENDING:
            self.order(Finish(card.step.id))
        else:
            self.order(Approve(card.step.id, self._number()))

    def _next_asked(self, way: str) -> CscId | None:
        """Move the cursor among those asked about and return whom it is on, or None when nobody is any more."""
        run = self.run_view
        lines = asked_lines(run.card if run is not None else None)
        if not lines:
            return None
        row = (min(self.focus_on.row, len(lines) - 1) + int(way)) % len(lines)
        self.focus_on = replace(self.focus_on, row=row)
        return lines[row][0].csc

    def _number(self) -> int:
        return self.host.snapshot.number if self.host.snapshot is not None else 0

    def act_arm(self, _: str) -> None:
        """Arm the card; nothing is sent."""
        run = self.run_view
        if run is not None and mode_of(run) is Mode.NAMING and self.leads():
            self.ask_name(run)
            return
        found = self._card_for("arm")
        if found is None:
            return
        card = found[1]
        if card.step.kind is StepKind.CLOSE:
            self._ask_close()
        else:
            self.order(ArmStep(card.step.id, self._number()))

    def ask_name(self, run: RunView) -> None:
        """Ask for the site's name; the dialog goes away when the arm does."""
        snapshot, card = self.host.snapshot, run.card
        if snapshot is None or card is None:
            return
        site, step = snapshot.roster.site, card.step.id

        def lives(newer: Published) -> bool:
            there = newer.run.card if newer.run is not None else None
            return there is not None and there.step.id == step and there.armed is not None and not there.armed.typed_at

        def wrong(text: Sequence[str]) -> str:
            return "" if text[0].strip() == site else f"type exactly {site}"

        reach = f"{counted(len(card.step.cscs), 'CSC')} at {site.upper()}."
        how = "Type the site's name; then it goes by itself after 3 s, in which Esc cancels."
        body = (card.step.title, f"{reach} {how}")
        form = Form(
            f"Armed: type {site}",
            body,
            fields=(Field("site", site),),
            done=lambda _, text: self.order(TypeName(text[0].strip())),
            wrong=wrong,
            left=lambda: self.order(Disarm()),
            escapes="disarms, nothing is sent",
            lives=lives,
        )
        self.ask(form)

    def _ask_close(self) -> None:
        options = (Option("stay", "not yet, the run stays open"), Option("close", "close it for good"))
        body = ("Nothing can be added to a closed run. Its report stays.",)
        done = lambda answer, _: answer == "close" and self.order(Close())  # noqa: E731 - as every dialog here
        self.ask(Form("Close the run?", body, options=options, done=done))

    def act_done(self, _: str) -> None:
        """Decide the first open question of the card, or tick what was done by hand."""
        run = self.run_view
        if run is None or mode_of(run) is not Mode.QUESTION:
            self._ask_tick()
            return
        found = self._card_for("decide")
        if found is not None:
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

    def _ask_tick(self) -> None:
        """Ask who did it, and what the step wants written down."""
        found = self._card_for("tick")
        if found is None:
            return
        run, card = found
        if card.step.kind is StepKind.SCRIPT:
            self.ask(script_sign_off_form(card, chosen(card, self.focus_on), run.operator, self.order))
            return
        items, row = items_of(card), self.focus_on.row
        whole = card.step.kind is not StepKind.MANUAL or len(items) < 2 or row >= len(items)
        if not whole and numbered(row) in signed_off(card):
            self.say(f"{items[row].name} is signed off already; the arrows go to another")
            return
        item = WHOLE if whole else numbered(row)
        fields = [Field("who did it", f"a name, such as {run.operator.partition('@')[0]}")]
        if card.step.records:
            fields.append(Field("record", card.step.records))
        what = card.step.title if whole else f"{card.step.title}: {items[row].name}"

        def done(_: str, text: Sequence[str]) -> object:
            return self.order(SignOff(card.step.id, text[0].strip(), item, text[1].strip() if len(text) > 1 else ""))

        def wrong(text: Sequence[str]) -> str:
            if not text[0].strip():
                return "a sign-off needs the name of who did it"
            return f"write down {card.step.records}" if len(text) > 1 and not text[1].strip() else ""

        body = (what, f"Sign off when {card.step.ends}.")
        self.ask(Form("Sign off", body, fields=fields, done=done, wrong=wrong))

    def _ask_choice(self, choice: Choice, *more: str) -> None:
        """Ask a question; the safe answer is the first."""
        options = tuple(Option(option.answer, f"{option.answer}: {option.text}") for option in choice.options)
        done = lambda answer, _: self.order(Answer(choice.id, answer))  # noqa: E731 - as every dialog here
        self.ask(Form("The procedure leaves this open", (choice.question, *more), options=options, done=done))

    def act_fill(self, _: str) -> None:
        """Ask for the words that the commands of the card wait for."""
        found = self._card_for("fill")
        if found is not None:
            self.ask(placeholders_form(found[1], self.order))

    def act_retry(self, _: str) -> None:
        """Try those asked about once more."""
        found = self._card_for("retry")
        if found is not None:
            run, card = found
            self.order(Retry(card.step.id, csc_items(asked(run, self.focus_on))))

    def act_route(self, _: str) -> None:
        """Ask by which queue those that did not go are sent another way; exactly what it gets is shown."""
        found, snapshot = self._card_for("route"), self.host.snapshot
        if found is None or found[1].route is None or snapshot is None:
            return
        run, card = found
        self.ask(route_form(card, found[1].route, asked(run, self.focus_on), FleetView.of(snapshot), self.order))

    def act_queue(self, _: str) -> None:
        """Ask whether a queue of this card is to be paused or resumed, or a script stopped."""
        found, snapshot = self._card_for("queue"), self.host.snapshot
        if found is not None and snapshot is not None:
            self.ask(queue_form(found[0], FleetView.of(snapshot), self.order))

    def act_add(self, _: str) -> None:
        """Ask which script is to be added by hand to which queue; exactly what would go is shown before it does."""
        run, snapshot, inbox = self.run_view, self.host.snapshot, self.host.inbox
        if run is None or snapshot is None or not self.leads() or inbox is None:
            return
        why = add_refusal(run)
        if why is None and run.card is not None:
            look = lambda: FleetView.of(self.host.snapshot or snapshot)  # noqa: E731 - as every dialog here
            self.ask(AddDialog(run.card.step.id, look, inbox.check_script, self.order, self.ask).form())
        else:
            self.say(why or "no step is left")

    def act_waive(self, _: str) -> None:
        """Waive: the CSCs marked or selected in the grid, those asked about, or on the last card a debt."""
        run, selected = self.run_view, self.selected_cscs()
        if run is not None and selected:
            self.waive(selected)
            return
        found = self._card_for("waive")
        if found is None:
            return
        run, card = found
        if card.step.kind is StepKind.CLOSE:
            self._ask_debt(run)
        else:
            self.waive(asked(run, self.focus_on))

    def _ask_debt(self, run: RunView) -> None:
        debt = run.owed[min(self.focus_on.row, len(run.owed) - 1)]

        def wrong(text: Sequence[str]) -> str:
            return "" if text[0].strip() else "a waiver needs a reason"

        def done(_: str, text: Sequence[str]) -> object:
            return self.order(WaiveDebt(debt.id, text[0].strip()))

        body = (debt.what, "The run may then close although nobody has undone this.")
        fields = (Field("reason", "why it stays as it is, and who knows"),)
        self.ask(Form("Waive a debt by name", body, fields=fields, done=done, wrong=wrong))

    def act_skip(self, _: str) -> None:
        """Leave the step out, with a reason."""
        found = self._card_for("skip")
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
        found = self._card_for("override")
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
            return self.order(ArmStep(card.step.id, self._number(), red, reason))

        body = (*(f"red: {sentence}" for sentence in red), "Your reason goes into the journal and the report.")
        fields = (Field("reason", "why it may go all the same"),)
        self.ask(Form(f"Override the gate of {card.step.id}", body, fields=fields, done=done, wrong=wrong))

    def act_page(self, _: str) -> None:
        """Show everything about the step, every command in full."""
        run = self.run_view
        if run is None or run.card is None:
            self.say("no step is left")
        else:
            self.app.push_screen(StepScreen())

    def act_mark(self, _: str) -> None:
        """Mark those of the line under the cursor, or take the mark away."""
        run = self.run_view
        if run is None or run.card is None or not run.card.asking:
            self.say("nothing to mark: the card lists no CSCs")
            return
        cscs = frozenset(row.csc for row in here(run.card, self.focus_on))
        marked = self.focus_on.marked
        row = min(self.focus_on.row + 1, len(asked_lines(run.card)) - 1)
        self.focus_on = replace(self.focus_on, marked=marked - cscs if cscs <= marked else marked | cscs, row=row)
        self.repaint()

    def act_all(self, _: str) -> None:
        """Mark all of them, or none."""
        run = self.run_view
        asking = (
            frozenset(row.csc for row in run.card.asking) if run is not None and run.card is not None else frozenset()
        )
        if not asking:
            self.say("nothing to mark: the card lists no CSCs")
            return
        self.focus_on = replace(self.focus_on, marked=frozenset() if asking <= self.focus_on.marked else asking)
        self.repaint()

    def act_quit(self, _: str) -> None:
        """Leave, after asking while the run is open."""
        run = self.run_view
        if run is None or run.closed or self.host.inbox is None:
            self.app.exit()
            return

        def done(answer: str, _: Sequence[str]) -> None:
            if answer == "leave":
                self.app.exit()

        going = Option("leave", "leave; the journal keeps the place, resume goes on from it")
        body = ("The run is open.", "While nobody is here nothing is sent and no wait is watched.")
        self.ask(Form("Leave the run?", body, options=(Option("stay", "stay"), going), done=done))
