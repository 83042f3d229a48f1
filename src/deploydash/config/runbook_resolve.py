"""A good runbook file at one site to the runbook that a run follows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from deploydash.config.runbook_draft import Draft
from deploydash.config.runbook_file import ChoiceEntry, Effect, PhaseEntry, ScriptEntry, StepEntry
from deploydash.config.runbook_names import SCRIPT_QUEUE, WATCHER, UnknownNameError, select
from deploydash.config.runbook_words import blanks, fill, row_name
from deploydash.config.script_effects import script_effects
from deploydash.config.yaml_lines import Path
from deploydash.core.model import CscId, FeedName, SummaryState, Target
from deploydash.core.procedure.csc_work import transition
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import PERSON, SAL, StepId, numbered
from deploydash.core.procedure.preconditions import (
    Answered,
    CscAt,
    CscsDown,
    DebtsPaid,
    FactHolds,
    FeedsUp,
    Precondition,
    StepsSettled,
)
from deploydash.core.procedure.runbook import (
    Choice,
    Condition,
    Debt,
    Fallback,
    Option,
    Order,
    Runbook,
    RunPhase,
    Step,
)
from deploydash.core.procedure.transitions import LEADS_TO
from deploydash.systems.sal.steps import script_item, script_template

REHEARSED = "# rehearsal: "
"""What every command of a person begins with on the demo observatory."""


def resolve(draft: Draft) -> Runbook:
    """Return the runbook at the draft's site. The draft must have been checked: nothing is refused here."""
    before: tuple[StepId, ...] = ()
    phases: list[RunPhase] = []
    for at, phase in enumerate(draft.runbook.phases):
        steps, ends = _steps(draft, at, phase, before)
        if steps:
            phases.append(RunPhase(phase.phase, phase.title, phase.wanted, steps, phase.way_back or ""))
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
        if draft.has(entry):
            previous = (ends[entry.lane],) if entry.lane in ends else before
            steps.append(_step(draft, ("phases", at, "steps", number), entry, previous))
            ends[entry.lane] = StepId(entry.id)
    return tuple(steps), tuple(ends.values())


def _step(draft: Draft, path: Path, entry: StepEntry, previous: tuple[StepId, ...]) -> Step:
    choices = draft.choices()
    items = tuple(_items(draft, path, entry))
    waits = entry.waits
    link, _, paragraph = fill(entry.link, draft.words)[0].partition(" ")
    return Step(
        id=StepId(entry.id),
        title=entry.title,
        kind=entry.kind,
        system=entry.system,
        tier=entry.tier,
        lane=entry.lane,
        ends=entry.ends,
        items=items,
        awaits=tuple(CscEffect(csc, draft.goal(entry, csc)) for csc in draft.targets(entry)) if waits else (),
        preconditions=tuple(_preconditions(draft, entry, items, previous)),
        when=tuple(Condition(row.choice, row.answers) for row in entry.when if row.choice in choices),
        asks=tuple(choice for choice in entry.asks if choice in choices),
        debts=tuple(_debts(draft, entry, items)),
        at_once=entry.at_once,
        order=Order.SEQUENCE if entry.runs_scripts else Order.WAVES,
        limit_s=entry.limit,
        budget_s=entry.budget,
        settles=StepId(entry.settles) if entry.settles else None,
        fallbacks=tuple(_fallbacks(draft, entry)),
        records=entry.records,
        record_of=entry.record_of,
        fills=entry.fills,
        one_each=entry.one_each,
        passes_on=tuple(map(StepId, entry.passes_on.debts_of)) if entry.passes_on else (),
        passes_to=entry.passes_on.to if entry.passes_on else "",
        shows=(entry.shows.csc, entry.shows.event) if entry.shows else None,
        note=entry.note,
        link=link,
        paragraph=paragraph,
    )


