"""Hosts outside Kubernetes: the section ``ssh``.

Sources of the committed values: lsst-ts/observatory-controls-docs (Control-System-Upgrade),
lsst-ts/docker-compose-admin, lsst-it/docker-compose-ops, lsst-it/puppet-ccs_sal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, Strict, model_validator

from deploydash.core.model import CscId, Roster
from deploydash.systems.address import host_name
from deploydash.systems.section import CscName, CscNames, Host, Part, Path, Rows, SiteSection, Text, Texts
from deploydash.systems.ssh.where import Place, Places

_USER = r"[a-z_][a-z0-9_-]*"
_WORD = r"[A-Za-z0-9_./@:=+,-]+"


def _login(text: str) -> str:
    user, at, host = text.rpartition("@")
    if at and not re.fullmatch(_USER, user):
        raise ValueError(f"{text!r} is not a login", "write user@host or host")
    host_name(host)
    return text


def _unit(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9@._][A-Za-z0-9@._-]*\.service", text):
        raise ValueError(f"{text!r} is not a systemd unit", "write it with its ending, such as ocs-bridge.service")
    return text


def _command(text: str) -> str:
    """Refuse what a shell would read otherwise than as plain words: nothing of it may do more than it says."""
    if not all(re.fullmatch(_WORD, word) for word in text.split(" ")) or text.startswith("-"):
        raise ValueError(f"{text!r} is not a plain command", "write program and arguments, without quotes or ; & | $")
    return text


def _word(pattern: str, what: str, hint: str) -> AfterValidator:
    def checked(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{text!r} is not {what}", hint)
        return text

    return AfterValidator(checked)


Login = Annotated[Text, AfterValidator(_login)]
Unit = Annotated[Text, AfterValidator(_unit)]
Command = Annotated[Text, AfterValidator(_command)]
Commands = Annotated[tuple[Command, ...], Strict(strict=False), Field(min_length=1)]
User = Annotated[Text, _word(_USER, "a user", "write its name, such as dco")]
Directory = Annotated[
    Text,
    _word(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*/?", "a directory in a home", "write its name, such as docker-compose-ops"),
]
Program = Annotated[Text, _word(r"[A-Za-z0-9_.][A-Za-z0-9_.+-]*", "the name of a program", "write it without a path")]
Programs = Annotated[tuple[Program, ...], Strict(strict=False), Field(min_length=1)]
Container = Annotated[
    Text, _word(r"[A-Za-z0-9][A-Za-z0-9_.*-]*", "the name of a container", "write it as docker ps does")
]
Containers = Annotated[tuple[Container, ...], Strict(strict=False)]


class Camera(Part):
    """A camera's OCS bridge. ``ccs_target`` is what ccs-shell calls it, ``as`` who opens that shell."""

    csc: CscName
    host: Login
    unit: Unit
    ccs_target: Annotated[
        Text, _word(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", "a target of ccs-shell", "write it as ccs-shell does")
    ]
    as_user: User | None = Field(None, alias="as")


_SCRIPT_OF = {"GenericCamera": "gc", "FiberSpectrograph": "fiberspec"}
"""What the docker scripts of a component end with (lsst-ts/docker-compose-admin summit/)."""


class Service(Part):
    """A service outside Kubernetes.

    ``as``: the user in whose home its scripts are. ``start`` left out means that no way to start it is published.
    What proves it: the ``containers`` of docker, a ``process`` by its name, or a ``unit``, which is then what is
    started and stopped as well. ``cycle_tag``: the images of its containers carry the tag of the cycle.
    """

    name: Text
    ssh: Login
    cscs: CscNames = ()
    as_user: User | None = Field(None, alias="as")
    stop: Command | None = None
    start: Command | None = None
    containers: Containers = ()
    process: Program | None = None
    unit: Unit | None = None
    cycle_tag: bool = False
    note: str = ""

    @model_validator(mode="after")
    def _stops_and_starts_the_same(self) -> Service:
        for what, command, wrong in (
            ("stop", self.stop or "", ("launch_", " start")),
            ("start", self.start or "", ("shutdown_", " stop")),
        ):
            if any(word in command for word in wrong):
                raise ValueError(f"{what} is {command!r}, which does the opposite", "see what it is called on the host")
            if re.search(r"(^|\s)etc/init\.d/", command):
                raise ValueError(f"{what} is {command!r}, without its leading slash", "write /etc/init.d/...")
        stopped, started = _service_of(self.stop or ""), _service_of(self.start or "")
        if stopped and started and stopped != started:
            raise ValueError(f"stop is about {stopped!r} but start about {started!r}", "one of them is wrong")
        for csc in self.cscs:
            wanted = _SCRIPT_OF.get(CscId.parse(csc).name)
            if wanted and stopped and stopped != wanted:
                raise ValueError(
                    f"{csc} is run by the scripts *_{wanted}, not *_{stopped}", f"write ./shutdown_{wanted}"
                )
        return self

    @model_validator(mode="after")
    def _can_be_stopped_and_proved(self) -> Service:
        proofs = [name for name in ("containers", "process", "unit") if getattr(self, name)]
        if len(proofs) != 1:
            found = " and ".join(proofs) or "nothing"
            raise ValueError(f"{found} proves {self.name}", "name its containers, its process or its unit, one of them")
        if self.unit and (self.stop or self.start or self.as_user):
            raise ValueError("a unit is started and stopped by systemctl", "leave stop, start and as away")
        if not self.unit and not self.stop:
            raise ValueError("nothing stops it", "write stop")
        return self


def _service_of(command: str) -> str:
    """Return which service a command stops or starts, or nothing where it is not plain."""
    found = re.search(r"\./(?:shutdown|launch)_(\w+)|/etc/init\.d/(\S+)", command)
    return next((name for name in found.groups() if name), "") if found else ""


class Checkout(Part):
    """A working copy of a configuration repository, in the home of a user of a bare-metal machine."""

    ssh: Login
    directory: Directory
    as_user: User = Field("dco", alias="as")


class EssController(Part):
    """A controller whose containers are updated; ``cscs`` are the ESS that read from it.

    ``patience``: so long its launch may take, the pull of its images with it.
    """

    ssh: Login
    cscs: CscNames = ()
    stop: Commands
    start: Commands
    as_user: User = Field("dco", alias="as")
    directory: Directory = "docker-compose-ops"
    containers: Annotated[Containers, Field(min_length=1)] = ("ess-controller",)
    patience: Annotated[str, Field(pattern="^[1-9][0-9]{0,3}[smh]$")] = "30m"
    note: str = ""

    @property
    def patience_s(self) -> float:
        """``patience`` in seconds."""
        return float(self.patience[:-1]) * {"s": 1, "m": 60, "h": 3600}[self.patience[-1]]


class Crio(Part):
    """A cRIO whose software is built in place. ``interfaces`` are generated, ``repository`` is built and copied."""

    ssh: Login
    cscs: CscNames
    interfaces: Programs
    repository: Directory
    binary: Program
    start: Command

    @model_validator(mode="after")
    def _starts_from_the_root(self) -> Crio:
        if re.search(r"(^|\s)etc/init\.d/", self.start):
            raise ValueError(f"start is {self.start!r}, without its leading slash", "write /etc/init.d/...")
        return self


class Machine(Part):
    """A machine that may be rebooted."""

    ssh: Login
    note: str = ""


class At(Part):
    """Where a host is in a rehearsal. ``host_key`` as known_hosts has it after the name; ``client_keys``: files."""

    address: Host
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    host_key: Text
    user: User | None = None
    client_keys: Texts = ()
    jump: Host | None = None


LISTS = ("cameras", "bare_metal", "checkouts", "ess_controllers", "crios", "machines")


class SshSettings(SiteSection):
    """The hosts of a site, all in ``domain``, reached through ``jump``; in a rehearsal they are ``at`` this machine."""

    domain: Host
    jump: Login | None = None
    cameras: Annotated[tuple[Camera, ...], Strict(strict=False)] = ()
    bare_metal: Annotated[tuple[Service, ...], Strict(strict=False)] = ()
    checkouts: Annotated[tuple[Checkout, ...], Strict(strict=False)] = ()
    ess_controllers: Annotated[tuple[EssController, ...], Strict(strict=False)] = ()
    crios: Annotated[tuple[Crio, ...], Strict(strict=False)] = ()
    machines: Annotated[tuple[Machine, ...], Strict(strict=False)] = ()
    at: dict[Host, At] = Field(default_factory=dict)

    def words(self) -> Mapping[str, Any]:
        """Return ``ssh_domain``."""
        return {"ssh_domain": self.domain}

    def loops(self, roster: Roster, only: frozenset[CscId] | None) -> Mapping[str, Rows]:
        """Return every list; ``bare_metal`` in three: with CSCs, with protected CSCs, and without any.

        Commands stand in them as a person types them.
        """
        del only
        protected = {spec.csc for spec in roster.cscs if spec.protected}
        services = [(row, is_protected(row.cscs, protected)) for row in self.bare_metal]
        return {
            "cameras": [{**row.model_dump(), "cscs": [row.csc]} for row in self.cameras],
            "bare_metal": [_typed(row) for row, kept in services if row.cscs and not kept],
            "protected_services": [_typed(row) for row, kept in services if kept],
            "other_services": [_typed(row) for row, _ in services if not row.cscs],
            "checkouts": [row.model_dump() for row in self.checkouts],
            "ess_controllers": [row.model_dump() for row in self.ess_controllers],
            "crios": [row.model_dump() for row in self.crios],
            "machines": [row.model_dump() for row in self.machines],
        }

    def named_cscs(self) -> Iterator[tuple[Path, str]]:
        """Yield the CSCs of cameras, services, controllers and cRIOs."""
        for at, camera in enumerate(self.cameras):
            yield ("cameras", at, "csc"), camera.csc
        for key in ("bare_metal", "ess_controllers", "crios"):
            for at, row in enumerate(getattr(self, key)):
                yield from (((key, at, "cscs"), csc) for csc in row.cscs)

    def hosts(self) -> Iterator[tuple[Path, str]]:
        """Yield where hosts are in a rehearsal. A real one is named in :meth:`contradictions`, where the domain binds.

        A rehearsal reaches no host that has no line in ``at``.
        """
        for name, place in self.at.items():
            yield ("at", name, "address"), place.address

    def contradictions(self, roster: Roster) -> Iterator[tuple[Path, str, str]]:
        """Yield cameras without a bridge, hosts of another site, and addresses that only a rehearsal may have."""
        bridged = {CscId.parse(camera.csc) for camera in self.cameras}
        for spec in roster.cscs:
            if spec.camera and spec.csc not in bridged:
                hint = "add it to systems.ssh.cameras with its host and unit"
                yield ("cameras",), f"{spec.csc} is a camera without a bridge", hint
        if not roster.rehearsal:
            yield from self._foreign()
            if self.at:
                yield ("at",), "a real site has no hosts on this machine", "at is for rehearsals: leave it away"
        for name, place in self.at.items():
            if place.jump is not None and place.jump not in self.at:
                yield ("at", name, "jump"), f"{place.jump} is not in at itself", "say where it is, too"

    def names(self) -> Iterator[tuple[Path, str]]:
        """Yield the domain, and every host as it is called."""
        yield ("domain",), self.domain
        yield from ((place, login.rpartition("@")[2]) for place, login in self._logins())

    def every_host(self) -> tuple[str, ...]:
        """Return whom this section logs in to, with the user where it names one."""
        return tuple(login for _, login in self._logins())

    def _logins(self) -> Iterator[tuple[Path, str]]:
        if self.jump:
            yield ("jump",), self.jump
        yield from ((("cameras", at, "host"), row.host) for at, row in enumerate(self.cameras))
        for key in LISTS[1:]:
            yield from (((key, at, "ssh"), row.ssh) for at, row in enumerate(getattr(self, key)))

    def _foreign(self) -> Iterator[tuple[Path, str, str]]:
        for place, login in self._logins():
            host = login.rpartition("@")[2]
            if not host.lower().rstrip(".").endswith(f".{self.domain}"):
                yield place, f"{host} is not a host of this site", f"hosts here end in .{self.domain}"

    def places(self, *, rehearsal: bool) -> Places:
        """Return what is needed to find these hosts."""
        at = {
            name: Place(one.address, one.port, one.host_key, one.user or "", one.client_keys, one.jump or "")
            for name, one in self.at.items()
        }
        return Places(self.domain, self.jump or "", at, rehearsal)


def is_protected(cscs: CscNames, protected: set[CscId]) -> bool:
    """Say whether one of these CSCs is protected: nothing but a person's own hands touches what it runs on."""
    return any(CscId.parse(csc) in protected for csc in cscs)


def _typed(row: Service) -> dict[str, Any]:
    """Return a service as a loop has it: how a person starts and stops it."""
    become = f"sudo -iu {row.as_user} " if row.as_user else ""
    stop = f"sudo systemctl stop {row.unit.removesuffix('.service')}" if row.unit else f"{become}{row.stop}"
    start = f"{become}{row.start}" if row.start else None
    return {"name": row.name, "ssh": row.ssh, "cscs": row.cscs, "stop": stop, "start": start, "note": row.note}
