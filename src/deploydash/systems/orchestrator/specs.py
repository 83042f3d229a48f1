"""One piece of work on an orchestrator as its item holds it, and as it is sent. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId
from deploydash.systems.orchestrator.settings import ORCHESTRATOR


class Do(StrEnum):
    """What is done, as a step's ``do`` says it."""

    VERIFY = "verify"
    SET = "set"
    RESTORE = "restore"
    ENGAGE = "agent map"
    RECOMPILE = "recompile"
    UPDATE = "update and recompile"
    INSPECT = "inspect"
    RESOURCES = "resources"
    DRY_RUN = "dry run"
    COMPARE = "compare"
    SAME = "same dry run"
    DEPLOY = "deploy"
    DELETE = "delete version"
    REPAIR = "force repair"
    INCREMENTAL = "deploy on agents"
    HALT = "halt"
    RESUME = "resume"
    CHECK_PROJECT = "check project"
    FREEZE = "freeze"
    MODULES = "compare modules"
    COMMIT = "commit"
    PUSH = "push"


REPAIRS = {Do.REPAIR: "push_full_deploy", Do.INCREMENTAL: "push_incremental_deploy"}
"""How agents are triggered; ``push_full_deploy`` is what the web console calls force repair."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One piece of work.

    ``setting`` with ``value`` as JSON; ``back``: the steps that put it back. ``version``: a number. ``before`` and
    ``after``: dry runs, each ``version/id``. ``behind``: agents that must be in order before this one is engaged.
    ``wants``: of a compile, ``candidate`` where nothing may be released by it, ``still`` where it is released and
    nothing may be deployed.
    """

    do: Do
    setting: str = ""
    value: str = ""
    back: tuple[str, ...] = ()
    version: str = ""
    before: str = ""
    after: str = ""
    agent: str = ""
    behind: tuple[str, ...] = ()
    wants: str = "candidate"

    @property
    def wanted(self) -> Any:
        """The value of the setting."""
        return json.loads(self.value)

    @property
    def number(self) -> int:
        """The version as a number.

        Raises:
            ValueError: it is not known yet.
        """
        return int(self.version)


def read_spec(text: str) -> Spec:
    """Return what an item of this system asks for.

    Raises:
        ValueError, TypeError, LookupError: it is no such item.
    """
    told = json.loads(text)
    return Spec(**{**told, "do": Do(told["do"]), "back": _tuple(told, "back"), "behind": _tuple(told, "behind")})


def _tuple(told: dict[str, Any], key: str) -> tuple[str, ...]:
    return tuple(told.get(key, ()))


def spec_text(spec: Spec) -> str:
    """Return a piece of work as an item holds it."""
    return json.dumps({**asdict(spec), "do": spec.do.value})


def made(at: ItemId, spec: Spec) -> Item:
    """Return the item that does a piece of work."""
    return Item(at, label(spec), ORCHESTRATOR, spec_text(spec), manual=lines(spec))


def label(spec: Spec) -> str:
    """Return what a person calls it."""
    match spec.do:
        case Do.VERIFY | Do.SET:
            return f"{spec.setting} = {shown(spec.wanted)}"
        case Do.RESTORE:
            return spec.setting
        case Do.REPAIR | Do.INCREMENTAL:
            return spec.agent
        case Do.DRY_RUN | Do.DEPLOY | Do.DELETE | Do.RESOURCES | Do.COMPARE:
            return f"{spec.do.value} {spec.version}".strip()
        case Do.HALT | Do.RESUME:
            return f"{spec.do.value} the environment"
        case _:
            return spec.do.value


def shown(value: Any) -> str:
    """Return a value of a setting as people write it."""
    return json.dumps(value) if not isinstance(value, str) else value


def lines(spec: Spec, version: str = "") -> tuple[str, ...]:
    """Return the requests of a piece of work, as far as they are known without asking."""
    at = version or spec.version or "<version>"
    match spec.do:
        case Do.SET:
            return (f"POST /api/v2/environment_settings/{spec.setting} {spec.value}",)
        case Do.RESTORE:
            return (f"POST /api/v2/environment_settings/{spec.setting} the value that was read before",)
        case Do.ENGAGE:
            return ("POST /api/v2/environment_settings/autostart_agent_map all agents of the site file",)
        case Do.RECOMPILE | Do.UPDATE:
            update = "true" if spec.do is Do.UPDATE else "false"
            return (f"POST /api/v1/notify with update {update}",)
        case Do.DRY_RUN:
            return (f"POST /api/v2/dryrun/{at}",)
        case Do.DEPLOY:
            return (f"POST /api/v2/desiredstate/{at}/promote",)
        case Do.DELETE:
            return (f"DELETE /api/v1/version/{at}",)
        case Do.REPAIR | Do.INCREMENTAL:
            return (f"POST /api/v1/deploy {REPAIRS[spec.do]} on {spec.agent}",)
        case Do.HALT | Do.RESUME:
            return (f"POST /api/v2/actions/environment/{spec.do.value}",)
        case Do.FREEZE:
            return ('inmanta -vv -X project freeze --recursive --operator "=="',)
        case Do.COMMIT:
            return ("git commit -m ... -- project.yml",)
        case Do.PUSH:
            return ("git push origin HEAD:refs/heads/ the release branch",)
        case _:
            return ()
