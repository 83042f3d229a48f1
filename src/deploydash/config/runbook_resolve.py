"""A good runbook file at one site to the runbook that a run follows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from deploydash.config.runbook_draft import Draft
from deploydash.config.runbook_file import ChoiceEntry, PhaseEntry, ScriptEntry, StepEntry
from deploydash.config.runbook_names import SCRIPT_QUEUE, WATCHER, UnknownNameError, select
from deploydash.config.runbook_words import blanks, fill, row_name
from deploydash.config.script_effects import script_effects
from deploydash.config.yaml_lines import Path
from deploydash.core.model import CscId, FeedName, SummaryState
from deploydash.core.procedure.runbook import (
    Answered,
    Choice,
    Condition,
    CscAt,
    CscItem,
    CscsDown,
    Debt,
    DebtsPaid,
    FeedsUp,
    Item,
    ManualItem,
    Option,
    Precondition,
    Runbook,
    RunPhase,
    ScriptItem,
    Step,
    StepId,
    StepKind,
    StepsSettled,
)

REHEARSED = "# rehearsal: "
"""What every command by hand begins with on the demo observatory."""


def resolve(draft: Draft) -> Runbook:
    """Return the runbook at the draft's site. The draft must have been checked: nothing is refused here."""
    before: tuple[StepId, ...] = ()
    phases: list[RunPhase] = []
    for at, phase in enumerate(draft.runbook.phases):
        steps, ends = _steps(draft, at, phase, before)
        if steps:
            phases.append(RunPhase(phase.phase, phase.title, phase.wanted, steps))
            before = ends
    return Runbook(
        id=draft.runbook.runbook,
        title=draft.runbook.title,
        site=draft.site.roster.site,
        rehearsal=draft.site.rehearsal,
        concerns=draft.concern.every,
        shutdown_set=draft.concern.shutdown_set,
        protected=tuple(spec.csc for spec in draft.site.roster.cscs if spec.protected),
        choices=tuple(_choice(draft, choice) for choice in draft.choices().values()),
        phases=tuple(phases),
        blanks=tuple(sorted({blank for phase in phases for step in phase.steps for blank in _blanks(step)})),
    )


def _steps(
    draft: Draft, at: int, phase: PhaseEntry, before: tuple[StepId, ...]
) -> tuple[tuple[Step, ...], tuple[StepId, ...]]:
    """Return a phase's steps here, and the last of each lane: what the next phase waits for."""
    steps: list[Step] = []
    ends: dict[str, StepId] = {}
    for number, entry in enumerate(phase.steps):
        if draft.here(entry.sites):
            previous = (ends[entry.lane],) if entry.lane in ends else before
            steps.append(_step(draft, ("phases", at, "steps", number), entry, previous))
            ends[entry.lane] = StepId(entry.id)
    return tuple(steps), tuple(ends.values())


def _step(draft: Draft, path: Path, entry: StepEntry, previous: tuple[StepId, ...]) -> Step:
    choices = draft.choices()
    items = tuple(_items(draft, path, entry))
    route = entry.other_route
    return Step(
        id=StepId(entry.id),
        title=entry.title,
        kind=entry.kind,
        system=entry.system,
        tier=entry.tier,
        lane=entry.lane,
        ends=entry.ends,
        items=items,
        preconditions=tuple(_preconditions(draft, entry, previous)),
        when=tuple(Condition(row.choice, row.answers) for row in entry.when if row.choice in choices),
        asks=tuple(choice for choice in entry.asks if choice in choices),
        debts=tuple(_debts(draft, entry, items)),
        effect=entry.effect,
        at_once=entry.at_once,
        limit_s=entry.limit,
        settles=StepId(entry.settles) if entry.settles else None,
        other_route=_script(draft, route) if route and route.script else None,
        records=entry.records,
        fills=entry.fills,
        shows=(entry.shows.csc, entry.shows.event) if entry.shows else None,
        note=entry.note,
        link=fill(entry.link, draft.words)[0],
    )


def _items(draft: Draft, path: Path, entry: StepEntry) -> Iterator[Item]:
    if entry.kind in {StepKind.CSC, StepKind.WAIT}:
        yield from _csc_items(draft, entry)
    elif entry.kind is StepKind.SCRIPT:
        for _, _, script in draft.scripts(path, entry):
            yield _script(draft, script) if script.script else ManualItem(script.by_hand or "", ())
    elif entry.for_each:
        for row in rows(draft, entry):
            yield _by_hand(draft, entry, {**draft.words, **row})
    elif entry.commands:
        yield _by_hand(draft, entry, draft.words)


def _csc_items(draft: Draft, entry: StepEntry) -> Iterator[CscItem]:
    targets = draft.targets(entry)
    last = last_of(draft, entry)
    first = [csc for csc in targets if csc not in last]
    overrides = {spec.csc: spec.override for spec in draft.site.roster.cscs}

    def item(csc: CscId, wave: int) -> CscItem:
        return CscItem(csc, draft.goal(entry, csc), wave, overrides.get(csc, ""))

    for at, csc in enumerate(first):
        yield item(csc, at if entry.one_by_one else 0)
    for at, csc in enumerate(csc for csc in last if csc in targets):
        yield item(csc, (len(first) if entry.one_by_one else 1) + at)


