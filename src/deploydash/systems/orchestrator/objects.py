"""What an orchestrator answers, as values (Inmanta's REST API v2; facts measured on 14.0.0). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Changes = Mapping[str, tuple[Any, Any]]
"""What of a resource changes, by attribute: from and to."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment. ``halted``: nothing is deployed in it until it is resumed."""

    name: str
    halted: bool


@dataclass(frozen=True, slots=True)
class SettingOf:
    """A setting as it stands. ``value`` is the ``default`` where it is not ``stored``; a reset stores the default."""

    name: str
    value: Any
    stored: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class Compile:
    """A compile. ``success`` None: it waits or runs. ``stage``: what it does now, or what failed; ``version``: made."""

    success: bool | None
    version: int | None
    stage: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the model: ``candidate``, ``active``, ``retired`` or ``skipped_candidate``."""

    number: int
    status: str
    total: int
    label: str


@dataclass(frozen=True, slots=True)
class Deploy:
    """How the deploy of a version stands: ``pending``, ``deploying``, ``success`` or ``failed``."""

    released: bool
    result: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent: ``up``, ``down`` or ``paused``."""

    name: str
    status: str


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the latest released version, or ``orphaned``: of an older one."""

    id: str
    agent: str
    status: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What a dry run, or a comparison of two versions, says of one resource."""

    id: str
    status: str
    changes: Changes = field(default_factory=dict)

    @property
    def differs(self) -> bool:
        """Whether anything would change."""
        return self.status != "unmodified"

    def words(self, glue: str = " -> ") -> str:
        """Return it on one line."""
        told = ", ".join(
            f"{name} {_short(old)}{glue}{_short(new)}" for name, (old, new) in sorted(self.changes.items())
        )
        return f"{self.id} {self.status}{': ' if told else ''}{told}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def mapping(told: Any) -> Mapping[str, Any]:
    """Return a JSON object, empty where it is none."""
    return told if isinstance(told, dict) else {}


def rows(told: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a JSON list."""
    return [row for row in told if isinstance(row, dict)] if isinstance(told, list) else []


def environment(told: Any) -> Environment:
    """Return an environment."""
    fields = mapping(told)
    return Environment(str(fields.get("name", "")), bool(fields.get("halted")))


def settings(told: Any) -> dict[str, SettingOf]:
    """Return every setting that this server knows, with its default where nobody has set it."""
    stored, known = mapping(mapping(told).get("settings")), mapping(mapping(told).get("definition"))
    return {
        name: SettingOf(name, stored.get(name, default), name in stored, default)
        for name, default in ((name, mapping(one).get("default")) for name, one in known.items())
    }


def compiled(told: Any) -> Compile:
    """Return a compile with the stage that it is in, or that failed."""
    fields = mapping(told)
    stages = rows(fields.get("reports"))
    success = fields.get("success")
    failed = next((each for each in stages if each.get("returncode") not in {0, None}), None)
    last = stages[-1] if stages else {}
    stage = failed if failed is not None else last
    errors = [str(each.get("message", "")) for each in rows(mapping(fields.get("compile_data")).get("errors"))]
    said = str(failed.get("errstream") or failed.get("outstream") or "") if failed is not None else ""
    why = errors[0] if errors else (said.strip().splitlines() or [""])[-1]
    version = fields.get("version")
    return Compile(
        None if success is None else bool(success),
        version if isinstance(version, int) else None,
        str(stage.get("name", "")),
        why[:500],
    )


def versions(told: Any) -> tuple[Version, ...]:
    """Return versions, the newest first."""
    return tuple(
        Version(
            int(each["version"]),
            str(each.get("status", "")),
            int(each.get("total", 0)),
            next((str(label.get("message", "")) for label in rows(each.get("labels"))), ""),
        )
        for each in rows(told)
    )


def deploy(told: Any) -> Deploy:
    """Return how the deploy of a version stands."""
    fields = mapping(mapping(told).get("model"))
    return Deploy(
        bool(fields.get("released")),
        str(fields.get("result", "")),
        int(fields.get("done") or 0),
        int(fields.get("total") or 0),
    )


def agents(told: Any) -> tuple[Agent, ...]:
    """Return agents by name."""
    return tuple(sorted((Agent(str(one["name"]), str(one.get("status"))) for one in rows(told)), key=lambda a: a.name))


def resources(told: Any) -> tuple[Resource, ...]:
    """Return resources with their states."""
    return tuple(
        Resource(str(one["resource_id"]), str(mapping(one.get("id_details")).get("agent", "")), str(one.get("status")))
        for one in rows(told)
    )


def differences(told: Any) -> tuple[Difference, ...]:
    """Return what a report of differences says, in the order of the resources' names."""
    found = (
        Difference(
            str(one["resource_id"]),
            str(one.get("status", "")),
            {
                str(name): (mapping(change).get("from_value"), mapping(change).get("to_value"))
                for name, change in mapping(one.get("attributes")).items()
            },
        )
        for one in rows(told)
    )
    return tuple(sorted(found, key=lambda one: one.id))


def agent_of(resource: str) -> str:
    """Return the agent of a resource by its name: ``lab::Item[tel1,name=a]`` is of ``tel1``."""
    return resource.partition("[")[2].partition(",")[0]


def by_state(found: Iterable[Resource]) -> dict[str, int]:
    """Return how many resources are in each state, those of older versions left out."""
    counts: dict[str, int] = {}
    for one in found:
        if one.status != "orphaned":
            counts[one.status] = counts.get(one.status, 0) + 1
    return counts


def states_words(counts: Mapping[str, int]) -> str:
    """Return counts of states in words."""
    return ", ".join(f"{number} {state}" for state, number in sorted(counts.items())) or "no resource"
