"""Scenario files, read and checked.

A file has ``name``, ``about``, ``fleet`` (where every CSC stands: ``startup``, ``end``, ``shutdown`` or a state),
``cscs`` (exceptions at the opening; the last one that names a CSC counts) and ``timeline`` (steps). All problems of a
file are found at once, each with its line and key.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from deploydash.demo.scenario import LIVES, REACTIONS, SCRIPT_ENDS, Goal, Opening, Scenario, Step, goal
from deploydash.demo.states import TRANSITIONS, Reaction, ScriptManner


class ScenarioError(Exception):
    """The scenario cannot be played. ``problems`` has one sentence each, with file, line and key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _WrongValueError(ValueError):
    """A value that its key does not take; the message says what it does."""


STEPS: dict[str, frozenset[str]] = {
    "move": frozenset({"state", "pace"}),
    "fault": frozenset({"code", "report"}),
    "kill": frozenset(),
    "hang": frozenset(),
    "deafen": frozenset(),
    "start": frozenset({"state"}),
    "restart": frozenset({"state", "origin", "after"}),
    "duplicate": frozenset(),
    "flap": frozenset({"between"}),
    "log": frozenset({"message", "level"}),
    "behave": frozenset({"beats", "reacts", "scripts"}),
    "substate": frozenset({"state"}),
    "unexpected": frozenset({"state"}),
    "malformed": frozenset({"count", "event"}),
    "script": frozenset({"seconds"}),
    "broker_down": frozenset(),
    "broker_up": frozenset(),
    "registry_down": frozenset(),
    "registry_up": frozenset(),
    "efd_down": frozenset(),
    "efd_up": frozenset(),
}
"""Every kind of step and the keys it takes beside the common ones."""

MALFORMED = ("errorCode", "summaryState", "heartbeat")
"""The events among whose records malformed ones may be written."""

_SERVERS = frozenset(name for name in STEPS if name.endswith(("_down", "_up"))) | {"script"}
_COMMON = frozenset({"at", "do", "every", "times", "once_gone"})
_CHOICE = frozenset({"csc", "except", "spread"})


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise _WrongValueError(f"{value!r} is no number of seconds")
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _WrongValueError(f"{value!r} is no whole number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _WrongValueError(f"{value!r} is no text")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _WrongValueError(f"{value!r} is neither true nor false")
    return value


def _patterns(value: Any) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not items or not all(isinstance(item, str) for item in items):
        raise _WrongValueError(f"{value!r} names no CSC; write Name, Name:index, ESS:*, group=AT or a list of these")
    return tuple(item.strip() for item in items)


def _goals(value: Any) -> tuple[Goal, ...]:
    if not isinstance(value, list) or len(value) != 2:
        raise _WrongValueError(f"{value!r} is no list of two states")
    return tuple(goal(item) for item in value)


def _one_of(*names: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in names:
            raise _WrongValueError(f"{value!r} is none of {', '.join(names)}{_nearest(str(value), names)}")
        return str(value)

    return check


def _beats(value: Any) -> float | str:
    return "slow" if value == "slow" else _number(value)


def _reactions(value: Any) -> dict[str, Reaction]:
    if not isinstance(value, dict):
        raise _WrongValueError(f"{value!r} is no mapping of commands to reactions")
    made: dict[str, Reaction] = {}
    checks: dict[str, Callable[[Any], Any]] = {
        "do": _one_of(*REACTIONS),
        "delay": _number,
        "progress": _number,
        "code": _whole,
        "report": _text,
    }
    for command, reaction in value.items():
        _one_of(*TRANSITIONS)(command)
        entry: dict[str, Any] = {"do": reaction} if isinstance(reaction, str) else dict(reaction)
        for key, item in entry.items():
            _one_of(*checks)(key)
            entry[key] = checks[key](item)
        made[str(command)] = Reaction(**entry)
    return made


def _scripts(value: Any) -> dict[str, ScriptManner]:
    if not isinstance(value, dict):
        raise _WrongValueError(f"{value!r} is no mapping of scripts to how they run")
    checks: dict[str, Callable[[Any], Any]] = {"do": _one_of(*SCRIPT_ENDS), "seconds": _number, "message": _text}
    made: dict[str, ScriptManner] = {}
    for path, manner in value.items():
        entry: dict[str, Any] = {"do": manner} if isinstance(manner, str) else dict(manner)
        for key, item in entry.items():
            _one_of(*checks)(key)
            entry[key] = checks[key](item)
        made[str(path)] = ScriptManner(**entry)
    return made


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "at": _number,
    "do": _one_of(*STEPS),
    "csc": _patterns,
    "except": _patterns,
    "once_gone": _patterns,
    "every": _number,
    "times": _whole,
    "spread": _number,
    "state": goal,
    "between": _goals,
    "pace": _number,
    "code": _whole,
    "report": _text,
    "message": _text,
    "level": _whole,
    "count": _whole,
    "event": _one_of(*MALFORMED),
    "after": _number,
    "origin": _one_of("new", "same"),
    "beats": _beats,
    "reacts": _reactions,
    "scripts": _scripts,
    "seconds": _number,
    "life": _one_of(*LIVES),
    "since": _number,
    "died": _number,
    "twice": _flag,
}
_OPENING_KEYS = frozenset(
    {"csc", "except", "state", "life", "since", "died", "code", "report", "beats", "reacts", "scripts", "twice"}
)
_TOP_KEYS = frozenset({"name", "about", "fleet", "cscs", "timeline"})


class _Lined(dict[str, Any]):
    """A mapping that knows the lines (from 1) of its keys."""

    line: int
    lines: dict[str, int]


class _Loader(yaml.SafeLoader):
    """Safe YAML whose mappings know their lines and which refuses a key that is there twice."""


def _construct(loader: _Loader, node: yaml.MappingNode) -> _Lined:
    made = _Lined()
    made.line, made.lines = node.start_mark.line + 1, {}
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in made:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is there twice", key_node.start_mark)
        made[key] = loader.construct_object(value_node, deep=True)
        made.lines[key] = key_node.start_mark.line + 1
    return made


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct)


