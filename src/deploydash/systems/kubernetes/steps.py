"""A step of a runbook that deletes Jobs or running labs, or compares versions, and what would be asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from deploydash.core.model import CscId, SummaryState, Target
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import ItemId, numbered
from deploydash.core.procedure.runbook import Fallback
from deploydash.core.run.composing import Composed, ItemOffer
from deploydash.systems.kubernetes.settings import ALWAYS, KubernetesSettings, Namespace
from deploydash.systems.kubernetes.work import (
    KUBERNETES,
    NAMESPACES,
    PROPAGATION,
    JobsWork,
    LabsWork,
    VersionsWork,
    spec_of,
    work_of,
)
from deploydash.systems.table import Entry, Wrong

OFFLINE = Target(SummaryState.OFFLINE)
REHEARSED = "# rehearsal: "
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_OF_THE_RUN = "jobs of the run"
_KINDS = ("jobs", _OF_THE_RUN, "labs")


class KubernetesSteps:
    """What is known of a site's Jobs without asking its cluster.

    Keys of a step: ``deletes`` (``jobs``, ``jobs of the run`` or ``labs``); ``paid_by``: the steps that pay the debt of
    bringing up again what ran in each namespace; ``gone_within``: by when all must be gone, such as ``10m``; ``ordered:
    false`` where the CSCs were not taken down first, as after a power cut, so that no order among them is left to keep.
    Or ``compares`` in place of all these: the tag that every CSC's image must have, such as ``<cycle>``.
    """

    keys = frozenset({"deletes", "paid_by", "gone_within", "ordered", "compares"})

    def problems(self, entry: Entry) -> Iterator[Wrong]:
        """Yield what is wrong with a step."""
        if "compares" in entry.own:
            yield from _wrong_comparison(entry)
            return
        if entry.own.get("deletes") not in _KINDS:
            yield Wrong(("deletes",), "what it deletes is not said", f"write {', '.join(_KINDS)}")
        if _seconds(entry.own.get("gone_within", "10m")) is None:
            yield Wrong(("gone_within",), "is not a time", "write for example 10m, 90s or 1h")
        if not isinstance(entry.own.get("ordered", True), bool):
            yield Wrong(("ordered",), "is neither true nor false", "leave it away, or write false")
        paid_by = entry.own.get("paid_by", [])
        if not isinstance(paid_by, list) or not all(isinstance(step, str) for step in paid_by):
            yield Wrong(("paid_by",), "is no list of steps", "write for example [standby]")
            return
        for at, step in enumerate(paid_by):
            if step not in entry.later:
                yield Wrong(("paid_by", at), f"no step {step!r} comes after this one", "name a later step")

    def items(self, entry: Entry) -> tuple[Item, ...]:
        """Return an item for each namespace with Jobs of the run, or one for the labs, or for what is compared."""
        settings = entry.settings
        assert isinstance(settings, KubernetesSettings)  # noqa: S101 - the table says so
        if "compares" in entry.own:
            return (_versions(entry, settings),)
        within_s = _seconds(entry.own.get("gone_within", "10m")) or 0.0
        if entry.own["deletes"] == "labs":
            labs = LabsWork(settings.labs, within_s)
            manual = (f"get namespace -l {labs.label}", f"delete namespace -l {labs.label}")
            return (_item(0, "running labs", spec_of(labs), (), _typed(entry, settings, manual)),)
        if entry.own["deletes"] == _OF_THE_RUN and entry.only is None:  # nobody has named them yet
            return (_item(0, "Jobs of <cscs>", spec_of(JobsWork("<namespace>", "csc", ("<jobs>",))), (), ()),)
        rows = [(space, _names(space, entry.only)) for space in settings.namespaces]
        chosen = [row for row in rows if entry.own["deletes"] == "jobs" or row[1]]
        return tuple(
            self._jobs(entry, settings, at, space, names, within_s) for at, (space, names) in enumerate(chosen)
        )

    @staticmethod
    def _jobs(
        entry: Entry, settings: KubernetesSettings, place: int, space: Namespace, names: Sequence[str], within_s: float
    ) -> Item:
        of_all = entry.own["deletes"] == "jobs"
        chosen = () if of_all else tuple(names)
        owes = tuple(entry.own.get("paid_by", []))
        work = JobsWork(space.namespace, space.selector, chosen, settings.spared, owes, within_s)
        cscs = [CscId.parse(space.jobs[name]) for name in (space.jobs if of_all else names)]
        effects = tuple(CscEffect(csc, OFFLINE) for csc in _in_order(cscs)) if entry.own.get("ordered", True) else ()
        typed = _typed(entry, settings, _kubectl(space, chosen))
        return _item(place, space.namespace, spec_of(work), effects, typed)

    def fallbacks(self, entry: Entry) -> tuple[Fallback, ...]:
        """Return nothing: there is no other way."""
        del entry
        return ()

    def lines(self, item: Item) -> tuple[str, ...]:
        """Return what may be sent for an item: each request names one object with its uid, which is read before."""
        work = work_of(item.spec)
        if isinstance(work, VersionsWork):
            return tuple(f"GET {NAMESPACES}/{space}/pods" for space in dict.fromkeys(row[0] for row in work.jobs))
        end = f"propagationPolicy {PROPAGATION} and its uid as precondition in the body"
        if isinstance(work, LabsWork):
            return (f"DELETE {NAMESPACES}/NAME for each with the label {work.label}, {end}",)
        if work.names:
            return tuple(f"DELETE {work.path}/{name}, {end}" for name in work.names)
        return (f"DELETE {work.path}/NAME for each that {work.selector} selects, {end}",)

    def fallback(self, fallback: Fallback, items: Sequence[Item]) -> Item:
        """Refuse: there is no other way.

        Raises:
            ValueError: always.
        """
        del items
        raise ValueError(f"Kubernetes knows no other way {fallback.label}")

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return nothing: only what a runbook names is deleted."""
        return ()

    def compose(self, offer_id: str, texts: Sequence[str]) -> Composed:
        """Refuse: nothing is offered."""
        del texts
        return Composed(None, (f"nothing is offered as {offer_id!r}",))


