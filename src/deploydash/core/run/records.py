"""What a run leaves in its journal: every decision with who made it, every intent before it acts, every outcome.

All are facts in the past tense. Times stand on the journal's line (UTC). No record ever carries a secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import get_args

from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId, StepId
from deploydash.core.procedure.runbook import Debt, Tier
from deploydash.core.run.text_records import TextEdited


class Outcome(StrEnum):
    """How one item of a step ended. ``UNKNOWN`` is not failed: it is settled by looking."""

    REACHED = "reached"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Reply(StrEnum):
    """What was said of an item when it was signed off. ``NO`` settles nothing; ``WAIVED`` does, with a reason."""

    YES = "yes"
    NO = "no"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class RunOpened:
    """A run began, from these files.

    ``only``: the CSCs that a run about named ones is for. ``speed``: so many times faster than real a rehearsal goes.
    The hashes are SHA-256 of the files' bytes in hex.
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
    site_sha256: str = ""
    runbook_sha256: str = ""
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class RunResumed:
    """The run was taken up again by a new process; what was under way then is unknown until it is looked at.

    ``changed``: the files that are not what they were then; the hashes are theirs as they were read now.
    """

    operator: str
    process: int
    changed: tuple[str, ...] = ()
    site_sha256: str = ""
    runbook_sha256: str = ""


