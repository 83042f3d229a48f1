"""A runbook file at one site, before it is known to be good: what all checks look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deploydash.config.load import Site
from deploydash.config.runbook_file import ChoiceEntry, RunbookFile, ScriptEntry, StepEntry, SuiteFile
from deploydash.config.runbook_names import Concern, UnknownNameError, select
from deploydash.config.runbook_scripts import Catalogue
from deploydash.config.yaml_lines import Document, Path, key_text
from deploydash.core.model import CscId, CscSpec, FeedName, Roster, Target, TargetKind
from deploydash.core.procedure.names import SAL, StepId
from deploydash.errors import Problem
from deploydash.systems.table import NO_SYSTEMS, Entry, Steps, Table


@dataclass(frozen=True, slots=True)
class Suite:
    """A list of scripts that several runbooks share, with its own file and lines."""

    file: str
    document: Document
    content: SuiteFile


@dataclass(frozen=True, slots=True)
class Draft:
    """A runbook of good shape with everything it refers to."""

    file: str
    document: Document
    runbook: RunbookFile
    site: Site
    concern: Concern
    words: Mapping[str, Any]
    loops: Mapping[str, list[dict[str, Any]]]
    catalogue: Catalogue
    suites: Mapping[str, Suite] = field(default_factory=dict)
    table: Table = field(default_factory=lambda: NO_SYSTEMS)
    only: frozenset[CscId] | None = None

    @property
    def fed(self) -> frozenset[str]:
        """The systems that report by a feed of their own at this site."""
        return frozenset(name for name, reading in self.table.items() if reading.feed and name in self.site.sections)

    @property
    def roster(self) -> Roster:
        """The CSCs of the site."""
        return self.site.roster

    def problem(self, path: Path, message: str, hint: str = "") -> Problem:
        """Return a problem at a place of the runbook file."""
        return Problem(self.file, self.document.line(path), key_text(path), message, hint)

    def steps(self) -> Iterator[tuple[Path, StepEntry]]:
        """Yield every step that this run has at this site, with its place.

        In a run about named CSCs a step that is repeated for what belongs to CSCs is left out where none is named.
        """
        for path, step in self.all_steps():
            if self.has(step):
                yield path, step

    def has(self, step: StepEntry) -> bool:
        """Return whether this run has a step at this site."""
        named = self.runbook.concerns == "named" and step.for_each in self.loops
        return self.here(step.sites) and not (named and not self.loops[step.for_each or ""])

    def all_steps(self) -> Iterator[tuple[Path, StepEntry]]:
        """Yield every step of the file, whatever its sites."""
        for p, phase in enumerate(self.runbook.phases):
            for s, step in enumerate(phase.steps):
                yield ("phases", p, "steps", s), step

    def choices(self) -> dict[str, ChoiceEntry]:
        """Return the questions that arise at this site."""
        return {choice.choice: choice for choice in self.runbook.choices if self.here(choice.sites)}

    def here(self, sites: tuple[str, ...]) -> bool:
        """Return whether something is for this site; no sites means all."""
        return not sites or self.site.roster.site in sites

    def spec(self, csc: CscId) -> CscSpec:
        """Return the roster's line of a CSC that is known to be in it."""
        return next(spec for spec in self.site.roster.cscs if spec.csc == csc)

    def targets(self, step: StepEntry) -> tuple[CscId, ...]:
        """Return the CSCs of a step in order, each once; a wrong name is left out, runbook_lint refuses it.

        What stands for many does not stand for protected CSCs where states are commanded.
        """
        found: dict[CscId, None] = {}
        for text in step.targets:
            try:
                chosen = select(text, self.site.roster, self.concern)
            except UnknownNameError:
                continue
            found.update(dict.fromkeys(csc for csc in chosen if not step.acts or not self._guarded(csc, text)))
        return tuple(found)

    def _guarded(self, csc: CscId, text: str) -> bool:
        return self.spec(csc).protected and text != str(csc)

    def goal(self, step: StepEntry, csc: CscId) -> Target:
        """Return the state that a step with a target wants of a CSC."""
        if isinstance(step.target, TargetKind):
            target: Target = getattr(self.spec(csc), step.target.value)
            return target
        assert step.target is not None  # noqa: S101 kinds with targets have one, checked before
        return step.target

    def scripts(self, path: Path, step: StepEntry) -> list[tuple[Suite | None, Path, ScriptEntry]]:
        """Return the scripts of a step that this site runs, with the file and the place each stands in."""
        own: list[tuple[Suite | None, Path, ScriptEntry]] = [
            (None, (*path, "scripts", at), script) for at, script in enumerate(step.scripts)
        ]
        suite = self.suites.get(step.suite or "")
        if suite:
            own += [(suite, ("scripts", at), script) for at, script in enumerate(suite.content.scripts)]
        return [(suite, place, script) for suite, place, script in own if self.here(script.sites)]

    def steps_of(self, step: StepEntry) -> Steps | None:
        """Return what the system of an action knows of its steps; None where the runbook itself says all."""
        if not step.acts or step.system == SAL or step.system not in self.table:
            return None
        return self.table[step.system].steps

    def entry(self, step: StepEntry, steps: Steps) -> Entry:
        """Return a step as its system reads it."""
        own = {key: value for key, value in step.unknown.items() if key in steps.keys}
        here = [StepId(other.id) for _, other in self.steps()]
        return Entry(
            step=StepId(step.id),
            own=own,
            roster=self.roster,
            settings=self.site.sections.get(step.system),
            rehearsal=self.site.rehearsal,
            only=self.only,
            others=self.site.others(step.system),
            later=tuple(here[here.index(StepId(step.id)) + 1 :]) if step.id in here else (),
            words=self.words,
            asked=self._asked(),
        )

    def _asked(self) -> tuple[str, ...]:
        """Return the feeds and systems of this runbook that can be asked how they fare, in the table's order."""
        steps = [step for _, step in self.steps()]
        touched = {step.system for step in steps}
        kafka = [FeedName.KAFKA, FeedName.SCHEMA_REGISTRY] if self.site.kafka is not None else []
        feeds = [*kafka, *([FeedName.EFD] if self.site.efd else [])]
        scripts = ["scripts"] if any(step.runs_scripts for step in steps) else []
        named = self.site.sections
        others = [name for name, row in self.table.items() if row.check and name in named and name in touched]
        return tuple(map(str, (*feeds, *scripts, *others)))