def _wrong_comparison(entry: Entry) -> Iterator[Wrong]:
    if not isinstance(tag := entry.own["compares"], str) or not tag:
        yield Wrong(("compares",), f"compares is {tag!r}", "write the tag that images must have, such as <cycle>")
    for key in sorted(set(entry.own) - {"compares"}):
        yield Wrong((key,), f"{key} means nothing where versions are compared", "leave it away")


def _versions(entry: Entry, settings: KubernetesSettings) -> Item:
    """Return the item that compares what the CSCs of a run report and what their pods run; all where none is named."""
    every = (spec.csc for spec in entry.roster.cscs)
    in_run = [csc for csc in every if entry.only is None or csc in entry.only or csc.name in ALWAYS]
    names = {str(csc) for csc in in_run}
    rows = ((space.namespace, job, csc) for space in settings.namespaces for job, csc in space.jobs.items())
    work = VersionsWork(entry.own["compares"], tuple(map(str, in_run)), tuple(row for row in rows if row[2] in names))
    columns = "custom-columns=POD:.metadata.name,IMAGE:.spec.containers[0].image"
    typed = _typed(entry, settings, (f"get pods --all-namespaces -l csc -o '{columns}'",))
    return _item(0, f"images and reported versions against {work.tag}", spec_of(work), (), typed)


def _item(place: int, label: str, spec: str, effects: tuple[CscEffect, ...], manual: tuple[str, ...]) -> Item:
    name: ItemId = numbered(place)
    return Item(name, label, KUBERNETES, spec, effects, manual)


def _names(space: Namespace, only: frozenset[CscId] | None) -> tuple[str, ...]:
    """Return the Jobs of a namespace that a run for named CSCs is about: theirs, the Watcher's and the queues'."""
    cscs = {job: CscId.parse(text) for job, text in space.jobs.items()}
    return tuple(job for job, csc in cscs.items() if csc.name in ALWAYS or csc in (only or ()))


def _in_order(cscs: Iterable[CscId]) -> list[CscId]:
    """Return CSCs as the procedure has them go: the Watcher first, the ScriptQueues last, 3, 2, 1."""
    return sorted(cscs, key=lambda csc: (csc.name != "Watcher", csc.name == "ScriptQueue", _late(csc)))


def _late(csc: CscId) -> int:
    return -csc.index if csc.name == "ScriptQueue" else 0


def _kubectl(space: Namespace, names: Sequence[str]) -> tuple[str, ...]:
    which = " ".join(names) if names else f"-l {space.selector}"
    pods = f"'batch.kubernetes.io/job-name in ({','.join(names)})'" if names else space.selector
    return (
        f"-n {space.namespace} get job {which}",
        f"-n {space.namespace} delete job {which} --cascade=background",
        f"-n {space.namespace} get pod -l {pods}   # until no resource is found",
    )


def _typed(entry: Entry, settings: KubernetesSettings, commands: Sequence[str]) -> tuple[str, ...]:
    """Return what a person would type; in a rehearsal it does nothing, even when it is pasted."""
    cli = settings.words()["kubernetes.cli"]
    return tuple(f"{REHEARSED if entry.rehearsal else ''}{cli} {command}" for command in commands)


def _seconds(text: object) -> float | None:
    found = re.fullmatch(r"([0-9]{1,6})(s|m|h)", text) if isinstance(text, str) else None
    return float(found[1]) * _UNITS[found[2]] if found and int(found[1]) else None
