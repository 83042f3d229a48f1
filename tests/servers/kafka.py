"""A real Apache Kafka in KRaft mode on loopback: plain for the tests, SASL_SSL with SCRAM-SHA-512 as at the sites."""

from __future__ import annotations

import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.servers.cache import run_tool
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.kafka_install import KafkaInstall
from tests.servers.kafka_topics import KafkaTopics
from tests.servers.process import ChildProcess, free_port, listens

CLUSTER_ID = "dGVzdGNsdXN0ZXJpZDAwMQ"
PASSWORDS = {"admin": "admin-secret", "dash": "dash-secret", "nobody": "nobody-secret"}
"""admin may do everything; dash may read and describe topics that begin with lsst.sal; nobody may do nothing."""

_COMMON = """\
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:admin
auto.create.topics.enable=false
log.message.timestamp.type=LogAppendTime
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
log.cleaner.backoff.ms=500
log.cleaner.dedupe.buffer.size=16777216
log.retention.check.interval.ms=1000
log.initial.task.delay.ms=500
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
controller.quorum.election.timeout.ms=200
controller.quorum.fetch.timeout.ms=1000
"""
"""The last four lines bring metadata back within 3 s of a SIGKILL; without them it takes 12 to 15 s."""


@dataclass(frozen=True, slots=True)
class Node:
    """One process of a cluster; a broker that is no controller has ``controller`` False."""

    node_id: int = 1
    broker: bool = True
    controller: bool = True
    plain_port: int = field(default_factory=free_port)
    sasl_port: int = field(default_factory=free_port)
    controller_port: int = field(default_factory=free_port)

    def properties(self, voters: str, folder: Path, keystore: Path) -> str:
        """Return the node's server.properties."""
        roles = [role for role, has in (("broker", self.broker), ("controller", self.controller)) if has]
        listeners = []
        if self.broker:
            listeners += [f"PLAINTEXT://127.0.0.1:{self.plain_port}", f"SASL_SSL://127.0.0.1:{self.sasl_port}"]
        advertised = ",".join(listeners)
        if self.controller:
            listeners.append(f"CONTROLLER://127.0.0.1:{self.controller_port}")
        return (
            f"process.roles={','.join(roles)}\nnode.id={self.node_id}\ncontroller.quorum.voters={voters}\n"
            f"listeners={','.join(listeners)}\nadvertised.listeners={advertised}\n"
            f"log.dirs={folder / 'data'}\nssl.keystore.location={keystore}\n{_COMMON}"
        )


class KafkaServer:
    """One Kafka node with its data in one folder; it keeps its ports and data over ``restart()``.

    ``bootstrap`` is open to everything; ``sasl_bootstrap`` wants TLS and one of PASSWORDS. ``topics`` holds
    what tests do on the topics.
    """

    def __init__(
        self,
        install: KafkaInstall,
        folder: Path,
        *,
        node: Node | None = None,
        voters: str = "",
        certificates: Certificates | None = None,
        heap_mb: int = 384,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.version = install.version
        self.folder = folder
        self.node = node or Node()
        self._install = install
        self._voters = voters or f"{self.node.node_id}@127.0.0.1:{self.node.controller_port}"
        self._heap_mb = heap_mb
        self._certificates = certificates or make_certificates(folder)
        self._process = ChildProcess(f"Kafka {install.version} node {self.node.node_id}", folder / "kafka.log")
        self.topics = KafkaTopics(self.bootstrap)

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.node.plain_port}"

    @property
    def sasl_bootstrap(self) -> str:
        return f"127.0.0.1:{self.node.sasl_port}"

    @property
    def ca_file(self) -> Path:
        return self._certificates.ca_file

    @property
    def wrong_ca_file(self) -> Path:
        return self._certificates.wrong_ca_file

    @property
    def running(self) -> bool:
        return self._process.running

    def log_tail(self) -> str:
        """Return the end of the broker's own log."""
        return self._process.log_tail()

    def start(self) -> None:
        """Start it; return when it answers metadata and every partition has a leader."""
        self.launch()
        self.wait_ready()
        if not self.topics.has_acls():
            self.topics.allow_reading("dash", prefix="lsst.sal")

    def launch(self) -> None:
        """Start the process, formatting its folder the first time, without waiting for it."""
        config = self.folder / "server.properties"
        if not config.exists():
            config.write_text(self.node.properties(self._voters, self.folder, self._certificates.keystore))
            scram = [
                part
                for user, password in (PASSWORDS.items() if self.node.controller else ())
                for part in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]")
            ]
            format_it = ("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(config), *scram)
            run_tool(self._install.java(*format_it), self.folder)
        self.topics.forget()
        self._process.start(self._install.java("kafka.Kafka", str(config), heap_mb=self._heap_mb))

    def wait_ready(self, seconds: float = 60.0) -> None:
        """Wait until it answers metadata with a leader for every partition."""
        admin = AdminClient(
            {"bootstrap.servers": self.bootstrap, "reconnect.backoff.max.ms": 100, "log_level": 0},
            logger=self.topics.silent,
        )

        def ready() -> bool:
            if not listens(self.node.plain_port):
                return False
            with suppress(KafkaException):
                metadata = admin.list_topics(timeout=2)
                partitions = [part for topic in metadata.topics.values() for part in topic.partitions.values()]
                return self.node.node_id in metadata.brokers and all(part.leader >= 0 for part in partitions)
            return False

        self._process.wait_ready(ready, seconds)

    def stop(self) -> None:
        """End it in order (SIGTERM)."""
        self._process.stop()

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self._process.kill()

    def restart(self) -> None:
        """Bring it back on the same ports and data, however it ended."""
        if self.running:
            self.stop()
        self.start()

    def freeze(self) -> None:
        """Let it keep its connections and answer nothing (SIGSTOP)."""
        self._process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo ``freeze()``."""
        self._process.send(signal.SIGCONT)

    def close(self) -> None:
        """End it for good; its data go, its log stays."""
        self.kill()
        shutil.rmtree(self.folder / "data", ignore_errors=True)
