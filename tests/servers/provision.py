"""Fetches every real server the tests start: ``python -m tests.servers.provision``. What is there already is kept."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial

from tests.servers.cache import UnavailableError, tool
from tests.servers.influx import influxd
from tests.servers.inmanta import inmanta_install
from tests.servers.kafka_install import KAFKA_VERSIONS, kafka_install
from tests.servers.registry import registry_install

SERVERS: Mapping[str, Callable[[], object]] = {
    **{f"Kafka {version}": partial(kafka_install, version) for version in KAFKA_VERSIONS},
    "schema registry": registry_install,
    "InfluxDB": influxd,
    "orchestrator": inmanta_install,
    "tmux": partial(tool, "tmux"),
}


def main() -> int:
    """Provision all, one line each; return 1 if any server cannot be had."""
    missing = 0
    for name, get in SERVERS.items():
        try:
            get()
        except UnavailableError as error:
            missing += 1
            sys.stdout.write(f"{name}: missing: {error}\n")
        else:
            sys.stdout.write(f"{name}: ready\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
