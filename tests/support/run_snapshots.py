"""Runs as a screen shows them: made by the core's fold over records, beside the Summit's grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from deploydash.core.fleet.snapshot import CscView, EventLine, Reason
from deploydash.core.model import CameraSubstate, CscId, Effective, Liveness, SummaryState, Target, Verdict
from deploydash.core.procedure.csc_work import transition
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import SAL, WHOLE, StepId, csc_item, numbered
from deploydash.core.procedure.runbook import Runbook, Step, StepKind
from deploydash.core.published import Published
from deploydash.core.run.arm import Arm
from deploydash.core.run.evolve import evolve
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import ControlOffer
from deploydash.core.run.records import (
    ArrivalsLearned,
    ChoiceAnswered,
    CscsArrived,
    CscsWaived,
    ItemEnded,
    ItemsDispatched,
    ItemSignedOff,
    Outcome,
    PlaceholderSet,
    RequestAnswered,
    RequestIntended,
    RunHeld,
    RunOpened,
    RunRecord,
    StepApproved,
    StepDone,
    StepSkipped,
    WaitExtended,
)
from deploydash.core.run.state import ItemProgress, RunState
from deploydash.core.views.run_view import Own, card_step, run_view
from deploydash.systems.sal.commanding.plan import planned, sentence
from deploydash.systems.sal.commanding.specs import ScriptSpec, spec_of
from deploydash.systems.sal.scripts.scriptqueue import Scripts
from deploydash.systems.sal.steps import sal_lines
from tests.support import snapshots
from tests.support.runbooks import runbook
from tests.support.snapshots import NOW, UTC, ManualClock

OPENED = UTC - 2_467.0
OPERATOR = "ops1@summit-console"
Entry = tuple[float, RunRecord]


def full_cycle() -> Runbook:
    """The runbook of the Summit as it is shipped."""
    return runbook("summit", "full-cycle")


def settled(steps: Sequence[Step], start: float, each: float = 20.0) -> list[Entry]:
    """Return the records of steps that went as planned, one after the other."""
    entries: list[Entry] = []
    utc = start
    for step in steps:
        entries.append((utc, StepApproved(step.id, OPERATOR, 1)))
        if step.kind is StepKind.MANUAL:
            entries.append(
                (utc + each / 2, ItemSignedOff(step.id, WHOLE, "ops1", OPERATOR, "OSW-1234" if step.records else ""))
            )
        elif step.kind is StepKind.ACTION:
            entries.append((utc, ItemsDispatched(step.id, tuple(item.id for item in step.items), OPERATOR)))
            entries += [
                (utc + each / 2, ItemEnded(step.id, item.id, Outcome.REACHED, "seen there")) for item in step.items
            ]
        entries.append((utc + each, StepDone(step.id)))
        utc += each
    return entries


def before(book: Runbook, step: str) -> list[Step]:
    """Return the steps of a runbook before one of them."""
    steps = list(book.steps())
    return steps[: next(number for number, each in enumerate(steps) if each.id == step)]


def opened() -> Entry:
    """Return the record that opened the run."""
    return OPENED, RunOpened("summit-c0045-1", "summit", "full-cycle", "c0045", OPERATOR, rehearsal=False)


def folded(book: Runbook, entries: Sequence[Entry]) -> RunState:
    """Return the run that these records tell."""
    state = RunState(book)
    for utc, record in entries:
        state = evolve(state, record, utc)
    return state


def shown(
    book: Runbook,
    entries: Sequence[Entry],
    base: Published,
    *,
    chosen: str | None = None,
    arm: Arm | None = None,
    message: str = "",
    fault: str = "",
) -> Published:
    """Return a snapshot with the run of these records beside it, and what its systems say of the card's step."""
    state, fleet = folded(book, entries), FleetView.of(base)
    step = card_step(state, fleet, StepId(chosen) if chosen else None)
    own = Own(
        chosen=StepId(chosen) if chosen else None,
        arms={arm.step: arm} if arm is not None else {},
        plan=described(step, fleet) if step is not None else None,
        message=message,
        fault=fault,
        controls=partial(controls, fleet),
        lines=lines,
    )
    return replace(base, run=run_view(state, fleet, own))


