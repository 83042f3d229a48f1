"""The order that the procedure demands, checked on what a runbook's steps do to CSCs at one site.

The Watcher goes down first and the ScriptQueues last, 3, 2, 1; protected CSCs are touched by no bulk step; nothing
uses a queue that is down; the Watcher comes up last; targets differ per CSC; the run closes last
(observatory-controls-docs, Deploying the Upgrade).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from deploydash.config.runbook_draft import Draft
from deploydash.config.runbook_file import StepEntry
from deploydash.config.runbook_names import SCRIPT_QUEUE, WATCHER
from deploydash.config.runbook_resolve import last_of, rows
from deploydash.config.script_effects import script_downs, script_effects
from deploydash.config.yaml_lines import Path, key_text
from deploydash.core.model import CscId, SummaryState, Target
from deploydash.core.procedure.runbook import Effect, StepKind, System, Tier
from deploydash.errors import Problem

_SYNC = re.compile(r"\bapp sync (\S+)")


def order_errors(draft: Draft) -> Iterator[Problem]:
    """Yield every departure from the demanded order."""
    yield from _watcher_first(draft)
    yield from _queues_last(draft)
    yield from _queues_used_while_down(draft)
    for path, step in draft.steps():
        yield from _protected(draft, path, step)
        yield from _opaque_is_severe(draft, path, step)
        yield from _watcher_up_last(draft, path, step)
        yield from _one_state_for_all(draft, path, step)
    yield from _kubernetes(draft)
    yield from _close(draft)


def _opaque_is_severe(draft: Draft, path: Path, step: StepEntry) -> Iterator[Problem]:
    for suite, place, script in draft.scripts(path, step):
        if step.tier is Tier.SEVERE or script.script not in draft.catalogue.paths:
            continue
        if script_effects(draft, draft.catalogue.paths, script.script, script.config) is None:
            file, document = (suite.file, suite.document) if suite else (draft.file, draft.document)
            message = f"what {script.script} does to the states of CSCs is not known, so its step is severe"
            at = (*place, "script")
            yield Problem(file, document.line(at), key_text(at), message, f"give {step.id} the tier severe")


def _downs(draft: Draft, path: Path, step: StepEntry) -> list[CscId]:
    """Return the CSCs that a step commands to OFFLINE, in its order."""
    if step.kind is StepKind.CSC and step.target is not None:
        last = last_of(draft, step)
        ordered = [csc for csc in draft.targets(step) if csc not in last] + list(last)
        return [csc for csc in ordered if draft.goal(step, csc).state is SummaryState.OFFLINE]
    return [
        csc
        for _, _, script in draft.scripts(path, step)
        for csc in script_downs(draft, draft.catalogue.paths, script.script or "", script.config)
    ]


def _watcher_first(draft: Draft) -> Iterator[Problem]:
    if WATCHER not in {spec.csc for spec in draft.site.roster.cscs}:
        return
    for path, step in draft.steps():
        downs = _downs(draft, path, step)
        if not downs:
            continue
        together = step.kind is StepKind.CSC and len(downs) > 1 and WATCHER in downs and not step.one_by_one
        if downs[0] != WATCHER or together:
            others = [csc for csc in downs if csc != WATCHER]
            message = f"{others[0]} would go down {'together with' if together else 'before'} the Watcher"
            hint = "send the Watcher to OFFLINE in a step of its own before this one"
            yield draft.problem(_place(draft, path, step), message, hint)
        return


def _queues_last(draft: Draft) -> Iterator[Problem]:
    queues = {spec.csc for spec in draft.site.roster.cscs if spec.csc.name == SCRIPT_QUEUE}
    down: set[CscId] = set()
    for path, step in draft.steps():
        if step.kind is StepKind.WAIT:
            down.clear()  # what was deployed in between is up again
        downs = _downs(draft, path, step)
        mine = [csc for csc in downs if csc.name == SCRIPT_QUEUE]
        others = [csc for csc in downs if csc.name != SCRIPT_QUEUE]
        place = _place(draft, path, step)
        if others and (mine or down):
            when = "together with" if mine else "after"
            yield draft.problem(place, f"{others[0]} would go down {when} the ScriptQueues", "they go down last, alone")
        if mine:
            if any(one.index < two.index for one, two in pairwise(mine)):
                wanted = ", ".join(str(csc) for csc in sorted(mine, reverse=True))
                yield draft.problem(place, "the ScriptQueues go down in the wrong order", f"write {wanted}")
            if step.kind is StepKind.CSC and len(mine) > 1 and not step.one_by_one:
                yield draft.problem(path, "the ScriptQueues would go down all at once", "add one_by_one: true")
            if left := sorted(queues - set(mine) - down):
                yield draft.problem(place, f"{left[0]} would be left up", "name every ScriptQueue of the site")
            down |= set(mine)


def _queues_used_while_down(draft: Draft) -> Iterator[Problem]:
    down: set[CscId] = set()
    for path, step in draft.steps():
        if step.kind is StepKind.WAIT:
            down.clear()
        used = [(place, script.queue) for suite, place, script in draft.scripts(path, step) if not suite]
        used += [((*path, "suite"), script.queue) for suite, _, script in draft.scripts(path, step) if suite][:1]
        if step.other_route:
            used.append(((*path, "other_route"), step.other_route.queue))
        for place, queue in used:
            if queue in down:
                yield draft.problem(place, f"{queue} is down by then", "move this step before the ScriptQueues go down")
        down |= {csc for csc in _downs(draft, path, step) if csc.name == SCRIPT_QUEUE}


def _protected(draft: Draft, path: Path, step: StepEntry) -> Iterator[Problem]:
    protected = {spec.csc for spec in draft.site.roster.cscs if spec.protected}
    if step.kind is StepKind.CSC:
        for at, text in enumerate(step.targets):
            if any(text == str(csc) for csc in protected):
                message = f"{text} is protected at {draft.site.roster.site}: no step may command it"
                yield draft.problem((*path, "targets", at), message, "only direct commands from its tile move it")
    stops = step.effect is Effect.STOPS or any("{stop}" in command for command in step.commands)
    if step.for_each and stops and not step.when:
        for row in rows(draft, step):
            guarded = [csc for csc in row.get("cscs", ()) if CscId.parse(csc) in protected]
            if guarded and step.system is not System.KUBERNETES:
                message = f"{guarded[0]} is protected, and this stops its service without a question"
                yield draft.problem((*path, "for_each"), message, "ask first: add asks: and when:")
                return


def _watcher_up_last(draft: Draft, path: Path, step: StepEntry) -> Iterator[Problem]:
    if step.kind is not StepKind.CSC or step.target is None:
        return
    targets = draft.targets(step)
    alone = len(targets) < 2
    if WATCHER in targets and not alone and draft.goal(step, WATCHER).state is SummaryState.ENABLED:
        last = last_of(draft, step)
        if not last or last[-1] != WATCHER:
            message = "the Watcher would be enabled while others still come up"
            yield draft.problem((*path, "targets"), message, "add last: [Watcher]")


def _one_state_for_all(draft: Draft, path: Path, step: StepEntry) -> Iterator[Problem]:
    if step.kind is StepKind.WAIT and isinstance(step.target, Target):
        different = [csc for csc in draft.targets(step) if draft.spec(csc).startup != step.target]
        if different:
            message = (
                f"not every CSC comes up {step.target}: {different[0]} comes up {draft.spec(different[0]).startup}"
            )
            yield draft.problem((*path, "target"), message, "write target: startup")


def _kubernetes(draft: Draft) -> Iterator[Problem]:
    """Check Argo CD's order: science-platform first where it is synced at all, and never before the Jobs are gone."""
    synced: list[tuple[Path, str, str]] = []
    for path, step in draft.steps():
        for at, command in enumerate(step.commands):
            place = (*path, "commands", at)
            if found := _SYNC.search(command):
                synced.append((place, found[1], step.id))
            if "delete job" in command and synced:
                line = draft.document.line(synced[0][0])
                message = f"Jobs are deleted after the sync of line {line}: a sync over an old Job fails"
                yield draft.problem(place, message, "delete the Jobs before any sync")
    names = [name for _, name, _ in synced]
    if "science-platform" in names[1:]:
        hint = "it carries the cycle's tag to all others; sync it before them"
        yield draft.problem(synced[0][0], f"{synced[0][2]!r} would sync before science-platform", hint)


def _close(draft: Draft) -> Iterator[Problem]:
    steps = list(draft.all_steps())
    closing = [(path, step) for path, step in steps if step.kind is StepKind.CLOSE]
    if not closing:
        yield draft.problem(steps[-1][0], "the run is never closed", "end with a step of kind close")
    for path, step in closing:
        if step is not steps[-1][1]:
            yield draft.problem((*path, "kind"), f"{step.id!r} closes the run, but steps follow", "close last")
    if closing and closing[-1][1].sites:
        yield draft.problem((*closing[-1][0], "sites"), "not every site closes its run", "leave sites away")


def _place(draft: Draft, path: Path, step: StepEntry) -> Path:
    key = "targets" if step.targets else "scripts" if step.scripts else "suite"
    place = (*path, key)
    return place if draft.document.line(place) else path
