"""The schemas that commands are written with: the registry's latest of the topic's subject, asked for when needed.

Never one of our own: C++ CSCs decode with the schema they were built with and skip the id unread (ts_sal
``gengenericreaderKafka.tcl``), and nothing is ever registered by us.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from deploydash.core.model import FeedName
from deploydash.core.outside_text import visible
from deploydash.errors import FeedError
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.client import NotInRegistry, RegistryClient
from deploydash.systems.registry.framing import Undecodable, unframe

Told = TypeVar("Told")

KEPT_S = 3.0
"""How long an answer serves other commands of its subject, from when it was asked for.

A CSC of a new release registers its schemas as it starts and only then listens three seconds for a second process
before it beats (ts_salobj ``base_csc.py``), and nothing is sent to a CSC without heartbeats. So what was asked for
within three seconds is no older than the schemas of whoever gets the command, also in the middle of an upgrade.
"""


class LatestSchema(Protocol):
    """Who knows the newest schema of a subject such as ``lsst.sal.ESS.command_start-value``."""

    async def latest(self, subject: str) -> WriterSchema:
        """Return it; raises FeedError where it cannot be had."""
        ...


class SchemaById(Protocol):
    """Who knows the schema that a record was written with."""

    async def schema(self, schema_id: int) -> WriterSchema:
        """Return it; raises Undecodable where there is none and FeedError where it cannot be had now."""
        ...

    async def instead(self, misfit: WriterSchema) -> WriterSchema | None:
        """Return what the registry has by now in the place of a schema that a record does not fit, None for the same.

        Raises as ``schema``, also FeedError where it was asked a moment ago.
        """
        ...


async def read_by(schemas: SchemaById, value: bytes | None, read: Callable[[dict[str, Any]], Told]) -> Told:
    """Return what ``read`` makes of a record's fields; its schema is asked for once more where they do not fit.

    Raises:
        Undecodable: it cannot be read.
        FeedError: its schema cannot be had now.
    """
    schema_id, payload = unframe(value)
    schema = await schemas.schema(schema_id)
    try:
        return read(schema.decode(payload))
    except Undecodable:
        try:
            another = await schemas.instead(schema)
        except (FeedError, Undecodable):
            another = None
        if another is None:
            raise
    return read(another.decode(payload))


class RegistryLatest:
    """Asks a Confluent-compatible registry; commands that need a subject at the same time share one answer.

    An answer is kept for ``kept_s`` seconds (``KEPT_S``), a failure not at all.
    """

    def __init__(self, registry: RegistryClient, kept_s: float = KEPT_S) -> None:
        self._registry = registry
        self._kept_s = kept_s
        self._asked: dict[str, tuple[float, asyncio.Task[WriterSchema]]] = {}
        self._parsed: dict[tuple[int, str], WriterSchema] = {}

    async def latest(self, subject: str) -> WriterSchema:
        """Return the newest schema of a subject.

        Raises:
            FeedError: the registry has none, does not answer, or its answer is no Avro schema.
        """
        now = asyncio.get_running_loop().time()
        asked_at, asking = self._asked.get(subject, (now, None))
        if asking is None or now - asked_at >= self._kept_s:
            asking = asyncio.create_task(self._newest(subject), name=f"schema of {subject}")
            asking.add_done_callback(lambda asked: self._forget_failure(subject, asked))
            self._asked[subject] = (now, asking)
        return await asyncio.shield(asking)

    def _forget_failure(self, subject: str, asked: asyncio.Task[WriterSchema]) -> None:
        failed = asked.cancelled() or asked.exception() is not None
        if failed and self._asked.get(subject, (0.0, None))[1] is asked:
            del self._asked[subject]

    async def _newest(self, subject: str) -> WriterSchema:
        body = await self._ask(subject)
        try:
            key = (_positive(body.get("id")), _avro(body))
            if key not in self._parsed:
                self._parsed[key] = WriterSchema(*key)
        except Undecodable as error:
            raise self._failed(f"has a schema of {subject} that cannot be used: {error}") from error
        return self._parsed[key]

    async def aclose(self) -> None:
        """Give up what is still asked for; the connection is its owner's."""
        asking = [task for _, task in self._asked.values()]
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, subject: str) -> dict[str, Any]:
        try:
            return await self._registry.latest(subject)
        except NotInRegistry:
            hint = "no program of this release has registered it: has it ever run?"
            raise self._failed(f"has no {subject}", hint) from None

    def _failed(self, trouble: str, hint: str = "see what is registered there") -> FeedError:
        name = f"schema registry {self._registry.address} (from {self._registry.source})"
        return FeedError(FeedName.SCHEMA_REGISTRY.value, f"{name} {trouble}", hint=hint)


def _positive(number: object) -> int:
    if isinstance(number, int) and not isinstance(number, bool) and number > 0:
        return number
    raise Undecodable(f"its id is {visible(repr(number))[:20]}")


def _avro(body: dict[str, Any]) -> str:
    kind = str(body.get("schemaType", "AVRO"))
    if kind != "AVRO":
        raise Undecodable(f"it is {visible(kind)[:20]}, not Avro")
    return str(body.get("schema", ""))
