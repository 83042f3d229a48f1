"""Scenario files, read and checked.

A file has ``name``, ``about``, ``fleet`` (where every CSC stands: ``startup``, ``end``, ``shutdown`` or a state),
``cscs`` (exceptions at the opening; the last one that names a CSC counts) and ``timeline``. A step of it either lets
something happen to CSCs (``do: kill``) or lets an outside system fail, by the names of its fake and for so many world
seconds (``fault: {system: registry, name: stalled, seconds: 7}``, ``for: 30``). It does so ``at`` world seconds after
the opening, or after something: ``once: {gone: "ScriptQueue:*"}``, ``once: {system: registry, asked: register}``. All
problems of a file are found at once, each with its line and key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import yaml

from deploydash.demo import lined
from deploydash.demo.fake import Kind
from deploydash.demo.goal import Goal, goal
from deploydash.demo.lined import Lined
from deploydash.demo.scenario import Once, Opening, Scenario, Step, SystemFault
from deploydash.demo.scenario_values import CHECKS, a_text, nearest, number, patterns

_T = TypeVar("_T")


class ScenarioError(Exception):
    """The scenario cannot be played. ``problems`` has one sentence each, with file, line and key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


STEPS: dict[str, frozenset[str]] = {
    "move": frozenset({"state", "pace"}),
    "fault": frozenset({"code", "report"}),
    "kill": frozenset(),
    "hang": frozenset(),
    "deafen": frozenset(),
    "start": frozenset({"state"}),
    "restart": frozenset({"state", "origin", "after"}),
    "redeploy": frozenset(),
    "duplicate": frozenset(),
    "flap": frozenset({"between"}),
    "log": frozenset({"message", "level"}),
    "behave": frozenset({"beats", "reacts", "scripts"}),
    "substate": frozenset({"state"}),
    "unexpected": frozenset({"state"}),
    "malformed": frozenset({"count", "event"}),
    "script": frozenset({"seconds"}),
    "merge": frozenset({"tag"}),
}
"""Every kind of step and the keys it takes beside the common ones."""

_FLEETLESS = frozenset({"script", "merge"})
_COMMON = frozenset({"at", "every", "times"})
_CHOICE = frozenset({"csc", "except", "spread"})
_OPENING_KEYS = frozenset(
    {"csc", "except", "state", "life", "since", "died", "code", "report", "beats", "reacts", "scripts", "twice"}
)
_RENAMED = {"except": "exempt", "for": "lasts"}
_TOP_KEYS = frozenset({"name", "about", "fleet", "cscs", "timeline"})


def _known(word: str, known: Iterable[str]) -> str:
    return nearest(word, known) or f"; known are {', '.join(sorted(known)) or 'none'}"