@dataclass(frozen=True, slots=True)
class StepApproved:
    """The lead approved a step, having seen snapshot ``snapshot``. ``overridden`` names red preconditions.

    ``approved``: what each item's system read and the card showed, as JSON; ``digest``: of all that would be sent.
    ``items``: what the items of the step were, in a few characters (core/run/begun.py).
    """

    step: StepId
    operator: str
    snapshot: int
    overridden: tuple[str, ...] = ()
    reason: str = ""
    approved: tuple[tuple[ItemId, str], ...] = ()
    digest: str = ""
    items: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ItemsDispatched:
    """These items of a step may be worked on from now on: all of them at first, fewer on a retry.

    ``approved`` and ``digest`` as in StepApproved; empty where the approval of the step holds.
    """

    step: StepId
    items: tuple[ItemId, ...]
    operator: str
    approved: tuple[tuple[ItemId, str], ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """The lead added an item to a step, or outside every step, and it may be worked on from now on.

    ``instead_of``: the items that failed or are unknown for which it is another way; they are settled by its effects.
    None where it was added beside them. ``seen``: how the CSCs it concerns were seen when it was approved.
    """

    step: StepId
    item: Item
    operator: str
    instead_of: tuple[ItemId, ...] = ()
    approved: str = ""
    seen: str = ""


@dataclass(frozen=True, slots=True)
class RequestIntended:
    """A request for an item is about to be sent; on disk before it is.

    ``key``: by what its system knows it again, as the system writes it. ``begins``: what it begins goes on outside, so
    that it is looked for by its key and never sent again. ``owes``: what has to be undone once this was sent.
    """

    step: StepId
    item: ItemId
    text: str
    key: str = ""
    begins: bool = False
    owes: Debt | None = None


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """What came of a request of ours: it was taken (``ok``), refused (not ``ok``), or no answer came (None)."""

    step: StepId
    item: ItemId
    ok: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class ControlOrdered:
    """The lead ordered a control of an item, such as to pause, to resume or to stop; ``name`` as its system has it."""

    step: StepId
    item: ItemId
    name: str
    operator: str


@dataclass(frozen=True, slots=True)
class ItemProgressed:
    """What an item under way has come to.

    ``state``: in a word or two; ``line``: the last it reported; ``done`` of ``of``: how far, 0 of 0 where nobody knows.
    ``known_as``: what it is called outside. ``paused``: nothing further of its kind starts there until resumed.
    """

    step: StepId
    item: ItemId
    state: str
    line: str = ""
    done: int = 0
    of: int = 0
    known_as: str = ""
    paused: bool = False


@dataclass(frozen=True, slots=True)
class ItemEnded:
    """One item of a step ended: its effect was seen or it was carried out, it failed, or its outcome is unknown.

    ``values``: what it made known, such as a number or a commit. ``left``: what of it remains outside.
    """

    step: StepId
    item: ItemId
    outcome: Outcome
    why: str
    values: tuple[tuple[str, str], ...] = ()
    left: str = ""


@dataclass(frozen=True, slots=True)
class ItemSignedOff:
    """Somebody says that an item is done, and who did it; ``item`` is WHOLE for the step as a whole.

    ``reply``: where items are answers. ``against``: what was seen against it then; ``reason``: why it stands.
    """

    step: StepId
    item: ItemId
    by: str
    operator: str
    note: str = ""
    reply: Reply = Reply.YES
    against: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AnswerOffered:
    """One answer to a question of an item; ``tier``: how it is confirmed."""

    answer: str
    text: str
    tier: Tier = Tier.MODERATE


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """An item under way cannot go on without the lead's answer; after a resume it is asked again.

    ``digest``: of the question, its answers and what was read for it; another one asks something else.
    """

    step: StepId
    item: ItemId
    question: str
    answers: tuple[AnswerOffered, ...]
    digest: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    """The lead answered the question of an item."""

    step: StepId
    item: ItemId
    question: str
    answer: str
    operator: str
    digest: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class DebtPassed:
    """Somebody else undoes from now on what is owed: ``to`` names them. It is owed still."""

    debt: str
    to: str
    operator: str


@dataclass(frozen=True, slots=True)
class DebtPaid:
    """What was owed was undone: ``by`` names the item or who did it, or says that it was seen.

    ``operator``: the lead who recorded it, empty where the program did.
    """

    debt: str
    by: str
    operator: str = ""


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step ended: what ends it was seen or signed off."""

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
    """The lead waived this debt, so that the run can close with it open; with a reason."""

    debt: str
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChoiceAnswered:
    """A question that the procedure leaves open was answered; ``about``: what its card showed of what it asks about."""

    choice: str
    answer: str
    operator: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class PlaceholderSet:
    """The lead set a placeholder that commands of the runbook wait for, such as ``date``."""

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
    """How many seconds after its approval each item of a step was reached, or each CSC of a wait arrived.

    ``seconds`` are in ascending order, from so many earlier ``runs``; a CSC stands as the item that is named after it.

    Read from other journals of the machine that leads, and written down so that all readers of this one show the same.
    """

    step: StepId
    runs: int
    seconds: tuple[tuple[ItemId, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class LostFound:
    """These CSCs were LOST already when the run opened, as its first full look at the site found."""

    cscs: tuple[CscId, ...]


@dataclass(frozen=True, slots=True)
class RunHeld:
    """Everything was held: no further item is dispatched. ``by`` may be an observer."""

    by: str


@dataclass(frozen=True, slots=True)
class RunReleased:
    """The lead released a held run."""

    operator: str


@dataclass(frozen=True, slots=True)
class NoteWritten:
    """A note of the lead."""

    text: str
    operator: str


@dataclass(frozen=True, slots=True)
class GateClosedSpuriously:
    """The gate of a step was closed, or its arm ended, by no CSC's doing, and stood open again on the same facts.

    ``sentence`` is the precondition that was red, ``cause`` which kind of not seeing made it so
    (core/run/gate_flaps.py), ``seconds`` how long it was closed. ``armed``: the card was armed then. ``overridden``: it
    did not open by itself, the lead overrode it.
    """

    step: StepId
    sentence: str
    cause: str
    seconds: float
    armed: bool = False
    overridden: bool = False


@dataclass(frozen=True, slots=True)
class NoticeAcknowledged:
    """The lead has taken note that somebody else commands CSCs."""

    identity: str
    operator: str


@dataclass(frozen=True, slots=True)
class RunClosed:
    """The run ended; nothing follows."""

    operator: str


RunRecord = (
    RunOpened
    | RunResumed
    | StepApproved
    | ItemsDispatched
    | ItemAdded
    | RequestIntended
    | RequestAnswered
    | ControlOrdered
    | ItemProgressed
    | ItemEnded
    | ItemSignedOff
    | QuestionAsked
    | QuestionAnswered
    | DebtPassed
    | DebtPaid
    | StepDone
    | StepSkipped
    | CscsWaived
    | DebtWaived
    | ChoiceAnswered
    | PlaceholderSet
    | TextEdited
    | WaitExtended
    | CscsArrived
    | CscsLeft
    | ArrivalsLearned
    | LostFound
    | RunHeld
    | RunReleased
    | NoteWritten
    | GateClosedSpuriously
    | NoticeAcknowledged
    | RunClosed
)

RUN_RECORDS: tuple[type[RunRecord], ...] = get_args(RunRecord)
"""Every kind of record, by name."""
