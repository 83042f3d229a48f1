"""The ``systems:`` block of a site file: what runbooks need to know of the systems beside Kafka.

Sources of the committed values: lsst-ts/observatory-controls-docs (Control-System-Upgrade), lsst-sqre/phalanx
(environments/, applications/), lsst-ts/docker-compose-admin. Every list here can be looped over by a runbook
(``for: cameras``), and every text be named in its commands (``{argocd.server}``).
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, model_validator

from deploydash.config.site import SiteFile
from deploydash.core.model import CscId
from deploydash.systems.address import host_name, url_host


def _host(text: str) -> str:
    return host_name(text)


def _login(text: str) -> str:
    user, at, host = text.rpartition("@")
    if at and not re.fullmatch(r"[a-z_][a-z0-9_-]*", user):
        raise ValueError(f"{text!r} is not a login", "write user@host or host")
    host_name(host)
    return text


def _url(text: str) -> str:
    url_host(text)
    return text.rstrip("/")


def _unit(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9@._-]+\.service", text):
        raise ValueError(f"{text!r} is not a systemd unit", "write it with its ending, such as ocs-bridge.service")
    return text


def _csc(text: str) -> str:
    CscId.parse(text)
    return text


def _channel(text: str) -> str:
    if not re.fullmatch(r"#[a-z0-9_-]+", text):
        raise ValueError(f"{text!r} is not a Slack channel", "write # and its name, in quotes")
    return text


Text = Annotated[str, Field(min_length=1)]
Host = Annotated[Text, AfterValidator(_host)]
Login = Annotated[Text, AfterValidator(_login)]
Url = Annotated[Text, AfterValidator(_url)]
CscName = Annotated[Text, AfterValidator(_csc)]
Channel = Annotated[Text, AfterValidator(_channel)]
Lines = Annotated[tuple[Text, ...], Strict(strict=False), Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], Strict(strict=False)]
CscNames = Annotated[tuple[CscName, ...], Strict(strict=False)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Docs(_Section):
    """Where the public procedure is: ``folder`` holds the site's pages, ``anchor`` begins their sections' names."""

    root: Url
    folder: Text
    anchor: Text


class Phalanx(_Section):
    """The site's environment in the repository that Argo CD deploys from."""

    environment: Text
    repository: Text = "lsst-sqre/phalanx"


class ArgoCd(_Section):
    """The site's Argo CD. ``rest``: the applications of project telescope that are synced after the first ones."""

    server: Host
    root_path: Text = "/argo-cd"
    rest: Lines


class Namespace(_Section):
    """A Kubernetes namespace with Jobs of ours, how they are selected, and which CSC each Job runs."""

    namespace: Text
    selector: Text
    jobs: dict[str, CscName] = Field(default_factory=dict)


class Kubernetes(_Section):
    """The site's cluster, always addressed by its own context."""

    context: Text
    kubeconfig: Text
    namespaces: Annotated[tuple[Namespace, ...], Strict(strict=False), Field(min_length=1)]


class Slack(_Section):
    """The site's channels, and what its announcements ask for. ``m2``: where M2 closed loop is asked for."""

    announce: Channel
    request: Text
    m2: Channel | None = None


class Camera(_Section):
    """A camera's OCS bridge. ``ccs_target`` is what ccs-shell calls it."""

    csc: CscName
    host: Host
    unit: Annotated[Text, AfterValidator(_unit)]
    ccs_target: Text


_SCRIPT_OF = {"GenericCamera": "gc", "FiberSpectrograph": "fiberspec"}
"""What the docker scripts of a component end with (lsst-ts/docker-compose-admin summit/)."""


class Service(_Section):
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


class Checkout(_Section):
    """A working copy of a configuration repository on a bare-metal machine."""

    ssh: Login
    directory: Text


class EssController(_Section):
    """A controller whose containers are updated; ``cscs`` are the ESS that read from it."""

    ssh: Login
    cscs: CscNames = ()
    stop: Lines
    start: Lines
    note: str = ""


class Crio(_Section):
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


class Systems(_Section):
    """Everything outside Kafka that a runbook touches at a site."""

    docs: Docs
    ssh_domain: Host
    phalanx: Phalanx
    configuration: Texts = ()
    argocd: ArgoCd
    kubernetes: Kubernetes
    slack: Slack
    owners: Lines
    cameras: Annotated[tuple[Camera, ...], Strict(strict=False)] = ()
    bare_metal: Annotated[tuple[Service, ...], Strict(strict=False)] = ()
    checkouts: Annotated[tuple[Checkout, ...], Strict(strict=False)] = ()
    ess_controllers: Annotated[tuple[EssController, ...], Strict(strict=False)] = ()
    crios: Annotated[tuple[Crio, ...], Strict(strict=False)] = ()


class WholeSiteFile(SiteFile):
    """What is true at a site, with the shape of what runbooks touch."""

    systems: Systems | None = None
