"""An orchestrator's REST API, read only; every refusal becomes a sentence of ours (Inmanta server, API v2).

Version 2 lacks recompiling, its queue, a version's result and deploying on an agent: version 1 has them. Errors are
``{"message": ...}``; an answer without a body is a success. There is no stream: what changes is asked for again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from deploydash.errors import FeedError
from deploydash.systems.address import is_loopback, url_host
from deploydash.systems.http import Answer, HttpClient
from deploydash.systems.orchestrator import objects
from deploydash.systems.orchestrator.settings import ORCHESTRATOR, TOKEN, OrchestratorSettings

BUDGET_S = 10.0

HALT_S = 60.0
"""A halt answers when the agents are gone, which took 15 s with a handler that was busy."""

MOST_BYTES = 64_000_000
PAGE = 1000
"""So many rows the server gives at most."""

MOST_PAGES = 50
_HINT = "see whether its web console answers in a browser, and whether the network lets you there"
_REFUSED, _SERVER = 400, 500
_NOT_LET_IN = frozenset({401, 403})
_ANEW = f"set {TOKEN} to a token of this environment, then leave and resume the run"


class OrchestratorError(FeedError):
    """The orchestrator refused a question. ``status``: of HTTP; ``told``: its own words."""

    def __init__(self, sentence: str, status: int, told: str) -> None:
        super().__init__(ORCHESTRATOR, sentence, hint=_ANEW if status in _NOT_LET_IN else "")
        self.status = status
        self.told = told

    @property
    def invalid(self) -> bool:
        """Whether it refused a value: it says so with 500, and the old value stays."""
        return "Invalid value" in self.told

    @property
    def unsure(self) -> bool:
        """Whether nobody knows what became of a request that was answered so."""
        return self.status >= _SERVER and not self.invalid


class OrchestratorClient:
    """The connection to one environment of one orchestrator."""

    def __init__(self, settings: OrchestratorSettings, environ: Mapping[str, str] | None = None) -> None:
        self.environment_id = settings.environment
        self._http = HttpClient(ORCHESTRATOR, settings.url, budget=BUDGET_S, most_bytes=MOST_BYTES, hint=_HINT)
        found = os.environ if environ is None else environ
        token = "" if is_loopback(url_host(settings.url)) else found.get(TOKEN, "").strip()
        self._headers = {"X-Inmanta-tid": settings.environment}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    @property
    def address(self) -> str:
        """Where it is, as it may be shown."""
        return self._http.address

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, path: str, method: str = "GET", document: object = None, budget: float | None = None) -> Any:
        """Ask something and return the answer's JSON, None where it has no body.

        Raises:
            HttpError: no answer.
            OrchestratorError: it was refused.
        """
        answer = await self._http.ask(path, method=method, document=document, headers=self._headers, budget=budget)
        if answer.status >= _REFUSED:
            raise self._refused(answer, f"{method} {path.partition('?')[0]}")
        return answer.json() if answer.body else None

    def _refused(self, answer: Answer, what: str) -> OrchestratorError:
        told = str(answer.fields().get("message", ""))[:500]
        return OrchestratorError(f"{what}: {told or answer.what}", answer.status, told)

    async def status(self) -> tuple[str, str]:
        """Return the server's product and version."""
        told = objects.mapping(objects.mapping(await self.ask("/api/v1/serverstatus")).get("data"))
        return str(told.get("product", "Inmanta")), str(told.get("version", ""))

    async def environment(self) -> objects.Environment:
        """Return the environment.

        Raises:
            OrchestratorError: there is none of this id.
        """
        return objects.environment(await self._data(f"/api/v2/environment/{self.environment_id}"))

    async def settings(self) -> dict[str, objects.SettingOf]:
        """Return every setting that this server knows. Reading all stores none; reading one would store its default."""
        return objects.settings(await self._data("/api/v2/environment_settings"))

    async def versions(self) -> tuple[objects.Version, ...]:
        """Return the newest versions, the newest first."""
        return objects.versions(await self._data("/api/v2/desiredstate?limit=200"))

    async def active(self) -> objects.Version | None:
        """Return the version that was released last, whether or not its deploy went well."""
        return next((each for each in await self.versions() if each.status == "active"), None)

    async def deploy(self, version: int) -> objects.Deploy:
        """Return how the deploy of a version stands.

        Raises:
            OrchestratorError: there is no such version.
        """
        return objects.deploy(await self.ask(f"/api/v1/version/{version}?limit=0"))

    async def resources_of(self, version: int) -> tuple[str, ...]:
        """Return the names of a version's resources; none of one that was deleted."""
        return tuple(sorted(str(one["resource_id"]) for one in await self._pages(f"/api/v2/desiredstate/{version}")))

    async def resources(self, agent: str = "") -> tuple[objects.Resource, ...]:
        """Return the resources with their states, of one agent or of all."""
        only = f"&filter.agent={quote(agent, safe='')}" if agent else ""
        return objects.resources(await self._pages(f"/api/v2/resource?deploy_summary=true{only}"))

    async def agents(self) -> tuple[objects.Agent, ...]:
        """Return the agents."""
        return objects.agents(await self._pages("/api/v2/agents"))

    async def diff(self, older: int, newer: int) -> tuple[objects.Difference, ...]:
        """Return what differs between two versions; ``deleted`` ones are those that a dry run does not show."""
        return objects.differences(await self._data(f"/api/v2/desiredstate/diff/{older}/{newer}"))

    async def compile_of(self, key: str) -> objects.Compile | None:
        """Return the compile that carries a key of ours in its message; None where the server knows none."""
        for one in objects.rows(await self._data("/api/v2/compilereport?limit=100")):
            if key in str(objects.mapping(one.get("metadata")).get("message", "")):
                return objects.compiled(await self._data(f"/api/v2/compilereport/{one['id']}"))
        return None

    async def dry_run(self, version: int, name: str) -> tuple[int, int, tuple[objects.Difference, ...]]:
        """Return how many resources a dry run has still to look at, of how many, and what it found.

        Raises:
            OrchestratorError: there is none of this name.
        """
        told = await self._data(f"/api/v2/dryrun/{version}/{name}")
        summary = objects.mapping(objects.mapping(told).get("summary"))
        found = objects.differences(objects.mapping(told).get("diff"))
        return int(summary.get("todo") or 0), int(summary.get("total") or 0), found

    async def last_deploy(self, resource: str) -> str:
        """Return when a resource was deployed last, as the server writes it; nothing where it never was."""
        told = objects.mapping(await self._data(f"/api/v2/resource/{quote(resource, safe='')}"))
        return str(told.get("last_deploy") or "")

    async def problems(self, resource: str) -> str:
        """Return what the log of a resource said last of a failure."""
        path = f"/api/v2/resource/{quote(resource, safe='')}/logs?limit=1&filter.minimal_log_level=WARNING"
        return next((str(one.get("msg", "")) for one in objects.rows(await self._data(path))), "")

    async def _data(self, path: str) -> Any:
        return objects.mapping(await self.ask(path)).get("data")

    async def _pages(self, path: str) -> list[Mapping[str, Any]]:
        glue = "&" if "?" in path else "?"
        next_, found = f"{path}{glue}limit={PAGE}", []
        for _ in range(MOST_PAGES):
            told = objects.mapping(await self.ask(next_))
            found += objects.rows(told.get("data"))
            next_ = str(objects.mapping(told.get("links")).get("next") or "")
            if not next_:
                break
        return found
