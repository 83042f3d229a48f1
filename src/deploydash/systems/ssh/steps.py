"""A step of a runbook to hosts, and what would be sent to them. Pure: nothing is contacted.

``do`` and ``for`` say what is done to which list of the site's section, ``names`` to which rows of it. An item is the
work on one host.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from deploydash.core.model import CscId, SummaryState, Target
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import StepId, SystemName, numbered
from deploydash.core.procedure.runbook import Fallback
from deploydash.core.run.composing import Composed, ItemOffer
from deploydash.systems.ssh import specs
from deploydash.systems.ssh.requests import as_typed, requests
from deploydash.systems.ssh.settings import (
    Camera,
    Checkout,
    Crio,
    EssController,
    Machine,
    Service,
    SshSettings,
    is_protected,
)
from deploydash.systems.ssh.where import Login
from deploydash.systems.table import Entry, Wrong

SSH = SystemName("ssh")

WAYS: Mapping[str, tuple[str, ...]] = {
    "cameras": ("stop", "start"),
    "bare_metal": ("stop", "start", "restart"),
    "other_services": ("stop", "start", "restart"),
    "checkouts": ("update",),
    "ess_controllers": ("update",),
    "crios": ("update",),
    "machines": ("reboot",),
}
"""What may be done to each list."""

REHEARSED = "# rehearsal: "
"""What every command of a person begins with on the demo observatory: it does nothing when it is pasted elsewhere."""

Row = Camera | Service | Checkout | EssController | Crio | Machine


class SshSteps:
    """What is known of the work on hosts without asking them."""

    keys = frozenset({"do", "for", "names", "paid_by", "branch", "cycle"})

    def problems(self, entry: Entry) -> Iterator[Wrong]:
        """Yield what is wrong with a step."""
        own = entry.own
        of, do = own.get("for"), own.get("do")
        if not isinstance(of, str) or of not in WAYS:
            yield Wrong(("for",), f"{of!r} is no list of hosts", _near(of, WAYS))
        elif do not in WAYS[of]:
            yield Wrong(("do",), f"{do!r} is nothing that is done to {of}", f"write {' or '.join(WAYS[of])}")
        elif not all(isinstance(own.get(key, ""), str) for key in ("branch", "cycle")):
            key = next(key for key in ("branch", "cycle") if not isinstance(own.get(key, ""), str))
            yield Wrong((key,), f"{own[key]!r} is not a text", f"write <{key}> in quotes")
        else:
            yield from self._of_rows(entry, of, do)

    def _of_rows(self, entry: Entry, of: str, do: str) -> Iterator[Wrong]:
        own, settings = entry.own, _settings(entry)
        names, payers = own.get("names", []), own.get("paid_by", [])
        if not _texts(names):
            yield Wrong(("names",), f"{names!r} is not a list of names", "write it in brackets")
            return
        known = [_name(row) for row in _every(settings, of, entry)]
        for at, name in enumerate(names):
            if name not in known:
                yield Wrong(("names", at), f"{of} has no {name!r} here that a system may touch", _near(name, known))
        if not _texts(payers) or (payers and do != "stop"):
            yield Wrong(
                ("paid_by",), "it names the steps that pay for what is stopped", "only a stop has it, as a list"
            )
        elif do == "stop" and not any(step in entry.later for step in payers):
            yield Wrong(("paid_by",), "no later step here starts again what this one stops", "name it: [bridges-start]")
        if do in {"start", "restart"}:
            for row in _rows(entry, of):
                if isinstance(row, Service) and not row.unit and not row.start:
                    yield Wrong(("for",), f"no way to start {row.name} is published", "leave it to its owner: manual")
        if not names and not known:
            yield Wrong(("for",), f"this site has no {of}", "leave this site out with sites:")

    def items(self, entry: Entry) -> tuple[Item, ...]:
        """Return an item for each host."""
        return tuple(_item(entry, row, at) for at, row in enumerate(_rows(entry, entry.own["for"])))

    def fallbacks(self, entry: Entry) -> tuple[Fallback, ...]:
        """Return no other way: what a host refuses is retried, or done and signed off by name."""
        del entry
        return ()

    def lines(self, item: Item) -> tuple[str, ...]:
        """Return the exact commands that may be sent for an item."""
        spec = specs.spec_of(item)
        return tuple(f"{spec.host}: {line}" for line in requests(spec))

    def fallback(self, fallback: Fallback, items: Sequence[Item]) -> Item:
        """Refuse: there is no other way."""
        del items
        raise ValueError(f"{fallback.label} is no way to work on hosts")

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return nothing: what is done to hosts is in the site file."""
        return ()

    def compose(self, offer_id: str, texts: Sequence[str]) -> Composed:
        """Compose nothing."""
        del texts
        return Composed(None, (f"nothing is offered as {offer_id!r}",))


def _settings(entry: Entry) -> SshSettings:
    assert isinstance(entry.settings, SshSettings)  # noqa: S101 - a step without a section is refused before
    return entry.settings


def _every(settings: SshSettings, of: str, entry: Entry) -> tuple[Row, ...]:
    """Return the rows of a list that a system may touch; nothing of a protected CSC is among them."""
    protected = {spec.csc for spec in entry.roster.cscs if spec.protected}
    if of == "bare_metal":
        return tuple(row for row in settings.bare_metal if row.cscs and not is_protected(row.cscs, protected))
    if of == "other_services":
        return tuple(row for row in settings.bare_metal if not row.cscs)
    if of == "crios":
        return tuple(row for row in settings.crios if not is_protected(row.cscs, protected))
    rows: tuple[Row, ...] = getattr(settings, of)
    return rows