SCRIPTS = Scripts(None, None, ManualClock(), subname="sal", descr="")  # type: ignore[arg-type]
"""Says what scripts can be told and what would be sent; sends nothing."""


def lines(item: Item) -> tuple[str, ...]:
    """Return the exact commands that may be sent for an item."""
    return sal_lines(item, "sal") if item.system == SAL else ()


def controls(fleet: FleetView, item: Item, history: ItemProgress) -> tuple[ControlOffer, ...]:
    """Return what an item's system can be told."""
    spec = spec_of(item) if item.system == SAL else None
    return SCRIPTS.controls(spec, history, fleet.views.get(spec.queue)) if isinstance(spec, ScriptSpec) else ()


def described(step: Step, fleet: FleetView) -> Plan | None:
    """Return what would be done for a step that commands CSCs, as its system describes it."""
    items = [item for item in step.items if item.system == SAL]
    plans = tuple(_planned(item, fleet) for item in items)
    return Plan(sentence(plans) if step.items[0].csc else "", plans, UTC - 2) if step.acts and items else None


def _planned(item: Item, fleet: FleetView) -> ItemPlan:
    spec = spec_of(item)
    if isinstance(spec, ScriptSpec):
        return SCRIPTS.planned(item, spec, fleet.views.get(spec.queue))
    return planned(item.id, spec, fleet.views.get(spec.csc), NOW, "sal")


def summit_going_down() -> list[CscView]:
    """Return the Summit in the middle of its shutdown: most is down, two did not go."""
    up = {
        "LinearStage:103",
        "LinearStage:104",
        "TunableLaser",
        "OCPS:1",
        "OCPS:101",
        "GIS",
        "Scheduler:1",
        "Scheduler:2",
    }
    views = []
    for csc, group in snapshots.summit():
        base = replace(snapshots.view(csc, group), target=Target(SummaryState.OFFLINE))
        if csc.name in {"MTM1M3", "MTM1M3TS"}:
            state = SummaryState.DISABLED if csc.name == "MTM1M3" else SummaryState.ENABLED
            views.append(snapshots.in_state(replace(base, target=Target(state)), state))
        elif str(csc) == "MTDome":
            views.append(snapshots.faulted(base))
        elif str(csc) == "ESS:303":
            views.append(snapshots.lost(base))
        elif csc.name == "ScriptQueue":
            views.append(snapshots.in_state(base, SummaryState.ENABLED))
        elif str(csc) in up:
            states = (SummaryState.STANDBY, SummaryState.DISABLED, SummaryState.ENABLED)
            moving = snapshots.in_state(base, states[len(views) % 3])
            views.append(replace(moving, verdict=Verdict.MOVING, reason=Reason("on its way")))
        else:
            views.append(snapshots.stopped(base, 120.0))
    return views


def asking() -> Published:
    """Return the shutdown of the Summit with two CSCs that did not go."""
    entries, base = asking_entries()
    return shown(full_cycle(), entries, base)


def asking_entries() -> tuple[list[Entry], Published]:
    """Return the records and the grid of a shutdown with two CSCs that did not go."""
    book = full_cycle()
    step = book.step(StepId("cscs"))
    start = UTC - 72
    entries = [opened(), *settled(before(book, "cscs"), OPENED + 5, 100.0)]
    entries += [
        (start, StepApproved(step.id, OPERATOR, 7)),
        (start, ItemsDispatched(step.id, tuple(item.id for item in step.items), OPERATOR)),
    ]
    still = {
        "LinearStage:103",
        "LinearStage:104",
        "TunableLaser",
        "OCPS:1",
        "OCPS:101",
        "GIS",
        "Scheduler:1",
        "Scheduler:2",
    }
    for number, csc in enumerate(step.cscs):
        if str(csc) in {"MTDome", "ESS:303"}:
            fault = str(csc) == "MTDome"
            why = "refused in FAULT" if fault else "no answer in 30 s; beats stopped"
            entries.append((start + 5, RequestIntended(step.id, csc_item(csc), "disable")))
            entries.append((start + 9, RequestAnswered(step.id, csc_item(csc), False if fault else None, why)))
            outcome = Outcome.FAILED if fault else Outcome.UNKNOWN
            entries.append((start + 9, ItemEnded(step.id, csc_item(csc), outcome, why)))
        elif str(csc) not in still:
            entries.append(
                (
                    start + 6 + 60 * number / len(step.cscs),
                    ItemEnded(step.id, csc_item(csc), Outcome.REACHED, "seen there"),
                )
            )
    waived = [CscId.parse(name) for name in sorted(still)]
    entries += [(start + 70, ItemEnded(step.id, csc_item(csc), Outcome.REACHED, "seen there")) for csc in waived]
    return entries, snapshots.snapshot(summit_going_down(), target="shutdown", events=some_events())


