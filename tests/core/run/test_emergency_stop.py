"""An emergency stop goes at once, also while the run is held, and leaves what it stopped as a debt."""

from __future__ import annotations

from deploydash.core.model import FeedState
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import DIRECT, ItemId, SystemName
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.decide import Refused, decide
from deploydash.core.run.items import may_intend
from deploydash.core.run.orders import Close, EmergencyStop
from deploydash.core.run.records import ItemAdded, ItemEnded, Outcome, RequestIntended, RunHeld
from deploydash.core.views.direct_view import remark, said
from deploydash.core.views.run_view import run_view
from tests.support.runs import OPERATOR, after, fleet, opened

STOP = Item(ItemId(""), "halt the environment", SystemName("orchestrator"))
HALTED = Debt("orchestrator/halted-1", "the orchestrator's environment to be resumed", ())


def test_it_goes_while_the_run_is_held_and_kafka_is_down_and_a_second_time_anew() -> None:
    held, down = after(opened(), RunHeld(OPERATOR)), fleet(kafka=FeedState.DOWN)
    added = decide(EmergencyStop((STOP,)), held, down, OPERATOR)
    assert not isinstance(added, Refused)
    [record] = added
    assert isinstance(record, ItemAdded)
    assert (record.step, record.item.label, record.operator) == (DIRECT, "halt the environment", OPERATOR)
    going = after(held, record)
    intent = RequestIntended(DIRECT, record.item.id, "POST halt", owes=HALTED)
    assert may_intend(intent, going, down, asks_only=True) is None
    assert may_intend(intent, going, down) == f"the run is held by {OPERATOR}", "what does not only stop waits"
    again = decide(EmergencyStop((STOP,)), going, down, OPERATOR)
    assert not isinstance(again, Refused)
    assert isinstance(again[0], ItemAdded)
    assert again[0].item.id != record.item.id


def test_what_it_stopped_is_owed_and_the_screen_shows_the_run_with_it() -> None:
    [record] = decide(EmergencyStop((STOP,)), opened(), fleet(), OPERATOR)  # type: ignore[misc]
    assert isinstance(record, ItemAdded)
    intent = RequestIntended(DIRECT, record.item.id, "POST halt", owes=HALTED)
    state = after(opened(), record, intent, ItemEnded(DIRECT, record.item.id, Outcome.REACHED, "halted"))
    assert run_view(state, fleet()).debts == ("the orchestrator's environment to be resumed",)
    refused = decide(Close(), state, fleet(), OPERATOR)
    assert isinstance(refused, Refused)
    assert "to be resumed" in refused.why


def test_where_nothing_has_one_it_is_refused() -> None:
    assert decide(EmergencyStop(()), opened(), fleet(), OPERATOR) == Refused("no system here has an emergency stop")


def test_it_is_called_what_it_is_in_events_and_report() -> None:
    [record] = decide(EmergencyStop((STOP,)), opened(), fleet(), OPERATOR)  # type: ignore[misc]
    assert isinstance(record, ItemAdded)
    ended = ItemEnded(DIRECT, record.item.id, Outcome.REACHED, "halted: no agent runs")
    assert said(record) == (OPERATOR, "sent the emergency stop: halt the environment")
    assert said(ended) == ("", "emergency stop: done, halted: no agent runs")
    sent, done = remark(record, 0.0), remark(ended, 0.0, STOP.label)
    assert sent is not None
    assert done is not None
    assert (sent.subject, sent.change) == ("orchestrator", "emergency stop sent")
    assert (done.subject, done.change) == ("halt the environment", "emergency stop done")
