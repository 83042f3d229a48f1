"""Three real Kafka nodes, for what one broker cannot show: a partition without a leader, a leader that moved."""

from __future__ import annotations

from pathlib import Path

from tests.servers.certificates import make_certificates
from tests.servers.kafka import KafkaServer, Node
from tests.servers.kafka_install import KafkaInstall
from tests.servers.kafka_topics import KafkaTopics
from tests.servers.waiting import wait_until


class KafkaCluster:
    """Node 1 is controller and broker and stays up; nodes 2 and 3 are brokers that a test may kill.

    ``topics.create(names, brokers=[2])`` makes partitions that have no leader while node 2 is dead;
    ``brokers=[2, 3]`` makes ones whose leader moves to node 3. With ``equal`` each node is controller, too, any one of
    them may go, and there is no account but the anonymous one.
    """

    def __init__(self, install: KafkaInstall, folder: Path, *, equal: bool = False) -> None:
        self._equal = equal
        certificates = make_certificates(folder)
        nodes = [Node(1), Node(2, controller=equal), Node(3, controller=equal)]
        voters = ",".join(f"{node.node_id}@127.0.0.1:{node.controller_port}" for node in nodes if node.controller)
        self._brokers = {
            node.node_id: KafkaServer(
                install,
                folder / f"node-{node.node_id}",
                node=node,
                voters=voters,
                certificates=certificates,
                heap_mb=256,
            )
            for node in nodes
        }

    @property
    def topics(self) -> KafkaTopics:
        """What tests do on the topics, by way of node 1."""
        return self._brokers[1].topics

    @property
    def bootstrap(self) -> str:
        return self._brokers[1].bootstrap

    @property
    def bootstraps(self) -> str:
        """The addresses of all three."""
        return ",".join(broker.bootstrap for broker in self._brokers.values())

    def start(self) -> None:
        """Start all three at once; return when each answers."""
        for broker in self._brokers.values():
            broker.launch()
        for broker in self._brokers.values():
            broker.wait_ready()
        if not self._equal:
            self.topics.allow_reading("dash", prefix="lsst.sal")

    def kill(self, node_id: int) -> None:
        """End a broker at once and wait until the others know."""
        self._brokers[node_id].kill()
        wait_until(lambda: node_id not in self._known_brokers(), 20, f"node {node_id} is known to be gone")

    def revive(self, node_id: int) -> None:
        """Bring a killed broker back; return when every partition has a leader again."""
        self._brokers[node_id].launch()
        self._brokers[node_id].wait_ready()

    def restart(self, node_id: int) -> None:
        """End one broker in order and bring it back; return when every partition has a leader again."""
        self._brokers[node_id].stop()
        self.revive(node_id)

    def leader(self, topic: str) -> int:
        """Return the node that leads partition 0, or -1 where none does."""
        return int(self.topics.metadata().topics[topic].partitions[0].leader)

    def _known_brokers(self) -> set[int]:
        return set(self.topics.metadata().brokers)

    def close(self) -> None:
        """End all nodes for good."""
        for broker in self._brokers.values():
            broker.close()
