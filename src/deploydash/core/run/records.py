"""What a run leaves in its journal: every decision with who made it, every intent before it acts, every outcome.

All are facts in the past tense. Times stand on the journal's line (UTC); only what must survive a resume on
another clock is in the record itself. No record ever carries a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import get_args

from deploydash.core.model import CscId, SummaryState
from deploydash.core.procedure.runbook import CscEffect, ItemId, StepId


class Outcome(StrEnum):
    """How one target of a step ended. ``UNKNOWN`` is not failed: it is settled by looking."""

    REACHED = "reached"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RunOpened:
    """A run began, from these files.

    ``only`` are the CSCs that a run about named ones was opened for. ``lost`` is of older journals and empty: who
    was LOST before is known only when all was looked at (LostFound). ``speed``: how many times faster than real a
    rehearsal goes. The hashes are SHA-256 of the files' bytes in hex, empty where an earlier version wrote none.
    """

    run: str
    site: str
    runbook: str
    cycle: str
    operator: str
    rehearsal: bool
    site_file: str = ""
    runbook_file: str = ""
    only: tuple[str, ...] = ()
    lost: tuple[CscId, ...] = ()
    site_sha256: str = ""
    runbook_sha256: str = ""
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class RunResumed:
    """The run was taken up again by a new process; what was under way then is unknown until it is looked at.

    ``changed`` names the files that are not what they were when the run was opened or last taken up; the hashes are
    theirs as they were read now, as in RunOpened.
    """

    operator: str
    process: int
    changed: tuple[str, ...] = ()
    site_sha256: str = ""
    runbook_sha256: str = ""


@dataclass(frozen=True, slots=True)
class StepApproved:
    """The lead let a step go, having seen snapshot ``snapshot``. ``overridden`` names red preconditions."""

    step: StepId
    operator: str
    snapshot: int
    overridden: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DirectCommandApproved:
    """The lead let one command go to CSCs outside every step, having seen them in ``seen`` in snapshot ``snapshot``.

    What follows names the step ``direct``. ``override``: the configuration override of ``start``, empty for none.
    """

    cscs: tuple[CscId, ...]
    command: str
    override: str
    seen: tuple[SummaryState, ...]
    operator: str
    snapshot: int


@dataclass(frozen=True, slots=True)
class RequestIntended:
    """A request for an item is about to be sent; on disk before it is.

    ``to``: the CSC that gets it. ``begins``: what it begins goes on outside and is known there by ``seq_num``, so that
    it is looked for and never sent again.
    """

    step: StepId
    item: ItemId
    to: CscId
    command: str
    seq_num: int
    identity: str
    origin: int
    begins: bool = False


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """The final answer to a request of ours, or that none came within its time (``ack`` 0)."""

    step: StepId
    item: ItemId
    command: str
    seq_num: int
    ack: int
    result: str


@dataclass(frozen=True, slots=True)
class ItemsDispatched:
    """These items of a step may be worked on from now on: all of them at first, fewer on a retry."""

    step: StepId
    items: tuple[ItemId, ...]
    operator: str


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """The lead added a script to a step: another route for items that failed, or beside what the runbook says.

    ``instead_of``: the items that it shall bring to their targets, none where it was added beside them. ``effects``:
    what it does to CSCs, in its order, as far as that is known.
    """

    step: StepId
    item: ItemId
    instead_of: tuple[ItemId, ...]
    queue: CscId
    path: str
    standard: bool
    config: str
    effects: tuple[CscEffect, ...]
    operator: str


@dataclass(frozen=True, slots=True)
class ControlOrdered:
    """The lead ordered a control of an item, such as to pause, to resume or to stop; ``name`` as its system has it."""

    step: StepId
    item: ItemId
    name: str
    operator: str


@dataclass(frozen=True, slots=True)
class ItemProgressed:
    """What an item under way has come to: what it is known by outside, its state, last checkpoint and last log line.

    ``paused``: nothing further of its kind starts there until that is resumed.
    """

    step: StepId
    item: ItemId
    sal_index: int
    state: str
    checkpoint: str
    log: str = ""
    paused: bool = False


@dataclass(frozen=True, slots=True)
class ItemEnded:
    """One item of a step ended: its effect was seen or it was carried out, it failed, or its outcome is unknown."""

    step: StepId
    item: ItemId
    outcome: Outcome
    why: str


@dataclass(frozen=True, slots=True)
class ItemSignedOff:
    """Somebody says that an item is done, and who did it; ``item`` is WHOLE for the step as a whole."""

    step: StepId
    item: ItemId
    by: str
    operator: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step ended: what ends it was seen or ticked."""

    step: StepId