class _Reader:
    """Turns one document into a Scenario and gathers every problem on the way."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.problems: list[str] = []

    def problem(self, line: int, key: str, sentence: str) -> None:
        self.problems.append(f"{self._source}:{line}: {key}: {sentence}")

    def checked(self, entry: Any, allowed: frozenset[str], wanted: tuple[str, ...], where: str) -> dict[str, Any]:
        if not isinstance(entry, _Lined):
            self.problem(1, where, f"{entry!r} is no mapping")
            return {}
        good = {}
        for key, value in entry.items():
            if key not in allowed:
                hint = _nearest(key, allowed) or f"; known are {', '.join(sorted(allowed))}"
                self.problem(entry.lines[key], f"{where}.{key}", f"is not known here{hint}")
                continue
            try:
                good["exempt" if key == "except" else key] = _CHECKS[key](value)
            except ValueError as error:
                self.problem(entry.lines[key], f"{where}.{key}", str(error))
        for key in wanted:
            if key not in entry:
                self.problem(entry.line, where, f"{key} is missing")
        return good

    def items(self, document: _Lined, key: str) -> list[Any]:
        value = document.get(key) or []
        if not isinstance(value, list):
            self.problem(document.lines[key], key, "is no list")
            return []
        return value

    def scenario(self, document: _Lined, name: str) -> Scenario | None:
        for key in document:
            if key not in _TOP_KEYS:
                self.problem(document.lines[key], key, f"is not known here{_nearest(key, _TOP_KEYS)}")
        try:
            fleet = goal(document.get("fleet", "startup"))
        except ValueError as error:
            self.problem(document.lines["fleet"], "fleet", str(error))
            fleet = Goal(target="startup")
        openings = [
            self.checked(entry, _OPENING_KEYS, ("csc",), f"cscs[{n}]")
            for n, entry in enumerate(self.items(document, "cscs"))
        ]
        steps = [self.step(entry, f"timeline[{n}]") for n, entry in enumerate(self.items(document, "timeline"))]
        if self.problems:
            return None
        return Scenario(
            name=str(document.get("name", name)),
            about=str(document.get("about", "")),
            fleet=fleet,
            openings=tuple(Opening(**entry) for entry in openings),
            timeline=tuple(Step(**entry) for entry in steps),
        )

    def step(self, entry: Any, where: str) -> dict[str, Any]:
        kind = entry.get("do") if isinstance(entry, dict) else None
        if kind not in STEPS:
            self.checked(entry, frozenset(_CHECKS), ("at", "do"), where)
            return {}
        choice = frozenset() if kind in _SERVERS else _CHOICE
        wanted = ("at",) if kind in _SERVERS else ("at", "csc")
        return {**self.checked(entry, _COMMON | choice | STEPS[kind], wanted, where), "line": entry.line}


def parse(text: str, source: str, name: str) -> Scenario:
    """A scenario from YAML text; ``source`` names it in problems.

    Raises:
        ScenarioError: with every problem found.
    """
    try:
        document = yaml.load(text, Loader=_Loader)  # a SafeLoader with positions
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise ScenarioError([f"{source}:{line}: {getattr(error, 'problem', None) or error}"]) from error
    if not isinstance(document, _Lined):
        raise ScenarioError([f"{source}:1: a mapping with name, fleet, cscs and timeline is wanted"])
    reader = _Reader(source)
    scenario = reader.scenario(document, name)
    if scenario is None:
        raise ScenarioError(reader.problems)
    return scenario


def shipped() -> list[str]:
    """The names of the scenarios in the package."""
    folder = resources.files("deploydash.demo").joinpath("scenarios")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load(name_or_path: str) -> Scenario:
    """A shipped scenario by name, or any file by path.

    Raises:
        ScenarioError: there is none, or it has problems.
    """
    if "/" not in name_or_path and not name_or_path.endswith((".yaml", ".yml")):
        if name_or_path not in shipped():
            hint = _nearest(name_or_path, shipped()) or f"; there are {', '.join(shipped())}"
            raise ScenarioError([f"there is no scenario {name_or_path!r}{hint}"])
        file = resources.files("deploydash.demo").joinpath("scenarios", f"{name_or_path}.yaml")
        return parse(file.read_text("utf-8"), f"{name_or_path}.yaml", name_or_path)
    path = Path(name_or_path)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError([f"{path}: {error}"]) from error
    return parse(text, str(path), path.stem)
