"""Whether a script that somebody types in may go: its configuration as text, its schema where known, and our rules."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import Any

import yaml

from deploydash.config.runbook_names import Concern
from deploydash.config.runbook_scripts import Catalogue
from deploydash.config.runbook_scripts_lint import script_departures
from deploydash.config.script_effects import script_effects
from deploydash.config.yaml_lines import key_text, read_yaml
from deploydash.core.model import Roster
from deploydash.systems.sal.steps import ScriptChecked

MOST_CHARACTERS = 20_000
"""Characters of a configuration; the longest of the runbooks has some hundred."""

OPAQUE = "What it does to the states of CSCs is not known here: no order rule can stop it."

_SAID = 500
"""Characters of a sentence: a schema's complaint repeats what it complains of."""


class ScriptCheck:
    """Checks scripts against what is known at a site, as runbooks are checked when they are read."""

    def __init__(self, roster: Roster, catalogue: Catalogue) -> None:
        self.roster = roster
        self.concern = Concern.of(roster, None)
        self._catalogue = catalogue

    def __call__(self, path: str, standard: bool, config: str) -> ScriptChecked:
        """Return a script's configuration as it would be sent, and what is wrong with it or not known of it."""
        refused = _refused(config)
        if refused:
            return ScriptChecked(config, wrong=(refused,))
        try:
            given = yaml.safe_load(config) if config.strip() else {}
        except yaml.YAMLError as error:
            return ScriptChecked(config, wrong=(f"the configuration is no YAML: {str(error).splitlines()[0]}",))
        except ValueError as error:  # a date such as 2026-13-45, a number of thousands of digits
            return ScriptChecked(config, wrong=(f"the configuration cannot be read: {error}; quote what is text",))
        if not isinstance(given, dict):
            return ScriptChecked(config, wrong=("the configuration is no mapping: write {el: 80}, or nothing",))
        try:
            plain: dict[str, Any] = json.loads(json.dumps(given, allow_nan=False))
        except (TypeError, ValueError):
            return ScriptChecked(config, wrong=("the configuration holds what is neither text, number, list nor map",))
        text = yaml.safe_dump(plain, sort_keys=False, default_flow_style=None) if plain else ""
        if not standard:
            told = "No schema is known here for external scripts: the script itself checks it when it is loaded."
            return ScriptChecked(text, told=(told, OPAQUE))
        found = script_departures(self, path, plain, watcher_down=True)
        wrong = [_sentence(at, message, hint) for at, message, hint in found]
        known = path in self._catalogue.schemas
        if known:
            departures = self._catalogue.check(path, plain)
            wrong = [*(_sentence(each.at, each.message, each.hint) for each in departures), *wrong]
        effects = script_effects(self, self._catalogue.paths, path, plain)
        words = (self._told(path, known=known), *(() if effects is not None else (OPAQUE,)))
        return ScriptChecked(text, tuple(wrong), words, effects or (), effects is None)

    def _told(self, path: str, *, known: bool) -> str:
        if known:
            return f"The configuration fits the schema of {path} that is known here."
        if path in self._catalogue.paths:
            return f"No schema of {path} is known here: the script itself checks it when it is loaded."
        near = get_close_matches(path, self._catalogue.paths, 1)
        meant = f" Did you mean {near[0]}?" if near else ""
        return f"{path} is none of the scripts known here: its queue says whether it has it.{meant}"


def _refused(config: str) -> str:
    """Return why a configuration is not even looked at, or nothing.

    ``yaml.safe_load`` follows every bracket by a call, builds what anchors multiply, keeps the last of two equal keys
    without a word.
    """
    if len(config) > MOST_CHARACTERS:
        return f"the configuration has {len(config)} characters; at most {MOST_CHARACTERS} are taken"
    for problem in read_yaml(config, "").problems:
        hint = f" ({problem.hint})" if problem.hint else ""
        where = f"line {problem.line}: " if problem.line else ""
        what = problem.message.replace("not YAML", "the configuration is no YAML")
        return f"{where}{what}{hint}"
    return ""


def _sentence(at: tuple[str | int, ...], message: str, hint: str) -> str:
    where = f"{key_text(at)}: " if at else ""
    said = f"{where}{message}{f' ({hint})' if hint else ''}"
    return said if len(said) <= _SAID else f"{said[:_SAID]} ..."