@dataclass(frozen=True, slots=True)
class StepSkipped:
    """The lead left a step out, with a reason."""

    step: StepId
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class CscsWaived:
    """The lead waived CSCs by name for the rest of the run: they hold no gate and no wait any more."""

    cscs: tuple[CscId, ...]
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class DebtWaived:
    """The lead lets the run close with this debt open, with a reason."""

    debt: str
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChoiceAnswered:
    """A question that the procedure leaves open was answered."""

    choice: str
    answer: str
    operator: str


@dataclass(frozen=True, slots=True)
class PlaceholderSet:
    """The lead told a word in angle brackets that commands of the runbook wait for, such as ``date``."""

    word: str
    text: str
    operator: str


@dataclass(frozen=True, slots=True)
class WaitExtended:
    """The lead gave a wait more time, in seconds."""

    step: StepId
    seconds: float
    operator: str


@dataclass(frozen=True, slots=True)
class CscsArrived:
    """These CSCs of a wait were seen at their targets: at its first look, or since."""

    step: StepId
    cscs: tuple[CscId, ...]


@dataclass(frozen=True, slots=True)
class CscsLeft:
    """These CSCs of a wait had arrived and are seen somewhere else now; of whom nothing is known has not left."""

    step: StepId
    cscs: tuple[CscId, ...]


@dataclass(frozen=True, slots=True)
class ArrivalsLearned:
    """How many seconds after the start of a wait each CSC arrived, in ascending order, on ``nights`` earlier nights.

    Read from other journals of the machine that leads, and written down so that a resume, an observer and a replay
    tell the same by this journal alone.
    """

    step: StepId
    runs: int
    seconds: tuple[tuple[CscId, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class LostFound:
    """These CSCs were LOST already when the run opened, as its first full look at the site found."""

    cscs: tuple[CscId, ...]


@dataclass(frozen=True, slots=True)
class RunHeld:
    """Everything was held: no further target is dispatched. ``by`` may be an observer."""

    by: str


@dataclass(frozen=True, slots=True)
class RunReleased:
    """The lead let a held run go on."""

    operator: str


@dataclass(frozen=True, slots=True)
class NoteWritten:
    """A note of the lead."""

    text: str
    operator: str


@dataclass(frozen=True, slots=True)
class GateClosedSpuriously:
    """The gate of a step was shut, or its arm died, by no CSC's doing, and stood open again on the same facts.

    ``sentence`` is the precondition that was red, ``cause`` which kind of not seeing made it so (core.closures),
    ``seconds`` how long it was shut. ``armed``: the card was armed then. ``overridden``: it did not open by itself,
    the lead overrode it.
    """

    step: StepId
    sentence: str
    cause: str
    seconds: float
    armed: bool = False
    overridden: bool = False


@dataclass(frozen=True, slots=True)
class RunClosed:
    """The run ended; nothing follows."""

    operator: str


RunRecord = (
    RunOpened
    | RunResumed
    | StepApproved
    | DirectCommandApproved
    | RequestIntended
    | RequestAnswered
    | ItemsDispatched
    | ItemAdded
    | ControlOrdered
    | ItemProgressed
    | ItemEnded
    | ItemSignedOff
    | StepDone
    | StepSkipped
    | CscsWaived
    | DebtWaived
    | ChoiceAnswered
    | PlaceholderSet
    | WaitExtended
    | CscsArrived
    | CscsLeft
    | ArrivalsLearned
    | LostFound
    | RunHeld
    | RunReleased
    | NoteWritten
    | GateClosedSpuriously
    | RunClosed
)

RUN_RECORDS: tuple[type[RunRecord], ...] = get_args(RunRecord)
"""Every kind of record, for whoever writes and reads them by name."""
