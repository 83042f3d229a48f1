"""A CSC that is only late when its turn comes is looked at again within its time, and is no failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from deploydash.core.fleet.snapshot import CscView, Reason
from deploydash.core.model import CscId, Effective, Liveness, SummaryState, Target
from deploydash.core.run.ports import End
from deploydash.core.run.records import Outcome
from deploydash.systems.sal.commanding.csc_transition import CscTransition, Timeouts
from deploydash.systems.sal.commanding.specs import TransitionSpec
from tests.support.clock import ManualClock
from tests.support.item_context import RecordingContext
from tests.support.runs import view

WATCHER = CscId("Watcher")
OFFLINE = Target(SummaryState.OFFLINE)
BEATS = view(WATCHER, SummaryState.ENABLED)
LATE = replace(BEATS, liveness=Liveness.LATE, reason=Reason("no heartbeat for 2 s"))
STOOD_STILL = replace(
    view(WATCHER, SummaryState.STANDBY),
    effective=Effective.OFFLINE,
    inferred=True,
    liveness=Liveness.SILENT,
    beat_at=0.0,
)
NO_STATE = replace(BEATS, reported=None, reason=Reason("heartbeat received, no summaryState"))


class Flapping(RecordingContext):
    """A heartbeat comes as soon as it is waited for, and is late again at the look that follows, so many times."""

    def __init__(self, clock: ManualClock, times: int, between: CscView, apart_s: float = 2.0) -> None:
        super().__init__()
        self.views = {WATCHER: between}
        self._clock, self._left, self._between, self._apart_s = clock, times, between, apart_s

    async def seen(self, csc: CscId, when: Callable[[CscView], bool], limit_s: float) -> bool:
        del when
        self._clock.advance(min(self._apart_s, limit_s))
        if limit_s <= self._apart_s:
            return False
        self._left -= 1
        self.views[csc] = self._between if self._left > 0 else BEATS
        return True


class NoLine:
    sender = None


async def first_look(times: int, between: CscView) -> tuple[End | None, float]:
    clock = ManualClock()
    began = clock.monotonic()
    spec = TransitionSpec(WATCHER, OFFLINE, "")
    context = Flapping(clock, times, between)
    drive = CscTransition(spec, "", context, NoLine(), clock, subname="sal", timeouts=Timeouts(decided=20.0))  # type: ignore[arg-type]
    return await drive.before(), clock.monotonic() - began


async def test_a_csc_that_is_late_at_every_look_goes_on_when_it_beats_within_its_time() -> None:
    assert await first_look(7, LATE) == (None, 14.0)


async def test_a_csc_without_a_state_yet_is_waited_for_as_well() -> None:
    assert await first_look(6, NO_STATE) == (None, 12.0)


async def test_one_that_is_late_all_its_time_fails_and_says_so() -> None:
    assert await first_look(99, LATE) == (End(Outcome.FAILED, "no heartbeat: no heartbeat for 2 s"), 20.0)


async def test_one_that_fell_silent_in_standby_is_commanded_when_it_beats_again() -> None:
    """It counts as OFFLINE by then, and would be left up without a command."""
    assert await first_look(5, STOOD_STILL) == (None, 10.0)


async def test_one_that_nobody_told_to_leave_is_believed_gone_after_its_time() -> None:
    assert await first_look(99, STOOD_STILL) == (End(Outcome.REACHED, "was at target already"), 20.0)