def _rows(entry: Entry, of: str) -> tuple[Row, ...]:
    """Return the rows that a step is about; of a run for named CSCs those that have to do with them."""
    names, only = entry.own.get("names", []), entry.only

    def concerned(row: Row) -> bool:
        cscs = _cscs(row)
        return only is None or not cscs or any(csc in only for csc in cscs)

    return tuple(
        row for row in _every(_settings(entry), of, entry) if (not names or _name(row) in names) and concerned(row)
    )


def _name(row: Row) -> str:
    """Return what a row is called in ``names``."""
    if isinstance(row, Camera):
        return row.csc
    return row.name if isinstance(row, Service) else row.ssh.rpartition("@")[2]


def _cscs(row: Row) -> tuple[CscId, ...]:
    if isinstance(row, Camera):
        return (CscId.parse(row.csc),)
    return tuple(CscId.parse(csc) for csc in getattr(row, "cscs", ()))


def _item(entry: Entry, row: Row, at: int) -> Item:
    do = str(entry.own["do"])
    spec = _spec(entry, row, do)
    manual = as_typed(spec)
    if entry.rehearsal:
        manual = tuple(f"{REHEARSED}{line}" for line in manual)
    note = getattr(row, "note", "")
    return Item(
        id=numbered(at),
        label=_label(row),
        system=SSH,
        spec=spec.model_dump_json(),
        effects=_effects(entry, row, do),
        manual=(*manual, f"# {note}") if note else manual,
    )


def _label(row: Row) -> str:
    if isinstance(row, Service):
        return row.name
    if isinstance(row, Camera):
        return f"{row.csc} on {Login.parse(row.host).short}"
    short = Login.parse(row.ssh).short
    return f"{row.directory.rstrip('/')} on {short}" if isinstance(row, Checkout) else short


def _effects(entry: Entry, row: Row, do: str) -> tuple[CscEffect, ...]:
    if isinstance(row, EssController | Checkout | Machine):
        return ()
    startup = {spec.csc: spec.startup for spec in entry.roster.cscs}
    down = Target(SummaryState.OFFLINE)
    stops = do == "stop"
    return tuple(CscEffect(csc, down if stops else startup[csc], silent=stops) for csc in _cscs(row) if csc in startup)


def _spec(entry: Entry, row: Row, do: str) -> specs.Spec:
    branch, cycle = entry.own.get("branch", "<branch>"), entry.own.get("cycle", "<cycle>")
    payers = tuple(str(step) for step in entry.own.get("paid_by", ()) if StepId(step) in entry.later)
    kept: dict[str, Any] = {"debt": _debt(row)}
    if do == "stop":
        back = tuple((str(one.csc), str(one.target)) for one in _effects(entry, row, "start"))
        kept |= {"paid_by": payers, "back": back}
    if isinstance(row, Camera):
        return specs.Bridge(
            login=row.host,
            do="stop" if do == "stop" else "start",
            csc=row.csc,
            unit=row.unit,
            target=row.ccs_target,
            as_user=row.as_user or "",
            **kept,
        )
    if isinstance(row, Service):
        return specs.Service(
            login=row.ssh,
            do="stop" if do == "stop" else "restart" if do == "restart" else "start",
            name=row.name,
            as_user=row.as_user or "",
            stop=tuple((row.stop or "").split()),
            start=tuple((row.start or "").split()),
            containers=row.containers,
            process=row.process or "",
            unit=row.unit or "",
            cycle=cycle if row.cycle_tag and do == "start" else "",
            **kept,
        )
    if isinstance(row, Checkout):
        return specs.Checkout(login=row.ssh, user=row.as_user, directory=row.directory.rstrip("/"), branch=branch)
    if isinstance(row, EssController):
        return specs.Controller(
            login=row.ssh,
            debt=_debt(row),
            user=row.as_user,
            directory=row.directory.rstrip("/"),
            branch=branch,
            cycle=cycle,
            stop=tuple(tuple(line.split()) for line in row.stop),
            start=tuple(tuple(line.split()) for line in row.start),
            containers=row.containers,
            patience_s=row.patience_s,
        )
    if isinstance(row, Crio):
        return specs.Crio(
            login=row.ssh,
            debt=_debt(row),
            interfaces=row.interfaces,
            repository=row.repository.rstrip("/"),
            binary=row.binary,
            start=tuple(row.start.split()),
        )
    return specs.Machine(login=row.ssh)


def _debt(row: Row) -> str:
    """Return by what a debt of stopping this is known, so that whoever starts it again pays it."""
    if isinstance(row, Camera):
        return f"ssh/{Login.parse(row.host).host}/{row.unit}"
    if isinstance(row, Checkout | Machine):
        return ""
    host = Login.parse(row.ssh).host
    if isinstance(row, Service):
        return f"ssh/{host}/{row.unit or row.process or row.name}"
    return f"ssh/{host}/{row.binary if isinstance(row, Crio) else 'containers'}"


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _near(text: object, known: Mapping[str, object] | Sequence[str]) -> str:
    near = get_close_matches(str(text), list(known), 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