def _items(draft: Draft, path: Path, entry: StepEntry) -> Iterator[Item]:
    if entry.acts:
        yield from action_items(draft, path, entry)
    elif entry.for_each:
        for place, row in enumerate(rows(draft, entry)):
            yield _manual(draft, entry, {**draft.words, **row}, place)
    elif entry.commands:
        yield _manual(draft, entry, draft.words, 0)


def action_items(draft: Draft, path: Path, entry: StepEntry) -> Iterator[Item]:
    """Yield the items of an action with which nothing is wrong, as its system or the runbook itself makes them."""
    if entry.moves:
        yield from _transitions(draft, entry)
    elif entry.runs_scripts:
        for place, (_, _, script) in enumerate(draft.scripts(path, entry)):
            yield _script(draft, script, place) if script.script else Item(numbered(place), script.manual or "", PERSON)
    elif (steps := draft.steps_of(entry)) is not None:
        yield from steps.items(draft.entry(entry, steps))


def _transitions(draft: Draft, entry: StepEntry) -> Iterator[Item]:
    targets = draft.targets(entry)
    last = _last_of(draft, entry)
    first = [csc for csc in targets if csc not in last]
    overrides = {spec.csc: spec.override for spec in draft.site.roster.cscs}

    def item(csc: CscId, wave: int) -> Item:
        return transition(csc, draft.goal(entry, csc), wave, overrides.get(csc, ""))

    for at, csc in enumerate(first):
        yield item(csc, at if entry.one_by_one else 0)
    for at, csc in enumerate(csc for csc in last if csc in targets):
        yield item(csc, (len(first) if entry.one_by_one else 1) + at)


def _last_of(draft: Draft, entry: StepEntry) -> tuple[CscId, ...]:
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


def _manual(draft: Draft, entry: StepEntry, words: Mapping[str, Any], place: int) -> Item:
    commands = [line for command in entry.commands for line in fill(command, words)]
    if draft.site.rehearsal:  # a comment does nothing, even when it is pasted into a shell of the real site
        commands = [f"{REHEARSED}{line}" for line in commands]
    note = words.get("note")
    name = fill(entry.item, words)[0] if entry.item else entry.system
    cscs = [CscId.parse(text) for text in words.get("cscs", ())] if entry.effect else []
    stops = entry.effect is Effect.STOPS
    effects = tuple(CscEffect(csc, _led_to(draft, entry, csc), silent=stops) for csc in cscs)
    return Item(
        numbered(place), name, PERSON, effects=effects, manual=tuple([*commands, f"# {note}"] if note else commands)
    )


def _led_to(draft: Draft, entry: StepEntry, csc: CscId) -> Target:
    """Return where a CSC is led by what stops or starts it; one that is started had been stopped."""
    if entry.effect is Effect.STOPS:
        return Target(SummaryState.OFFLINE)
    return draft.site.stopped.get(csc, draft.spec(csc).startup)


def _script(draft: Draft, entry: ScriptEntry, place: int) -> Item:
    queue, path = entry.queue or CscId(SCRIPT_QUEUE, 1), entry.script or ""
    effects = script_effects(draft, draft.catalogue.paths, path, entry.config)
    return script_item(numbered(place), queue, path, True, _config(entry), effects or (), effects is None)


def _config(entry: ScriptEntry) -> str:
    if not entry.config:
        return ""
    return yaml.safe_dump(json.loads(json.dumps(entry.config)), sort_keys=False, default_flow_style=None)


def _fallbacks(draft: Draft, entry: StepEntry) -> Iterator[Fallback]:
    """Yield the other ways for what does not go: by scripts, or as the step's own system knows them."""
    if entry.fallback is not None:
        yield from _by_script(draft, entry.fallback)
    steps = draft.steps_of(entry)
    if steps is not None:
        yield from steps.fallbacks(draft.entry(entry, steps))


