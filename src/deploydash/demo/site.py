"""The site file: which CSCs there are, and the copy of it that leads an application into the demo observatory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from deploydash.demo.wire import CAMERAS, is_indexed

LATE_FLOOR = 2.5
"""Seconds. Beats stay at 1 Hz at any speed, so no limit may fall under what a healthy CSC needs."""
SILENT_FLOOR = 4.0

_KEPT = ("site", "rehearsal", "time_zone", "cluster", "limits", "groups", "published_end", "cscs", "systems")
"""Keys of a site file that are copied. No address is among them that anything connects to: ``systems`` only names the
hosts in the steps that people do by hand, and in a rehearsal a runbook prints their commands as comments."""

_COMPONENTS_OF_SCALE = 54
"""As many heartbeat topics as the Summit has."""


_FEW_SCRIPTS = (
    "auxtel/enable_atcs.py",
    "maintel/enable_mtcs.py",
    "maintel/track_target.py",
    "run_command.py",
    "set_summary_state.py",
    "sleep.py",
    "system_wide_shutdown.py",
)


class SiteFileError(Exception):
    """The site file cannot be used; the text names the file, the key and what is wanted."""


@dataclass(frozen=True, slots=True)
class Csc:
    """One entry of the roster. ``index`` is None for a component without salIndex."""

    name: str
    component: str
    index: int | None
    group: str
    targets: dict[str, str]
    late: float
    silent: float

    @property
    def camera(self) -> bool:
        """Whether it lives on in OFFLINE."""
        return self.component in CAMERAS


@dataclass(frozen=True)
class Site:
    """A site file as it was read. ``document`` is the whole of it."""

    path: Path
    document: dict[str, Any]
    cscs: tuple[Csc, ...]

    @property
    def subname(self) -> str:
        """The second part of every topic name."""
        return str((self.document.get("kafka") or {}).get("topic_subname", "sal"))

    @cached_property
    def scripts(self) -> tuple[str, ...]:
        """Standard scripts of the ScriptQueues: those of ``scripts/standard.yaml`` beside the site file, else few."""
        try:
            listed = yaml.safe_load((self.path.parent / "scripts" / "standard.yaml").read_text("utf-8"))
        except OSError:
            return _FEW_SCRIPTS
        return tuple(str(path) for path in listed["paths"])

    @property
    def database(self) -> str:
        """The EFD's database."""
        return str((self.document.get("efd") or {}).get("database", "efd"))


def parse_name(text: str) -> tuple[str, int | None]:
    """``ESS:104`` as component and index; the index is None exactly for components without salIndex.

    Raises:
        ValueError: no legal CSC name.
    """
    component, _, index = text.partition(":")
    if not component.isalnum() or (index and not index.isdigit()):
        raise ValueError(f"{text!r} is no CSC name; write Name or Name:index")
    if not is_indexed(component) and not int(index or 0):
        return component, None
    return component, int(index or 0)


def divided(limits: dict[str, Any], speed: float) -> dict[str, Any]:
    """Limits in seconds at this speed of the world, never so small that a healthy 1 Hz beat looks late."""
    floors = {"late": LATE_FLOOR, "silent": SILENT_FLOOR}
    return {
        key: max(min(floors.get(key, 0.0), float(value)), round(float(value) / speed, 3))
        if isinstance(value, int | float)
        else value
        for key, value in limits.items()
    }


def _targets(entry: dict[str, Any]) -> dict[str, str]:
    def plain(value: Any) -> str:
        return str(value["kept"] if isinstance(value, dict) else value)

    startup = plain(entry.get("startup", "STANDBY"))
    return {
        "startup": startup,
        "end": plain(entry.get("end", startup)),
        "shutdown": plain(entry.get("shutdown", "OFFLINE")),
    }


def _csc(path: Path, entry: Any, limits: dict[str, Any], speed: float) -> Csc:
    if not isinstance(entry, dict) or not isinstance(entry.get("csc"), str):
        raise SiteFileError(f"{path}: cscs: {entry!r} has no csc: Name or Name:index")
    try:
        component, index = parse_name(entry["csc"])
    except ValueError as error:
        raise SiteFileError(f"{path}: cscs: {error}") from error
    own = divided({"late": 5, "silent": 10, **limits, **entry.get("limits", {})}, speed)
    return Csc(
        name=entry["csc"],
        component=component,
        index=index,
        group=str(entry.get("group", "")),
        targets=_targets(entry),
        late=own["late"],
        silent=own["silent"],
    )


def _synthetic(count: int) -> list[dict[str, Any]]:
    """``count`` invented CSCs, spread over as many components as a real site has."""
    return [
        {"csc": f"Csc{n % _COMPONENTS_OF_SCALE + 1:04}:{n // _COMPONENTS_OF_SCALE + 1}", "group": "Scale"}
        for n in range(count)
    ]


def read(path: Path, *, speed: float, scale: int = 0) -> Site:
    """Read a site file; with ``scale``, add synthetic CSCs until the roster has that many.

    Raises:
        SiteFileError: not readable, not YAML, or without a roster.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SiteFileError(f"{path}: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("cscs"), list):
        raise SiteFileError(f"{path}: a site file with a list `cscs` is wanted")
    missing = scale - len(document["cscs"])
    if missing > 0:
        document["cscs"] = document["cscs"] + _synthetic(missing)
        document["groups"] = [*document.get("groups", []), "Scale"]
    limits = document.get("limits") or {}
    return Site(path, document, tuple(_csc(path, entry, limits, speed) for entry in document["cscs"]))


def rehearsal(site: Site, sections: Iterable[Mapping[str, Any]], demo: dict[str, Any]) -> dict[str, Any]:
    """The site file of the rehearsal: the same roster, every address a fake's, limits divided by the speed.

    ``sections`` are those of the fakes; the keys that they say under ``systems`` stand in for what the site says of the
    same system, whose other keys stay. ``demo`` has ``speed``, ``scenario``, ``seed``.
    """
    speed = float(demo["speed"])
    source = site.document
    document: dict[str, Any] = {key: value for key, value in source.items() if key in _KEPT}
    document["rehearsal"] = True
    for section in sections:
        for key, value in section.items():
            document[key] = _over(document.get(key) or {}, value) if key == "systems" else value
    document["limits"] = divided({"late": 5, "silent": 10, **(source.get("limits") or {})}, speed)
    document["cscs"] = [
        {**entry, "limits": divided(entry["limits"], speed)} if "limits" in entry else entry for entry in source["cscs"]
    ]
    document["demo"] = demo
    return document


def _over(systems: Mapping[str, Any], faked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the site's ``systems`` with what the fakes say of each."""
    return {**systems, **{name: {**systems.get(name, {}), **section} for name, section in faked.items()}}


def addresses(sections: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Where each system listens: its ``bootstrap``, ``url``, ``api``, port, ``kubeconfig`` or hosts; or its section."""
    named: dict[str, Any] = {}
    for section in sections:
        for key, value in section.items():
            named |= value if key == "systems" else {key: value}
    return {key: _address(value) for key, value in named.items()}


def _address(section: Mapping[str, Any]) -> Any:
    if "port" in section and "server" in section:
        return f"{section['server']}:{section['port']}"
    at = {name: f"{place['address']}:{place['port']}" for name, place in section.get("at", {}).items()}
    named = (section.get(key) for key in ("bootstrap", "url", "api", "kubeconfig"))
    return next(filter(None, named), None) or at or section


def write(path: Path, document: dict[str, Any]) -> None:
    """Write a site file, in one step, so that no reader sees half of it."""
    partial = path.with_suffix(".part")
    partial.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "utf-8")
    partial.replace(path)
