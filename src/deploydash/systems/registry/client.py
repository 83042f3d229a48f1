"""Asking a Confluent-compatible schema registry the two questions it is needed for, and how it fares.

Products differ in their message texts and in much else, but alike answer 200 with ``schema`` and 404 with
``error_code`` (Confluent, Karapace and Apicurio's ccompat API), so only these are believed. Nothing is ever registered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deploydash.core.model import FeedName
from deploydash.errors import FeedError
from deploydash.systems.http import Answer, HttpClient, HttpError

RETRY_S = 1.0
"""How long a registry that did not answer is left alone; meanwhile every question for an id fails at once."""
MOST_BYTES = 4_000_000
"""The largest schema of a SAL topic has some 100 kB."""
_NO_SCHEMA = frozenset({40403})
_NO_SUBJECT = frozenset({40401, 40402})


class NotInRegistry(LookupError):
    """The registry answered that it has no such schema."""


class SchemaUnavailable(FeedError):
    """The registry did not tell whether it has a schema. Ask again later."""


class RegistryClient:
    """The connection to one registry and how it fares, shared by all that ask it.

    ``trouble`` is why the last question had no answer, as the rest of a sentence about ``address``, and empty
    after one that had. ``answered`` tells whether any had, ``heard_at`` (by ``clock``) when it last became known how
    the registry fares; then ``watch`` is called. A question that nobody answered in time tells nothing where a later
    one was answered meanwhile.
    """

    def __init__(self, url: str, source: str, timeout: float, clock: Callable[[], float]) -> None:
        self.source = source
        self.trouble = ""
        self.answered = False
        self.heard_at = float("-inf")
        self.watch: Callable[[], None] = lambda: None
        self._hint = f"the address is from {source}; see that the registry runs there, base path included"
        self._clock = clock
        self._answered_at = self._leave_alone_until = float("-inf")
        self._http = HttpClient(
            FeedName.SCHEMA_REGISTRY.value, url, budget=timeout, most_bytes=MOST_BYTES, hint=self._hint
        )
        self.address = self._http.address

    async def schema(self, schema_id: int, timeout: float | None = None) -> dict[str, Any]:
        """Return what the registry has under an id: ``schema`` is text. ``timeout`` bounds the question, in seconds.

        Raises:
            NotInRegistry: there is no such schema.
            SchemaUnavailable: no registry answered.
        """
        if self._clock() < self._leave_alone_until:
            raise self._unavailable(self.trouble)
        return await self._ask(f"/schemas/ids/{schema_id}", _NO_SCHEMA, timeout)

    async def latest(self, subject: str) -> dict[str, Any]:
        """Return the newest version of a subject: ``id``, and ``schema`` as text.

        Raises:
            NotInRegistry: there is no such subject.
            SchemaUnavailable: no registry answered.
        """
        return await self._ask(f"/subjects/{subject}/versions/latest", _NO_SUBJECT)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _ask(self, path: str, unknown: frozenset[int], timeout: float | None = None) -> dict[str, Any]:
        asked_at = self._clock()
        try:
            answer = await self._http.ask(path, budget=timeout)
        except HttpError as error:
            if not error.timed_out or asked_at >= self._answered_at:
                self._leave_alone_until = self._clock() + RETRY_S
                self._heard(error.trouble)
            raise self._unavailable(error.trouble) from None
        body = answer.fields()
        if answer.status == 200 and isinstance(body.get("schema"), str):
            self._heard("")
            return body
        if answer.status == 404 and body.get("error_code") in unknown:
            self._heard("")
            raise NotInRegistry(path)
        self._heard(_refusal(answer))
        raise self._unavailable(self.trouble)

    def _heard(self, trouble: str) -> None:
        self.heard_at = self._clock()
        self.trouble = trouble
        if not trouble:
            self.answered = True
            self._answered_at, self._leave_alone_until = self.heard_at, float("-inf")
        self.watch()

    def _unavailable(self, trouble: str) -> SchemaUnavailable:
        message = f"schema registry {self.address} {trouble}"
        return SchemaUnavailable(FeedName.SCHEMA_REGISTRY.value, message, hint=self._hint)


def _refusal(answer: Answer) -> str:
    """Return what an answer means that is none of a schema registry's two."""
    if answer.status in {401, 403}:
        return f"refuses us: HTTP {answer.status}"
    if answer.status >= 500:
        return f"is in trouble itself: HTTP {answer.status}"
    return f"does not answer as a schema registry does: {answer.what}"