def _by_script(draft: Draft, entry: ScriptEntry) -> Iterator[Fallback]:
    """Yield a script once for each queue that could run it; that of the runbook first."""
    config, path = _config(entry), entry.script or ""
    reaches = tuple(Target(state) for state in LEADS_TO.values() if re.search(rf"\b{state.name}\b", config))
    queues = [spec.csc for spec in draft.roster.cscs if spec.csc.name == SCRIPT_QUEUE]
    for queue in dict.fromkeys([*([entry.queue] if entry.queue else []), *queues]):
        yield Fallback(f"{path} by {queue}", SAL, script_template(queue, path, config), tuple(dict.fromkeys(reaches)))


def _debts(draft: Draft, entry: StepEntry, items: tuple[Item, ...]) -> Iterator[Debt]:
    if entry.debt is None:
        return
    here = {step.id for _, step in draft.steps()}
    payers = tuple(StepId(step) for step in entry.debt.paid_by if step in here)
    if not entry.for_each:
        yield Debt(entry.id, fill(entry.debt.what, draft.words)[0], payers, effects=_undone(draft, items))
        return
    for row, item in zip(rows(draft, entry), items, strict=True):
        identity = f"{entry.id}/{item.label}" if entry.debt.each else entry.id
        back = _undone(draft, (item,) if entry.debt.each else items)
        yield Debt(identity, fill(entry.debt.what, {**draft.words, **row})[0], payers, effects=back)


def _undone(draft: Draft, items: tuple[Item, ...]) -> tuple[CscEffect, ...]:
    """Return where the CSCs that these items stop are once they were started again."""
    stops = [effect.csc for item in items for effect in item.effects if effect.target.state is SummaryState.OFFLINE]
    return tuple(CscEffect(csc, draft.site.stopped.get(csc, draft.spec(csc).startup)) for csc in dict.fromkeys(stops))


def _preconditions(
    draft: Draft, entry: StepEntry, items: tuple[Item, ...], previous: tuple[StepId, ...]
) -> Iterator[Precondition]:
    here = {step.id for _, step in draft.steps()}
    named = [StepId(step) for step in entry.after if step in here]
    if before := tuple(dict.fromkeys([*previous, *named])):
        yield StepsSettled(before)
    asked = [*entry.asks, *(row.choice for row in entry.when)]
    yield from (Answered(choice) for choice in dict.fromkeys(asked) if choice in draft.choices())
    if feeds := _feeds(draft, entry, items):
        yield FeedsUp(feeds)
    targets = draft.targets(entry) if entry.moves else ()
    down = [csc for csc in targets if draft.goal(entry, csc).state is SummaryState.OFFLINE]
    if any(csc != WATCHER for csc in down) and WATCHER in draft.concern.every:
        yield CscsDown("the Watcher", (WATCHER,))
    if any(csc.name == SCRIPT_QUEUE for csc in down):
        yield CscsDown("every CSC of this run's shutdown set", draft.concern.shutdown_set)
    yield from (CscAt(need.csc, need.at) for need in entry.needs)
    yield from (FactHolds(row.fact, row.words, row.age) for row in entry.facts)
    if entry.closes:
        yield DebtsPaid()


def _feeds(draft: Draft, entry: StepEntry, items: tuple[Item, ...]) -> tuple[FeedName | str, ...]:
    """Return the feeds that a step needs: those that show its CSCs, that of its system, and those that it names."""
    needed: list[FeedName | str] = []
    if entry.waits or entry.decides or (entry.acts and (entry.system == SAL or any(item.effects for item in items))):
        needed.append(FeedName.KAFKA)
    if entry.decides or (entry.acts and entry.system == SAL):
        needed.append(FeedName.SCHEMA_REGISTRY)
    if entry.acts and entry.system in draft.fed:
        needed.append(entry.system)
    named = (FeedName(feed) if feed in set(FeedName) else feed for feed in entry.feeds)
    return tuple(dict.fromkeys([*needed, *named]))


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
        for text in (item.label, item.spec, *item.manual):
            yield from blanks(text)
