"""Syncs of a runbook: its step to an item for each application, and what would be sent, without asking anybody. Pure.

A sync has no effects on CSCs: it makes the Jobs, and the wait that follows judges who comes up, which may take half an
hour. A step may wait for heartbeats (``beats``), as that of the canary does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId, numbered
from deploydash.core.procedure.runbook import Fallback
from deploydash.core.run.composing import Composed, ItemOffer, OfferField
from deploydash.systems.argocd.login import ARGOCD
from deploydash.systems.argocd.objects import Key
from deploydash.systems.argocd.settings import ArgocdSettings
from deploydash.systems.table import Entry, Wrong

SYNC = "argocd-sync"
"""The offer to sync any application."""

ALWAYS = frozenset({"Watcher", "ScriptQueue"})
"""Components whose Jobs are in every selective sync: each run stops the Watcher first and the ScriptQueues last."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_REFRESH = ("normal", "hard")
_LISTS = ("rest", "all")


@dataclass(frozen=True, slots=True)
class SyncSpec:
    """One sync. ``project`` empty: of the site file.

    ``jobs``: only these, each with the CSC it runs; ``cscs``: which CSC each Job of its namespace runs. ``tag``: what
    its children must show afterwards. ``revision``: the commit that was merged, empty where no step merges one.
    ``beats``: so many seconds the CSCs of what it makes may take to a heartbeat, 0 for not waiting.
    ``prune``: what git does not have any more is deleted.
    """

    app: str
    project: str = ""
    prune: bool = False
    refresh: str = "normal"
    tag: str = ""
    beats: float = 0.0
    selective: bool = False
    jobs: tuple[str, ...] = ()
    cscs: tuple[tuple[str, str], ...] = ()
    revision: str = ""

    @property
    def only(self) -> tuple[Key, ...]:
        """The objects of a selective sync; none of a whole one."""
        return tuple(Key("Job", job, self.app, "batch") for job in self.jobs)

    def names(self) -> Mapping[tuple[str, str], str]:
        """Return which CSC each Job runs, by namespace and Job."""
        return {(self.app, job): csc for job, csc in self.cscs}


def read_spec(spec: str) -> SyncSpec:
    """Return what an item of this system asks for.

    Raises:
        ValueError, TypeError, LookupError: it is no such item.
    """
    told = json.loads(spec)
    told["jobs"] = tuple(told.get("jobs", ()))
    told["cscs"] = tuple((job, csc) for job, csc in told.get("cscs", ()))
    return SyncSpec(**told)


def sync_item(at: ItemId, spec: SyncSpec, manual: tuple[str, ...]) -> Item:
    """Return the item that syncs an application."""
    told = {name: getattr(spec, name) for name in SyncSpec.__dataclass_fields__}
    label = f"{spec.app}: {', '.join(spec.jobs)}" if spec.selective else spec.app
    return Item(at, label, ARGOCD, json.dumps(told), manual=manual)


