"""The short night on a real Kafka whose brokers are killed, or restarted in turn, while the run is under way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.e2e_run.books import CLOSE, SHUTDOWN, write_book, write_small
from tests.e2e_run.killing import FAST, headless
from tests.e2e_run.world import forked_world, journals, records
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_cluster import KafkaCluster
from tests.servers.kafka_install import kafka_install
from tests.servers.registry import SchemaRegistry, registry_install
from tests.support.command_line import CommandLine

SILENT_S = 4.0
"""It takes three seconds until a killed broker is known to be down; a CSC is not to be lost before."""

UP_S = 6.0
"""So long all brokers are up between two restarts."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """How the night ended, how often a broker went in it, and how often a gate was closed falsely."""

    ended: dict[str, str]
    restarts: int
    spurious_closures: int
    seconds: float


def killed(folder: Path, most: int) -> Restarted:
    """Spend the night on one broker, which is killed up to ``most`` times.

    Raises:
        AssertionError: the run did not come to its end, a command is there twice or cannot be decoded.
    """
    kafka = KafkaServer(kafka_install("3.9.1"), folder / "kafka")
    kafka.start()

    def restart(_: int) -> None:
        kafka.kill()
        kafka.start()

    try:
        return _night(folder, kafka.bootstrap, restart, most)
    finally:
        kafka.close()


def rolled(folder: Path, most: int) -> Restarted:
    """Spend the night on three brokers, which are restarted in order up to ``most`` times, as an operator's roll does.

    Raises:
        AssertionError: as ``killed``.
    """
    cluster = KafkaCluster(kafka_install("3.9.1"), folder / "cluster", equal=True)
    try:
        cluster.start()
        return _night(folder, cluster.bootstraps, lambda number: cluster.restart(1 + number % 3), most)
    finally:
        cluster.close()


def _night(folder: Path, bootstrap: str, restart: Callable[[int], None], most: int) -> Restarted:
    cli = CommandLine(folder / "home")
    book = write_book(folder, SHUTDOWN, CLOSE, site="hill", queues=2)
    scenario = folder / "fast.yaml"
    scenario.write_text(FAST, encoding="utf-8")
    registry = SchemaRegistry(registry_install(), folder / "registry")
    over, count = threading.Event(), [0]

    def restarts() -> None:
        # A broker dies with the thread that started it, so this one lives to the end.
        while not over.wait(UP_S):
            if count[0] < most:
                restart(count[0])
                count[0] += 1

    registry.start()
    servers = ("--kafka", bootstrap, "--registry", registry.url)
    try:
        with forked_world(cli, write_small(folder, silent=SILENT_S), scenario, folder, *servers) as hill:
            began = time.monotonic()
            restarting = threading.Thread(target=restarts, name="broker restarts")
            restarting.start()
            try:
                headless(cli, ("run", str(hill.site_file), str(book), "--cycle", "c0045"), folder / "run.log", 0)
                took = time.monotonic() - began
                hill.commands()
            finally:
                over.set()
                restarting.join()
            told = records(journals(cli)[0])
    finally:
        registry.close()
    ended = {record["item"]: record["outcome"] for record in told if record["kind"] == "ItemEnded"}
    spurious_closures = sum(record["kind"] == "GateClosedSpuriously" for record in told)
    return Restarted(ended, count[0], spurious_closures, took)
