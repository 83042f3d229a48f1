"""The rows of the upgrade procedure, the steps of the full cycle that carry each out, and what ended them in a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from deploydash.core.procedure.runbook import Runbook, Step, StepKind
from tests.support.runbooks import runbook

EVERYWHERE = ("summit", "tucson-teststand", "base-teststand")
SUMMIT = ("summit",)

ROWS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **{
        row: (EVERYWHERE, (row,))
        for row in (
            *("tickets", "builds", "branches", "page", "page-announce", "principals", "square-ready", "nublado-image"),
            *("announce-day", "announce-hour", "preflight", "go-no-go"),
            *("announce-start", "watcher", "cscs", "stragglers", "queues"),
            *("bridges-stop", "stage-1", "k8s-clean", "nublado-clean"),
            *("phalanx-merge", "principals-config", "schema-none"),
            *("argo-science-platform", "argo-nublado", "argo-sasquatch", "argo-small", "argo-love", "argo-rest"),
            *("standby", "report-broken", "minimal-testing", "versions", "schema-back"),
            *("announce-end", "nublado-open", "close"),
        )
    },
    **{row: (SUMMIT, (row,)) for row in ("m2-request", "m2-closed-loop", "repos", "ess")},
    "bare-metal-stop": (SUMMIT, ("bare-metal-stop", "m1m3-stop", "vms-logger-stop", "love-stop")),
    "bare-metal-start": (SUMMIT, ("bare-metal-start", "vms-start", "m1m3-start", "vms-logger-start", "love-start")),
    "crio": (SUMMIT, ("crio", "crio-m1m3")),
    "bridges-start": (EVERYWHERE, ("camera-expert", "bridges-start")),
    "stage-2": (EVERYWHERE, ("stage-2-message", "stage-2")),
    "enable": (EVERYWHERE, ("enable", "enable-all")),
}
"""Each row of the procedure's full cycle: the sites that have it, and the steps that it is here."""

ONLY_THERE = {"enable-all": ("tucson-teststand", "base-teststand")}
"""Steps of a row that fewer sites have than the row."""


def steps_of(row: str, site: str) -> tuple[str, ...]:
    """Return the steps that a row is at a site; none where the site does not have it."""
    sites, steps = ROWS[row]
    return tuple(step for step in steps if site in ONLY_THERE.get(step, sites))


def without_step(book: Runbook, site: str) -> list[str]:
    """Return what of the procedure has no step in a runbook of this site, and what of the runbook is of no row."""
    there = {str(step.id) for step in book.steps()}
    wanted = {step: row for row in ROWS for step in steps_of(row, site)}
    missing = [f"{row}: no step {step}" for step, row in wanted.items() if step not in there]
    return missing + [f"{step}: of no row" for step in there if step not in wanted]


def ended_by(told: Iterable[Mapping[str, Any]], site: str) -> dict[str, list[str]]:
    """Return for each row of a full cycle what ended its steps, as the records of the run's journal have it.

    Raises:
        AssertionError: a step of a row was ended by nothing that was seen, answered or signed off; all of them.
    """
    book, records = runbook(site, "full-cycle"), list(told)
    found = {
        row: [(step, _end(book.step(step), records)) for step in steps_of(row, site)]  # type: ignore[arg-type]
        for row in ROWS
        if steps_of(row, site)
    }
    open_ends = [f"{row}: nothing ended {step}" for row, ends in found.items() for step, end in ends if not end]
    assert not open_ends, "\n".join(open_ends)
    return {row: [f"{step}: {end}" for step, end in ends] for row, ends in found.items()}


def _end(step: Step, records: list[Mapping[str, Any]]) -> str:
    """Return what ended a step, or nothing."""
    answers = {each["choice"]: each["answer"] for each in records if each["kind"] == "ChoiceAnswered"}
    if step.applies(answers) is False:
        return ", ".join(f"answered {one.choice}: {answers[one.choice]}" for one in step.when if one.choice in answers)
    if step.kind is StepKind.CLOSE:
        return "closed" if any(each["kind"] == "RunClosed" for each in records) else ""
    mine = [each for each in records if each.get("step") == str(step.id)]
    if not any(each["kind"] == "StepDone" for each in mine):
        return ""
    if step.kind is StepKind.DECIDE:
        return _decided(str(step.settles), records)
    if step.kind is StepKind.WAIT:
        return _arrived({str(csc) for csc in step.cscs}, records, mine)
    return _items(step, mine)


def _decided(settles: str, records: list[Mapping[str, Any]]) -> str:
    """Return what became of those that a decision was about: all reached, or waived by name."""
    ends = [each for each in records if each["kind"] == "ItemEnded" and each["step"] == settles]
    last = {each["item"]: each["outcome"] for each in ends}
    waived = {csc for each in records if each["kind"] == "CscsWaived" for csc in each["cscs"]}
    left = [item for item, outcome in last.items() if outcome != "reached" and item not in waived]
    return "" if left or not last else f"none of {len(last)} is left, {len(waived)} waived"


def _arrived(cscs: set[str], records: list[Mapping[str, Any]], mine: list[Mapping[str, Any]]) -> str:
    """Return how many CSCs of a wait arrived and stayed, if it was all that are not waived."""
    there: set[str] = set()
    for each in mine:
        if each["kind"] == "CscsArrived":
            there |= set(each["cscs"])
        elif each["kind"] == "CscsLeft":
            there -= set(each["cscs"])
    waived = {csc for each in records if each["kind"] == "CscsWaived" for csc in each["cscs"]}
    return f"{len(there)} at target, {len(waived)} waived" if cscs <= there | waived else ""


def _items(step: Step, mine: list[Mapping[str, Any]]) -> str:
    """Return by what the items of a step ended: seen by its system, or signed off by whom."""
    signed = {each["item"]: each["by"] for each in mine if each["kind"] == "ItemSignedOff" and each["reply"] != "no"}
    ends = {each["item"]: each for each in mine if each["kind"] == "ItemEnded"}
    said, seen = [], []
    for item in step.items:
        if ends.get(str(item.id), {}).get("outcome") == "reached":
            seen.append(str(ends[str(item.id)]["why"]))
        elif str(item.id) in signed or "" in signed:
            said.append(signed.get(str(item.id), signed.get("", "")))
        else:
            return ""
    if not step.items:
        return f"signed off by {signed['']}" if "" in signed else ""
    told = [f"{len(seen)} seen: {seen[0]}"] if seen else []
    return "; ".join([*told, *([f"{len(said)} signed off by {', '.join(sorted(set(said)))}"] if said else [])])
