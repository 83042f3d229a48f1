"""Whether the scripts of a runbook fit their schemas, the site and the order that the procedure demands."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from deploydash.config.runbook_draft import Draft, Suite
from deploydash.config.runbook_file import ScriptEntry
from deploydash.config.runbook_names import SCRIPT_QUEUE, WATCHER, UnknownNameError, component_hint, select
from deploydash.config.runbook_work import downs, steps_and_work
from deploydash.config.script_effects import RUN_COMMAND, SET_STATE, SHUTDOWN, Ground, named, rows_of
from deploydash.config.yaml_lines import Path, key_text
from deploydash.core.procedure.transitions import LEADS_TO
from deploydash.errors import Problem

_STATES = ("OFFLINE", "STANDBY", "DISABLED", "ENABLED")
_ANY_CSC = "<csc>"


def script_errors(draft: Draft) -> Iterator[Problem]:
    """Yield what is wrong with the scripts that this site runs."""
    watcher_down = False
    for path, step, work in steps_and_work(draft):
        for suite, place, script in draft.scripts(path, step):
            yield from _script(draft, suite, place, script, watcher_down)
        if step.fallback:
            yield from _script(draft, None, (*path, "fallback"), step.fallback, watcher_down)
        watcher_down = not step.waits and (watcher_down or WATCHER in [down.csc for down in downs(work)])


def _script(
    draft: Draft, suite: Suite | None, place: Path, script: ScriptEntry, watcher_down: bool
) -> Iterator[Problem]:
    file, document = (suite.file, suite.document) if suite else (draft.file, draft.document)

    def problem(at: Path, message: str, hint: str) -> Problem:
        return Problem(file, document.line(at), key_text(at), message, hint)

    if script.script is None or script.queue is None:
        return
    try:
        select(str(script.queue), draft.site.roster, draft.concern)
    except UnknownNameError as error:
        yield problem((*place, "queue"), str(error), error.hint)
    if script.queue.name != SCRIPT_QUEUE:
        yield problem((*place, "queue"), f"{script.queue} runs no scripts", "name a ScriptQueue")
    for wrong in draft.catalogue.check(script.script, script.config):
        at = (*place, "script") if wrong.at[:1] == ("..",) else (*place, "config", *wrong.at)
        yield problem(at, wrong.message, wrong.hint)
    base = (*place, "config")
    for at, message, hint in script_departures(draft, script.script, script.config, watcher_down=watcher_down):
        yield problem((*base, *at), message, hint)


Found = Iterator[tuple[Path, str, str]]


def script_departures(ground: Ground, script: str, config: dict[str, Any], *, watcher_down: bool) -> Found:
    """Yield what our rules have against a configuration, beyond the script's schema: place, sentence, hint."""
    if script == SET_STATE:
        yield from _set_state(ground, config, watcher_down)
    elif script == SHUTDOWN:
        yield from _shutdown(ground, config)
    elif script == RUN_COMMAND:
        yield from _csc_text(ground, ("component",), config.get("component"))
        if str(config.get("cmd")) in LEADS_TO:
            yield from _protected(ground, ("component",), config.get("component"))


def _csc_text(ground: Ground, at: Path, text: Any) -> Found:
    """Check a CSC that a script is given; what is no text fails its schema anyway."""
    if not isinstance(text, str) or text == _ANY_CSC:
        return
    try:
        select(text, ground.roster, ground.concern)
    except UnknownNameError as error:
        yield at, str(error), error.hint


def _protected(ground: Ground, at: Path, text: Any) -> Found:
    """Check that a script is given no protected CSC, by its name or among others."""
    protected = {spec.csc for spec in ground.roster.cscs if spec.protected}
    if found := [csc for csc in named(ground, text) if csc in protected]:
        message = f"{found[0]} is protected at {ground.roster.site}: no step may command it"
        yield at, message, "only direct commands from its tile move it"


def _set_state(ground: Ground, config: dict[str, Any], watcher_down: bool) -> Found:
    offline = False
    for at, row in rows_of(config):
        yield from _csc_text(ground, ("data", at, 0), row[0])
        state = str(row[1]).upper()
        if state not in _STATES:
            near = get_close_matches(state, _STATES, 1)
            hint = f"did you mean {near[0]}?" if near else f"use {', '.join(_STATES)}"
            yield ("data", at, 1), f"the script sends nothing to {row[1]!r}", hint
        yield from _protected(ground, ("data", at, 0), row[0])
        offline = offline or state == "OFFLINE"
    if offline and watcher_down and config.get("mute_alarms") is not False:
        message = "the script would ask the Watcher, which is down by then, to mute alarms, and wait up to an hour"
        yield (), message, "add mute_alarms: false"


def _shutdown(ground: Ground, config: dict[str, Any]) -> Found:
    """Check system_wide_shutdown.py: the Watcher first only if asked to, and it never takes ScriptQueues down."""
    roster = ground.roster
    for key in ("ignore", "start_with", "end_with"):
        names = config.get(key)
        for at, name in enumerate(names if isinstance(names, list) else []):
            hint = component_hint(name, roster) if isinstance(name, str) else None
            if hint:
                yield (key, at), f"{name!r} is no component of {roster.site}", hint
    start = config.get("start_with") or []
    if isinstance(start, list) and start[:1] != [WATCHER.name]:
        yield (), "the Watcher would not go down first: the script does that only if told", "add start_with: [Watcher]"
    ignored = config.get("ignore") or []
    for component in dict.fromkeys(spec.csc.name for spec in roster.cscs if spec.protected):
        if isinstance(ignored, list) and component not in ignored:
            yield (
                (),
                f"{component} is protected at {roster.site}, and the script would take it down",
                (f"add it to ignore: [{component}]"),
            )
    ends = config.get("end_with") or []
    if isinstance(ends, list) and SCRIPT_QUEUE in ends:
        hint = "take them down in a step of their own"
        yield ("end_with", ends.index(SCRIPT_QUEUE)), "the script never takes ScriptQueues down", hint
