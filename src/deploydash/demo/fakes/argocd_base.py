"""What all calls of Argo CD's REST API share: who asks, and what they may."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aiohttp import web

from deploydash.demo.fakes import argocd_status as say
from deploydash.demo.fakes.argocd_accounts import Accounts, Token
from deploydash.demo.fakes.argocd_applications import Applications
from deploydash.demo.fakes.argocd_operation import Operations
from deploydash.demo.fakes.argocd_status import Refusal
from deploydash.demo.fakes.argocd_stream import Stream
from deploydash.demo.fakes.cluster_control import Controller
from deploydash.demo.fakes.cluster_kinds import Object
from deploydash.demo.fakes.cluster_store import Store

_BOOLEANS = ("dryRun", "prune")


class Host(Protocol):
    """What the calls need of the whole."""

    def pull(self) -> None:
        """See what was merged."""

    def used(self) -> None:
        """Take notice that somebody is here who can deploy."""

    def synced(self) -> None:
        """Take notice that somebody deploys."""

    def trouble(self, fault: str, application: str) -> Mapping[str, Any] | None:
        """The values of a fault for an application."""

    async def controller(self, application: str) -> None:
        """Wait until the controller works at an application."""

    @property
    def faults(self) -> Mapping[str, Any]:
        """The faults."""


class Base:
    """Who asks for which application."""

    def __init__(
        self,
        store: Store,
        controller: Controller,
        applications: Applications,
        operations: Operations,
        accounts: Accounts,
        streams: set[Stream],
        host: Host,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._controller = controller
        self._applications = applications
        self._operations = operations
        self._accounts = accounts
        self._streams = streams
        self._host = host
        self._clock = clock

    def _who(self, request: web.Request) -> Token:
        header = request.headers.get("Authorization", "").removeprefix("Bearer ")
        candidates = [each for each in (header, request.cookies.get("argocd.token", "")) if each.count(".") == 2]
        return self._accounts.who(candidates[0] if candidates else header)

    def _may(self, token: Token, action: str, about: str, resource: str = "applications") -> bool:
        denied = self._host.trouble("forbidden", about.rpartition("/")[2]) if resource == "applications" else None
        if denied is not None and action == denied["action"]:
            return False
        return self._accounts.may(token.account, resource, action, about)

    def _application(self, token: Token, name: str, projects: list[str], action: str = "get") -> Object:
        """An application that an account may do something to. Raises Refusal."""
        if len(projects) > 1:
            raise Refusal(3, "multiple projects specified - the get endpoint accepts either zero or one project")
        given = projects[0] if projects else ""
        if given and not self._may(token, action, f"{given}/{name}"):
            raise Refusal(7, say.DENIED)
        item = self._applications.get(name)
        if item is None or (given and item["spec"]["project"] != given):
            raise say.no_application(name) if given else Refusal(7, say.DENIED)
        if not self._may(token, action, f"{item['spec']['project']}/{name}"):
            raise Refusal(7, say.DENIED)
        return item

    @staticmethod
    def _projects(request: web.Request) -> list[str]:
        return [*request.query.getall("project", []), *request.query.getall("projects", [])]


async def body_of(request: web.Request) -> Object:
    """The body of a request. Raises Refusal."""
    content = await request.text()
    try:
        found = json.loads(content or "{}")
    except ValueError as error:
        bad = re.sub(r"^\s*\{\s*", "", content)[:1]
        raise Refusal(3, f"invalid character '{bad}' looking for beginning of object key string") from error
    for word in _BOOLEANS:
        if word in found and not isinstance(found[word], bool):
            kind = "string" if isinstance(found[word], str) else "number"
            where = f"Go struct field ApplicationSyncRequest.{word} of type bool"
            raise Refusal(3, f"json: cannot unmarshal {kind} into {where}")
    made: Object = found
    return made
