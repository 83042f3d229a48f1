"""A runbook as it is true at one site: phases of steps, each with its items, gate and debts.

Everything here is a value, made once when a run or a plan opens; what has been done, answered or waived is
kept elsewhere. The texts are complete sentences or phrases for the operator. In a text, ``<cycle>`` and its
like are words that only the run can fill in (``Runbook.blanks`` lists them).

Order within a phase: a step waits for the earlier steps of its own lane and for what its preconditions name;
the first step of each lane waits for every step of the phase before. ``Step.preconditions`` names the last of each
only; ``Runbook.before`` has all that these build on, for a step that does not apply, or was skipped, settles nobody
but itself. *Settled* means done, skipped or waived by name, or not applicable by an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from deploydash.core.model import CscId, Phase, Target
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import ItemId, Lane, StepId, SystemName
from deploydash.core.procedure.preconditions import Precondition, StepsSettled


class Tier(StrEnum):
    """How much a key press has to be confirmed, from immediate to typing the site's name."""

    READ = "read"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


class StepKind(StrEnum):
    """What a step is, whatever system carries it out.

    ``ACTION``: a system works on its items. ``MANUAL``: a person does what the items say and signs them off.
    ``WAIT``: nothing is sent, live data ends it. ``DECIDE``: the lead decides one by one about what an earlier step
    left behind. ``CLOSE``: ends the run.
    """

    ACTION = "action"
    MANUAL = "manual"
    WAIT = "wait"
    DECIDE = "decide"
    CLOSE = "close"


class OfKind:
    """What a step is, asked of whatever has its ``kind``."""

    __slots__ = ()
    kind: StepKind

    @property
    def acts(self) -> bool:
        """Whether a system changes something outside by it."""
        return self.kind is StepKind.ACTION

    @property
    def manual(self) -> bool:
        """Whether a person does it."""
        return self.kind is StepKind.MANUAL

    @property
    def waits(self) -> bool:
        """Whether live data ends it."""
        return self.kind is StepKind.WAIT

    @property
    def decides(self) -> bool:
        """Whether the lead decides about what another step left."""
        return self.kind is StepKind.DECIDE

    @property
    def closes(self) -> bool:
        """Whether it ends the run."""
        return self.kind is StepKind.CLOSE


class Order(StrEnum):
    """How the items of a step follow each other.

    ``WAVES``: a wave goes when every item of the one before has ended, however. ``SEQUENCE``: one item after the
    other, each when the one before it has been reached or signed off.
    """

    WAVES = "waves"
    SEQUENCE = "sequence"


