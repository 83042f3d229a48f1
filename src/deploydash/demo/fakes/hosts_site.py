"""Which hosts a site file names, and what stands on each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from deploydash.demo.fake import Values
from deploydash.demo.fakes.hosts_clone import Checkout
from deploydash.demo.fakes.hosts_docker import Container
from deploydash.demo.fakes.hosts_host import Build, Host, Unit
from deploydash.demo.fakes.hosts_life import Life
from deploydash.demo.fakes.hosts_scripts import PRESENT
from deploydash.demo.site import Csc
from deploydash.demo.world import World

_REPOSITORIES = {"genericcamera": "genericcamera", "fiberspectrograph": "fiberspectrograph"}
_ESS = "ess-controller"

OnHost = Callable[[str, str], Values | None]
"""The values of a fault that is on for a host."""

Row = Mapping[str, Any]


def furnished(world: World, section: Mapping[str, Any], on: OnHost) -> dict[str, Host]:
    """The hosts of a section ``ssh`` by name, each with what stands on it."""
    return _Furnisher(world, on).furnish(section)


class _Furnisher:
    def __init__(self, world: World, on: OnHost) -> None:
        self._world = world
        self._on = on
        self._cscs = {csc.name: csc for csc in world.site.cscs}
        self._hosts: dict[str, Host] = {}

    def furnish(self, section: Mapping[str, Any]) -> dict[str, Host]:
        for at, row in enumerate(section.get("cameras", ())):
            self._camera(row, by_ccs=at > 0)
        for row in section.get("bare_metal", ()):
            self._service(row)
        for row in section.get("checkouts", ()):
            self._clone(self._host(row["ssh"]), row["directory"])
        for row in section.get("ess_controllers", ()):
            self._controller(row)
        for row in section.get("crios", ()):
            host = self._host(row["ssh"])
            host.builds[row["repository"]] = Build(row["binary"])
        for row in section.get("machines", ()):
            self._host(row["ssh"])
        return self._hosts

    def _host(self, login: str) -> Host:
        name = login.rpartition("@")[2]
        if name not in self._hosts:
            self._hosts[name] = Host(name, self._world, lambda fault: self._on(fault, name))
        return self._hosts[name]

    def _life(self, names: Iterable[str]) -> Life:
        found = [self._cscs[name] for name in names if name in self._cscs]
        return Life(self._world, found)

    def _camera(self, row: Row, *, by_ccs: bool) -> None:
        host = self._host(row["host"])
        host.by_ccs = by_ccs
        host.units[row["unit"]] = Unit(row["unit"], self._life([row["csc"]]), fails=True)
        csc: Csc | None = self._cscs.get(row["csc"])
        if csc is not None:
            host.bridges[row["ccs_target"]] = csc

    def _service(self, row: Row) -> None:
        host = self._host(row["ssh"])
        cscs = list(row.get("cscs", ()))
        if "unit" in row:
            host.units[row["unit"]] = Unit(row["unit"], self._life(cscs))
        elif "process" in row:
            script = str(row["stop"]).split()[0]
            host.scripts[script] = Unit(script, self._life(cscs), process=row["process"])
        elif "containers" in row:
            project = str(row["stop"]).split()[0].removeprefix("./shutdown_")
            names = _names(row["containers"])
            shares = [[csc] for csc in cscs] if len(cscs) == len(names) else [cscs, *([[]] * (len(names) - 1))]
            host.docker.projects[project] = [
                Container(name, _repository(name), PRESENT, self._life(share))
                for name, share in zip(names, shares, strict=True)
            ]

    def _controller(self, row: Row) -> None:
        """An ESS controller: it is no CSC, its CSC runs in the cluster and reads from it."""
        host = self._host(row["ssh"])
        self._clone(host, row.get("directory", "docker-compose-ops"))
        stops: Sequence[str] = row["stop"]
        names = _names(row.get("containers", [_ESS]))
        for at, stop in enumerate(stops):
            name = names[min(at, len(names) - 1)]
            tag = f"{PRESENT}.000" if name == _ESS else PRESENT
            project = stop.split()[0].removeprefix("./shutdown_")
            host.docker.projects[project] = [Container(name, f"{name}-aarch64", tag, self._life(()))]

    def _clone(self, host: Host, directory: str) -> None:
        host.checkouts.setdefault(directory, Checkout(directory))


def _names(containers: Iterable[str]) -> list[str]:
    """Names of containers; a pattern stands for two."""
    return [
        name.replace("*", part) for name in containers for part in (("manager", "frontend") if "*" in name else ("",))
    ]


def _repository(container: str) -> str:
    return next((image for start, image in _REPOSITORIES.items() if container.startswith(start)), container)
