"""The compatibility level that a whole registry goes by, and its mode, as they are read. Nothing is changed here.

Confluent, Karapace and Apicurio tell a level under ``compatibilityLevel``. One that nobody set is either told by 404
and code 40408, and is put back by taking away what was set, or it is told as the default that it comes to.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from deploydash.core.model import FeedName
from deploydash.core.outside_text import visible
from deploydash.errors import FeedError
from deploydash.systems.address import is_loopback
from deploydash.systems.http import MOST_WORDS, Answer, HttpClient
from deploydash.systems.settings import RegistrySettings

UNSET = "unset"
"""Stands for a level that nobody set."""
NONE = "NONE"
PATH = "/config"
BUDGET_S = 8.0

_LEVEL = re.compile(r"[A-Z][A-Z_]{0,39}")
_NOT_SET = 40408
_MOST_BYTES = 100_000


def is_level(text: str) -> bool:
    """Say whether a text can be a level, those that only some products know included, or that none is set."""
    return text == UNSET or _LEVEL.fullmatch(text) is not None


class Compatibility:
    """The registry of a site, asked for its level and mode. ``budget``: seconds that one question may take."""

    def __init__(self, settings: RegistrySettings, *, rehearsal: bool, budget: float = BUDGET_S) -> None:
        hint = f"the address is from {settings.source}; see that the registry runs there, base path included"
        self.http = HttpClient(
            FeedName.SCHEMA_REGISTRY.value, settings.url, budget=budget, most_bytes=_MOST_BYTES, hint=hint
        )
        self.address = self.http.address
        self._settings = settings
        self._rehearsal = rehearsal

    @property
    def not_ours(self) -> str:
        """Why nothing may be changed there, or empty: it is none of the site's, or none of a rehearsal's."""
        if self._settings.foreign:
            return f"{self.address} ({self._settings.source}) is none of the site's addresses: nothing is changed there"
        if self._rehearsal and not is_loopback(urlsplit(self._settings.url).hostname or ""):
            return f"{self.address} is not on this machine: a rehearsal changes nothing there"
        return ""

    async def level(self) -> str:
        """Return the level that is set for the whole registry, or UNSET.

        Raises:
            FeedError: it cannot be reached, refuses us, or tells no level.
        """
        answer = await self.http.ask(PATH)
        fields = answer.fields()
        told = fields.get("compatibilityLevel")
        if answer.status == 200 and isinstance(told, str) and _LEVEL.fullmatch(told):
            return told
        if answer.status == 404 and fields.get("error_code") == _NOT_SET:
            return UNSET
        if answer.status == 200:
            raise self.error(f"tells no compatibility level: {answer.what}")
        raise self.error(refusal(answer))

    async def mode(self) -> str:
        """Return the mode of the registry, such as READWRITE; empty where the product tells none, as Apicurio.

        Raises:
            FeedError: it cannot be reached, or refuses us.
        """
        answer = await self.http.ask("/mode")
        told = answer.fields().get("mode")
        if answer.status == 200 and isinstance(told, str):
            return visible(told)[:40]
        if answer.status in {200, 204, 404}:
            return ""
        raise self.error(refusal(answer))

    def error(self, trouble: str) -> FeedError:
        """Return an error about the registry; ``trouble`` is the rest of a sentence about its address."""
        hint = "see that this account may change it" if "refuses us" in trouble else "ask who runs the registry"
        return FeedError(FeedName.SCHEMA_REGISTRY.value, f"schema registry {self.address} {trouble}", hint=hint)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.http.aclose()


def refusal(answer: Answer) -> str:
    """Return what an answer means that is none of those wanted, in the product's own words where it has some."""
    told = answer.fields().get("message")
    words = f": {visible(' '.join(told.split()))[:MOST_WORDS]}" if isinstance(told, str) and told else ""
    if answer.status in {401, 403}:
        return f"refuses us: HTTP {answer.status}{words}"
    if answer.status >= 500:
        return f"is in trouble itself: HTTP {answer.status}{words}"
    return f"refuses it: {answer.what}{words}"
