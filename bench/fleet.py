"""Who is there: the Summit's roster, and larger ones in its shape."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploydash.core.model import CscId, SummaryState

SUMMIT = Path(__file__).resolve().parents[1] / "sites" / "summit.yaml"
SITE_SIZE = 117
LARGER = (1_000, 10_000)

DEAD = {CscId("ESS", 106): 6.0, CscId("ESS", 204): 5.5, CscId("MTAOS"): 5.0}
"""Who fell silent, and how many hours before the end of the history: for ESS 700,000 records and more back."""


@dataclass(frozen=True, slots=True)
class BenchCsc:
    """A CSC of the roster with the state it told and its process id."""

    csc: CscId
    group: str
    state: SummaryState
    origin: int
    dead: bool

    @property
    def indexed(self) -> bool:
        """Whether its records have ``salIndex``; of the Summit's components DREAM has one and runs with 0."""
        return self.csc.index != 0 or self.csc.name == "DREAM"


def subname(size: int) -> str:
    """Return the topics' second word for a fleet of this size."""
    return "sal" if size == SITE_SIZE else f"sal{size}"


def _entries() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.safe_load(SUMMIT.read_text())["cscs"]
    return entries


def roster(size: int) -> list[BenchCsc]:
    """Return the Summit's CSCs, or ``size`` of them: its 54 components, each index family grown alike."""
    entries = _entries()
    names = [(CscId.parse(entry["csc"]), str(entry["group"])) for entry in entries]
    if size != len(names):
        names = _grown(names, size)
    fleet = []
    for number, (csc, group) in enumerate(names):
        state = SummaryState.ENABLED if number % 5 == 0 else SummaryState.STANDBY
        fleet.append(BenchCsc(csc, group, state, 1000 + number, size == SITE_SIZE and csc in DEAD))
    return fleet


def _grown(names: list[tuple[CscId, str]], size: int) -> list[tuple[CscId, str]]:
    families = Counter(csc.name for csc, _ in names if csc.index)
    wanted = size - sum(csc.index == 0 for csc, _ in names)
    total = sum(families.values())
    sizes = {name: wanted * count // total for name, count in families.items()}
    sizes["ESS"] += wanted - sum(sizes.values())
    grown: list[tuple[CscId, str]] = []
    done: set[str] = set()
    for csc, group in names:
        if not csc.index:
            grown.append((csc, group))
        elif csc.name not in done:
            done.add(csc.name)
            grown += [(CscId(csc.name, index), group) for index in range(1, sizes[csc.name] + 1)]
    return grown


def site_text(size: int, bootstrap: str, registry: str, *, rehearsal: bool = False) -> str:
    """Return a site file for the fleet: at 117 the Summit's own roster, only reached elsewhere."""
    site = yaml.safe_load(SUMMIT.read_text())
    kept = {key: site[key] for key in ("time_zone", "cluster", "limits", "groups")}
    entries: list[dict[str, Any]] = [{"csc": str(one.csc), "group": one.group} for one in roster(size)]
    if size == SITE_SIZE:
        entries = _entries()
    kafka = {"bootstrap": bootstrap, "hosts": ["127.0.0.1"], "topic_subname": subname(size)}
    document = {
        "site": f"bench{size}",
        "rehearsal": rehearsal,
        **kept,
        "kafka": {**kafka, "security_protocol": "PLAINTEXT"},
        "schema_registry": {"url": registry},
        "cscs": entries,
    }
    return yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=200)
