"""The order that the procedure demands, checked on what a runbook's steps do to CSCs at one site, by whatever system.

The Watcher goes down first and the ScriptQueues last, 3, 2, 1; protected CSCs are touched by no bulk step; nothing
uses a queue that is down; the Watcher comes up last; targets differ per CSC; the run closes last
(observatory-controls-docs, Deploying the Upgrade).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from deploydash.config.runbook_draft import Draft
from deploydash.config.runbook_file import Effect, StepEntry
from deploydash.config.runbook_names import SCRIPT_QUEUE, WATCHER
from deploydash.config.runbook_resolve import rows
from deploydash.config.runbook_work import Work, done_by, downs, steps_and_work
from deploydash.config.yaml_lines import Path, key_text
from deploydash.core.model import CscId, SummaryState, Target
from deploydash.core.procedure.names import SAL
from deploydash.core.procedure.runbook import Tier
from deploydash.errors import Problem

_SYNC = re.compile(r"\bapp sync (\S+)")


_Steps = Sequence[tuple[Path, StepEntry, tuple[Work, ...]]]


def order_errors(draft: Draft) -> Iterator[Problem]:
    """Yield every departure from the demanded order."""
    steps = list(steps_and_work(draft))
    yield from _watcher_first(draft, steps)
    yield from _queues_last(draft, steps)
    yield from _queues_used_while_down(draft, steps)
    for path, step, work in steps:
        yield from _protected(draft, path, step, work)
        yield from _stopped_unasked(draft, path, step)
        yield from _opaque_is_severe(draft, step, work)
        yield from _watcher_up_last(draft, path, step, work)
        yield from _one_state_for_all(draft, path, step)
    yield from _kubernetes(draft)
    yield from _close(draft)


def _opaque_is_severe(draft: Draft, step: StepEntry, work: Sequence[Work]) -> Iterator[Problem]:
    if step.tier is Tier.SEVERE:
        return
    for one in work:
        no_script = step.runs_scripts and one.item.label not in draft.catalogue.paths  # runbook_scripts_lint refuses it
        if one.item.opaque and not no_script:
            message = f"what {one.item.label} does to the states of CSCs is not known, so its step is severe"
            at = (*one.at, *one.name)
            yield Problem(one.file, one.document.line(at), key_text(at), message, f"give {step.id} the tier severe")


def _watcher_first(draft: Draft, steps: _Steps) -> Iterator[Problem]:
    """Check that the Watcher goes down in a step before all others, or first in the one item that takes them down.

    A step with both could not be approved: core/run/order_rules.py.
    """
    if WATCHER not in {spec.csc for spec in draft.site.roster.cscs}:
        return
    for path, step, work in steps:
        gone = downs(work)
        if not gone:
            continue
        watcher = next((done for done in gone if done.csc == WATCHER), None)
        early = [
            done
            for done in gone
            if done.csc != WATCHER and not (watcher and watcher.work is done.work and watcher.before(done))
        ]
        if early:
            together = watcher is not None and not early[0].before(watcher)
            message = f"{early[0].csc} would go down {'together with' if together else 'before'} the Watcher"
            hint = "send the Watcher to OFFLINE in a step of its own before this one"
            yield draft.problem(_place(path, step), message, hint)
        return


def _queues_last(draft: Draft, steps: _Steps) -> Iterator[Problem]:
    queues = {spec.csc for spec in draft.site.roster.cscs if spec.csc.name == SCRIPT_QUEUE}
    down: set[CscId] = set()
    before: set[CscId] = set()
    """Who was sent down by then: what another system does to one of these afterwards takes nobody down."""
    for path, step, work in steps:
        if step.waits:
            down.clear()  # what was deployed in between is up again
            before.clear()
        gone = [done for done in downs(work) if step.system == SAL or done.csc not in before]
        before |= {done.csc for done in gone}
        mine = [done for done in gone if done.csc.name == SCRIPT_QUEUE]
        others = [done for done in gone if done.csc.name != SCRIPT_QUEUE]
        place = _place(path, step)
        if others and (mine or down):
            when = "together with" if mine else "after"
            message = f"{others[0].csc} would go down {when} the ScriptQueues"
            yield draft.problem(place, message, "they go down last, alone")
        if mine:
            if any(one.csc.index < two.csc.index for one, two in pairwise(mine)):
                wanted = ", ".join(str(csc) for csc in sorted((done.csc for done in mine), reverse=True))
                yield draft.problem(place, "the ScriptQueues go down in the wrong order", f"write {wanted}")
            if not all(one.before(two) for one, two in pairwise(mine)):
                hint = "add one_by_one: true" if step.moves else "let each go down when the one before it is down"
                yield draft.problem(path, "the ScriptQueues would go down all at once", hint)
            gone_now = {done.csc for done in mine}
            if left := sorted(queues - gone_now - down):
                yield draft.problem(place, f"{left[0]} would be left up", "name every ScriptQueue of the site")
            down |= gone_now


def _queues_used_while_down(draft: Draft, steps: _Steps) -> Iterator[Problem]:
    down: set[CscId] = set()
    for path, step, work in steps:
        if step.waits:
            down.clear()
        used = [(_in_runbook(draft, path, one), queue) for one in work for queue in one.item.runs_in]
        if step.fallback and step.fallback.queue:
            used.append(((*path, "fallback"), step.fallback.queue))
        for place, queue in used:
            if queue in down:
                yield draft.problem(place, f"{queue} is down by then", "move this step before the ScriptQueues go down")
        down |= {done.csc for done in downs(work) if done.csc.name == SCRIPT_QUEUE}


def _in_runbook(draft: Draft, path: Path, work: Work) -> Path:
    """Return the place of an item in the runbook itself: a suite has a file of its own."""
    return work.at if work.file == draft.file else (*path, "suite")


def _protected(draft: Draft, path: Path, step: StepEntry, work: Sequence[Work]) -> Iterator[Problem]:
    """Check that no action touches a protected CSC; of scripts their configurations are checked."""
    protected = {spec.csc for spec in draft.site.roster.cscs if spec.protected}
    for one in () if step.runs_scripts else work:
        for csc in one.item.cscs:
            if csc in protected:
                place = (*path, "targets", step.targets.index(str(csc))) if step.moves else one.at
                message = f"{csc} is protected at {draft.site.roster.site}: no step may command it"
                yield draft.problem(place, message, "only direct commands from its tile move it")


def _stopped_unasked(draft: Draft, path: Path, step: StepEntry) -> Iterator[Problem]:
    """Check that people stop no protected CSC without a question."""
    protected = {spec.csc for spec in draft.site.roster.cscs if spec.protected}
    stops = step.effect is Effect.STOPS or any("{stop}" in command for command in step.commands)
    if step.for_each and stops and not step.when:
        for row in rows(draft, step):
            guarded = [csc for csc in row.get("cscs", ()) if CscId.parse(csc) in protected]
            if guarded and step.system != "kubernetes":
                message = f"{guarded[0]} is protected, and this stops its service without a question"
                yield draft.problem((*path, "for_each"), message, "ask first: add asks: and when:")
                return


def _watcher_up_last(draft: Draft, path: Path, step: StepEntry, work: Sequence[Work]) -> Iterator[Problem]:
    done = done_by(work)
    up = [one for one in done if one.csc == WATCHER and one.target.state is SummaryState.ENABLED]
    if up and not all(one.before(up[-1]) for one in done if one.csc != WATCHER):
        message = "the Watcher would be enabled while others still come up"
        hint = "add last: [Watcher]" if step.moves else "let it be enabled when all others are up"
        yield draft.problem(_place(path, step), message, hint)


def _one_state_for_all(draft: Draft, path: Path, step: StepEntry) -> Iterator[Problem]:
    if step.waits and isinstance(step.target, Target):
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
    closing = [(path, step) for path, step in steps if step.closes]
    if not closing:
        yield draft.problem(steps[-1][0], "the run is never closed", "end with a step of kind close")
    for path, step in closing:
        if step is not steps[-1][1]:
            yield draft.problem((*path, "kind"), f"{step.id!r} closes the run, but steps follow", "close last")
    if closing and closing[-1][1].sites:
        yield draft.problem((*closing[-1][0], "sites"), "not every site closes its run", "leave sites away")


def _place(path: Path, step: StepEntry) -> Path:
    """Return the key of a step that says what it does, or the step itself."""
    key = next((key for key in ("targets", "scripts", "suite") if getattr(step, key)), None)
    return (*path, key) if key else path
