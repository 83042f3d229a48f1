"""When a wait will probably be over, by how long each CSC took on earlier nights. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from deploydash.core.model import CscId
from deploydash.core.procedure.names import StepId
from deploydash.core.run.records import ArrivalsLearned, CscsArrived, CscsLeft, StepApproved, StepDone


@dataclass(frozen=True, slots=True)
class EarlierWait:
    """One wait that ended: for each CSC that was there then, how many seconds after its start it arrived to stay."""

    step: StepId
    arrivals: Mapping[CscId, float]


@dataclass(frozen=True, slots=True)
class Eta:
    """What earlier nights say of those missing.

    ``after_s``: seconds after the start of the wait at which the last of those expected is there, None if nobody
    is. ``overdue``: (who, usual seconds), later now than on any night. ``unseen_before``: of whom no night tells.
    """

    runs: int
    after_s: float | None = None
    overdue: tuple[tuple[CscId, float], ...] = ()
    unseen_before: tuple[CscId, ...] = ()


def runs(entries: Iterable[tuple[float, object]]) -> Iterator[EarlierWait]:
    """Yield the waits of one journal that ended, from its records with the UTC of their lines.

    A journal that tells no arrivals, as older ones do not, has none.
    """
    started: dict[StepId, float] = {}
    there: dict[StepId, dict[CscId, float]] = {}
    for utc, record in entries:
        if isinstance(record, StepApproved):
            started[record.step], there[record.step] = utc, {}
        elif isinstance(record, CscsArrived) and record.step in started:
            there[record.step].update(dict.fromkeys(record.cscs, max(0.0, utc - started[record.step])))
        elif isinstance(record, CscsLeft):
            for csc in record.cscs:
                there.get(record.step, {}).pop(csc, None)
        elif isinstance(record, StepDone) and there.get(record.step):
            yield EarlierWait(record.step, there.pop(record.step))


def learned(found: Sequence[EarlierWait]) -> tuple[ArrivalsLearned, ...]:
    """Return what nights tell together, one record for each wait."""
    steps: dict[StepId, list[EarlierWait]] = {}
    for night in found:
        steps.setdefault(night.step, []).append(night)
    return tuple(ArrivalsLearned(step, len(each), _seconds(each)) for step, each in steps.items())


def _seconds(found: Sequence[EarlierWait]) -> tuple[tuple[CscId, tuple[int, ...]], ...]:
    took: dict[CscId, list[int]] = {}
    for night in found:
        for csc, seconds in night.arrivals.items():
            took.setdefault(csc, []).append(round(seconds))
    return tuple((csc, tuple(sorted(times))) for csc, times in sorted(took.items()))


def expected(missing: Iterable[CscId], earlier: ArrivalsLearned | None, elapsed_s: float) -> Eta:
    """Return when those missing are probably there, ``elapsed_s`` seconds into the wait.

    Each is expected at the median of those earlier nights on which it was not there yet by now either, so that no
    estimate lies in the past. Who never took as long is overdue and foretells nothing.
    """
    if earlier is None:
        return Eta(0, unseen_before=tuple(missing))
    times = dict(earlier.seconds)
    ahead: list[float] = []
    overdue, unseen_before = [], []
    for csc in missing:
        took = times.get(csc, ())
        later = [seconds for seconds in took if seconds > elapsed_s]
        if later:
            ahead.append(median(later))
        elif took:
            overdue.append((csc, float(median(took))))
        else:
            unseen_before.append(csc)
    return Eta(earlier.runs, max(ahead, default=None), tuple(overdue), tuple(unseen_before))
