"""A command line that answers as told and lets the world move, without any Kafka."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deploydash.core.model import CscId
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.sal.commanding.acks import Answer
from deploydash.systems.sal.commanding.kafka_commands import Order
from deploydash.systems.sal.wire.commands import Sender

SENDER = Sender("lead@console", 4711)
DONE = Answer(303, 0, "Done")


@dataclass
class FakeLine:
    """Answers each command by its name, else DONE; ``then`` is called before. ``numbers``: those of the commands."""

    answers: dict[str, Answer | Exception] = field(default_factory=dict)
    sent: list[Order] = field(default_factory=list)
    then: Callable[[Order], None] = lambda _: None
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    sender: Sender = SENDER

    async def prepare(self, csc: CscId, command: str, values: Mapping[str, Any] | None = None) -> Order:
        schema = WriterSchema(1, '{"type":"record","name":"a","fields":[]}')
        return Order(csc, command, next(self.numbers), dict(values or {}), schema)

    async def send(self, order: Order, limit_s: float) -> Answer:
        assert limit_s > 0
        self.sent.append(order)
        self.then(order)
        answer = self.answers.get(order.command, DONE)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def commands(self) -> list[str]:
        """Return the names of what was sent, in order."""
        return [order.command for order in self.sent]