def last_of(draft: Draft, entry: StepEntry) -> tuple[CscId, ...]:
    """Return the CSCs that a step takes last, one after the other; a wrong name is left out."""
    found: dict[CscId, None] = {}
    for text in entry.last:
        try:
            found.update(dict.fromkeys(select(text, draft.site.roster, draft.concern)))
        except UnknownNameError:
            continue
    return tuple(found)


def rows(draft: Draft, entry: StepEntry) -> list[dict[str, Any]]:
    """Return what a step is repeated for at this site."""
    every = draft.loops.get(entry.for_each or "", [])
    return [row for row in every if not entry.named or row_name(row) in entry.named]


def _by_hand(draft: Draft, entry: StepEntry, words: Mapping[str, Any]) -> ManualItem:
    commands = [line for command in entry.commands for line in fill(command, words)]
    if draft.site.rehearsal:  # a comment does nothing, even when it is pasted into a shell of the real site
        commands = [f"{REHEARSED}{line}" for line in commands]
    note = words.get("note")
    name = fill(entry.item, words)[0] if entry.item else entry.system.value
    cscs = tuple(CscId.parse(text) for text in words.get("cscs", ()))
    return ManualItem(name, tuple([*commands, f"# {note}"] if note else commands), cscs)


def _script(draft: Draft, entry: ScriptEntry) -> ScriptItem:
    config = yaml.safe_dump(json.loads(json.dumps(entry.config)), sort_keys=False, default_flow_style=None)
    queue = entry.queue or CscId(SCRIPT_QUEUE, 1)
    path = entry.script or ""
    effects = script_effects(draft, draft.catalogue.paths, path, entry.config)
    return ScriptItem(queue, path, True, config if entry.config else "", effects or (), effects is None)


def _debts(draft: Draft, entry: StepEntry, items: tuple[Item, ...]) -> Iterator[Debt]:
    if entry.debt is None:
        return
    here = {step.id for _, step in draft.steps()}
    payers = tuple(StepId(step) for step in entry.debt.paid_by if step in here)
    if not entry.for_each:
        yield Debt(entry.id, fill(entry.debt.what, draft.words)[0], payers)
        return
    for row, item in zip(rows(draft, entry), items, strict=True):
        name = item.name if isinstance(item, ManualItem) else ""
        identity = f"{entry.id}/{name}" if entry.debt.each else entry.id
        yield Debt(identity, fill(entry.debt.what, {**draft.words, **row})[0], payers)


def _preconditions(draft: Draft, entry: StepEntry, previous: tuple[StepId, ...]) -> Iterator[Precondition]:
    here = {step.id for _, step in draft.steps()}
    named = [StepId(step) for step in entry.after if step in here]
    if before := tuple(dict.fromkeys([*previous, *named])):
        yield StepsSettled(before)
    asked = [*entry.asks, *(row.choice for row in entry.when)]
    yield from (Answered(choice) for choice in dict.fromkeys(asked) if choice in draft.choices())
    if entry.kind is StepKind.WAIT:
        yield FeedsUp((FeedName.KAFKA,))
    if entry.kind in {StepKind.CSC, StepKind.SCRIPT, StepKind.SETTLE}:
        yield FeedsUp((FeedName.KAFKA, FeedName.SCHEMA_REGISTRY))
    targets = draft.targets(entry) if entry.kind is StepKind.CSC else ()
    down = [csc for csc in targets if draft.goal(entry, csc).state is SummaryState.OFFLINE]
    if any(csc != WATCHER for csc in down) and WATCHER in draft.concern.every:
        yield CscsDown("the Watcher", (WATCHER,))
    if any(csc.name == SCRIPT_QUEUE for csc in down):
        yield CscsDown("every CSC of this run's shutdown set", draft.concern.shutdown_set)
    yield from (CscAt(need.csc, need.at) for need in entry.needs)
    if entry.kind is StepKind.CLOSE:
        yield DebtsPaid()


def _choice(draft: Draft, entry: ChoiceEntry) -> Choice:
    asked_by = next(step.id for _, step in draft.steps() if entry.choice in step.asks)
    options = tuple(
        Option(
            answer=option.answer,
            text=option.text,
            startup=tuple(draft.site.stopped.items()) if option.startup else (),
            wanted=((option.phase, option.wanted),) if option.phase and option.wanted else (),
        )
        for option in entry.options
    )
    return Choice(entry.choice, entry.question, options, StepId(asked_by))


def _blanks(step: Step) -> Iterator[str]:
    for item in step.items:
        if isinstance(item, ManualItem):
            for text in (item.name, *item.commands):
                yield from blanks(text)
