"""Asking a Confluent-compatible schema registry the one question it is needed for: the schema of an id.

Products differ in their message texts and in much else, but alike answer 200 with ``schema`` and 404 with
``error_code`` 40403 (Confluent, Karapace and Apicurio's ccompat API), so only these are believed.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from typing import Any

import httpx2

from deploydash.config.settings import FOREIGN, RegistrySettings
from deploydash.core.model import FeedName
from deploydash.errors import FeedError
from deploydash.sal.framing import Undecodable

RETRY_S = 1.0
"""How long a registry that did not answer is left alone; meanwhile every question fails at once."""
_MOST_SCHEMAS = 10_000_000
_SCHEMA_NOT_FOUND = 40403
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class SchemaUnknown(Undecodable):
    """The registry has no such schema: what was written with it cannot be read."""


class SchemaUnavailable(FeedError):
    """The registry did not tell whether it has a schema. Ask again later."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(FeedName.SCHEMA_REGISTRY.value, message, hint=hint)


class RegistryClient:
    """The connection to one registry and how it fares.

    ``trouble`` is why the last question had no answer, as the rest of a sentence about ``address``, and empty
    after one that had. ``answered`` tells whether any had.
    """

    def __init__(self, settings: RegistrySettings, timeout: float, clock: Callable[[], float]) -> None:
        self.address = _without_password(settings.url)
        self.source = settings.source + FOREIGN * settings.foreign
        self.trouble = ""
        self.answered = False
        self._url = settings.url.rstrip("/")
        self._timeout = timeout
        self._clock = clock
        self._leave_alone_until = float("-inf")
        # A proxy of the shell must not come between a rehearsal and its loopback.
        self._http = httpx2.AsyncClient(
            trust_env=not _is_loopback(settings.url), limits=httpx2.Limits(max_connections=8)
        )

    async def text(self, schema_id: int, timeout: float | None = None) -> str:
        """Return the text of a schema. ``timeout`` bounds the whole question, in seconds.

        Raises:
            SchemaUnknown: there is no such schema.
            Undecodable: there is, but it is not Avro.
            SchemaUnavailable: no registry answered.
        """
        if schema_id > _MOST_SCHEMAS:
            raise SchemaUnknown(f"schema id {schema_id}: ids count up from 1, so it is garbage and was not asked for")
        if self._clock() < self._leave_alone_until:
            raise self._unavailable()
        answer = await self._get(f"{self._url}/schemas/ids/{schema_id}", timeout or self._timeout)
        body = _json_object(answer)
        if answer.status_code == httpx2.codes.OK and isinstance(body.get("schema"), str):
            self._has_answered()
            if body.get("schemaType", "AVRO") != "AVRO":
                raise Undecodable(f"schema {schema_id} is {str(body['schemaType'])[:20]}, not Avro")
            return str(body["schema"])
        if answer.status_code == httpx2.codes.NOT_FOUND and body.get("error_code") == _SCHEMA_NOT_FOUND:
            self._has_answered()
            raise SchemaUnknown(f"schema id {schema_id} is unknown to the registry")
        self.trouble = _refusal(answer.status_code)
        raise self._unavailable()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _get(self, url: str, timeout: float) -> httpx2.Response:
        try:
            async with asyncio.timeout(timeout):
                return await self._http.get(url, timeout=timeout)
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise self._lost(f"did not answer within {timeout:g} s") from error
        except Exception as error:  # a wrong address fails in many ways that httpx2 has no name for
            raise self._lost(f"cannot be reached: {_cause(error)}") from error

    def _lost(self, trouble: str) -> SchemaUnavailable:
        self.trouble = trouble
        self._leave_alone_until = self._clock() + RETRY_S
        return self._unavailable()

    def _has_answered(self) -> None:
        self.answered = True
        self.trouble = ""

    def _unavailable(self) -> SchemaUnavailable:
        hint = f"the address is from {self.source}; see that the registry runs there, base path included"
        return SchemaUnavailable(f"schema registry {self.address} {self.trouble}", hint=hint)


def _json_object(answer: httpx2.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _refusal(status: int) -> str:
    """Return what an answer means that is none of a schema registry's two."""
    if status in {httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN}:
        return f"refuses us: HTTP {status}"
    if status >= httpx2.codes.INTERNAL_SERVER_ERROR:
        return f"is in trouble itself: HTTP {status}"
    return f"does not answer as a schema registry does: HTTP {status}"


def _cause(error: BaseException) -> str:
    """Return the words of what lies at the root: httpx2 itself only says that all attempts failed."""
    root = error
    while deeper := root.__cause__ or root.__context__:
        root = deeper
    if isinstance(root, BaseExceptionGroup):
        root = root.exceptions[0]
    if isinstance(root, ssl.SSLError):
        return getattr(root, "verify_message", "") or f"TLS: {root.reason or root}"
    if isinstance(root, OSError) and root.errno:
        return os.strerror(root.errno) if root.errno > 0 else str(root.strerror)
    return str(root) or type(root).__name__


def _is_loopback(url: str) -> bool:
    try:
        return httpx2.URL(url).host in _LOOPBACK
    except httpx2.InvalidURL:
        return False


def _without_password(url: str) -> str:
    try:
        return str(httpx2.URL(url).copy_with(userinfo=b""))
    except httpx2.InvalidURL:
        return url
