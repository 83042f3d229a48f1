"""A small runbook and a small observatory for tests of the run's rules."""

from collections.abc import Iterable

from deploydash.core.fleet.snapshot import CscView, Reason
from deploydash.core.model import (
    CscId,
    Effective,
    FeedName,
    FeedState,
    Liveness,
    Phase,
    Source,
    SummaryState,
    Target,
    Verdict,
)
from deploydash.core.procedure.csc_work import transition
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import MAIN, PERSON, SAL, ItemId, Lane, StepId, SystemName, csc_item, numbered
from deploydash.core.procedure.preconditions import StepsSettled
from deploydash.core.procedure.runbook import Debt, Runbook, RunPhase, Step, StepKind, Tier
from deploydash.core.run.evolve import evolve
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.orders import RunOrder
from deploydash.core.run.records import RunOpened, RunRecord
from deploydash.core.run.state import RunState
from deploydash.systems.sal.steps import script_item

OFFLINE = Target(SummaryState.OFFLINE)
STANDBY = Target(SummaryState.STANDBY)
WATCHER = CscId("Watcher")
MTM1M3 = CscId("MTM1M3")
PLAIN = (CscId("ATAOS"), CscId("ESS", 104), CscId("MTDome"))
QUEUES = (CscId("ScriptQueue", 1), CscId("ScriptQueue", 2))
EVERYBODY = (WATCHER, *PLAIN, MTM1M3, *QUEUES)
OPERATOR = "ops1@console"
FIRST_ADDED, SECOND_ADDED = ItemId("added-1"), ItemId("added-2")


def csc_items(cscs: Iterable[CscId]) -> tuple[ItemId, ...]:
    """Return the names of the items that bring these CSCs to their targets."""
    return tuple(map(csc_item, cscs))


def person(place: int, name: str, *commands: str, effects: tuple[CscEffect, ...] = ()) -> Item:
    """Something that a person does."""
    return Item(numbered(place), name, PERSON, manual=commands, effects=effects)


def script(
    place: int,
    queue: CscId,
    path: str,
    config: str = "",
    effects: tuple[CscEffect, ...] = (),
    *,
    opaque: bool = False,
) -> Item:
    """A script for a ScriptQueue."""
    return script_item(
        numbered(place), queue, path, standard=True, config=config, effects=effects, opaque=opaque, wave=place
    )


def fold(runbook: Runbook, entries: Iterable[tuple[float, RunRecord]]) -> RunState:
    """The run after these records, each with the UTC of its line."""
    state = RunState(runbook)
    for utc, record in entries:
        state = evolve(state, record, utc)
    return state


def csc_step(name: str, cscs: tuple[CscId, ...], target: Target, after: tuple[str, ...] = ()) -> Step:
    conditions = (StepsSettled(tuple(StepId(step) for step in after)),) if after else ()
    items = tuple(transition(csc, target) for csc in cscs)
    return Step(
        StepId(name),
        name,
        StepKind.ACTION,
        SAL,
        Tier.MODERATE,
        MAIN,
        f"each {target}",
        items,
        preconditions=conditions,
        at_once=8,
    )


def small_runbook() -> Runbook:
    """Watcher, plain CSCs, queues, a stop by hand that owes a start, the wait."""
    stop = Step(
        StepId("bridges-stop"),
        "stop",
        StepKind.MANUAL,
        SystemName("ssh"),
        Tier.MODERATE,
        Lane("cameras"),
        "unit inactive",
        (person(0, "host-a", "sudo systemctl stop a"), person(1, "host-b", "sudo systemctl stop b")),
        debts=(Debt("bridges", "bridges to start", (StepId("bridges-start"),)),),
    )
    start = Step(
        StepId("bridges-start"),
        "start",
        StepKind.MANUAL,
        SystemName("ssh"),
        Tier.MODERATE,
        Lane("cameras"),
        "unit active",
        preconditions=(StepsSettled((StepId("bridges-stop"),)),),
    )
    wait = Step(
        StepId("standby"),
        "wait",
        StepKind.WAIT,
        SAL,
        Tier.READ,
        MAIN,
        "each at its start-up target",
        awaits=tuple(CscEffect(csc, STANDBY) for csc in PLAIN),
        preconditions=(StepsSettled((StepId("queues"),)),),
        limit_s=1800.0,
    )
    steps = (
        csc_step("watcher", (WATCHER,), OFFLINE),
        csc_step("cscs", PLAIN, OFFLINE, ("watcher",)),
        csc_step("queues", QUEUES, OFFLINE, ("cscs",)),
        stop,
        start,
        wait,
    )
    return Runbook(
        "full-cycle",
        "Full cycle",
        "summit",
        rehearsal=True,
        concerns=EVERYBODY,
        shutdown_set=PLAIN,
        protected=(MTM1M3,),
        choices=(),
        phases=(RunPhase("shutdown", "Shutdown", Phase(None), steps),),
    )


def view(
    csc: CscId,
    state: SummaryState = SummaryState.ENABLED,
    liveness: Liveness = Liveness.BEATING,
    effective: Effective | None = None,
) -> CscView:
    shown = effective or Effective(state.name)
    return CscView(
        csc=csc,
        group="MT",
        expected=True,
        camera=False,
        protected=csc == MTM1M3,
        reported=state,
        reported_utc=0.0,
        source=Source.KAFKA,
        substate=None,
        liveness=liveness,
        beat_at=0.0,
        beat_at_least=False,
        effective=shown,
        inferred=shown.value != state.name,
        target=None,
        verdict=Verdict.NO_TARGET,
        reason=Reason(""),
        error=None,
        restarts=0,
        duplicate=False,
        changed_at=None,
    )


def down(csc: CscId) -> CscView:
    return view(csc, SummaryState.OFFLINE, Liveness.SILENT)


def fleet(*views: CscView, kafka: FeedState = FeedState.UP, at: float = 0.0) -> FleetView:
    """What is seen: everybody ENABLED and beating, but for the given views."""
    seen = {csc: view(csc) for csc in EVERYBODY} | {each.csc: each for each in views}
    return FleetView(seen, {FeedName.KAFKA: kafka}, at, 1_794_996_400.0 + at, 1)


def opened(runbook: Runbook | None = None) -> RunState:
    record = RunOpened("summit-c0045", "summit", "full-cycle", "c0045", OPERATOR, rehearsal=True)
    return after(RunState(runbook or small_runbook()), record)


def after(state: RunState, *records: RunRecord, utc: float = 1_794_996_400.0) -> RunState:
    for record in records:
        state = evolve(state, record, utc)
    return state


Order = RunOrder