class _Reader:
    """Turns one document into a Scenario and gathers every problem on the way."""

    def __init__(self, source: str, fakes: Iterable[Kind]) -> None:
        self._source = source
        self._fakes = {kind.name: kind for kind in fakes}
        self.problems: list[str] = []

    def problem(self, line: int, key: str, sentence: str) -> None:
        self.problems.append(f"{self._source}:{line}: {key}: {sentence}")

    def checked(self, entry: Any, allowed: frozenset[str], wanted: tuple[str, ...], where: str) -> dict[str, Any]:
        if not isinstance(entry, Lined):
            self.problem(1, where, f"{entry!r} is no mapping")
            return {}
        good = {}
        for key, value in entry.items():
            if key not in allowed:
                self.problem(entry.lines[key], f"{where}.{key}", f"is not known here{_known(key, allowed)}")
                continue
            try:
                good[_RENAMED.get(key, key)] = CHECKS[key](value)
            except ValueError as error:
                self.problem(entry.lines[key], f"{where}.{key}", str(error))
        for key in wanted:
            if key not in entry:
                self.problem(entry.line, where, f"{key} is missing")
        return good

    def items(self, document: Lined, key: str) -> list[Any]:
        value = document.get(key) or []
        if not isinstance(value, list):
            self.problem(document.lines[key], key, "is no list")
            return []
        return value

    def scenario(self, document: Lined, name: str) -> Scenario | None:
        for key in document:
            if key not in _TOP_KEYS:
                self.problem(document.lines[key], key, f"is not known here{nearest(key, _TOP_KEYS)}")
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
        if not isinstance(entry, Lined):
            self.problem(1, where, f"{entry!r} is no mapping")
            return {}
        made: dict[str, Any] = {}
        rest = Lined(entry)
        rest.line, rest.lines = entry.line, entry.lines
        for key, read in (("once", self.once), ("fault", self.fault)):
            if key in rest:
                made[key] = read(rest, rest.pop(key), f"{where}.{key}")
        wanted = () if "once" in entry else ("at",)
        if "fault" in entry:
            return made | self.checked(rest, _COMMON | {"for"}, wanted, where)
        kind = entry.get("do")
        if kind not in STEPS:
            problem = f"{kind!r} is none of {', '.join(STEPS)}{nearest(str(kind), STEPS)}" if kind else "do is missing"
            self.problem(entry.lines.get("do", entry.line), f"{where}.do" if kind else where, problem)
            return {}
        if kind not in _FLEETLESS:
            wanted = (*wanted, "csc")
        choice = frozenset() if kind in _FLEETLESS else _CHOICE
        return made | self.checked(rest, _COMMON | {"do"} | choice | STEPS[kind], wanted, where)

    def once(self, step: Lined, entry: Any, where: str) -> Once | None:
        """What a step waits for, or None and a problem."""
        keys = set(entry) if isinstance(entry, Lined) else set()
        if keys == {"gone"}:
            try:
                return Once(gone=patterns(entry["gone"]))
            except ValueError as error:
                self.problem(entry.lines["gone"], f"{where}.gone", str(error))
                return None
        if keys != {"system", "asked"}:
            self.problem(
                step.lines["once"], where, f"{entry!r} is neither {{gone: CSC}} nor {{system: NAME, asked: KIND}}"
            )
            return None
        kind = self.named(entry, "system", self._fakes, where)
        if kind is not None and self.named(entry, "asked", dict.fromkeys(sorted(kind.asks), True), where):
            return Once(system=kind.name, asked=entry["asked"])
        return None

    def fault(self, step: Lined, entry: Any, where: str) -> SystemFault | None:
        """The fault that a step names, or None and a problem."""
        if not isinstance(entry, Lined):
            self.problem(step.lines["fault"], where, f"{entry!r} is no mapping of system and name")
            return None
        kind = self.named(entry, "system", self._fakes, where)
        fault = None if kind is None else self.named(entry, "name", kind.faults, where)
        if fault is None:
            return None
        values: dict[str, float | str] = {}
        for key in entry.keys() - {"system", "name"}:
            if key not in fault.values:
                self.problem(entry.lines[key], f"{where}.{key}", f"is not known here{_known(key, fault.values)}")
                continue
            try:
                values[key] = a_text(entry[key]) if isinstance(fault.values[key], str) else number(entry[key])
            except ValueError as error:
                self.problem(entry.lines[key], f"{where}.{key}", str(error))
        return SystemFault(entry["system"], entry["name"], values)

    def named(self, entry: Lined, key: str, known: Mapping[str, _T], where: str) -> _T | None:
        """What the value of a key names, or None and a problem."""
        name = entry.get(key)
        if isinstance(name, str) and name in known:
            return known[name]
        problem = f"{name!r} is none of {', '.join(known)}{nearest(str(name), known)}" if key in entry else "is missing"
        self.problem(entry.lines.get(key, entry.line), f"{where}.{key}", problem)
        return None


def parse(text: str, source: str, name: str, fakes: Iterable[Kind]) -> Scenario:
    """A scenario from YAML text; ``source`` names it in problems, ``fakes`` are those whose faults it may switch.

    Raises:
        ScenarioError: with every problem found.
    """
    try:
        document = lined.load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise ScenarioError([f"{source}:{line}: {getattr(error, 'problem', None) or error}"]) from error
    if not isinstance(document, Lined):
        raise ScenarioError([f"{source}:1: a mapping with name, fleet, cscs and timeline is wanted"])
    reader = _Reader(source, fakes)
    scenario = reader.scenario(document, name)
    if scenario is None:
        raise ScenarioError(reader.problems)
    return scenario


def shipped() -> list[str]:
    """The names of the scenarios in the package."""
    folder = resources.files("deploydash.demo").joinpath("scenarios")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load(name_or_path: str, fakes: Iterable[Kind]) -> Scenario:
    """A shipped scenario by name, or any file by path.

    Raises:
        ScenarioError: there is none, or it has problems.
    """
    if "/" not in name_or_path and not name_or_path.endswith((".yaml", ".yml")):
        if name_or_path not in shipped():
            hint = nearest(name_or_path, shipped()) or f"; there are {', '.join(shipped())}"
            raise ScenarioError([f"there is no scenario {name_or_path!r}{hint}"])
        file = resources.files("deploydash.demo").joinpath("scenarios", f"{name_or_path}.yaml")
        return parse(file.read_text("utf-8"), f"{name_or_path}.yaml", name_or_path, fakes)
    path = Path(name_or_path)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError([f"{path}: {error}"]) from error
    return parse(text, str(path), path.stem, fakes)
