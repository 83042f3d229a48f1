"""A runbook as it is true at one site: phases of steps, each with its targets, commands, gate and debts.

Everything here is a value, made once when a run or a plan opens; what has been done, answered or waived is
kept elsewhere. The texts are complete sentences or phrases for the operator. In a text, ``<cycle>`` and its
like are words that only the run can fill in (``Runbook.blanks`` lists them).

Order within a phase: a step waits for the earlier steps of its own lane and for what its preconditions name;
the first step of each lane waits for every step of the phase before. Both are already written out in
``Step.preconditions``. *Settled* means done, skipped or waived by name, or not applicable by an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from deploydash.core.model import CscId, FeedName, Phase, Target

StepId = NewType("StepId", str)
"""The name of a step, unique in its runbook: ``bridges-stop``."""

DIRECT = StepId("direct")
"""Stands where a record names a step for what the lead commands outside every step; no runbook may use it."""


ItemId = NewType("ItemId", str)
"""The name of an item, unique in its step: a CSC for its transition (``ESS:104``), a number for all else (``#2``)."""

WHOLE = ItemId("")
"""Stands for a step as a whole where an item is named."""


def csc_item(csc: CscId) -> ItemId:
    """Return the name of the item that brings a CSC to its target."""
    return ItemId(str(csc))


def csc_items(cscs: Iterable[CscId]) -> tuple[ItemId, ...]:
    """Return the names of the items that bring these CSCs to their targets."""
    return tuple(ItemId(str(csc)) for csc in cscs)


def numbered(place: int) -> ItemId:
    """Return the name of the item at a place of a step, counted from 0; the name counts from 1."""
    return ItemId(f"#{place + 1}")


class Tier(StrEnum):
    """How much a key press has to be confirmed, from immediate to typing the site's name."""

    READ = "read"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


class Lane(StrEnum):
    """Lines of work that go on side by side; within one of them steps are taken one after the other."""

    MAIN = "main"
    ANNOUNCEMENTS = "announcements"
    PEOPLE = "people"
    CAMERAS = "cameras"
    BARE_METAL = "bare-metal"
    KUBERNETES = "kubernetes"
    ESS = "ess"
    CRIO = "crio"


class StepKind(StrEnum):
    """How a step is carried out.

    ``CSC``: state transitions are commanded. ``SCRIPT``: scripts are added to a ScriptQueue. ``SETTLE``: the
    lead decides one by one about what an earlier step left behind. ``WAIT``: nothing is sent, live data ends
    it. ``MANUAL``: a person does what the commands say and ticks it by name. ``CLOSE``: ends the run.
    """

    CSC = "csc"
    SCRIPT = "script"
    SETTLE = "settle"
    WAIT = "wait"
    MANUAL = "manual"
    CLOSE = "close"


class System(StrEnum):
    """Which outside system a step touches."""

    SAL = "sal"
    SSH = "ssh"
    ARGOCD = "argocd"
    KUBERNETES = "kubernetes"
    GITHUB = "github"
    SLACK = "slack"
    REGISTRY = "registry"
    PERSON = "person"
    DEPLOYDASH = "deploydash"


class Effect(StrEnum):
    """What a step does to the CSCs its items name, so that live data can show it."""

    NONE = "none"
    STOPS = "stops"
    STARTS = "starts"


@dataclass(frozen=True, slots=True)
class CscEffect:
    """What doing an item does to a CSC: the state it leads to."""

    csc: CscId
    target: Target


@dataclass(frozen=True, slots=True)
class CscItem:
    """One CSC and the state it must reach. A wave starts when the one before it has ended.

    ``override`` is the configuration override that ``start`` gets; empty: the one of its site.
    """

    csc: CscId
    target: Target
    wave: int = 0
    override: str = ""


@dataclass(frozen=True, slots=True)
class ScriptItem:
    """One script for a ScriptQueue.

    ``standard`` tells the queue which of its two directories ``path`` is in; ``config`` is the YAML text that
    goes with it, checked against the script's schema. ``effects``: what it does to the states of CSCs, in its order;
    ``opaque``: that cannot be told from its path and configuration.
    """

    queue: CscId
    path: str
    standard: bool
    config: str
    effects: tuple[CscEffect, ...] = ()
    opaque: bool = False


@dataclass(frozen=True, slots=True)
class ManualItem:
    """Something a person does: ``name`` says on what (a host, a CSC, an owner), ``commands`` exactly how.

    ``cscs`` are those on which the effect will be seen.
    """

    name: str
    commands: tuple[str, ...]
    cscs: tuple[CscId, ...] = ()


Item = CscItem | ScriptItem | ManualItem


@dataclass(frozen=True, slots=True)
class StepsSettled:
    """These steps are settled."""

    steps: tuple[StepId, ...]

    @property
    def sentence(self) -> str:
        """The condition in words."""
        return f"{_list(self.steps)} {'is' if len(self.steps) == 1 else 'are'} settled"


@dataclass(frozen=True, slots=True)
class CscsDown:
    """None of these CSCs is up and not waived; up means that it beats and does not report OFFLINE."""

    what: str
    cscs: tuple[CscId, ...]

    @property
    def sentence(self) -> str:
        """The condition in words."""
        return f"{self.what} is down or waived"


@dataclass(frozen=True, slots=True)
class CscAt:
    """This CSC is at this state, as told by a process that beats."""

    csc: CscId
    target: Target

    @property
    def sentence(self) -> str:
        """The condition in words."""
        return f"{self.csc} is {self.target}"


@dataclass(frozen=True, slots=True)
class FeedsUp:
    """These feeds are up, so that what is shown is true and what is sent arrives."""

    feeds: tuple[FeedName, ...]

    @property
    def sentence(self) -> str:
        """The condition in words."""
        names = [feed.value.replace("_", " ") for feed in self.feeds]
        return f"{_list(names)} {'is' if len(names) == 1 else 'are'} up"


@dataclass(frozen=True, slots=True)
class Answered:
    """The lead has answered this question, and the answer is recorded."""

    choice: str

    @property
    def sentence(self) -> str:
        """The condition in words."""
        return f"the question {self.choice!r} is answered"


@dataclass(frozen=True, slots=True)
class DebtsPaid:
    """No debt of this run is open, except those waived by name."""

    @property
    def sentence(self) -> str:
        """The condition in words."""
        return "no debt is open"


Precondition = StepsSettled | CscsDown | CscAt | FeedsUp | Answered | DebtsPaid


@dataclass(frozen=True, slots=True)
class Debt:
    """A reversible change that a step leaves behind once it was done. ``what`` is what is owed, as a noun phrase.

    Doing any of ``paid_by`` pays it; a step that was skipped, waived or did not apply pays nothing.
    """

    id: str
    what: str
    paid_by: tuple[StepId, ...]


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
class Step:
    """One row of the procedure at one site.

    ``ends``: the state of the world that ends it. ``records``: what the tick must name, or empty; ``fills``: the word
    in angle brackets that it is in later texts, or empty. ``shows``: a
    CSC and an event of it that the card shows live, or None. ``at_once``: how many items are worked on at the
    same time. ``limit_s``: seconds of journal time after which the lead is asked, or None. ``other_route``: the
    script that a SETTLE step offers, with ``<csc>`` for the CSC. ``settles``: the step whose remains a SETTLE
    step decides about. ``note``: what to be careful about. ``link``: the paragraph of the public procedure.
    """

    id: StepId
    title: str
    kind: StepKind
    system: System
    tier: Tier
    lane: Lane
    ends: str
    items: tuple[Item, ...] = ()
    preconditions: tuple[Precondition, ...] = ()
    when: tuple[Condition, ...] = ()
    asks: tuple[str, ...] = ()
    debts: tuple[Debt, ...] = ()
    effect: Effect = Effect.NONE
    at_once: int = 1
    limit_s: float | None = None
    settles: StepId | None = None
    other_route: ScriptItem | None = None
    records: str = ""
    fills: str = ""
    shows: tuple[CscId, str] | None = None
    note: str = ""
    link: str = ""

    def item(self, name: ItemId) -> Item | None:
        """Return an item of the step by its name, or None where it has none of that name."""
        if not name.startswith("#"):
            return next((item for item in self.items if isinstance(item, CscItem) and csc_item(item.csc) == name), None)
        place = int(name[1:]) - 1 if name[1:].isdecimal() else -1
        return self.items[place] if 0 <= place < len(self.items) else None

    @property
    def cscs(self) -> tuple[CscId, ...]:
        """The CSCs this step commands, waits for or is seen on, in order, each once."""
        named: dict[CscId, None] = {}
        for item in self.items:
            if isinstance(item, CscItem):
                named[item.csc] = None
            elif isinstance(item, ManualItem):
                named.update(dict.fromkeys(item.cscs))
        return tuple(named)

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
    """A part of a run during which the CSCs of its set are compared with the same thing."""

    id: str
    title: str
    wanted: Phase
    steps: tuple[Step, ...]


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

    def steps(self) -> Iterator[Step]:
        """Yield every step in order."""
        for phase in self.phases:
            yield from phase.steps

    def step(self, step: StepId) -> Step:
        """Return a step by its id.

        Raises:
            KeyError: this runbook has no such step at this site.
        """
        for candidate in self.steps():
            if candidate.id == step:
                return candidate
        raise KeyError(step)

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


def _list(names: tuple[StepId, ...] | list[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
