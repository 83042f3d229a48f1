"""The servers of a run and the fleets on them: a real Kafka with a day of history, a real schema registry."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.fleet import SITE_SIZE, roster, site_text, subname
from bench.history import DAY_S, write_history
from bench.mock_broker import MockProcess, MockTopics
from bench.running import RunningFleet
from bench.wire import BeatBytes
from deploydash.core.model import SummaryState
from tests.servers.cache import CACHE, locked
from tests.servers.fleet import EVENTS, SalWriter
from tests.servers.kafka import KafkaServer, Node
from tests.servers.kafka_install import kafka_install
from tests.servers.kafka_topics import KafkaTopics
from tests.servers.registry import SchemaRegistry, registry_install

HOME = CACHE / "bench"
VERSION = "3.9.1"
_MADE = 3
"""The form of what is cached; another number makes it anew."""
_KEPT_S = 20 * 3600.0
_BEFORE = (SummaryState.STANDBY, SummaryState.DISABLED, SummaryState.ENABLED, SummaryState.DISABLED)


def say(text: str) -> None:
    """Tell whoever waits what is going on."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


class World:
    """Servers that live as long as the run. The broker's folder is kept for the next one (20 hours).

    ``seconds`` is how much history the Summit's fleet has; a smoke test asks for less, in a ``home`` of its own.
    """

    def __init__(self, home: Path = HOME, seconds: int = DAY_S) -> None:
        self.home = home
        self.seconds = seconds
        home.mkdir(parents=True, exist_ok=True)
        self._notes_file = home / "made.json"
        self._notes = self._read_notes()
        self._stack = ExitStack()
        self._fleets: dict[int, RunningFleet] = {}

    def _read_notes(self) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            notes: dict[str, Any] = json.loads(self._notes_file.read_text())
            fresh = time.time() - notes["written_utc"] < _KEPT_S
            if fresh and (notes["made"], notes["seconds"]) == (_MADE, self.seconds):
                return notes
        return {}

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _open(self) -> None:
        self._stack.enter_context(locked("bench"))
        say("starting the schema registry")
        self.registry = SchemaRegistry(registry_install(), self.home / "registry")
        self._stack.callback(self.registry.close)
        self.registry.start()
        if not self._notes:
            shutil.rmtree(self.home / "kafka", ignore_errors=True)
        self.kafka = self._broker()
        self._stack.callback(self.kafka.stop)
        self._stack.callback(self.stop_fleets)
        say(f"starting Kafka {VERSION}")
        self.kafka.start()
        ids = self._prepare(SITE_SIZE)
        if self._notes and self._notes["ids"] != ids:
            raise RuntimeError(f"the registry gives other ids than before: remove {self.home} and start again")
        if not self._notes:
            self._make_history(ids)

    def _broker(self) -> KafkaServer:
        """Return the broker on its kept folder, on new ports."""
        folder = self.home / "kafka"
        server = KafkaServer(kafka_install(VERSION), folder, node=Node(), heap_mb=768)
        config = folder / "server.properties"
        if config.exists():
            voters = f"{server.node.node_id}@127.0.0.1:{server.node.controller_port}"
            config.write_text(server.node.properties(voters, folder, folder / "keystore.pem"))
        return server

    def _writer(self, size: int, topics: KafkaTopics | None = None) -> SalWriter:
        return SalWriter(topics or self.kafka.topics, self.registry, subname(size), indexed=["DREAM"])

    def _prepare(self, size: int) -> dict[str, dict[str, int]]:
        """Create a fleet's topics and register its schemas; return the ids of those that live fleets write."""
        writer = self._writer(size)
        writer.prepare([one.csc for one in roster(size)])
        ids: dict[str, dict[str, int]] = {}
        for one in roster(size):
            for event in ("heartbeat", "summaryState"):
                _, _, value = writer.record(one.csc, event, {"heartbeat": False, "summaryState": 5})
                ids.setdefault(one.csc.name, {})[event] = int.from_bytes((value or b"")[1:5])
        return ids

    def _make_history(self, ids: dict[str, dict[str, int]]) -> None:
        began = float(int(time.time()) - self.seconds)
        self._tell_all(SITE_SIZE, began)
        beats = [
            (one, BeatBytes.of(one, f"lsst.sal.{one.csc.name}.logevent_heartbeat", ids[one.csc.name]["heartbeat"]))
            for one in roster(SITE_SIZE)
        ]
        self.kafka.stop()
        say(f"writing {self.seconds / 3600:.1f} h of heartbeats")
        records = write_history(self.kafka.folder / "data", beats, began, self.seconds)
        say(f"starting Kafka {VERSION} on {records:,} records")
        self.kafka.start()
        self._notes = {
            "made": _MADE,
            "seconds": self.seconds,
            "written_utc": time.time(),
            "records": records,
            "ids": ids,
            "began_utc": {str(SITE_SIZE): began},
        }
        self._notes_file.write_text(json.dumps(self._notes))

    def _tell_all(self, size: int, began: float, topics: KafkaTopics | None = None) -> None:
        """Write what each CSC told when it started: its states up to the present one, versions and the like."""
        topics = topics or self.kafka.topics
        writer = self._writer(size, topics)
        records = []
        for one in roster(size):
            how: dict[str, Any] = {"origin": one.origin, "at_utc": began}
            told: list[tuple[str, dict[str, object]]]
            told = [("summaryState", {"summaryState": int(state)}) for state in (*_BEFORE, one.state)]
            told += _AT_START.items()
            records += [writer.record(one.csc, event, values, **how) for event, values in told]
        topics.produce(records, queue_buffering_max_messages=1_000_000)

    def forget_storms(self) -> None:
        """Let the Summit's fleet have told its states when it started and never since, as one that stands still has.

        Storms of earlier benchmarks told a hundred thousand, and buried under them those of the dead.
        """
        writer = self._writer(SITE_SIZE)
        self.kafka.topics.delete({writer.topic(one.csc, "summaryState") for one in roster(SITE_SIZE)})
        self._prepare(SITE_SIZE)
        self._tell_all(SITE_SIZE, self._notes["began_utc"][str(SITE_SIZE)])

    @property
    def records(self) -> int:
        """How many heartbeats the history holds."""
        return int(self._notes["records"])

    def fleet(self, size: int) -> RunningFleet:
        """Return a fleet that beats, starting it if it does not yet; the others are stopped meanwhile."""
        if size not in self._fleets:
            self.stop_fleets()
            if str(size) not in self._notes["began_utc"]:
                say(f"creating the topics of {size:,} CSCs")
                self._prepare(size)
                began = float(int(time.time()) - 60)
                self._tell_all(size, began)
                self._notes["began_utc"][str(size)] = began
                self._notes_file.write_text(json.dumps(self._notes))
            self._fleets[size] = self._start_fleet(size)
        return self._fleets[size]

    @contextmanager
    def mock_fleet(self, size: int) -> Iterator[RunningFleet]:
        """Let the same fleet live on librdkafka's mock cluster, as a rehearsal, until the block ends."""
        self.stop_fleets()
        writer = self._writer(size)
        topics = {writer.topic(one.csc, event) for one in roster(size) for event in EVENTS}
        with MockProcess(topics) as broker:
            began = float(int(time.time()))
            self._tell_all(size, began, MockTopics(broker.bootstrap))
            fleet = self._start_fleet(size, broker.bootstrap, began)
            try:
                yield fleet
            finally:
                fleet.stop()

    def stop_fleets(self) -> None:
        """Let all fleets fall silent; who asks for one gets a new one, whatever was left half done with the old."""
        while self._fleets:
            _, running = self._fleets.popitem()
            running.stop()

    def _start_fleet(self, size: int, mock: str = "", began: float = 0.0) -> RunningFleet:
        """Start a fleet on Kafka, or on the mock cluster at that address, where it began then."""
        folder = self.home / f"site-{size}{'-mock' if mock else ''}"
        folder.mkdir(exist_ok=True)
        site_file = folder / f"bench{size}.yaml"
        bootstrap = mock or self.kafka.bootstrap
        site_file.write_text(site_text(size, bootstrap, self.registry.url, rehearsal=bool(mock)))
        settings = {
            "size": size,
            "bootstrap": bootstrap,
            "ids": self._notes["ids"],
            "began_utc": began or self._notes["began_utc"][str(size)],
        }
        return RunningFleet(size, site_file, settings, self.environ())

    def environ(self) -> dict[str, str]:
        """Return the environment of every program that is measured: a plain true-colour terminal, caches of ours."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("LSST_", "EFD_"))}
        for name in ("NO_COLOR", "TMUX", "TMUX_PANE"):
            kept.pop(name, None)
        return {
            **kept,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "DEPLOYDASH_STATE_DIR": str(self.home / "state"),
        }

    def forget_schemas(self) -> None:
        """Empty the app's schema cache."""
        shutil.rmtree(self.home / "cache", ignore_errors=True)


_AT_START: dict[str, dict[str, object]] = {
    "errorCode": {"errorCode": 0, "errorReport": "", "traceback": ""},
    "softwareVersions": {"salVersion": "", "xmlVersion": "24.4.0", "cscVersion": "1.2.3", "subsystemVersions": ""},
    "simulationMode": {"mode": 0},
    "configurationApplied": {"configurations": "_init.yaml", "version": "heads/develop-0-g0a1b2c3"},
    "logMessage": {"name": "csc", "level": 20, "message": "started"},
}