@dataclass(frozen=True, slots=True)
class Fallback:
    """Another way for items that did not go: what is offered, and the template its system makes the item from.

    ``reaches``: what it can lead a CSC to, as it stands in the template.
    """

    label: str
    system: SystemName
    template: str
    reaches: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Debt:
    """A reversible change that a step leaves behind once it was done. ``what`` is what is owed, as a noun phrase.

    Doing any of ``paid_by`` pays it; a step that was skipped, waived or did not apply pays nothing. ``restore``: the
    value that was read before the change and has to be put back, empty where there is none. ``effects``: where its CSCs
    are once it was undone, whoever did it.
    """

    id: str
    what: str
    paid_by: tuple[StepId, ...]
    restore: str = ""
    effects: tuple[CscEffect, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A step applies only if a question was answered with one of these."""

    choice: str
    answers: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The condition in words."""
        return f"{self.choice} is {' or '.join(self.answers)}"


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a question.

    ``startup`` replaces the start-up targets of some CSCs; ``wanted`` replaces what a phase (by its id)
    compares with.
    """

    answer: str
    text: str
    startup: tuple[tuple[CscId, Target], ...] = ()
    wanted: tuple[tuple[str, Phase], ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A question that the procedure leaves open; the answer goes into the journal. The first option is the safe one."""

    id: str
    question: str
    options: tuple[Option, ...]
    asked_by: StepId


@dataclass(frozen=True, slots=True)
class Step(OfKind):
    """One row of the procedure at one site.

    ``ends``: the state of the world that ends it. ``awaits``: of a WAIT, where each CSC is to be seen. ``records``:
    what its sign-off must name, or empty; ``record_of``: the owner of the site whose person that is, or empty;
    ``fills``: the word in angle brackets that it is in later texts, or empty.
    ``one_each``: each item is somebody's own yes or no, and nobody signs for another.
    ``passes_on``: the steps whose debts somebody takes over once this one is done, and ``passes_to`` who.
    ``shows``: a CSC and an event of it that the card shows live, or None. ``at_once``: how many items are worked on at
    the same time. ``limit_s``: of a WAIT, seconds of journal time after which the lead is asked, or None. ``budget_s``:
    of an ACTION, seconds in which one item must have ended, or None. ``settles``: the step whose remains a DECIDE step
    decides about; ``fallbacks``: how else. ``note``: what to be careful about. ``link``: where the public procedure
    has it, an address and nothing else; ``paragraph``: which item of it there.
    """

    id: StepId
    title: str
    kind: StepKind
    system: SystemName
    tier: Tier
    lane: Lane
    ends: str
    items: tuple[Item, ...] = ()
    awaits: tuple[CscEffect, ...] = ()
    preconditions: tuple[Precondition, ...] = ()
    when: tuple[Condition, ...] = ()
    asks: tuple[str, ...] = ()
    debts: tuple[Debt, ...] = ()
    at_once: int = 1
    order: Order = Order.WAVES
    limit_s: float | None = None
    budget_s: float | None = None
    settles: StepId | None = None
    fallbacks: tuple[Fallback, ...] = ()
    records: str = ""
    record_of: str = ""
    fills: str = ""
    one_each: bool = False
    passes_on: tuple[StepId, ...] = ()
    passes_to: str = ""
    shows: tuple[CscId, str] | None = None
    note: str = ""
    link: str = ""
    paragraph: str = ""
    _by_name: dict[ItemId, Item] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Its items, put here when one is first asked for: a screen asks for each of a hundred many times a second."""

    def item(self, name: ItemId) -> Item | None:
        """Return an item of the step by its name, or None where it has none of that name."""
        if not self._by_name:
            self._by_name.update((item.id, item) for item in self.items)
        return self._by_name.get(name)

    @property
    def cscs(self) -> tuple[CscId, ...]:
        """The CSCs this step commands, waits for or is seen on, in order, each once."""
        effects = (*self.awaits, *(effect for item in self.items for effect in item.effects))
        return tuple(dict.fromkeys(effect.csc for effect in effects))

    def applies(self, answers: Mapping[str, str]) -> bool | None:
        """Return whether the step is to be done under these answers; None while one it needs is open."""
        open_questions = False
        for condition in self.when:
            answer = answers.get(condition.choice)
            if answer is None:
                open_questions = True
            elif answer not in condition.answers:
                return False
        return None if open_questions else True


@dataclass(frozen=True, slots=True)
class RunPhase:
    """A part of a run during which the CSCs of its set are compared with the same thing.

    ``way_back``: the runbook that takes back what its steps did, to be offered where one of them failed; or empty.
    """

    id: str
    title: str
    wanted: Phase
    steps: tuple[Step, ...]
    way_back: str = ""


@dataclass(frozen=True, slots=True)
class Runbook:
    """A whole runbook at one site.

    ``concerns``: the CSCs this run is about; all others stay as they are and hold no gate. ``shutdown_set``: those
    of them it takes down between the Watcher and the ScriptQueues. ``protected``: those no bulk step may touch.
    ``blanks``: the words in angle brackets that the run fills in.
    """

    id: str
    title: str
    site: str
    rehearsal: bool
    concerns: tuple[CscId, ...]
    shutdown_set: tuple[CscId, ...]
    protected: tuple[CscId, ...]
    choices: tuple[Choice, ...]
    phases: tuple[RunPhase, ...]
    blanks: tuple[str, ...] = ()
    _before: dict[StepId, tuple[Step, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What each step builds on, found out once: every gate asks for it, four times a second."""
    _by_id: dict[StepId, Step] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Its steps, as a step's items."""

    def steps(self) -> Iterator[Step]:
        """Yield every step in order."""
        for phase in self.phases:
            yield from phase.steps

    def step(self, step: StepId) -> Step:
        """Return a step by its id.

        Raises:
            KeyError: this runbook has no such step at this site.
        """
        if not self._by_id:
            self._by_id.update((each.id, each) for each in self.steps())
        return self._by_id[step]

    def before(self, step: Step) -> tuple[Step, ...]:
        """Return every step that a step builds on: those that its preconditions name, what these name, and so on."""
        known = self._before.get(step.id)
        if known is None:
            steps = {each.id: each for each in self.steps()}
            found: set[StepId] = set()
            ahead = [steps.get(step.id, step)]
            while ahead:
                for name in _settled_first(ahead.pop()):
                    if name not in found and name in steps:
                        found.add(name)
                        ahead.append(steps[name])
            known = self._before[step.id] = tuple(each for each in steps.values() if each.id in found)
        return known

    def named_before(self, step: Step) -> tuple[Step, ...]:
        """Return the steps that a step's own preconditions name."""
        named = set(_settled_first(step))
        return tuple(each for each in self.before(step) if each.id in named)

    def startup_targets(self, answers: Mapping[str, str]) -> dict[CscId, Target]:
        """Return the start-up targets that answers so far replace."""
        return {
            csc: target
            for choice in self.choices
            for option in choice.options
            if answers.get(choice.id) == option.answer
            for csc, target in option.startup
        }

    def wanted(self, phase: RunPhase, answers: Mapping[str, str]) -> Phase:
        """Return what a phase compares with, given the answers so far."""
        for choice in self.choices:
            for option in choice.options:
                if answers.get(choice.id) == option.answer:
                    for name, wanted in option.wanted:
                        if name == phase.id:
                            return wanted
        return phase.wanted


def _settled_first(step: Step) -> Iterator[StepId]:
    """Yield the steps that a step's own preconditions want settled."""
    for condition in step.preconditions:
        if isinstance(condition, StepsSettled):
            yield from condition.steps
