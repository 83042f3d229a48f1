"""The keys about the items of a card: tried again, another way, signed off, waived, marked, told and answered."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from deploydash.core.model import CscId
from deploydash.core.run.orders import Retry, SetPlaceholders
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import Card, ItemRow, LaneHead, RunView
from deploydash.ui.draw.run.asked import Asked, asked, asked_lines, cscs_of, here, ids_of
from deploydash.ui.draw.run.item_offers import chosen, is_list, item_that_asks
from deploydash.ui.draw.run.lanes import lanes_of, next_lane, title_of
from deploydash.ui.draw.run.offers import refusal
from deploydash.ui.draw.run.reading import Focus
from deploydash.ui.screens.debts import WAIVE, debts_form, way_form
from deploydash.ui.screens.each_dialog import each_form, offered
from deploydash.ui.screens.fill import placeholders_form
from deploydash.ui.screens.item_add import AddDialog, FallbackDialog, add_refusal
from deploydash.ui.screens.item_dialogs import answer_form, control_form, sign_off_form
from deploydash.ui.screens.run_base import Acting


class ItemKeys(Acting):
    """Acts about items."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.focus_on = Focus()

    @abstractmethod
    def selected_cscs(self) -> tuple[CscId, ...]:
        """Return the CSCs marked in the grid, else the one under its cursor, if the grid has the arrows."""

    @abstractmethod
    def to_card(self) -> None:
        """Give the arrows to the card."""

    def card_for(self, act: str) -> tuple[RunView, Card] | None:
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

    def act_all_done(self, _: str) -> None:
        """Sign off the whole step where one person did all of it."""
        self.ask_sign_off(whole=True)

    def ask_sign_off(self, *, whole: bool = False) -> None:
        """Ask who did it, and what the step wants written down; first for the placeholders that are still open."""
        found = self.card_for("sign_all" if whole else "sign_off")
        if found is None:
            return
        run, card = found
        if card.wanting and card.status in {StepStatus.PENDING, StepStatus.UNDER_WAY} and card.step.manual:
            self._ask_open_placeholders(card, whole=whole)
        else:
            self._ask_sign_off(run, card, () if whole else self._to_sign_off(run, card))

    def _ask_open_placeholders(self, card: Card, *, whole: bool) -> None:
        """Ask for what the commands of a step still wait for before it counts as done; what stays empty stays open."""

        def told(order: SetPlaceholders) -> None:
            if order.words:
                self.order(order)
            run = self.run_view
            if run is not None and run.card is not None and run.card.step.id == card.step.id:
                self._ask_sign_off(run, run.card, () if whole else self._to_sign_off(run, run.card))

        run = self.run_view
        lead = (run.signed_by if run is not None else "") or self.host.me
        self.ask(placeholders_form(card, told, self.today(), lead=lead, before_sign_off=True))

    def _ask_sign_off(self, run: RunView, card: Card, rows: Sequence[ItemRow]) -> None:
        if card.step.one_each and not rows:
            self.ask(each_form(run, card, self.host.speakers, self.order))
            return
        done = next((row for row in rows if row.done), None)
        if done is not None:
            self.say(f"{done.item.label} is signed off already; the arrows go to another")
        else:
            self.ask(sign_off_form(run, card, rows, self.order, offered(run, self.host.speakers), self.host.me))

    def _to_sign_off(self, run: RunView, card: Card) -> Sequence[ItemRow]:
        """Return the items that a sign-off is about; none for the step as a whole."""
        if card.step.manual:
            whole = len(card.rows) < 2 or self.focus_on.row >= len(card.rows)
            return () if whole else (card.rows[self.focus_on.row],)
        marked = tuple(row for row in card.asking if row.item.id in self.focus_on.marked)
        if is_list(card) and not marked:
            row = chosen(card, self.focus_on)
            return () if row is None else (row,)
        return asked(run, self.focus_on)

    def ask_answer(self) -> None:
        """Ask for the answer to what an item asks."""
        found, snapshot = self.card_for("answer"), self.host.snapshot
        row = item_that_asks(found[0]) if found is not None else None
        if row is not None and row.progress.question is not None and snapshot is not None:
            self.ask(answer_form(row, row.progress.question, self.order, self.propose))

    def act_retry(self, _: str) -> None:
        """Show what trying those asked about once more would send."""
        found = self.card_for("retry")
        if found is not None:
            run, card = found
            self.propose(Retry(card.step.id, ids_of(asked(run, self.focus_on))))

    def act_fallback(self, _: str) -> None:
        """Ask by which fallback those that failed go another way; exactly what is sent is shown before it is."""
        found, inbox = self.card_for("fallback"), self.host.inbox
        if found is not None and inbox is not None:
            run, card = found
            self.ask(FallbackDialog(card, asked(run, self.focus_on), inbox, self.propose).form())

    def act_control(self, _: str) -> None:
        """Ask whether an item of this card is to be paused, resumed or stopped."""
        found = self.card_for("control")
        if found is not None:
            run, card = found
            self.ask(control_form(run, chosen(card, self.focus_on) if is_list(card) else None, self.propose, self.ask))

    def act_add(self, _: str) -> None:
        """Ask which item is to be added outside the runbook; exactly what would go is shown before it does."""
        run, inbox = self.run_view, self.host.inbox
        if run is None or not self.leads() or inbox is None:
            return
        why, offers = add_refusal(run), inbox.offers()
        if why is not None or run.card is None:
            self.say(why or "no step is left")
        elif not offers:
            self.say("nothing can be added here: no system offers it")
        else:
            self.ask(AddDialog(run.card.step.id, inbox, self.propose, self.ask).form(offers))

    def act_waive(self, _: str) -> None:
        """Waive: the CSCs marked or selected in the grid, those asked about, or on the last card a debt."""
        run, selected = self.run_view, self.selected_cscs()
        if run is not None and selected:
            self.waive(selected)
            return
        found = self.card_for("waive")
        if found is None:
            return
        run, card = found
        if card.step.closes:
            self._ask_debt(run)
        else:
            self.waive(cscs_of(asked(run, self.focus_on)))

    def _ask_debt(self, run: RunView) -> None:
        debt = run.owed[min(self.focus_on.row, len(run.owed) - 1)]
        self.ask(way_form(WAIVE, debt, self.order))

    def act_debts(self, _: str) -> None:
        """Pass a debt on, record that it was undone, or waive it."""
        run = self.run_view
        if run is None or not self.leads():
            return
        if run.owed:
            self.ask(debts_form(run.owed, self.order, self.ask))
        else:
            self.say("nothing is owed")

    def act_mark(self, _: str) -> None:
        """Mark those of the line under the cursor, or take the mark away."""
        run = self.run_view
        card = run.card if run is not None else None
        if card is None or not card.asking:
            self.say("nothing to mark: the card lists nothing that failed")
            return
        lines = asked_lines(card)
        places = [card.rows.index(line[0]) for line in lines] if is_list(card) else list(range(len(lines)))
        rows = self._markable(card)
        if not rows:
            self.say("only what failed is marked; the arrows go to it")
            return
        ids, marked = frozenset(ids_of(rows)), self.focus_on.marked
        row = next((place for place in places if place > self.focus_on.row), places[-1])
        self.focus_on = replace(self.focus_on, marked=marked - ids if ids <= marked else marked | ids, row=row)
        self.repaint()

    def _markable(self, card: Card) -> Asked:
        if not is_list(card):
            return here(card, self.focus_on)
        row = chosen(card, self.focus_on)
        return (row,) if row is not None and row.asks else ()

    def act_all(self, _: str) -> None:
        """Mark all of them, or none."""
        run = self.run_view
        asking = frozenset(ids_of(run.card.asking)) if run is not None and run.card is not None else frozenset()
        if not asking:
            self.say("nothing to mark: the card lists nothing that failed")
            return
        self.focus_on = replace(self.focus_on, marked=frozenset() if asking <= self.focus_on.marked else asking)
        self.repaint()

    def next_asked(self, way: str) -> CscId | None:
        """Move the cursor among those asked about and return whom it is on, or None when nobody is any more."""
        run = self.run_view
        card = run.card if run is not None else None
        lines = [line for line in asked_lines(card) if line[0].csc is not None]
        if card is None or not lines:
            return None
        places = [card.rows.index(line[0]) for line in lines] if is_list(card) else list(range(len(lines)))
        now = places.index(self.focus_on.row) if self.focus_on.row in places else len(places) - 1
        number = (now + int(way)) % len(lines)
        self.focus_on = replace(self.focus_on, row=places[number])
        return lines[number][0].csc

    def act_lane(self, way: str) -> None:
        """Put the card of the next or the previous lane that needs the lead on top."""
        run = self.run_view
        if run is None or not self.leads():
            return
        head = next_lane(run, int(way))
        if head is None:
            self.say("no other lane needs you")
        else:
            self._to_lane(run, head)

    def act_lane_number(self, name: str) -> None:
        """Put the card of the lane with this number on top."""
        run = self.run_view
        if run is None or not self.leads():
            return
        lanes = lanes_of(run)
        if int(name) > len(lanes):
            named = ", ".join(f"{number} {lane}" for number, lane in enumerate(lanes, 1))
            self.say(f"no lane has the number {name}; the lanes are {named}")
            return
        lane = lanes[int(name) - 1]
        head = next((head for head in run.heads if head.lane == lane), None)
        if head is None:
            self.say(f"lane {lane}: every step is settled")
        else:
            self._to_lane(run, head)

    def _to_lane(self, run: RunView, head: LaneHead) -> None:
        if self.host.inbox is not None:
            self.to_card()
            self.host.inbox.choose(head.step, lane=True)
            self.say(f"lane {head.lane}: {title_of(run, head.step)}")