def some_events() -> tuple[EventLine, ...]:
    """Return a short past of a shutdown, oldest first."""
    told: list[tuple[float, str, str, str, Effective | None]] = [
        (195, "AT", "13 of 13 OFFLINE", "as planned", None),
        (162, "MT", "21 of 28 OFFLINE", "as planned; 2 protected", None),
        (161, "MTDome", "ENABLED → FAULT", "code 101 “shutter drive: encoder lost”", Effective.FAULT),
        (14, "Envsys", "43 of 45 OFFLINE", "as planned", None),
        (3, "ESS:303", "ENABLED → LOST", "no beat for 10 s; its hardware may not be safe", Effective.LOST),
    ]
    return tuple(
        EventLine(number, UTC - ago, subject, change, detail, effective is None, effective)
        for number, (ago, subject, change, detail, effective) in enumerate(told, 1)
    )


def many_asking(count: int = 40) -> Published:
    """Return a shutdown in which many CSCs did not go."""
    book = full_cycle()
    step = book.step(StepId("cscs"))
    entries = [opened(), *settled(before(book, "cscs"), OPENED + 5, 100.0)]
    entries += [
        (UTC - 72, StepApproved(step.id, OPERATOR, 7)),
        (UTC - 72, ItemsDispatched(step.id, tuple(item.id for item in step.items), OPERATOR)),
    ]
    for number, csc in enumerate(step.cscs):
        outcome = Outcome.FAILED if number < count else Outcome.REACHED
        entries.append((UTC - 40, ItemEnded(step.id, csc_item(csc), outcome, "no answer in 30 s")))
    base = snapshots.snapshot(summit_going_down(), target="shutdown", events=some_events())
    return shown(book, entries, base)


def lost_asking() -> Published:
    """Return a shutdown in which two groups were LOST before it began, and one CSC more did not go."""
    shown = many_asking(3)
    card = shown.run.card if shown.run is not None else None
    assert shown.run is not None
    assert card is not None
    envsys = [view.csc for view in shown.cscs if view.group == "Envsys"][:30]
    first, second, third = card.asking
    lost = [replace(first, item=transition(csc, Target(SummaryState.OFFLINE)), lost_of="Envsys") for csc in envsys]
    asking = (replace(first, lost_of="AT"), third, *lost, replace(second, lost_of="AT"))
    told = {row.item.id for row in asking}
    card = replace(card, rows=(*asking, *(row for row in card.rows if row.item.id not in told)))
    return replace(shown, run=replace(shown.run, card=card))


def watcher_views(state: SummaryState = SummaryState.ENABLED) -> list[CscView]:
    """Return a calm Summit compared with its shutdown targets: everybody is still up."""
    views = []
    for view in snapshots.calm_views():
        kept = view.protected
        target = view.target if kept else Target(SummaryState.OFFLINE)
        base = replace(view, target=target)
        if str(view.csc) == "Watcher" and state is SummaryState.OFFLINE:
            views.append(snapshots.stopped(base, 60.0))
        elif kept:
            views.append(base)
        else:
            now = SummaryState[view.effective.value]
            views.append(replace(snapshots.in_state(base, now), reason=Reason(f"{now.name}, target OFFLINE")))
    return views


def at_step(
    step: str, views: Sequence[CscView] | None = None, more: Sequence[Entry] = (), **changes: object
) -> Published:
    """Return the run with its card at a step that is pending, all before it settled."""
    book = full_cycle()
    entries = [opened(), *settled(before(book, step), OPENED + 5, 40.0), *more]
    base = snapshots.snapshot(views or watcher_views(), target="shutdown", events=some_events())
    return shown(book, entries, base, **changes)  # type: ignore[arg-type]


def ready_watcher(arm: Arm | None = None, message: str = "") -> Published:
    """Return the card that sends the Watcher to OFFLINE, open."""
    return at_step("watcher", arm=arm, message=message)


