"""How every client of this process asks brokers for their topics, and the list of all of them, decoded once.

A site has thousands of topics and the list is asked for every few seconds; aiokafka takes a tenth of a second to decode
6,000, in which no state reaches the screen. What a broker answers is mostly the same, byte for byte. Nothing of a
decoded list is kept: each of Python's full garbage collections would go through it all.
"""

from __future__ import annotations

import io
import random
from typing import Any

import aiokafka.client
from aiokafka import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest


class _Request(MetadataRequest):
    """Lets no broker create a topic that is asked for: one that was deleted while we read it would come back."""

    def __init__(self, topics: list[str] | None = None) -> None:
        super().__init__(topics, allow_auto_topic_creation=False)


def create_no_topics() -> None:
    """Let every client of this process ask so that no broker creates a topic; aiokafka has no setting for it."""
    setattr(aiokafka.client, "MetadataRequest", _Request)  # noqa: B010 - its types forbid it


class _Answer:
    """Stands for the type of an answer: decodes as it does, but nothing for the bytes that were taken last."""

    def __init__(self) -> None:
        self.kind: Any = None
        self._taken = self._last = b""

    def decode(self, data: io.BytesIO) -> object:
        self._last = data.read()
        decoded: object = None if self._last == self._taken else self.kind.decode(io.BytesIO(self._last))
        return decoded

    def take(self) -> None:
        # Not when it is decoded: whoever asked may have given up by then, and would never be told.
        self._taken = self._last


class _ListRequest(_Request):
    def __init__(self, answer: _Answer) -> None:
        super().__init__()
        self._answer = answer

    def build(self, request_struct_class: Any) -> Any:
        made: Any = super().build(request_struct_class)
        self._answer.kind = made.RESPONSE_TYPE
        made.RESPONSE_TYPE = self._answer
        return made


class ListingClient(AIOKafkaClient):
    """An AIOKafkaClient for lists of all topics alone."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._answer = _Answer()

    async def list_anew(self) -> ClusterMetadata | None:
        """Return all topics there are now, or None if that is what was told last.

        Raises:
            KafkaError: no broker answers.
        """
        brokers = [broker.nodeId for broker in self.cluster.brokers()]
        random.shuffle(brokers)
        failed = KafkaError("no broker is known")
        for node_id in brokers:
            try:
                told = await self.send(node_id, _ListRequest(self._answer))
            except KafkaError as error:
                failed = error
                continue
            if told is None:
                return None
            if not told.brokers:
                failed = KafkaError(f"broker {node_id} knows of no broker yet")
                continue
            found = ClusterMetadata()
            found.update_metadata(told)
            self._answer.take()
            return found
        raise failed
