"""The Summit's roster on a test's own Kafka: what an operator's site file would say of it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from deploydash.core.model import CscId
from tests.servers.kafka import KafkaServer
from tests.servers.registry import SchemaRegistry
from tests.support.command_line import ROOT
from tests.support.site_files import write_site

QUICK = {"late": 2.0, "silent": 4.0}
"""Limits that a test can wait for and a healthy CSC never comes near: its longest gap is 1.05 s."""


@cache
def summit() -> dict[str, Any]:
    """Return the shipped site file of the Summit."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "sites" / "summit.yaml").read_text(encoding="utf-8"))
    return loaded


def summit_cscs() -> list[CscId]:
    """Return its CSCs in the site file's order."""
    return [CscId.parse(line["csc"]) for line in summit()["cscs"]]


def summit_on(folder: Path, kafka: KafkaServer, registry: SchemaRegistry, subname: str, /, **sections: Any) -> Path:
    """Write the Summit's roster for these servers and return the file's path."""
    roster = summit()
    given = {"groups": roster["groups"], "limits": QUICK, **sections}
    return write_site(folder, kafka.bootstrap, roster["cscs"], registry=registry.url, subname=subname, **given)


def small_site(
    folder: Path, kafka: KafkaServer, registry: SchemaRegistry, subname: str, cscs: Iterable[str], /, **sections: Any
) -> Path:
    """Write a site of a few CSCs, all wanted in STANDBY."""
    given = {"limits": QUICK, **sections}
    return write_site(folder, kafka.bootstrap, list(cscs), registry=registry.url, subname=subname, **given)


def with_tls(kafka: KafkaServer, **changes: Any) -> dict[str, Any]:
    """Return the ``kafka`` section for the listener with TLS and SCRAM."""
    return {
        "bootstrap": kafka.sasl_bootstrap,
        "security_protocol": "SASL_SSL",
        "mechanism": "SCRAM-SHA-512",
        "ca_file": str(kafka.ca_file),
        **changes,
    }
