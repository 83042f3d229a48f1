"""Site files as an operator writes them, for whatever servers a test has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml


def write_site(
    folder: Path,
    bootstrap: str,
    cscs: Iterable[str | Mapping[str, object]],
    *,
    registry: str = "http://127.0.0.1:2",
    subname: str = "sal",
    efd: str = "",
    **sections: Any,
) -> Path:
    """Write a site file and return its path.

    A CSC is a name, whose start-up target is then STANDBY, or its whole line. ``sections`` replace or add
    top-level keys; ``kafka`` is merged into the section.
    """
    kafka = {
        "bootstrap": bootstrap,
        "hosts": ["127.0.0.1"],
        "security_protocol": "PLAINTEXT",
        "topic_subname": subname,
        **sections.pop("kafka", {}),
    }
    lines = [{"csc": csc, "group": "All"} if isinstance(csc, str) else {"group": "All", **csc} for csc in cscs]
    document: dict[str, Any] = {
        "site": "hill",
        "rehearsal": False,
        "time_zone": "UTC",
        "kafka": kafka,
        "schema_registry": {"url": registry},
        "groups": ["All"],
        "cscs": lines,
        **sections,
    }
    if efd:
        document["efd"] = {"url": efd, "database": "efd"}
    path = folder / "hill.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path
