"""The shape of a runbook file. What its parts have to do with each other is checked in ``runbook_lint*.py``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, Strict, WithJsonSchema
from pydantic import model_validator as validator

from deploydash.config.site import Csc, Text, Wanted
from deploydash.core.model import Phase, Target, TargetKind
from deploydash.core.procedure.names import MAIN, SAL, Lane, SystemName
from deploydash.core.procedure.runbook import OfKind, StepKind, Tier

_ID = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
_KINDS = tuple(kind.value for kind in TargetKind)

PLAIN_SYSTEMS = (
    *("sal", "ssh", "argocd", "kubernetes", "github", "slack", "registry", "person", "deploydash", "orchestrator"),
)
"""What a step may name as its system, whether or not anything here acts on it."""


class Effect(StrEnum):
    """What a manual step does to the CSCs that its items name."""

    STOPS = "stops"
    STARTS = "starts"


def _id(text: Any) -> str:
    if not isinstance(text, str) or not re.match(_ID, text):
        raise ValueError(f"{text!r} is not a name here", "use small letters, digits and - such as bridges-stop")
    return text


def _seconds(value: Any) -> float:
    found = re.fullmatch(r"([0-9]{1,6})(s|m|h)", value) if isinstance(value, str) else None
    if not found or int(found[1]) == 0:
        raise ValueError(f"{value!r} is not a time", "write for example 30m, 90s or 2h")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def _goal(value: Any) -> Target | TargetKind:
    if isinstance(value, str) and value in _KINDS:
        return TargetKind(value)
    try:
        target = Target.parse(value) if isinstance(value, str) else None
    except ValueError:
        target = None
    if target is None or target.state.name == "FAULT":
        raise ValueError(f"{value!r} is not a target", f"use {', '.join(_KINDS)} or a state such as OFFLINE")
    return target


def _wanted(value: Any) -> Phase:
    return Phase(None) if value == "none" else Phase(_goal(value))


def _reader(kind: type[StrEnum]) -> Callable[[Any], StrEnum]:
    known = [member.value for member in kind]

    def read(value: Any) -> StrEnum:
        if value not in known:
            near = get_close_matches(str(value), known, 1)
            hint = f"did you mean {near[0]}?" if near else f"use {', '.join(known)}"
            raise ValueError(f"{value!r} is not known here", hint)
        return kind(value)

    return read


def _members(kind: type[StrEnum]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": [member.value for member in kind]})


_STATES = ["OFFLINE", "OFFLINE/AVAILABLE", "OFFLINE/PUBLISH_ONLY", "STANDBY", "DISABLED", "ENABLED"]
_TIME_SCHEMA: dict[str, Any] = {"type": "string", "pattern": "^[0-9]+[smh]$"}

Name = Annotated[str, BeforeValidator(_id), WithJsonSchema({"type": "string", "pattern": _ID})]
Names = Annotated[tuple[Name, ...], Strict(strict=False)]
Texts = Annotated[tuple[Text, ...], Strict(strict=False)]
Kind = Annotated[StepKind, PlainValidator(_reader(StepKind)), _members(StepKind)]
Outside = Annotated[SystemName, BeforeValidator(_id), WithJsonSchema({"type": "string", "pattern": _ID})]
StepTier = Annotated[Tier, PlainValidator(_reader(Tier)), _members(Tier)]
StepLane = Annotated[Lane, BeforeValidator(_id), WithJsonSchema({"type": "string", "pattern": _ID})]
StepEffect = Annotated[Effect, PlainValidator(_reader(Effect)), _members(Effect)]
Duration = Annotated[float, PlainValidator(_seconds), WithJsonSchema(_TIME_SCHEMA)]
Goal = Annotated[
    Target | TargetKind, PlainValidator(_goal), WithJsonSchema({"type": "string", "enum": [*_KINDS, *_STATES]})
]
PhaseWanted = Annotated[
    Phase, PlainValidator(_wanted), WithJsonSchema({"type": "string", "enum": ["none", *_KINDS, *_STATES]})
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OptionEntry(_Section):
    """One answer. ``startup: stopped`` takes the second of a protected CSC's two start-up targets."""

    answer: Name
    text: Text
    startup: Annotated[str, Field(pattern="^stopped$")] | None = None
    phase: Name | None = None
    wanted: PhaseWanted | None = None

    @validator(mode="after")
    def _both_or_none(self) -> OptionEntry:
        if (self.phase is None) != (self.wanted is None):
            raise ValueError("phase and wanted belong together", "write both or neither")
        return self


class ChoiceEntry(_Section):
    """A question for the lead; the first option is the safe answer. ``sites`` left out means all."""

    choice: Name
    sites: Texts = ()
    question: Text
    options: Annotated[tuple[OptionEntry, ...], Strict(strict=False), Field(json_schema_extra={"minItems": 2})]

    @validator(mode="after")
    def _leaves_a_choice(self) -> ChoiceEntry:
        if len(self.options) < 2:
            raise ValueError("a question needs at least two answers", "add the other one to options")
        return self


class ConditionEntry(_Section):
    """A question and the answers under which a step applies."""

    choice: Name
    answers: Annotated[Names, Field(min_length=1)]


