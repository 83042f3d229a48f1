"""What an item of this system is, as its ``spec`` holds it: one model for each kind of work. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from deploydash.core.model import CscId, Target
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Debt
from deploydash.systems.ssh.where import Login

Words = tuple[str, ...]


class _Spec(BaseModel):
    """``login``: the host. ``debt``: by what the debt of stopping it is known. ``paid_by``: steps that pay it, too.

    ``back``: where its CSCs are once it was started again, each with its target.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    login: str
    debt: str = ""
    paid_by: tuple[str, ...] = ()
    back: tuple[tuple[str, str], ...] = ()

    @property
    def host(self) -> Login:
        """The host, and who logs in."""
        return Login.parse(self.login)


class Bridge(_Spec):
    """A camera's bridge to be stopped, or to be started and its camera made available."""

    what: Literal["bridge"] = "bridge"
    do: Literal["stop", "start"]
    csc: str
    unit: str
    target: str
    as_user: str = ""


class Service(_Spec):
    """A service to be stopped, started, or both. ``cycle``: what the tags of its images begin with, if anything."""

    what: Literal["service"] = "service"
    do: Literal["stop", "start", "restart"]
    name: str
    as_user: str = ""
    stop: Words = ()
    start: Words = ()
    containers: Words = ()
    process: str = ""
    unit: str = ""
    cycle: str = ""


class Checkout(_Spec):
    """A working copy to be brought to a branch."""

    what: Literal["checkout"] = "checkout"
    user: str
    directory: str
    branch: str


class Controller(_Spec):
    """A controller to be stopped, brought to a branch and started with the images of a cycle.

    ``patience_s``: seconds that its launch may take, the pull of its images with it.
    """

    what: Literal["controller"] = "controller"
    user: str
    directory: str
    branch: str
    cycle: str
    stop: tuple[Words, ...]
    start: tuple[Words, ...]
    containers: Words
    patience_s: float = 1800.0


class Crio(_Spec):
    """A cRIO whose software is to be built in place and started."""

    what: Literal["crio"] = "crio"
    interfaces: Words
    repository: str
    binary: str
    start: Words


class Machine(_Spec):
    """A machine to be rebooted."""

    what: Literal["machine"] = "machine"


Spec = Bridge | Service | Checkout | Controller | Crio | Machine

_SPEC: TypeAdapter[Spec] = TypeAdapter(Annotated[Spec, Field(discriminator="what")])


def spec_of(item: Item) -> Spec:
    """Return what an item is.

    Raises:
        ValueError: it is none of this system.
    """
    try:
        return _SPEC.validate_json(item.spec)
    except ValidationError as error:
        raise ValueError(f"{item.label} is nothing that is done on a host") from error


def debt_of(spec: Spec, what: str) -> Debt | None:
    """Return what stopping it leaves to be undone."""
    if not spec.debt:
        return None
    back = tuple(CscEffect(CscId.parse(csc), Target.parse(target)) for csc, target in spec.back)
    return Debt(spec.debt, what, tuple(StepId(step) for step in spec.paid_by), effects=back)
