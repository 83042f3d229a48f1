"""librdkafka's mock cluster, the demo's broker, in a process of its own: it answers each fetch at once.

Started with the names of the topics on stdin, a line each and an empty one behind them; prints its address and ends
with stdin.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from deploydash.demo.mock_cluster import MockCluster
from tests.servers.kafka_topics import KafkaTopics


class MockTopics(KafkaTopics):
    """Topics that are there already: the mock cluster knows no request that makes one."""

    def create(
        self,
        names: Iterable[str],
        *,
        partitions: int = 1,
        config: Mapping[str, str] | None = None,
        brokers: Sequence[int] = (),
    ) -> None:
        """Do nothing."""


class MockProcess:
    """The broker with these topics, from when it is entered until it is left."""

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = sorted(topics)
        self.bootstrap = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.mock_broker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the mock broker has no stdin or stdout")
        self._process.stdin.write("\n".join([*self._topics, "", ""]))
        self._process.stdin.flush()
        self.bootstrap = self._process.stdout.readline().strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


def main() -> None:
    """Serve."""
    names = []
    for line in sys.stdin:
        if not line.strip():
            break
        names.append(line.strip())
    broker = MockCluster()
    broker.create_topics(names)
    print(broker.bootstrap, flush=True)
    sys.stdin.read()
    broker.close()


if __name__ == "__main__":
    main()
