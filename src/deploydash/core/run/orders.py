"""What the lead can order during a run. Every one is checked again when it arrives (``core/run/decide.py``)."""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.core.model import CscId, SummaryState
from deploydash.core.procedure.runbook import WHOLE, ItemId, ScriptItem, StepId


@dataclass(frozen=True, slots=True)
class Approve:
    """Let a step go, as seen in snapshot ``snapshot``; ``overridden`` are sentences of red preconditions."""

    step: StepId
    snapshot: int
    overridden: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SignOff:
    """Say that an item is done, and by whom; WHOLE for the whole step."""

    step: StepId
    by: str
    item: ItemId = WHOLE
    note: str = ""


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
    """Let the run close with this debt open, with a reason."""

    debt: str
    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Try failed or unknown items of a step once more; of a step of scripts all of them if none is named."""

    step: StepId
    items: tuple[ItemId, ...] = ()


@dataclass(frozen=True, slots=True)
class TakeRoute:
    """Bring failed or unknown items of a step to their targets by its other route; ``queue`` None: the runbook's."""

    step: StepId
    items: tuple[ItemId, ...]
    queue: CscId | None = None


@dataclass(frozen=True, slots=True)
class AddScript:
    """Add a script by hand, whatever the runbook says, beside the step that is on the card; ``downs`` as recorded."""

    step: StepId
    script: ScriptItem
    downs: tuple[CscId, ...] = ()


@dataclass(frozen=True, slots=True)
class Control:
    """Order a control of an item, such as to pause, to resume or to stop it."""

    step: StepId
    item: ItemId
    name: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer a question that the procedure leaves open."""

    choice: str
    answer: str


@dataclass(frozen=True, slots=True)
class SetPlaceholders:
    """Tell words in angle brackets that commands of the runbook wait for, each with its text."""

    words: tuple[tuple[str, str], ...]


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
class Release:
    """Let a held run go on."""


@dataclass(frozen=True, slots=True)
class Note:
    """Write a note into the journal."""

    text: str


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
    | Retry
    | TakeRoute
    | AddScript
    | Control
    | DirectCommand
    | Answer
    | SetPlaceholders
    | Extend
    | Hold
    | Release
    | Note
    | Close
)


@dataclass(frozen=True, slots=True)
class ArmStep:
    """Arm a step as its card shows it; nothing is sent. ``overridden`` and ``reason`` as in Approve."""

    step: StepId
    snapshot: int
    overridden: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ArmDirect:
    """Arm a command by hand as its dialog shows it; nothing is sent."""

    order: DirectCommand


@dataclass(frozen=True, slots=True)
class TypeName:
    """The site's name as typed for a severe step."""

    text: str


@dataclass(frozen=True, slots=True)
class Fire:
    """Enter on an armed card."""


@dataclass(frozen=True, slots=True)
class Disarm:
    """Esc on an armed card; also cancels the countdown of a severe step."""


ArmOrder = ArmStep | ArmDirect | TypeName | Fire | Disarm
"""Orders about an arm. They are transient: nothing of them is journaled until the arm fires."""