class ArgocdSteps:
    """What is known of syncs without asking Argo CD."""

    keys = frozenset({"applications", "jobs", "prune", "refresh", "tag", "beats", "revision"})

    def problems(self, entry: Entry) -> Iterator[Wrong]:
        """Yield what is wrong with a step."""
        own, settings = entry.own, entry.settings
        named, selective = own.get("applications"), own.get("jobs")
        if not isinstance(settings, ArgocdSettings):
            yield Wrong((), "the site file has no section systems.argocd", "add it")
            return
        if (named is None) == (selective is None):
            yield Wrong(
                ("applications",), "either applications are synced, or the Jobs of this run", "name one of both"
            )
        elif named is not None:
            yield from _wrong_names(named, settings)
        elif selective != "run":
            yield Wrong(("jobs",), f"jobs is {selective!r}", "write jobs: run, for the Jobs of the CSCs of this run")
        if not isinstance(own.get("prune", False), bool):
            yield Wrong(("prune",), f"prune is {own['prune']!r}", "write true or false")
        if own.get("refresh", "normal") not in _REFRESH:
            yield Wrong(("refresh",), f"refresh is {own['refresh']!r}", "write normal or hard")
        if not isinstance(own.get("tag", ""), str):
            yield Wrong(("tag",), f"tag is {own['tag']!r}", "write the tag that children must show, such as <cycle>")
        if not isinstance(own.get("revision", ""), str):
            yield Wrong(("revision",), f"revision is {own['revision']!r}", "write the merged commit, such as <sha>")
        if _seconds(own.get("beats", 0)) is None:
            yield Wrong(("beats",), f"beats is {own['beats']!r}", "write how long heartbeats may take, such as 5m")

    def items(self, entry: Entry) -> tuple[Item, ...]:
        """Return an item for each application."""
        settings = entry.settings
        assert isinstance(settings, ArgocdSettings)  # noqa: S101 - problems() was asked before
        mark = "# rehearsal: " if entry.rehearsal else ""
        specs = _selective(entry) if entry.own.get("jobs") else _whole(entry, settings)
        cli = f"argocd --server {settings.server} --grpc-web-root-path {settings.root_path}"
        return tuple(
            sync_item(numbered(at), spec, tuple(f"{mark}{line}" for line in _typed(cli, spec)))
            for at, spec in enumerate(specs)
        )

    def fallbacks(self, entry: Entry) -> tuple[Fallback, ...]:
        """Return none: what failed is mended and retried; forcing it would run a CSC twice."""
        del entry
        return ()

    def lines(self, item: Item) -> tuple[str, ...]:
        """Return the request of an item, as far as it is known without asking."""
        spec = read_spec(item.spec)
        return (request_line(spec, "the revision that is shown", prune=spec.prune),)

    def fallback(self, fallback: Fallback, items: Sequence[Item]) -> Item:
        """Refuse: there is no other way.

        Raises:
            ValueError: always.
        """
        del items
        raise ValueError(f"Argo CD has no way called {fallback.label}")

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return the offer to sync any application."""
        body = ("Any application of the site can be synced, whatever the runbook says. What it would change is shown.",)
        names = (
            OfferField("application", "its name, such as obssys"),
            OfferField("prune", "yes deletes what git does not have any more", "no"),
            OfferField("refresh", "hard also renders the manifests anew", "normal"),
        )
        return (ItemOffer(SYNC, ARGOCD, "Sync an application", body, names),)

    def compose(self, offer_id: str, texts: Sequence[str]) -> Composed:
        """Return the item that syncs the application that was typed."""
        del offer_id
        app, prune, refresh = (text.strip() for text in texts)
        wrong = []
        if not _NAME.fullmatch(app):
            wrong.append("name an application, such as obssys")
        if prune not in {"yes", "no", ""}:
            wrong.append("prune is yes or no")
        if (refresh or "normal") not in _REFRESH:
            wrong.append("refresh is normal or hard")
        if wrong:
            return Composed(None, tuple(wrong))
        spec = SyncSpec(app, prune=prune == "yes", refresh=refresh or "normal")
        item = sync_item(ItemId(""), spec, _typed("argocd", spec))
        return Composed(item, exact=self.lines(item))


def request_line(spec: SyncSpec, revision: str, *, prune: bool) -> str:
    """Return a sync as it is sent, on one line."""
    only = f", only Job {', '.join(spec.jobs)}" if spec.selective else ""
    return f"POST /api/v1/applications/{spec.app}/sync at {revision}{only}, {'with' if prune else 'without'} prune"


def _wrong_names(named: Any, settings: ArgocdSettings) -> Iterator[Wrong]:
    if named in _LISTS:
        return
    if not isinstance(named, list) or not named:
        yield Wrong(("applications",), f"applications is {named!r}", "name some in a list, or write rest or all")
        return
    for at, name in enumerate(named):
        if name not in settings.applications:
            known = ", ".join(settings.applications)
            yield Wrong(("applications", at), f"the site has no application {name!r}", f"known are {known}")


def _whole(entry: Entry, settings: ArgocdSettings) -> Iterator[SyncSpec]:
    named, own = entry.own["applications"], entry.own
    rows = settings.loops(entry.roster, entry.only)["applications" if named == "rest" else "all_applications"]
    names = [row["application"] for row in rows] if named in _LISTS else named
    jobs = _jobs(entry)
    for name in names:
        yield SyncSpec(
            name,
            settings.project(name),
            prune=own.get("prune", False),
            refresh=own.get("refresh", "normal"),
            tag=own.get("tag", ""),
            beats=_seconds(own.get("beats", 0)) or 0.0,
            revision=own.get("revision", ""),
            cscs=tuple(jobs.get(name, {}).items()),
        )


def _selective(entry: Entry) -> Iterator[SyncSpec]:
    """Yield a sync for each namespace with Jobs of this run; one without names while nobody has named any CSC."""
    settings = entry.settings
    assert isinstance(settings, ArgocdSettings)  # noqa: S101 - problems() was asked before
    if entry.only is None:
        yield SyncSpec("<namespace>", selective=True, jobs=("<jobs>",))
    for namespace, jobs in _jobs(entry).items():
        chosen = {job: csc for job, csc in jobs.items() if _is_in(CscId.parse(csc), entry.only)}
        if chosen:
            project, refresh = settings.project(namespace), entry.own.get("refresh", "normal")
            yield SyncSpec(
                namespace,
                project,
                refresh=refresh,
                selective=True,
                jobs=tuple(chosen),
                cscs=tuple(chosen.items()),
                beats=_seconds(entry.own.get("beats", 0)) or 0.0,
                revision=entry.own.get("revision", ""),
            )


def _is_in(csc: CscId, only: frozenset[CscId] | None) -> bool:
    return csc.name in ALWAYS or (only is not None and csc in only)


def _jobs(entry: Entry) -> dict[str, dict[str, str]]:
    """Return which CSC each Job runs, by namespace, as the cluster's section has it."""
    found: dict[str, dict[str, str]] = {}
    for section in entry.others.values():
        for row in section.loops(entry.roster, entry.only).get("namespaces", ()):
            found.setdefault(row["namespace"], {}).update(row.get("jobs", {}))
    return found


def _typed(cli: str, spec: SyncSpec) -> tuple[str, ...]:
    """Return what a person would type."""
    hard = " --hard-refresh" if spec.refresh == "hard" else " --refresh"
    only = "".join(f" --resource batch:Job:{job}" for job in spec.jobs)
    at = f"   # compared with {spec.revision}" if spec.revision else ""
    lines = [
        f"{cli} app diff {spec.app}{hard}{at}",
        f"{cli} app sync {spec.app}{only}{' --prune' if spec.prune else ''}",
    ]
    if spec.tag:
        lines.append(f"{cli} app list -l argocd.argoproj.io/instance={spec.app}   # each shows {spec.tag}")
    return tuple(lines)


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(told: Any) -> float | None:
    """Return a duration as runbooks write it, in seconds; None where it is none."""
    if isinstance(told, int | float) and not isinstance(told, bool):
        return float(told)
    found = re.fullmatch(r"([0-9]+)(s|m|h)", told) if isinstance(told, str) else None
    return float(found[1]) * _UNITS[found[2]] if found else None
