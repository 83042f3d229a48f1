"""The machines' HTTP API, read and written; every error of the library becomes one of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2

from deploydash.errors import FeedError


@dataclass(frozen=True, slots=True)
class Machine:
    """What the server says of a machine. ``key``: of the start that is under way or was last."""

    state: str
    done: int
    of: int
    level: str
    key: str


class Client:
    """One connection to the server."""

    def __init__(self, url: str) -> None:
        self._http = httpx2.AsyncClient(base_url=url, timeout=5.0, trust_env=False)

    async def machine(self, name: str) -> Machine:
        """Return how a machine stands."""
        told = await self._ask("GET", f"/machines/{name}")
        return Machine(told["state"], told["done"], told["of"], told["level"], told["key"])

    async def health(self) -> tuple[bool, str]:
        """Return whether the machines may be started, and how that stands in a sentence."""
        told = await self._ask("GET", "/health")
        return told["ok"], told["sentence"]

    async def order(self, name: str, order: str, **body: str) -> None:
        """Order something of a machine."""
        await self._ask("POST", f"/machines/{name}/{order}", body)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            answer = await self._http.request(method, path, json=body)
        except httpx2.HTTPError as error:
            raise FeedError("sample", f"the machines' server does not answer: {type(error).__name__}") from error
        found: dict[str, Any] = answer.json()
        if answer.status_code >= 400:
            raise FeedError("sample", f"the machines' server refused: {found['why']}")
        return found
