"""Scenes of scripts in a run: a step of scripts as it goes, and CSCs that go by the other route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, SummaryState, Target
from deploydash.core.procedure.items import CscEffect
from deploydash.core.procedure.names import StepId, numbered
from deploydash.core.procedure.runbook import Tier
from deploydash.core.published import Published
from deploydash.core.run.arm import Arm
from deploydash.core.run.records import (
    ChoiceAnswered,
    ItemAdded,
    ItemEnded,
    ItemProgressed,
    ItemsDispatched,
    ItemSignedOff,
    Outcome,
    RequestAnswered,
    RequestIntended,
    RunRecord,
    StepApproved,
)
from deploydash.systems.sal.steps import script_item
from tests.support import snapshots
from tests.support.run_snapshots import (
    ANSWERS,
    OPERATOR,
    Entry,
    asking_entries,
    at_step,
    full_cycle,
    many_asking,
    shown,
)
from tests.support.runs import FIRST_ADDED, csc_items
from tests.support.snapshots import NOW, UTC

TESTING = StepId("minimal-testing")
CSCS = StepId("cscs")
WATCHER = StepId("watcher")
QUEUES = tuple(CscId("ScriptQueue", index) for index in (1, 2, 3))
LATER = 200.0
"""Seconds ago at which the step of scripts was let go."""


def queues_up(*, without: tuple[CscId, ...] = ()) -> list[CscView]:
    """Return the Summit with its ScriptQueues ENABLED, but for these in STANDBY."""
    views = []
    for view in snapshots.calm_views():
        state = SummaryState.STANDBY if view.csc in without else SummaryState.ENABLED
        views.append(snapshots.in_state(view, state) if view.csc.name == "ScriptQueue" else view)
    return views


def scripts(*records: RunRecord, arm: Arm | None = None, views: list[CscView] | None = None) -> Published:
    """Return the card of minimal testing after these records, one every ten seconds."""
    answers: list[Entry] = [
        (UTC - 900, ChoiceAnswered(choice, answer, OPERATOR))
        for choice, answer in {**ANSWERS, "testing": "run"}.items()
    ]
    told: list[Entry] = [(UTC - LATER + 10 * number, record) for number, record in enumerate(records)]
    return at_step(TESTING, views or queues_up(), [*answers, *told], chosen=TESTING, arm=arm)


def let_go() -> tuple[RunRecord, ...]:
    """Return the records of the step's approval and its first script, which is running."""
    return (StepApproved(TESTING, OPERATOR, 1), *running(0, 200_001))


def running(item: int, index: int, *, paused: bool = False) -> tuple[RunRecord, ...]:
    """Return the records of one script that is running."""
    return (
        ItemsDispatched(TESTING, (numbered(item),), "the procedure"),
        RequestIntended(
            TESTING, numbered(item), f"add script {item + 1} to {QUEUES[1]}", key=str(40 + item), begins=True
        ),
        RequestAnswered(TESTING, numbered(item), True, str(index)),
        ItemProgressed(TESTING, numbered(item), "RUNNING", "enabling ATMCS", known_as=f"Script:{index}", paused=paused),
    )


def done(item: int) -> RunRecord:
    """Return that one script ran to its end."""
    return ItemEnded(TESTING, numbered(item), Outcome.REACHED, "done")


def failed(outcome: Outcome = Outcome.FAILED) -> Published:
    """Return the step after its first script failed, or its outcome is unknown."""
    why = "failed: ATMCS in FAULT; it left ScriptQueue:2 paused"
    return scripts(
        *let_go(), ItemEnded(TESTING, numbered(0), outcome, why if outcome is Outcome.FAILED else "nothing heard")
    )


def by_hand() -> Published:
    """Return the step when it has come to what a person does."""
    return scripts(*let_go(), done(0), *running(1, 200_002), done(1))


def armed() -> Published:
    """Return the step armed."""
    return scripts(arm=Arm(TESTING, Tier.MODERATE, NOW - 4))


def routed(*more: RunRecord) -> Published:
    """Return MTDome on its way by the other route while ESS:303 will ask."""
    assert full_cycle().step(StepId("stragglers")).fallbacks
    config = "data:\n- ['MTDome', OFFLINE]\nmute_alarms: false\n"
    effects = (CscEffect(CscId("MTDome"), Target.parse("OFFLINE")),)
    way = script_item(FIRST_ADDED, QUEUES[0], "set_summary_state.py", True, config, effects)
    taken = ItemAdded(CSCS, way, OPERATOR, csc_items((CscId("MTDome"),)))
    followed = ItemProgressed(CSCS, FIRST_ADDED, "RUNNING", "set MTDome OFFLINE", known_as=f"Script:{100_007}")
    entries, base = asking_entries()
    told: list[Entry] = [(UTC - 60 + 10 * number, record) for number, record in enumerate((taken, followed, *more))]
    return shown(full_cycle(), [*entries, *told], base)


def asking(standby: tuple[CscId, ...] = ()) -> Published:
    """Return the CSCs that did not go, with all queues ENABLED but these."""
    entries, base = asking_entries()
    views = [snapshots.in_state(view, SummaryState.STANDBY) if view.csc in standby else view for view in base.cscs]
    return shown(full_cycle(), entries, replace(base, cscs=tuple(views)))


def many() -> Published:
    """Return forty CSCs that did not go."""
    return many_asking()


def added_by_hand() -> Published:
    """Return the Watcher's card while a script that was added by hand runs."""
    step = StepId("go-no-go")
    item = script_item(FIRST_ADDED, QUEUES[1], "maintel/point_azel.py", True, "{el: 80}")
    script = ItemAdded(step, item, OPERATOR)
    told = ItemProgressed(step, item.id, "RUNNING", "slewing", known_as=f"Script:{200_009}")
    return at_step("watcher", more=[(UTC - 40, script), (UTC - 30, told)])


def ticked(item: int, note: str = "") -> RunRecord:
    """Return that one line was ticked."""
    return ItemSignedOff(TESTING, numbered(item), "Ana", OPERATOR, note)


SCRIPT_SCENES: dict[str, Callable[[], Published]] = {
    "scripts": scripts,
    "scripts-armed": armed,
    "scripts-running": lambda: scripts(*let_go()),
    "scripts-failed": failed,
    "scripts-by-hand": by_hand,
    "routed": routed,
    "other-route": asking,
}
"""Every scene by its name."""
