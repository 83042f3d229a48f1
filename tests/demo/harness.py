"""Starts the real demo observatory as a process and reads it as any Kafka client would."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import confluent_kafka
import fastavro
import yaml

from tests.servers.waiting import patient
from tests.support.command_line import ROOT

SITE: dict[str, Any] = {
    "site": "hill",
    "rehearsal": False,
    "time_zone": "America/Santiago",
    "cluster": "yagan",
    "kafka": {
        "bootstrap": "kafka.example.org:9094",
        "hosts": ["kafka.example.org"],
        "security_protocol": "SASL_SSL",
        "mechanism": "SCRAM-SHA-512",
        "topic_subname": "sal",
    },
    "schema_registry": {"url": "https://registry.example.org"},
    "efd": {"url": "https://efd.example.org/influxdb", "database": "efd", "alias": "hill_efd"},
    "systems": {
        "ssh": {
            "domain": "example.org",
            "cameras": [
                {
                    "csc": "ATCamera",
                    "host": "auxtel-mcm.example.org",
                    "unit": "ats-ocs-bridge.service",
                    "ccs_target": "ats-ocs-bridge",
                }
            ],
        },
        "argocd": {"server": "argo.example.org"},
        "github": {"phalanx": {"environment": "hill"}, "configuration": ["lsst-ts/LOVE-integration-tools"]},
        "slack": {"announce": "#hill", "request": "Please."},
        "kubernetes": {
            "context": "hill",
            "kubeconfig": "~/.kube/hill.yaml",
            "namespaces": [
                {"namespace": "auxtel", "selector": "csc", "jobs": {"ataos": "ATAOS", "atdome": "ATDome"}},
                {
                    "namespace": "obssys",
                    "selector": "csc",
                    "jobs": {"mtqueue": "ScriptQueue:1", "watcher": "Watcher"},
                },
                {"namespace": "love", "selector": "csc=love-commander"},
            ],
        },
    },
    "limits": {"late": 5, "silent": 10},
    "groups": ["AT", "MT", "Envsys", "Observatory"],
    "cscs": [
        {"csc": "ATAOS", "group": "AT"},
        {"csc": "ATCamera", "group": "AT", "startup": "OFFLINE/AVAILABLE", "camera": True},
        {"csc": "ATDome", "group": "AT", "startup": "ENABLED"},
        {
            "csc": "MTM1M3",
            "group": "MT",
            "startup": {"kept": "DISABLED", "stopped": "STANDBY"},
            "shutdown": "DISABLED",
            "protected": True,
        },
        {"csc": "MTMount", "group": "MT"},
        {"csc": "MTRotator", "group": "MT"},
        {"csc": "DREAM", "group": "Envsys"},
        {"csc": "ESS:104", "group": "Envsys", "end": "ENABLED", "limits": {"late": 6}},
        {"csc": "ESS:105", "group": "Envsys", "end": "ENABLED"},
        {"csc": "ScriptQueue:1", "group": "Observatory", "startup": "ENABLED"},
        {"csc": "Watcher", "group": "Observatory"},
    ],
}


@dataclass(frozen=True)
class Record:
    """A record as it stood in Kafka, decoded with the registry's schema; ``fields`` is None if that failed."""

    component: str
    sal_name: str
    key: bytes | None
    at: float
    fields: dict[str, Any] | None

    @property
    def csc(self) -> str:
        """``ESS:104`` or ``Watcher``."""
        index = (self.fields or {}).get("salIndex")
        return self.component if index is None else f"{self.component}:{index}"

    def __getitem__(self, name: str) -> Any:
        assert self.fields is not None, f"{self.component}.{self.sal_name} at {self.at} could not be decoded"
        return self.fields[name]


