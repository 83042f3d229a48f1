"""Whatever the keys, the answers and the crashes: no item of any system goes without its order, out of it, or twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from deploydash.core.model import CscId, FeedState, Liveness, SummaryState, Target
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import MAIN, SAL, WHOLE, ItemId, Lane, StepId, SystemName, numbered
from deploydash.core.procedure.runbook import Debt, Order, Runbook, RunPhase, Step, StepKind, Tier
from deploydash.core.run.decide import Refused, decide, settle
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.items import may_intend
from deploydash.core.run.order_rules import QUEUE, blocked_by, is_up
from deploydash.core.run.orders import (
    AddItem,
    AnswerItem,
    Approve,
    Control,
    Hold,
    Release,
    Retry,
    RunOrder,
    SignOff,
    Skip,
    Waive,
)
from deploydash.core.run.records import (
    AnswerOffered,
    DebtPaid,
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    QuestionAsked,
    RequestAnswered,
    RequestIntended,
    RunRecord,
    RunResumed,
    StepApproved,
)
from deploydash.core.run.state import ItemStatus
from tests.support.runs import (
    FIRST_ADDED,
    MTM1M3,
    OFFLINE,
    OPERATOR,
    PLAIN,
    QUEUES,
    SECOND_ADDED,
    STANDBY,
    WATCHER,
    fleet,
    fold,
    opened,
    person,
    script,
    small_runbook,
    view,
)

UTC = 1_794_996_400.0
TESTING, CLUSTER = StepId("testing"), StepId("cluster")
STEPS = (TESTING, CLUSTER)
CLUSTERS = SystemName("made-up")
ADDED = (FIRST_ADDED, SECOND_ADDED)
ITEM_IDS = tuple(numbered(place) for place in range(4))
WHERE = st.tuples(st.sampled_from(STEPS), st.sampled_from((*ITEM_IDS, *ADDED)))
WHOM = (WATCHER, *PLAIN, MTM1M3, *QUEUES)
REPLICAS = Debt("replicas", "2 replicas", (), restore="2")


def effects(target: Target, *cscs: CscId) -> tuple[CscEffect, ...]:
    return tuple(CscEffect(csc, target) for csc in cscs)


def clusterwise(place: int, name: str, target: Target, *cscs: CscId) -> Item:
    """Work of a made-up system, which knows nothing of CSCs."""
    return Item(numbered(place), name, CLUSTERS, effects=effects(target, *cscs), wave=place // 2)


IN_SEQUENCE = (
    script(0, QUEUES[1], "auxtel/enable_atcs.py"),
    person(1, "images ingested"),
    script(2, QUEUES[0], "set_summary_state.py", effects=effects(OFFLINE, PLAIN[0])),
    script(3, QUEUES[1], "auxtel/enable_atcs.py"),
)
IN_WAVES = (
    clusterwise(0, "delete the Watcher and some", OFFLINE, WATCHER, PLAIN[0]),
    clusterwise(1, "delete others", OFFLINE, *PLAIN[1:]),
    clusterwise(2, "delete the queues", OFFLINE, *QUEUES),
    clusterwise(3, "sync", STANDBY, PLAIN[0]),
)


def book() -> Runbook:
    """Two lanes: items one after the other, among them a person's, and items in waves of another system."""
    small = small_runbook()
    sequence = Step(
        TESTING,
        "test",
        StepKind.ACTION,
        IN_SEQUENCE[0].system,
        Tier.MODERATE,
        MAIN,
        "done",
        IN_SEQUENCE,
        order=Order.SEQUENCE,
    )
    waves = replace(
        sequence, id=CLUSTER, system=CLUSTERS, lane=Lane("cluster"), items=IN_WAVES, order=Order.WAVES, at_once=4
    )
    return replace(small, phases=(RunPhase("all", "All", small.phases[0].wanted, (sequence, waves)),))


TARGETS = st.sampled_from((OFFLINE, STANDBY))
DOWN = st.sampled_from([(WATCHER, *PLAIN), (WATCHER,), ()])
SOME = st.lists(st.sampled_from(WHOM), max_size=2, unique=True)


@dataclass
class Sent:
    """What went out at one moment, dispatched or requested, with what was true then."""

    item: Item
    watcher_up: bool
    plain_up: bool
    held: bool
    kafka: bool
    asks_only: bool = False


