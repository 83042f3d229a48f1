"""When a step will probably be over, by how long each of its items took in earlier runs. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from deploydash.core.procedure.names import ItemId, StepId, csc_item
from deploydash.core.run.records import (
    ArrivalsLearned,
    CscsArrived,
    CscsLeft,
    ItemEnded,
    Outcome,
    StepApproved,
    StepDone,
)


@dataclass(frozen=True, slots=True)
class EarlierStep:
    """One step that ended: for each item or CSC that got there, how many seconds after its approval that was."""

    step: StepId
    arrivals: Mapping[ItemId, float]


@dataclass(frozen=True, slots=True)
class Eta:
    """What earlier runs say of those missing.

    ``after_s``: seconds after the approval of the step at which the last of those expected is there, None if nobody
    is. ``overdue``: (who, usual seconds), later now than in any run. ``unseen_before``: of whom no run tells.
    """

    runs: int
    after_s: float | None = None
    overdue: tuple[tuple[ItemId, float], ...] = ()
    unseen_before: tuple[ItemId, ...] = ()


def runs(entries: Iterable[tuple[float, object]]) -> Iterator[EarlierStep]:
    """Yield the steps of one journal that ended, from its records with the UTC of their lines.

    Of a wait it counts when a CSC arrived to stay, of an action when an item was reached; a step of neither has none.
    """
    started: dict[StepId, float] = {}
    there: dict[StepId, dict[ItemId, float]] = {}
    for utc, record in entries:
        if isinstance(record, StepApproved):
            started[record.step], there[record.step] = utc, {}
        elif isinstance(record, CscsArrived) and record.step in started:
            came = dict.fromkeys(map(csc_item, record.cscs), max(0.0, utc - started[record.step]))
            there[record.step].update(came)
        elif isinstance(record, ItemEnded) and record.step in started and record.outcome is Outcome.REACHED:
            there[record.step][record.item] = max(0.0, utc - started[record.step])
        elif isinstance(record, CscsLeft):
            for csc in record.cscs:
                there.get(record.step, {}).pop(csc_item(csc), None)
        elif isinstance(record, StepDone) and there.get(record.step):
            yield EarlierStep(record.step, there.pop(record.step))


def learned(found: Sequence[EarlierStep]) -> tuple[ArrivalsLearned, ...]:
    """Return what runs tell together, one record for each step."""
    steps: dict[StepId, list[EarlierStep]] = {}
    for earlier in found:
        steps.setdefault(earlier.step, []).append(earlier)
    return tuple(ArrivalsLearned(step, len(each), _seconds(each)) for step, each in steps.items())


def _seconds(found: Sequence[EarlierStep]) -> tuple[tuple[ItemId, tuple[int, ...]], ...]:
    took: dict[ItemId, list[int]] = {}
    for earlier in found:
        for item, seconds in earlier.arrivals.items():
            took.setdefault(item, []).append(round(seconds))
    return tuple((item, tuple(sorted(times))) for item, times in sorted(took.items()))


def expected(missing: Iterable[ItemId], earlier: ArrivalsLearned | None, elapsed_s: float) -> Eta:
    """Return when those missing are probably there, ``elapsed_s`` seconds into the step.

    Each is expected at the median of those earlier runs in which it was not there yet by now either, so that no
    estimate lies in the past. Who never took as long is overdue and predicts nothing.
    """
    if earlier is None:
        return Eta(0, unseen_before=tuple(missing))
    times = dict(earlier.seconds)
    ahead: list[float] = []
    overdue, unseen_before = [], []
    for item in missing:
        took = times.get(item, ())
        later = [seconds for seconds in took if seconds > elapsed_s]
        if later:
            ahead.append(median(later))
        elif took:
            overdue.append((item, float(median(took))))
        else:
            unseen_before.append(item)
    return Eta(earlier.runs, max(ahead, default=None), tuple(overdue), tuple(unseen_before))


def usual_s(item: ItemId, earlier: ArrivalsLearned | None) -> float | None:
    """Return the longest that an item took in earlier runs, in seconds; None where none tells."""
    took = dict(earlier.seconds).get(item, ()) if earlier is not None else ()
    return float(max(took)) if took else None