class Demo:
    """A running demo observatory, and a client of it. Everything read so far is in ``records``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the demo said nothing and ended with {process.wait(5)}"
        self.info: dict[str, Any] = json.loads(line)
        self.site_file: dict[str, Any] = yaml.safe_load(Path(self.info["site_file"]).read_text("utf-8"))
        self.records: list[Record] = []
        self._schemas: dict[int, Any] = {}
        self._sequence = 1000
        self.consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": self.info["kafka"],
                "group.id": "unused",
                "fetch.wait.max.ms": 20,
                "enable.auto.commit": False,
                "log_level": 0,
            },
        )
        self.topics = self.consumer.list_topics(timeout=patient(5)).topics
        events = [topic for topic in self.topics if ".logevent_" in topic or topic.endswith(".ackcmd")]
        self.consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0) for topic in events])
        self._producer = confluent_kafka.Producer({"bootstrap.servers": self.info["kafka"], "log_level": 0})

    def get(self, system: str, path: str) -> Any:
        """A JSON answer of the registry or the EFD."""
        with urllib.request.urlopen(str(self.info[system]) + path, timeout=patient(5)) as answer:
            return json.load(answer)

    def _decoded(self, value: bytes | None) -> dict[str, Any] | None:
        if value is None or len(value) <= 5 or value[0]:
            return None
        number = int.from_bytes(value[1:5], "big")
        try:
            if number not in self._schemas:
                text = self.get("schema_registry", f"/schemas/ids/{number}")["schema"]
                self._schemas[number] = fastavro.parse_schema(json.loads(text))
            fields = fastavro.schemaless_reader(io.BytesIO(value[5:]), self._schemas[number], None)
        except (OSError, EOFError, ValueError, IndexError):
            return None
        assert isinstance(fields, dict)
        return fields

    def pump(self, seconds: float = 0.05) -> None:
        """Read what is there."""
        for message in self.consumer.consume(5000, seconds):
            assert message.error() is None, message.error()
            _, _, component, sal_name = str(message.topic()).split(".")
            key, at = message.key(), message.timestamp()[1] / 1000
            assert key is None or isinstance(key, bytes)
            self.records.append(Record(component, sal_name, key, at, self._decoded(message.value())))

    def until(self, found: Callable[[], Any], within: float = 10.0) -> Any:
        """Read until ``found()`` is true, and give it; fail after ``within`` seconds."""
        deadline = time.monotonic() + patient(within)
        while time.monotonic() < deadline:
            value = found()
            if value:
                return value
            self.pump()
        raise AssertionError(f"not seen within {within} s; the last records: {self.records[-5:]}")

    def of(self, csc: str, sal_name: str) -> list[Record]:
        """The records of one CSC and topic, in order."""
        return [r for r in self.records if r.fields is not None and r.csc == csc and r.sal_name == sal_name]

    def states(self, csc: str) -> list[int]:
        """Every summary state a CSC has told."""
        return [r["summaryState"] for r in self.of(csc, "logevent_summaryState")]

    def beats_after(self, csc: str, moment: float) -> list[Record]:
        """Beats later than a moment (UTC unix seconds)."""
        return [r for r in self.of(csc, "logevent_heartbeat") if r.at > moment]

    def send(self, csc: str, command: str, **fields: Any) -> int:
        """Write a command as a client does, with the registry's latest schema; its private_seqNum."""
        component, _, index = csc.partition(":")
        subject = f"/subjects/lsst.sal.{component}.command_{command}-value/versions/latest"
        latest = self.get("schema_registry", subject)
        self._sequence += 1
        record = {
            "private_seqNum": self._sequence,
            "private_identity": "operator@test",
            "private_origin": 4711,
            **({"salIndex": int(index)} if index else {}),
            **fields,
        }
        out = io.BytesIO(b"\x00" + latest["id"].to_bytes(4, "big"))
        out.seek(5)
        fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(latest["schema"])), record)
        self.send_bytes(f"lsst.sal.{component}.command_{command}", out.getvalue())
        return int(record["private_seqNum"])

    def send_bytes(self, topic: str, value: bytes | None) -> None:
        """Write anything to a topic."""
        self._producer.produce(topic, value=value, partition=0)
        assert self._producer.flush(5) == 0

    def acks(self, csc: str, sequence: int) -> list[Record]:
        """The acknowledgements of a command, in order."""
        return [r for r in self.of(csc, "ackcmd") if r["private_seqNum"] == sequence]

    def command(self, csc: str, command: str, **fields: Any) -> Record:
        """Write a command and wait for its final acknowledgement."""
        sequence = self.send(csc, command, **fields)
        final: Record = self.until(lambda: [r for r in self.acks(csc, sequence) if r["ack"] not in {300, 301}])[-1]
        return final

    def close(self) -> None:
        """End the client and the process."""
        self.consumer.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(patient(10))


def command_line(folder: Path, *arguments: str, scenario: str = "calm", program: str = "deploydash.demo") -> list[str]:
    """The demo's command line for the small site; a scenario with a line break is written to a file first."""
    site_file = folder / "site.yaml"
    site_file.write_text(yaml.safe_dump(SITE), "utf-8")
    if "\n" in scenario:
        (folder / "scenario.yaml").write_text(scenario, "utf-8")
        scenario = str(folder / "scenario.yaml")
    return [sys.executable, "-m", program, "--site-file", str(site_file), "--scenario", scenario, *arguments]


@contextlib.contextmanager
def demo(
    folder: Path,
    *arguments: str,
    scenario: str = "calm",
    environment: dict[str, str] | None = None,
    program: str = "deploydash.demo",
) -> Iterator[Demo]:
    """A running demo observatory of the small site, ended on leaving; ``program`` is one with more fakes."""
    process = subprocess.Popen(
        command_line(folder, *arguments, scenario=scenario, program=program),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    with process:
        try:
            running = Demo(process)
            try:
                yield running
            finally:
                running.close()
        finally:
            if process.poll() is None:
                process.kill()
