"""The short night on a real Kafka whose broker is killed and comes back while the run is under way."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests.e2e_run.books import CLOSE, SHUTDOWN, write_book, write_small
from tests.e2e_run.killing import FAST, headless
from tests.e2e_run.world import forked_world, journals, records
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_install import kafka_install
from tests.servers.registry import SchemaRegistry, registry_install
from tests.support.command_line import CommandLine

SILENT_S = 4.0
"""It takes three seconds until a killed broker is known to be down; a CSC is not to be lost before."""

UP_S = 6.0
"""So long the broker stays up between two restarts."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """How the night ended, how often the broker was killed in it, and how often a gate was closed falsely."""

    ended: dict[str, str]
    restarts: int
    false_closures: int
    seconds: float


def restarted(folder: Path, most: int) -> Restarted:
    """Spend the night; the broker is killed up to ``most`` times.

    Raises:
        AssertionError: the run did not come to its end, a command is there twice or cannot be decoded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kafka = KafkaServer(kafka_install("3.9.1"), folder / "kafka")
    registry = SchemaRegistry(registry_install(), folder / "registry")
    try:
        kafka.start()
        registry.start()
        return _night(folder, kafka, registry, most)
    finally:
        kafka.close()
        registry.close()


def _night(folder: Path, kafka: KafkaServer, registry: SchemaRegistry, most: int) -> Restarted:
    cli = CommandLine(folder / "home")
    book = write_book(folder, SHUTDOWN, CLOSE, site="hill", queues=2)
    scenario = folder / "fast.yaml"
    scenario.write_text(FAST, encoding="utf-8")
    servers = ("--kafka", kafka.bootstrap, "--registry", registry.url)
    over, killed = threading.Event(), [0]

    def restart() -> None:
        # A broker dies with the thread that started it, so this one lives to the end.
        while not over.wait(UP_S):
            if killed[0] < most:
                kafka.kill()
                killed[0] += 1
                kafka.start()

    with forked_world(cli, write_small(folder, silent=SILENT_S), scenario, folder, *servers) as hill:
        began = time.monotonic()
        restarting = threading.Thread(target=restart, name="broker restarts")
        restarting.start()
        try:
            headless(cli, ("run", str(hill.site_file), str(book), "--cycle", "c0045"), folder / "run.log", 0)
            took = time.monotonic() - began
            hill.commands()
        finally:
            over.set()
            restarting.join()
        told = records(journals(cli)[0])
    ended = {record["csc"]: record["outcome"] for record in told if record["kind"] == "TargetEnded"}
    false_closures = sum(record["kind"] == "GateClosedFalsely" for record in told)
    return Restarted(ended, killed[0], false_closures, took)
