"""What feeds need to know to reach a site, after the site file, the environment and the fuse were applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

FOREIGN = ", not one of the site's addresses"
"""Follows the source of an address that is none of the site's own; the header shows such a feed in red."""


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """How to reach a site's Kafka.

    ``source`` says where ``bootstrap`` came from (``site file`` or ``LSST_KAFKA_BROKER_ADDR``); ``foreign``
    that it is none of the site's ``kafka.hosts``. ``password`` never appears in a repr. ``ca_file`` is None
    for the system's own authorities. ``rehearsal``: it is a demo observatory's, whose broker answers a fetch that
    finds nothing only when its wait is over; every other does as soon as there is something.
    """

    bootstrap: str
    security_protocol: str
    mechanism: str
    topic_subname: str
    source: str
    foreign: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """Where the schema registry is. ``source`` as in KafkaSettings."""

    url: str
    source: str
    foreign: bool = False


NO_KAFKA = KafkaSettings("", "PLAINTEXT", "", "sal", "site file")
"""Of a site without CSCs: no Kafka is reached."""

NO_REGISTRY = RegistrySettings("", "site file")
"""Of a site without CSCs."""


@dataclass(frozen=True, slots=True)
class EfdSettings:
    """How to ask the EFD. ``url`` empty means not configured; ``password`` never appears in a repr.

    Without a ``username`` the EFD feed asks ``credential_service`` (an address) for those of ``alias``, if
    both are given.
    """

    url: str
    database: str
    source: str
    username: str = ""
    password: str = field(default="", repr=False)
    alias: str = ""
    credential_service: str = ""


@dataclass(frozen=True, slots=True)
class Connections:
    """Every outside system of a site. ``kafka`` is NO_KAFKA, whose ``bootstrap`` is empty, where it has no CSCs."""

    kafka: KafkaSettings
    registry: RegistrySettings
    efd: EfdSettings