class AnyItems(RuleBasedStateMachine):
    """Random keys on items of two systems, actions that try whatever they like, crashes at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.state = opened(book())
        opening = self.state.opened
        assert opening is not None
        self.journal: list[tuple[float, RunRecord]] = [(UTC, opening)]
        self.kafka = FeedState.UP
        self.world: dict[CscId, tuple[SummaryState, Liveness]] = {}
        self.key_number = 0
        self.dispatched: list[Sent] = []
        self.sent: list[Sent] = []

    def see(self) -> FleetView:
        return fleet(*(view(csc, *told) for csc, told in self.world.items()), kafka=self.kafka)

    def write(self, *records: RunRecord) -> None:
        for record in records:
            self.journal.append((UTC, record))
            names = record.items if isinstance(record, ItemsDispatched) else ()
            for name in names:
                item = self.state.item(record.step, name)  # type: ignore[union-attr]
                assert item is not None
                self.dispatched.append(self.now(item))
            if isinstance(record, ItemAdded):
                self.dispatched.append(self.now(record.item))
        self.state = fold(self.state.runbook, self.journal)

    def now(self, item: Item, *, asks_only: bool = False) -> Sent:
        seen, waived = self.see(), self.state.waived
        return Sent(
            item,
            is_up(seen.views[WATCHER]) and WATCHER not in waived,
            any(is_up(seen.views[csc]) and csc not in waived for csc in PLAIN),
            self.state.held_by is not None,
            self.kafka is FeedState.UP,
            asks_only,
        )

    def key(self, order: RunOrder) -> None:
        decision = decide(order, self.state, self.see(), OPERATOR)
        if not isinstance(decision, Refused):
            self.write(*decision)

    @rule(step=st.sampled_from(STEPS), overridden=st.booleans())
    def approve(self, step: StepId, overridden: bool) -> None:
        self.key(Approve(step, 1, ("the Watcher is down first",) if overridden else (), "because"))

    @rule(step=st.sampled_from(STEPS), system=st.sampled_from((CLUSTERS, SAL)), leads_to=TARGETS, cscs=SOME)
    def add_beside(self, step: StepId, system: SystemName, leads_to: Target, cscs: list[CscId]) -> None:
        self.key(AddItem(step, Item(ItemId(""), "more", system, effects=effects(leads_to, *cscs))))

    @rule(step=st.sampled_from(STEPS), place=st.integers(0, 3), covers=st.sampled_from((True, True, False)))
    def add_instead(self, step: StepId, place: int, covers: bool) -> None:
        item = self.state.runbook.step(step).items[place]
        self.key(AddItem(step, replace(item, effects=item.effects if covers else ()), (item.id,)))
        self.an_action_wants_to_send((step, item.id), "begin", owes=False)

    @rule(step=st.sampled_from(STEPS), item=st.sampled_from((WHOLE, *ITEM_IDS)), note=st.sampled_from(["", "a"]))
    def sign_off(self, step: StepId, item: ItemId, note: str) -> None:
        self.key(SignOff(step, "ana", item, note))

    @rule(where=WHERE, what=st.sampled_from(["retry", "control", "answer", "skip"]))
    def another_key(self, where: tuple[StepId, ItemId], what: str) -> None:
        step, item = where
        orders: dict[str, RunOrder] = {
            "retry": Retry(step, (item,)),
            "control": Control(step, item, "pause"),
            "answer": AnswerItem(step, item, "which?", "a"),
            "skip": Skip(step, "why") if self.key_number % 8 == 0 else Retry(step),
        }
        self.key(orders[what])

    @precondition(lambda self: len(self.state.waived) < 2)
    @rule(csc=st.sampled_from(WHOM))
    def waive(self, csc: CscId) -> None:
        self.key(Waive((csc,), "because", 1))

    @rule(where=WHERE, for_long=st.booleans())
    def hold(self, where: tuple[StepId, ItemId], for_long: bool) -> None:
        """Everything is tried while it is held; it is released at once, or some time later."""
        self.key(Hold("ops2"))
        self.key(Retry(where[0]))
        self.key(Approve(where[0], 1))
        self.look()
        self.an_action_wants_to_send(where, "begin", owes=False)
        self.an_action_wants_to_send(where, "ask", owes=False)
        if not for_long:
            self.key(Release())

    @precondition(lambda self: self.state.held_by is not None)
    @rule()
    def release(self) -> None:
        self.key(Release())

    @rule(
        csc=st.sampled_from(WHOM),
        state=st.sampled_from(SummaryState),
        liveness=st.sampled_from([Liveness.BEATING, Liveness.SILENT, Liveness.UNSEEN, Liveness.LATE]),
    )
    def one_changes(self, csc: CscId, state: SummaryState, liveness: Liveness) -> None:
        self.world[csc] = (state, liveness)

    @rule(kafka=st.sampled_from([FeedState.UP, FeedState.DOWN, FeedState.CONNECTING]))
    def kafka_changes(self, kafka: FeedState) -> None:
        self.kafka = kafka

    @rule(whom=DOWN)
    def these_are_down_and_the_rest_is_well(self, whom: tuple[CscId, ...]) -> None:
        self.kafka = FeedState.UP
        self.world = dict.fromkeys(whom, (SummaryState.OFFLINE, Liveness.SILENT))

    @rule(where=WHERE, text=st.sampled_from(["begin", "begin", "patch", "ask"]), owes=st.booleans())
    def an_action_wants_to_send(self, where: tuple[StepId, ItemId], text: str, owes: bool) -> None:
        self.key_number += 1
        begins, asks = text == "begin", text == "ask"
        record = RequestIntended(
            *where, text, str(self.key_number), begins, REPLICAS if owes and text == "patch" else None
        )
        if may_intend(record, self.state, self.see(), asks_only=asks) is None:
            item = self.state.item(*where)
            assert item is not None, "nothing goes that nobody let go"
            self.sent.append(self.now(item, asks_only=asks))
            self.write(record)

    @rule(text=st.sampled_from(["begin", "patch"]), step=st.sampled_from(STEPS), first=DOWN)
    def the_night_goes_on(self, text: str, step: StepId, first: tuple[CscId, ...]) -> None:
        self.these_are_down_and_the_rest_is_well(first)
        self.key(Release())
        self.key(Approve(step, 1))
        self.look()
        for item in ITEM_IDS:
            self.an_action_wants_to_send((step, item), text, owes=True)

    @rule(outcome=st.sampled_from(Outcome), retry=st.booleans(), step=st.sampled_from(STEPS))
    def what_goes_ends(self, outcome: Outcome, retry: bool, step: StepId) -> None:
        for name, one in self.state.progress(step).items.items():
            if one.status is ItemStatus.UNDER_WAY:
                self.write(ItemEnded(step, name, outcome, "told"))
        if retry:
            self.key(Retry(step))

    @rule(text=st.sampled_from(["begin", "patch", "ask"]), owes=st.booleans())
    def every_action_wants_to_send(self, text: str, owes: bool) -> None:
        for step in STEPS:
            for name in tuple(self.state.progress(step).items):
                self.an_action_wants_to_send((step, name), text, owes)

    @precondition(lambda self: any(not one.answered for _, _, one in self.state.work()))
    @rule(ok=st.sampled_from([True, False, None]))
    def everything_is_answered(self, ok: bool | None) -> None:
        for step, item, one in tuple(self.state.work()):
            if one.request and not one.answered:
                self.write(RequestAnswered(step, item.id, ok, "answered"))

    @rule(before=st.sampled_from(["the dispatch", "the request"]), step=st.sampled_from(STEPS))
    def the_watcher_comes_back(self, before: str, step: StepId) -> None:
        self.these_are_down_and_the_rest_is_well((WATCHER, *PLAIN))
        self.key(Release())
        self.key(Approve(step, 1))
        self.look()
        if step == TESTING:
            self.one_ends((step, ITEM_IDS[0]), Outcome.REACHED)
            self.key(SignOff(step, "ana", ITEM_IDS[1]))
        if before == "the request":
            self.look()
        self.these_are_down_and_the_rest_is_well(())
        self.look()
        self.every_action_wants_to_send("patch", owes=False)

    @rule(step=st.sampled_from(STEPS), outcome=st.sampled_from(Outcome))
    def a_step_goes_to_its_end(self, step: StepId, outcome: Outcome) -> None:
        self.the_night_goes_on("begin", step, (WATCHER, *PLAIN))
        self.everything_is_answered(ok=True)
        self.what_goes_ends(outcome, True, step)
        self.every_action_wants_to_send("begin", owes=False)
        self.look()

    @rule(where=WHERE, ok=st.sampled_from([True, False, None]))
    def an_answer(self, where: tuple[StepId, ItemId], ok: bool | None) -> None:
        if self.state.progress(where[0]).item(where[1]).request:
            self.write(RequestAnswered(*where, ok, "answered"))

    @rule(where=WHERE, outcome=st.sampled_from(Outcome))
    def one_ends(self, where: tuple[StepId, ItemId], outcome: Outcome) -> None:
        if where[1] in self.state.progress(where[0]).items:
            self.write(ItemEnded(*where, outcome, "told"))

    @rule(where=WHERE)
    def one_asks_the_lead(self, where: tuple[StepId, ItemId]) -> None:
        if self.state.progress(where[0]).item(where[1]).status is ItemStatus.UNDER_WAY:
            self.write(QuestionAsked(*where, "which?", (AnswerOffered("a", "the first"),)))

    @precondition(lambda self: self.state.debts())
    @rule()
    def a_debt_is_paid(self) -> None:
        self.write(DebtPaid("replicas", "seen"))

    @precondition(lambda self: any(one.status is ItemStatus.UNDER_WAY for _, _, one in self.state.work()))
    @rule()
    def crash_and_resume(self) -> None:
        self.write(RunResumed(OPERATOR, 8))
        assert not any(one.question for _, _, one in self.state.work())
        assert not any(one.status is ItemStatus.UNDER_WAY for _, _, one in self.state.work())

    @rule()
    def look(self) -> None:
        self.write(*settle(self.state, self.see()))

    @invariant()
    def nothing_departs_from_the_order_when_it_is_dispatched_nor_when_it_is_sent(self) -> None:
        for sent in (*self.dispatched, *(each for each in self.sent if not each.asks_only)):
            downs = [effect.csc for effect in sent.item.effects if effect.target == OFFLINE]
            assert MTM1M3 not in sent.item.cscs, "protected"
            assert not sent.held
            assert not sent.watcher_up or not downs or downs[0] == WATCHER
            assert not sent.plain_up or not set(downs) & set(QUEUES)
            assert sent.kafka or not sent.item.effects

    @invariant()
    def nothing_is_begun_more_often_than_it_was_let_go_after_an_approval(self) -> None:
        approved: set[StepId] = set()
        ever: set[tuple[StepId, ItemId]] = set()
        let_go: Counter[tuple[StepId, ItemId]] = Counter()
        for _, record in self.journal:
            if isinstance(record, StepApproved):
                approved.add(record.step)
            if isinstance(record, ItemsDispatched):
                assert record.step in approved or set(record.items) <= set(ADDED)
                let_go.update((record.step, item) for item in record.items)
            if isinstance(record, ItemAdded):
                let_go[record.step, record.item.id] += 1
            ever |= set(let_go)
            if isinstance(record, RequestIntended):
                assert (record.step, record.item) in ever, "sent without approval"
                if record.begins:
                    let_go[record.step, record.item] -= 1
                    assert let_go[record.step, record.item] >= 0

    @invariant()
    def nothing_of_which_nobody_knows_is_begun_again(self) -> None:
        doubtful: set[tuple[StepId, ItemId]] = set()
        for _, record in self.journal:
            if isinstance(record, RequestIntended) and record.begins:
                assert (record.step, record.item) not in doubtful
                doubtful.add((record.step, record.item))
            elif isinstance(record, ItemEnded) and record.outcome is not Outcome.UNKNOWN:
                doubtful.discard((record.step, record.item))
            elif isinstance(record, ItemAdded):
                doubtful -= {(record.step, name) for name in record.instead_of}

    @invariant()
    def nothing_is_sent_while_an_answer_is_missing(self) -> None:
        open_: set[tuple[StepId, ItemId]] = set()
        for _, record in self.journal:
            if isinstance(record, RequestIntended):
                assert (record.step, record.item) not in open_
                open_.add((record.step, record.item))
            elif isinstance(record, RequestAnswered) and record.ok is not None:
                open_.discard((record.step, record.item))
            elif isinstance(record, ItemsDispatched):
                open_ -= {(record.step, name) for name in record.items}
            elif isinstance(record, ItemAdded):
                open_ -= {(record.step, name) for name in (*record.instead_of, record.item.id)}

    @invariant()
    def a_queue_that_runs_a_script_of_ours_is_not_sent_down(self) -> None:
        for _, item, one in self.state.work():
            for queue in item.runs_in if one.status is ItemStatus.UNDER_WAY else ():
                assert queue.name == QUEUE
                assert blocked_by(queue, OFFLINE, self.state, self.see(), bulk=True) is not None

    @invariant()
    def a_person_in_between_is_waited_for(self) -> None:
        progress = self.state.progress(TESTING)
        assert not (progress.items.keys() & {numbered(2), numbered(3)}) or progress.signed_off(numbered(1))

    @invariant()
    def what_was_added_asks_nobody_itself(self) -> None:
        for step in self.state.runbook.steps():
            assert not {item.id for item in self.state.asking(step)} & set(ADDED)

    @invariant()
    def what_is_owed_was_sent_and_says_what_has_to_be_put_back(self) -> None:
        owed = [debt for _, debt in self.state.debts()]
        assert owed in ([], [REPLICAS])
        intents = [record for _, record in self.journal if isinstance(record, RequestIntended | DebtPaid)]
        made = [record for record in intents if isinstance(record, DebtPaid) or record.owes is not None]
        assert bool(owed) == (bool(made) and isinstance(made[-1], RequestIntended))


TestAnyItems = AnyItems.TestCase
TestAnyItems.settings = settings(max_examples=200, stateful_step_count=40)
