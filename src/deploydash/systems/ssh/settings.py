"""Hosts outside Kubernetes: the section ``ssh``.

Sources of the committed values: lsst-ts/observatory-controls-docs (Control-System-Upgrade) and
lsst-ts/docker-compose-admin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Strict, model_validator

from deploydash.core.model import CscId, Roster
from deploydash.systems.address import host_name
from deploydash.systems.section import CscName, CscNames, Host, Lines, Part, Path, Rows, SiteSection, Text


def _login(text: str) -> str:
    user, at, host = text.rpartition("@")
    if at and not re.fullmatch(r"[a-z_][a-z0-9_-]*", user):
        raise ValueError(f"{text!r} is not a login", "write user@host or host")
    host_name(host)
    return text


def _unit(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9@._-]+\.service", text):
        raise ValueError(f"{text!r} is not a systemd unit", "write it with its ending, such as ocs-bridge.service")
    return text


Login = Annotated[Text, AfterValidator(_login)]


class Camera(Part):
    """A camera's OCS bridge. ``ccs_target`` is what ccs-shell calls it."""

    csc: CscName
    host: Host
    unit: Annotated[Text, AfterValidator(_unit)]
    ccs_target: Text


_SCRIPT_OF = {"GenericCamera": "gc", "FiberSpectrograph": "fiberspec"}
"""What the docker scripts of a component end with (lsst-ts/docker-compose-admin summit/)."""


class Service(Part):
    """A service outside Kubernetes. ``start`` left out means that no way to start it is published."""

    name: Text
    ssh: Login
    cscs: CscNames = ()
    stop: Text
    start: Text | None = None
    note: str = ""

    @model_validator(mode="after")
    def _stops_and_starts_the_same(self) -> Service:
        for what, command, wrong in (
            ("stop", self.stop, ("launch_", " start")),
            ("start", self.start or "", ("shutdown_", " stop")),
        ):
            if any(word in command for word in wrong):
                raise ValueError(f"{what} is {command!r}, which does the opposite", "see what it is called on the host")
            if re.search(r"(^|\s)etc/init\.d/", command):
                raise ValueError(f"{what} is {command!r}, without its leading slash", "write /etc/init.d/...")
        stopped, started = _service_of(self.stop), _service_of(self.start or "")
        if stopped and started and stopped != started:
            raise ValueError(f"stop is about {stopped!r} but start about {started!r}", "one of them is wrong")
        for csc in self.cscs:
            wanted = _SCRIPT_OF.get(CscId.parse(csc).name)
            if wanted and stopped and stopped != wanted:
                raise ValueError(
                    f"{csc} is run by the scripts *_{wanted}, not *_{stopped}", f"write ./shutdown_{wanted}"
                )
        return self


def _service_of(command: str) -> str:
    """Return which service a command stops or starts, or nothing where it is not plain."""
    found = re.search(r"\./(?:shutdown|launch)_(\w+)|/etc/init\.d/(\S+)|systemctl (?:stop|start) (\S+)", command)
    return next((name.removesuffix(".service") for name in found.groups() if name), "") if found else ""


class Checkout(Part):
    """A working copy of a configuration repository on a bare-metal machine."""

    ssh: Login
    directory: Text


class EssController(Part):
    """A controller whose containers are updated; ``cscs`` are the ESS that read from it."""

    ssh: Login
    cscs: CscNames = ()
    stop: Lines
    start: Lines
    note: str = ""


class Crio(Part):
    """A cRIO whose software is built in place. ``interfaces`` are generated, ``repository`` is built and copied."""

    ssh: Login
    cscs: CscNames
    interfaces: Lines
    repository: Text
    binary: Text
    start: Text

    @model_validator(mode="after")
    def _starts_from_the_root(self) -> Crio:
        if re.search(r"(^|\s)etc/init\.d/", self.start):
            raise ValueError(f"start is {self.start!r}, without its leading slash", "write /etc/init.d/...")
        return self


class SshSettings(SiteSection):
    """The hosts of a site, all in ``domain``."""

    domain: Host
    cameras: Annotated[tuple[Camera, ...], Strict(strict=False)] = ()
    bare_metal: Annotated[tuple[Service, ...], Strict(strict=False)] = ()
    checkouts: Annotated[tuple[Checkout, ...], Strict(strict=False)] = ()
    ess_controllers: Annotated[tuple[EssController, ...], Strict(strict=False)] = ()
    crios: Annotated[tuple[Crio, ...], Strict(strict=False)] = ()

    def words(self) -> Mapping[str, Any]:
        """Return ``ssh_domain``."""
        return {"ssh_domain": self.domain}

    def loops(self, roster: Roster, only: frozenset[CscId] | None) -> Mapping[str, Rows]:
        """Return every list; ``bare_metal`` in three: with CSCs, with protected CSCs, and without any."""
        del only
        protected = {spec.csc for spec in roster.cscs if spec.protected}

        def is_protected(service: Service) -> bool:
            return any(CscId.parse(csc) in protected for csc in service.cscs)

        services = self.bare_metal
        return {
            "cameras": [{**row.model_dump(), "cscs": [row.csc]} for row in self.cameras],
            "bare_metal": [row.model_dump() for row in services if row.cscs and not is_protected(row)],
            "protected_services": [row.model_dump() for row in services if is_protected(row)],
            "other_services": [row.model_dump() for row in services if not row.cscs],
            "checkouts": [row.model_dump() for row in self.checkouts],
            "ess_controllers": [row.model_dump() for row in self.ess_controllers],
            "crios": [row.model_dump() for row in self.crios],
        }

    def named_cscs(self) -> Iterator[tuple[Path, str]]:
        """Yield the CSCs of cameras, services, controllers and cRIOs."""
        for at, camera in enumerate(self.cameras):
            yield ("cameras", at, "csc"), camera.csc
        for key in ("bare_metal", "ess_controllers", "crios"):
            for at, row in enumerate(getattr(self, key)):
                yield from (((key, at, "cscs"), csc) for csc in row.cscs)

    def hosts(self) -> Iterator[tuple[Path, str]]:
        """Yield the host of each entry, without its user."""
        for at, camera in enumerate(self.cameras):
            yield ("cameras", at, "host"), camera.host
        for key in ("bare_metal", "checkouts", "ess_controllers", "crios"):
            for at, row in enumerate(getattr(self, key)):
                yield (key, at, "ssh"), row.ssh.rpartition("@")[2]

    def host_domain(self) -> str:
        """Return the site's domain, so that no command of one site can reach another."""
        return self.domain

    def contradictions(self, roster: Roster) -> Iterator[tuple[Path, str, str]]:
        """Yield the cameras that have no bridge."""
        bridged = {CscId.parse(camera.csc) for camera in self.cameras}
        for spec in roster.cscs:
            if spec.camera and spec.csc not in bridged:
                hint = "add it to systems.ssh.cameras with its host and unit"
                yield ("cameras",), f"{spec.csc} is a camera without a bridge", hint
