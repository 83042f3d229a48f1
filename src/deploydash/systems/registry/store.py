"""Writers' schemas by id: from memory, from disk, from the schema registry.

A schema never changes under its id, so one that was had once is had for good and the registry may go down.
Nothing is ever registered.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

from deploydash.core.model import FeedName, FeedState
from deploydash.core.outside_text import visible
from deploydash.core.words import counted
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.client import NotInRegistry, RegistryClient, SchemaUnavailable
from deploydash.systems.registry.framing import Undecodable
from deploydash.systems.registry.schema_cache import SchemaCache
from deploydash.systems.settings import FOREIGN, RegistrySettings

__all__ = ["UNKNOWN_KEPT_S", "SchemaStore", "SchemaUnavailable", "SchemaUnknown"]

UNKNOWN_KEPT_S = 10.0
"""How long an id is taken as unknown, or a schema as unusable, before the registry is asked again."""
INSTEAD_EVERY_S = 10.0
"""How often the registry is asked for the schema under an id although we have one."""
_CONFIRM_TIMEOUT_S = 1.0
_MOST_REMEMBERED = 10_000
_MOST_SCHEMAS = 10_000_000


class SchemaUnknown(Undecodable):
    """The registry has no such schema: what was written with it cannot be read."""


class SchemaStore:
    """Every schema that was needed so far.

    ``cache_dir`` gets a folder for each registry; None keeps nothing on disk, as suits a registry whose ids
    start anew with each run. ``timeout`` bounds one whole question, in seconds.

    The first schema taken from disk is compared with the registry's, if it answers: behind one address (a
    tunnel to localhost, a registry set up anew) there may be another registry by now, whose ids mean other
    schemas. Then everything from disk is dropped.

    ``registry`` is the connection, for whoever else asks the registry: its health is then one.
    """

    def __init__(
        self,
        settings: RegistrySettings,
        cache_dir: Path | None,
        *,
        timeout: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._timeout = timeout
        self.registry = RegistryClient(settings.url, settings.source + FOREIGN * settings.foreign, timeout, clock)
        self._cache = None if cache_dir is None else SchemaCache(cache_dir, settings.url.rstrip("/"))
        self._schemas: dict[int, WriterSchema] = {}
        self._from_cache: set[int] = set()
        self._cache_confirmed = False
        self._confirming = asyncio.Lock()
        self._asked_instead: dict[int, float] = {}
        self._replaced: set[int] = set()
        self._comparing: dict[int, asyncio.Lock] = {}
        self._unusable: dict[int, tuple[float, type[Undecodable], str]] = {}
        self._missing: set[int] = set()
        self._asking: dict[int, asyncio.Lock] = {}
        self._not_kept = ""

    @property
    def health(self) -> tuple[FeedState, str]:
        """State and a sentence with the address; DOWN only while a schema is missing because of the registry."""
        registry = self.registry
        address = f"{registry.address} ({registry.source})"
        if registry.trouble and self._missing:
            missing = f"{counted(len(self._missing), 'missing schema')}, records written with it cannot be read"
            return FeedState.DOWN, f"{address} {registry.trouble}; {missing}"
        if registry.trouble:
            cached = f"{counted(len(self._schemas), 'schema')} from the cache"
            return FeedState.DEGRADED, f"{address} {registry.trouble}; {cached}"
        if not registry.answered:
            return FeedState.CONNECTING, f"{address} was not asked yet"
        return FeedState.UP, f"{address}{self._not_kept}"

    def known(self, schema_id: int) -> WriterSchema | None:
        """Return a schema that is in memory, else None. For the hot path: waits for nothing."""
        return self._schemas.get(schema_id)

    async def schema(self, schema_id: int) -> WriterSchema:
        """Return a schema from memory, the disk or the registry, in this order.

        Raises:
            SchemaUnknown: the registry has no such id.
            Undecodable: it has, but nothing that can be used as an Avro record. This and SchemaUnknown are
                told from memory for UNKNOWN_KEPT_S before the registry is asked again.
            SchemaUnavailable: the registry cannot be asked; ask again later.
        """
        if (schema := self._schemas.get(schema_id)) is not None:
            return schema
        async with self._asking.setdefault(schema_id, asyncio.Lock()):
            self._missing.discard(schema_id)
            try:
                return self._schemas.get(schema_id) or await self._obtain(schema_id)
            except SchemaUnavailable:
                self._missing.add(schema_id)
                raise
            finally:
                self._asking.pop(schema_id, None)

    async def instead(self, misfit: WriterSchema) -> WriterSchema | None:
        """Return the schema to read with in the place of one that a record does not fit, None if it is that one still.

        The registry is asked past memory and disk, for each id once in INSTEAD_EVERY_S: it may have been set up anew.
        Then everything from disk is dropped.

        Raises:
            Undecodable: it has no usable schema under this id any more; what we have is kept.
            SchemaUnavailable: it cannot be asked, or was asked a moment ago; ask again later.
        """
        schema_id = misfit.schema_id
        async with self._comparing.setdefault(schema_id, asyncio.Lock()):
            if (schema := self._schemas.get(schema_id)) is not misfit:
                return schema or await self.schema(schema_id)
            return await self._compare(misfit)

    async def probe(self) -> str:
        """Ask the registry one question now and return a sentence that it answers; ``health`` knows then, too.

        Nobody else asks once all is cached.

        Raises:
            SchemaUnavailable: it cannot be reached, refuses us, or what answers is no schema registry.
        """
        schema_id = min(self._from_cache or self._schemas, default=1)
        try:
            text = await self._text(schema_id)
        except Undecodable:
            text = None
        if schema_id in self._from_cache and not self._cache_confirmed:
            self._conclude(same=text is not None and _same(text, self._schemas[schema_id].text))
        return f"{self.registry.address} answers ({self.registry.source})"

    async def aclose(self) -> None:
        """Close the connections to the registry."""
        await self.registry.aclose()

    async def _compare(self, misfit: WriterSchema) -> WriterSchema | None:
        schema_id, now = misfit.schema_id, self._clock()
        if now < self._asked_instead.get(schema_id, float("-inf")) + INSTEAD_EVERY_S:
            raise SchemaUnavailable(FeedName.SCHEMA_REGISTRY.value, f"schema {schema_id} was compared a moment ago")
        self._asked_instead[schema_id] = now
        try:
            text = await self._text(schema_id)
        except SchemaUnavailable:
            del self._asked_instead[schema_id]
            raise
        if _same(text, misfit.text):
            return None
        schema = WriterSchema(schema_id, text)
        self._conclude(same=False)
        self._schemas[schema_id] = schema
        self._replaced.add(schema_id)
        for number in self._replaced & self._schemas.keys():
            self._keep(self._schemas[number])
        return schema

    async def _obtain(self, schema_id: int) -> WriterSchema:
        until, kind, reason = self._unusable.get(schema_id, (float("-inf"), Undecodable, ""))
        if self._clock() < until:
            raise kind(reason)
        try:
            schema = await self._from_disk(schema_id)
            if schema is None:
                schema = WriterSchema(schema_id, await self._text(schema_id))
                self._keep(schema)
        except Undecodable as error:
            self._remember_unusable(schema_id, error)
            raise
        self._unusable.pop(schema_id, None)
        self._schemas[schema_id] = schema
        return schema

    async def _text(self, schema_id: int, timeout: float | None = None) -> str:
        if schema_id > _MOST_SCHEMAS:
            raise SchemaUnknown(f"schema id {schema_id}: ids count up from 1, so it is garbage and was not asked for")
        try:
            body = await self.registry.schema(schema_id, timeout)
        except NotInRegistry:
            raise SchemaUnknown(f"schema {schema_id} is unknown to the registry") from None
        if (kind := body.get("schemaType", "AVRO")) != "AVRO":
            raise Undecodable(f"schema {schema_id} is {visible(str(kind))[:20]}, not Avro")
        return str(body["schema"])

    async def _from_disk(self, schema_id: int) -> WriterSchema | None:
        if self._cache is None:
            return None
        async with self._confirming:
            text = self._cache.load(schema_id)
            if text is not None and not self._cache_confirmed:
                await self._confirm(schema_id, text)
                text = self._cache.load(schema_id)
        if text is None:
            return None
        try:
            schema = WriterSchema(schema_id, text)
        except Undecodable:
            return None
        self._from_cache.add(schema_id)
        return schema

    async def _confirm(self, schema_id: int, text: str) -> None:
        """Compare a schema from disk with the registry's, if it answers soon; a hanging one must not hold us up."""
        try:
            answer = await self._text(schema_id, min(self._timeout, _CONFIRM_TIMEOUT_S))
        except SchemaUnavailable:
            return
        except Undecodable:
            self._conclude(same=False)
        else:
            self._conclude(same=_same(answer, text))

    def _conclude(self, *, same: bool) -> None:
        """Note that the cache was compared with the registry; drop all of it where they differ."""
        self._cache_confirmed = True
        if same or self._cache is None:
            return
        self._cache.clear()
        for schema_id in self._from_cache:
            self._schemas.pop(schema_id, None)
        self._from_cache.clear()

    def _keep(self, schema: WriterSchema) -> None:
        if self._cache is None:
            return
        try:
            self._cache.save(schema.schema_id, schema.text)
        except OSError as error:
            self._not_kept = f"; schemas cannot be kept on disk: {error.strerror}"

    def _remember_unusable(self, schema_id: int, reason: Undecodable) -> None:
        if len(self._unusable) >= _MOST_REMEMBERED:
            self._unusable.clear()
        self._unusable[schema_id] = (self._clock() + UNKNOWN_KEPT_S, type(reason), str(reason))


def _same(text: str, other: str) -> bool:
    """Tell whether two schema texts say the same; registries reformat what they were given."""
    try:
        return bool(json.loads(text) == json.loads(other))
    except (ValueError, RecursionError):
        return False