class NeedEntry(_Section):
    """A CSC that must be at a state before the step may go."""

    csc: Csc
    at: Wanted


class ScriptEntry(_Section):
    """A script for a ScriptQueue, or something a person does between two scripts (``manual``)."""

    script: Text | None = None
    queue: Csc | None = None
    config: dict[str, Any] = Field(default_factory=dict)
    manual: Text | None = None
    sites: Texts = ()

    @validator(mode="after")
    def _one_of_two(self) -> ScriptEntry:
        if (self.script is None) == (self.manual is None):
            raise ValueError("must be either a script or manual", "write script: and queue:, or manual:")
        if (self.script is None) != (self.queue is None):
            raise ValueError("script and queue belong together", "say which ScriptQueue runs the script")
        return self


Scripts = Annotated[tuple[ScriptEntry, ...], Strict(strict=False)]


class SuiteFile(_Section):
    """A list of scripts that several runbooks share."""

    suite: Name
    scripts: Annotated[Scripts, Field(min_length=1)]


class ShowEntry(_Section):
    """An event of a CSC that the card shows live."""

    csc: Csc
    event: Annotated[str, Field(pattern="^[a-zA-Z][a-zA-Z0-9]*$")]


class DebtEntry(_Section):
    """What a step leaves to be undone. ``each``: every item is a debt of its own."""

    what: Text
    paid_by: Annotated[Names, Field(min_length=1)]
    each: bool = False


class PassEntry(_Section):
    """The debts of earlier steps that somebody takes over once a step is done: ``to`` is who, by name."""

    debts_of: Annotated[Names, Field(min_length=1)]
    to: Text


class FactEntry(_Section):
    """A fact that a system reports and that must hold before the step may go; ``words`` say it as a sentence."""

    fact: Text
    words: Text
    age: Duration = 60.0
    """How old it may be."""


class StepEntry(_Section, OfKind):
    """One step. Which keys go with which kind is checked in ``runbook_lint.py``, and which a system has of its own.

    ``one_each``: each item is somebody's own yes or no. ``budget``: by when one item of an action must have ended.
    ``feeds``: those that must be up beside the ones that its system and its CSCs need.
    """

    model_config = ConfigDict(extra="allow")

    id: Name
    title: Text
    kind: Kind
    system: Outside
    tier: StepTier
    lane: StepLane = MAIN
    ends: Text
    sites: Texts = ()
    when: Annotated[tuple[ConditionEntry, ...], Strict(strict=False)] = ()
    asks: Names = ()
    after: Names = ()
    needs: Annotated[tuple[NeedEntry, ...], Strict(strict=False)] = ()
    facts: Annotated[tuple[FactEntry, ...], Strict(strict=False)] = ()
    feeds: Texts = ()
    targets: Texts = ()
    target: Goal | None = None
    last: Texts = ()
    one_by_one: bool = False
    at_once: Annotated[int, Field(ge=1, le=64)] = 1
    limit: Duration | None = None
    budget: Duration | None = None
    settles: Name | None = None
    scripts: Scripts = ()
    suite: Name | None = None
    fallback: ScriptEntry | None = None
    for_each: Annotated[str, Field(pattern="^[a-z_]+$")] | None = None
    named: Texts = ()
    item: Text | None = None
    commands: Texts = ()
    effect: StepEffect | None = None
    records: str = ""
    record_of: str = ""
    fills: str = ""
    one_each: bool = False
    shows: ShowEntry | None = None
    debt: DebtEntry | None = None
    passes_on: PassEntry | None = None
    note: str = ""
    link: Text

    @property
    def moves(self) -> bool:
        """Whether it commands CSCs to targets."""
        return self.acts and self.system == SAL and bool(self.targets) and self.target is not None

    @property
    def runs_scripts(self) -> bool:
        """Whether it adds scripts to queues."""
        return self.acts and self.system == SAL and bool(self.scripts or self.suite)

    @property
    def unknown(self) -> Mapping[str, Any]:
        """Its keys that are not of every step, as they stand in the file."""
        return self.model_extra or {}


class PhaseEntry(_Section):
    """A phase: what each CSC of the run is compared with, its steps, and the runbook that takes back what they did."""

    phase: Name
    title: Text
    wanted: PhaseWanted
    way_back: Name | None = None
    steps: Annotated[tuple[StepEntry, ...], Strict(strict=False), Field(min_length=1)]


class RunbookFile(_Section):
    """A whole runbook file. ``concerns: named`` runs are about the CSCs that are named when they open.

    ``sites: [any]``: every site with a section for each system that the runbook acts on.
    """

    model_config = ConfigDict(title="deploydash runbook file")

    runbook: Name
    title: Text
    sites: Annotated[Texts, Field(min_length=1)]
    concerns: Annotated[str, Field(pattern="^(roster|named)$")] = "roster"
    choices: Annotated[tuple[ChoiceEntry, ...], Strict(strict=False)] = ()
    phases: Annotated[tuple[PhaseEntry, ...], Strict(strict=False), Field(min_length=1)]

    def steps(self) -> list[tuple[int, int, StepEntry]]:
        """Return every step with its place: phase and step, from 0."""
        return [(p, s, step) for p, phase in enumerate(self.phases) for s, step in enumerate(phase.steps)]