def ready_cscs(arm: Arm | None = None) -> Published:
    """Return the card that sends everybody to OFFLINE, open: severe."""
    return at_step("cscs", watcher_views(SummaryState.OFFLINE), arm=arm)


def shut_queues() -> Published:
    """Return the card of the queues, shut: CSCs of the shutdown set are still up, and no rule may be overridden."""
    return at_step("queues", summit_going_down())


def by_hand(ticks: int = 0) -> Published:
    """Return a step with several things to do by hand, some of them ticked."""
    step = StepId("principals")
    words = {"date": "2026-12-03", "start": "08:30"}
    more: list[Entry] = [(UTC - 200, PlaceholderSet(word, text, OPERATOR)) for word, text in words.items()]
    more += [(UTC - 120, StepApproved(step, OPERATOR, 9))] if ticks else []
    more += [(UTC - 100 + 10 * n, ItemSignedOff(step, numbered(n), "Ana", OPERATOR)) for n in range(ticks)]
    return at_step("principals", all_down(), more)


def question(answered: bool = False) -> Published:
    """Return a step that asks what the procedure leaves open, or that was answered."""
    answer: list[Entry] = [(UTC - 200, ChoiceAnswered("cameras", "restart", OPERATOR))]
    return at_step("bridges-stop", all_down(), answer if answered else [])


def all_down() -> list[CscView]:
    """Return the Summit after its shutdown."""
    return [view if view.protected else snapshots.stopped(view, 600.0) for view in summit_going_down()]


def held() -> Published:
    """Return a run that an observer held."""
    return at_step("watcher", more=[(UTC - 20, RunHeld("ops2@laptop"))])


ANSWERS = {
    "cameras": "restart",
    "m1m3": "kept",
    "vms-logger": "kept",
    "love-bare-metal": "kept",
    "nublado-labs": "kept",
    "schema": "compatible",
    "nublado": "told",
    "sasquatch": "leave",
    "testing": "skip",
    "integration-testing": "none",
}


def answered() -> list[Entry]:
    """Return records that answer every question with the calm answer."""
    return [(OPENED + 3, ChoiceAnswered(choice, answer, OPERATOR)) for choice, answer in ANSWERS.items()]


def wait_views(missing: bool = True) -> list[CscView]:
    """Return the Summit coming up, five CSCs not there yet."""
    special: dict[str, Callable[[CscView], CscView]] = {
        "MTHexapod:2": snapshots.never_seen,
        "MTM2": lambda view: replace(snapshots.lost(view, 550), changed_at=NOW - 550),
        "ATWhiteLight": lambda view: replace(snapshots.faulted(view, 362), changed_at=NOW - 362),
        "ESS:309": lambda view: replace(snapshots.stopped(view, 255), changed_at=NOW - 255, restarts=3),
        "MTCamera": lambda view: replace(
            view,
            substate=CameraSubstate.PUBLISH_ONLY,
            verdict=Verdict.OFF_TARGET,
            changed_at=NOW - 90,
            reason=Reason("OFFLINE/PUBLISH_ONLY, target OFFLINE/AVAILABLE"),
        ),
    }
    views = []
    for view in snapshots.calm_views():
        base = snapshots.in_state(replace(view, target=Target(SummaryState.STANDBY)), SummaryState.STANDBY)
        if view.camera:
            base = view
        if missing and str(view.csc) in special:
            base = special[str(view.csc)](base)
        views.append(base)
    return views


def waiting(
    elapsed: float = 1_052.0, extended: float = 0.0, missing: bool = True, waived: bool = True, runs: int = 6
) -> Published:
    """Return the 30-minute wait, ``elapsed`` seconds old, with what that many earlier runs tell."""
    book = full_cycle()
    step = next(step for step in book.steps() if step.kind is StepKind.WAIT)
    entries = [opened(), *answered(), *_all_but_waits(book, step)]
    start = UTC - elapsed
    entries.append((start, StepApproved(step.id, "the procedure", 9)))
    if extended:
        entries.append((UTC - 60, WaitExtended(step.id, extended, OPERATOR)))
    if waived:
        entries.append((UTC - 800, CscsWaived((CscId("CBP"),), OPERATOR, "not installed this cycle")))
    base = snapshots.snapshot(_at_own_target(wait_views(missing), step), target="startup", events=wait_events())
    entries += _arriving(step, start, elapsed, missing)
    if runs:
        late = {"MTCamera": 1_340, "MTHexapod:2": 1_700, "MTM2": 1_200, "ATWhiteLight": 1_150, "ESS:309": 1_100}
        took = tuple((csc_item(csc), (late.get(str(csc), 400),) * runs) for csc in step.cscs)
        entries.append((start - 10, ArrivalsLearned(step.id, runs, took)))
    return shown(book, entries, base)


