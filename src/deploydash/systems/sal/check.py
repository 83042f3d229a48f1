"""What ``deploydash check`` asks of Kafka: whether it lets us in, and whether the queues list a run's scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from deploydash.core.model import CscId, FeedName
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import SAL
from deploydash.core.words import and_list, counted, first_of
from deploydash.systems.sal.reading.offered import offered
from deploydash.systems.sal.reading.probe import probe
from deploydash.systems.sal.reading.schemas import Schemas
from deploydash.systems.settings import KafkaSettings
from deploydash.systems.table import Finding

KAFKA = FeedName.KAFKA.value
SCRIPTS = "scripts"

Wanted = Mapping[CscId, AbstractSet[str]]
"""The scripts that a runbook would add, by queue."""


async def kafka(settings: KafkaSettings) -> tuple[Finding, ...]:
    """Ask Kafka once.

    Raises:
        FeedError: it cannot be reached, refuses us, or shows no heartbeats.
    """
    return (Finding("ok", KAFKA, await probe(settings)),)


async def scripts(settings: KafkaSettings, schemas: Schemas, wanted: Wanted) -> tuple[Finding, ...]:
    """Say whether each queue lists the scripts that a run would add to it.

    Raises:
        FeedError: Kafka or the registry cannot be asked.
    """
    return of_scripts(wanted, await offered(settings, schemas)) if wanted else ()


def wanted_of(items: Iterable[Item]) -> dict[CscId, set[str]]:
    """Return the scripts among items, by the queue that is to run them."""
    found: dict[CscId, set[str]] = {}
    for item in items:
        spec = json.loads(item.spec) if item.system == SAL else {}
        if spec.get("do") == "script":
            found.setdefault(CscId.parse(spec["queue"]), set()).add(spec["path"])
    return found


def of_scripts(wanted: Wanted, listed: Mapping[CscId, frozenset[str]]) -> tuple[Finding, ...]:
    """Return what the queues lack of what is wanted of them."""
    findings: list[Finding] = []
    silent = [queue for queue in sorted(wanted) if queue not in listed]
    if silent:
        why = f"{and_list(list(map(str, silent)))} listed no scripts that Kafka still has"
        findings.append(Finding("warning", SCRIPTS, why, "a queue lists them when it is enabled; check again then"))
    for queue in sorted(wanted):
        lacking = sorted(wanted[queue] - listed.get(queue, wanted[queue]))
        if lacking:
            do = "correct the runbook's scripts, or have the queue's directories updated"
            findings.append(Finding("red", SCRIPTS, f"{queue} does not list {first_of(lacking, 6)}", do))
    every = {path for paths in wanted.values() for path in paths}
    fine = f"the queues list {counted(len(every), 'script')} of the runbook"
    return tuple(findings) or (Finding("ok", SCRIPTS, fine),)
