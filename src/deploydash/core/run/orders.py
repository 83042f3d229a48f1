"""What the lead can order during a run. Every one is checked again when it arrives (``core/run/decide.py``)."""

from __future__ import annotations

from dataclasses import dataclass, field

from deploydash.core.model import CscId, SummaryState
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import WHOLE, ItemId, StepId
from deploydash.core.run.records import Reply


@dataclass(frozen=True, slots=True)
class Approve:
    """Approve a step, as seen in snapshot ``snapshot``; ``overridden`` are sentences of red preconditions.

    ``approved`` and ``digest``: what its items' system read and the card showed, as in ``ItemsDispatched``.
    """

    step: StepId
    snapshot: int
    overridden: tuple[str, ...] = ()
    reason: str = ""
    approved: tuple[tuple[ItemId, str], ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class SignOff:
    """Say that an item is done, and by whom; WHOLE for the whole step.

    ``reply``: what was answered, where items are answers. ``reason``: why it stands though something else is seen.
    """

    step: StepId
    by: str
    item: ItemId = WHOLE
    note: str = ""
    reply: Reply = Reply.YES
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    """End a wait whose CSCs have all arrived or were waived."""

    step: StepId


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave a step out, with a reason."""

    step: StepId
    reason: str


@dataclass(frozen=True, slots=True)
class Waive:
    """Waive CSCs by name with one reason; ``count`` is what the lead typed for more than one."""

    cscs: tuple[CscId, ...]
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class WaiveDebt:
    """Waive a debt, so that the run can close with it open; with a reason."""

    debt: str
    reason: str


@dataclass(frozen=True, slots=True)
class PassDebt:
    """Pass a debt on to somebody by name; it is owed still."""

    debt: str
    to: str


@dataclass(frozen=True, slots=True)
class PayDebt:
    """Record that what was owed was undone, and who did it."""

    debt: str
    by: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Try failed or unknown items of a step once more; all that need a decision if none is named.

    ``approved`` and ``digest`` as in Approve.
    """

    step: StepId
    items: tuple[ItemId, ...] = ()
    approved: tuple[tuple[ItemId, str], ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class AddItem:
    """Have an item done that no step has: instead of items that failed, or beside what the runbook says.

    ``item`` as its system made it; its name is given when it is added.
    """

    step: StepId
    item: Item
    instead_of: tuple[ItemId, ...] = ()
    approved: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """Order a control of an item, such as to pause, to resume or to stop it."""

    step: StepId
    item: ItemId
    name: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer a question that the procedure leaves open; ``about``: what its step would do, as it was shown."""

    choice: str
    answer: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class AnswerItem:
    """Answer the question of an item under way; ``digest`` as it was shown, in QuestionAsked."""

    step: StepId
    item: ItemId
    question: str
    answer: str
    digest: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class SetPlaceholders:
    """Set placeholders that commands of the runbook wait for, each with its text."""

    words: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EditText:
    """Write what an item says to people otherwise than the runbook does."""

    step: StepId
    item: ItemId
    text: str


@dataclass(frozen=True, slots=True)
class Extend:
    """Give a wait more time, in seconds."""

    step: StepId
    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold everything; ``by`` names an observer where the lead did not press the key."""

    by: str


@dataclass(frozen=True, slots=True)
class EmergencyStop:
    """Send the emergency stops of systems at once: they only stop, so that nothing is asked before."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """Release a held run."""


@dataclass(frozen=True, slots=True)
class Note:
    """Write a note into the journal."""

    text: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Take note that these people command CSCs from elsewhere."""

    identities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Close:
    """Close the run for good."""


@dataclass(frozen=True, slots=True)
class DirectCommand:
    """Send one command to CSCs outside every step, as they were seen in ``seen`` in snapshot ``snapshot``.

    ``typed``: the name of a protected CSC, or the count of several, as the lead typed it.
    """

    cscs: tuple[CscId, ...]
    command: str
    seen: tuple[SummaryState, ...]
    snapshot: int
    override: str = ""
    typed: str = ""


RunOrder = (
    Approve
    | SignOff
    | Finish
    | Skip
    | Waive
    | WaiveDebt
    | PassDebt
    | PayDebt
    | Retry
    | AddItem
    | Control
    | DirectCommand
    | Answer
    | AnswerItem
    | SetPlaceholders
    | EditText
    | Extend
    | Hold
    | EmergencyStop
    | Release
    | Note
    | Acknowledge
    | Close
)


Proposal = Retry | AddItem | Control | AnswerItem | Release
"""An order outside of a step's approval that changes something outside, or lets something go on that does."""


@dataclass(frozen=True, slots=True)
class ArmStep:
    """Arm a step as its card shows it; nothing is sent. ``overridden`` and ``reason`` as in Approve."""

    step: StepId
    snapshot: int
    overridden: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ArmDirect:
    """Arm a direct command as its dialog shows it; nothing is sent."""

    order: DirectCommand


@dataclass(frozen=True, slots=True)
class ArmProposal:
    """Arm a retry, an added item, a control, an answer or a release as its dialog shows it; nothing is sent."""

    order: Proposal


@dataclass(frozen=True, slots=True)
class TypeName:
    """The site's name as typed for what is severe; ``PROPOSED`` for an order about items."""

    text: str
    step: StepId


@dataclass(frozen=True, slots=True)
class Fire:
    """Enter on an armed card; ``DIRECT`` for a direct command, ``PROPOSED`` for an order about items."""

    step: StepId


@dataclass(frozen=True, slots=True)
class Disarm:
    """Esc on an armed card, which also cancels the countdown of a severe step; ``step`` None disarms all."""

    step: StepId | None = None


ArmOrder = ArmStep | ArmDirect | ArmProposal | TypeName | Fire | Disarm
"""Orders about an arm. They are transient: nothing of them is journaled until the arm fires."""