def _arriving(step: Step, start: float, elapsed: float, missing: bool) -> list[Entry]:
    """Return who arrived when: few at first, then more and more."""
    gone = {"MTHexapod:2", "MTM2", "ATWhiteLight", "ESS:309", "MTCamera"} if missing else set()
    there = [csc for csc in step.cscs if str(csc) not in gone]
    return [
        (start + 30 + (elapsed - 78) * (number / len(there)) ** 1.6, CscsArrived(step.id, (csc,)))
        for number, csc in enumerate(there)
    ]


def _at_own_target(views: list[CscView], step: Step) -> list[CscView]:
    """Return the views with the targets of the wait, those that are there in them."""
    wanted = {effect.csc: effect.target for effect in step.awaits}
    found = []
    for view in views:
        target = wanted.get(view.csc, view.target)
        calm = view.verdict is Verdict.AT_TARGET and view.liveness is Liveness.BEATING and not view.camera
        moved = replace(view, target=target)
        found.append(snapshots.in_state(moved, target.state) if calm and target is not None else moved)
    return found


def _all_but_waits(book: Runbook, until: Step) -> list[Entry]:
    steps = before(book, until.id)
    return settled([step for step in steps if step.applies(ANSWERS) is not False], OPENED + 5, 25.0)


def wait_events() -> tuple[EventLine, ...]:
    """Return a short past of a wait, oldest first."""
    told: list[tuple[float, str, str, str, Effective | None]] = [
        (560, "AT", "13 of 13 at target", "as planned", None),
        (471, "Observatory", "12 of 12 at target", "as planned", None),
        (362, "ATWhiteLight", "STANDBY → FAULT", "code 101 “shutter drive: encoder lost”", Effective.FAULT),
        (255, "ESS:309", "STANDBY → OFFLINE*", "beats stopped; restarted three times before", Effective.OFFLINE),
        (48, "MTPtg", "STANDBY", "at target, 112 of 117", None),
    ]
    return tuple(
        EventLine(number, UTC - ago, subject, change, detail, effective is None, effective)
        for number, (ago, subject, change, detail, effective) in enumerate(told, 1)
    )


def closing(owed: bool = True) -> Published:
    """Return the last card of a run, with or without debts that nobody has undone."""
    book = full_cycle()
    steps = [step for step in before(book, "close") if step.applies(ANSWERS) is not False]
    skipped = {"announce-end", "bare-metal-start"} if owed else set()
    entries = [opened(), *answered(), *settled([step for step in steps if step.id not in skipped], OPENED + 5, 25.0)]
    entries += [(UTC - 30, StepSkipped(StepId(step), OPERATOR, "later")) for step in sorted(skipped)]
    return shown(book, entries, snapshots.snapshot(wait_views(missing=False), events=wait_events()))


SCENES: dict[str, Callable[[], Published]] = {
    "asking": asking,
    "many": many_asking,
    "lost": lost_asking,
    "watcher": ready_watcher,
    "armed": lambda: ready_watcher(Arm(StepId("watcher"), full_cycle().step(StepId("watcher")).tier, NOW - 4)),
    "cscs": ready_cscs,
    "naming": lambda: ready_cscs(Arm(StepId("cscs"), full_cycle().step(StepId("cscs")).tier, NOW - 4)),
    "going": lambda: ready_cscs(Arm(StepId("cscs"), full_cycle().step(StepId("cscs")).tier, NOW - 9, NOW - 0.5)),
    "queues": shut_queues,
    "by-hand": lambda: by_hand(1),
    "question": question,
    "held": held,
    "wait": waiting,
    "late": lambda: waiting(1_830.0),
    "arrived": lambda: waiting(missing=False),
    "closing": closing,
}
"""Every scene by its name."""
