"""The calls of Argo CD's REST API."""

from __future__ import annotations

import asyncio
import re
from typing import Any, ClassVar

from aiohttp import web

from deploydash.demo.fakes import argocd_status as say
from deploydash.demo.fakes.argocd_accounts import RESOURCES, Token
from deploydash.demo.fakes.argocd_base import body_of
from deploydash.demo.fakes.argocd_fields import of_any, of_list
from deploydash.demo.fakes.argocd_git import NoRevisionError
from deploydash.demo.fakes.argocd_live import APPLICATIONS, text
from deploydash.demo.fakes.argocd_more_calls import MoreCalls
from deploydash.demo.fakes.argocd_status import Refusal, answer
from deploydash.demo.fakes.argocd_stream import Stream, follow
from deploydash.demo.fakes.argocd_tree import tree
from deploydash.demo.fakes.cluster_kinds import PODS, Object
from deploydash.demo.fakes.cluster_select import selector
from deploydash.demo.fakes.cluster_store import Change

REFRESH_S = 0.2
_VERSION = {"Version": "v3.5.1+109ca7c"}
_MORE = {
    "BuildDate": "2026-01-01T00:00:00Z",
    "GitCommit": "109ca7ca71139e514114499d294a492e7910a965",
    "GitTreeState": "clean",
    "GoVersion": "go1.26.8",
    "Compiler": "gc",
    "Platform": "linux/amd64",
    "KustomizeVersion": ('could not get kustomize version: exec: "kustomize": executable file not found in $PATH'),
    "HelmVersion": "v4.2.1",
    "JsonnetVersion": "v0.22.0",
}
_SETTINGS = {
    "url": "https://localhost/argo-cd",
    "appLabelKey": "argocd.argoproj.io/instance",
    "googleAnalytics": {"anonymizeUsers": True},
    "kustomizeOptions": {"BuildOptions": "", "BinaryPath": "", "Versions": None},
    "help": {},
    "trackingMethod": "label",
    "syncWithReplaceAllowed": True,
}
_APP = "/api/v1/applications/(?P<name>[^/]+)"
_ROUTES = (
    ("version", "GET", "/api/version"),
    ("settings", "GET", "/api/v1/settings"),
    ("session", "POST", "/api/v1/session"),
    ("userinfo", "GET", "/api/v1/session/userinfo"),
    ("can_i", "GET", "/api/v1/account/can-i/(?P<resource>[^/]+)/(?P<action>[^/]+)(/(?P<about>.+))?"),
    ("list", "GET", "/api/v1/applications"),
    ("get", "GET", _APP),
    ("managed", "GET", f"{_APP}/managed-resources"),
    ("tree", "GET", f"{_APP}/resource-tree"),
    ("manifests", "GET", f"{_APP}/manifests"),
    ("diff", "GET", f"{_APP}/server-side-diff"),
    ("windows", "GET", f"{_APP}/syncwindows"),
    ("sync", "POST", f"{_APP}/sync"),
    ("terminate", "DELETE", f"{_APP}/operation"),
    ("create", "POST", "/api/v1/applications"),
    ("accounts", "GET", "/api/v1/account"),
    ("account", "GET", "/api/v1/account/(?P<name>[^/]+)"),
    ("projects", "GET", "/api/v1/projects"),
    ("project", "GET", "/api/v1/projects/(?P<name>[^/]+)"),
    ("clusters", "GET", "/api/v1/clusters"),
    ("rollback", "POST", f"{_APP}/rollback"),
    ("live", "GET", f"{_APP}/resource"),
    ("remove", "DELETE", f"{_APP}/resource"),
    ("events", "GET", f"{_APP}/events"),
    ("logs", "GET", f"{_APP}/logs"),
    ("stream", "GET", "/api/v1/stream/applications"),
    ("tree_stream", "GET", "/api/v1/stream/applications/(?P<name>[^/]+)/resource-tree"),
)


class Calls(MoreCalls):
    """Answers each call; methods ``_NAME``."""

    KINDS: ClassVar[frozenset[str]] = frozenset(name for name, _, _ in _ROUTES) | {"other"}

    @staticmethod
    def _route(method: str, path: str) -> tuple[str, dict[str, str]]:
        for name, wanted, pattern in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found is not None and wanted == method:
                return name, {key: value or "" for key, value in found.groupdict().items()}
        return "other", {}

    def name(self, method: str, path: str) -> str:
        """Which call it is, ``other`` if none."""
        return self._route(method, path)[0]

    def known(self, path: str) -> bool:
        """Whether there is a path, by whatever method."""
        return any(re.fullmatch(pattern, path) for _, _, pattern in _ROUTES)

    async def answer(self, name: str, request: web.Request) -> web.StreamResponse:
        """The answer to a call. Raises Refusal."""
        _, parts = self._route(request.method, request.path.removeprefix("/argo-cd"))
        made: web.StreamResponse = await getattr(self, f"_{name}_" if name in {"accounts", "projects"} else f"_{name}")(
            request, **parts
        )
        return made

    # -- without an application ---------------------------------------------------------------------------------

    async def _version(self, request: web.Request) -> web.Response:
        try:
            self._who(request)
        except Refusal:
            return answer(_VERSION)
        return answer({**_VERSION, **_MORE})

    async def _settings(self, _: web.Request) -> web.Response:
        return answer(_SETTINGS)

    async def _session(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        token = self._accounts.login(str(body.get("username", "")), str(body.get("password", "")))
        cookie = f"argocd.token={token}; path=/argo-cd; SameSite=lax; httpOnly"
        return answer({"token": token}, headers={"Set-Cookie": cookie})

    async def _userinfo(self, request: web.Request) -> web.Response:
        try:
            account = self._who(request).account
        except Refusal:
            return answer({})
        about: Object = {"loggedIn": True, "username": account.name, "iss": account.issuer}
        return answer({**about, **({"groups": [*account.groups]} if account.groups else {})})

    async def _can_i(self, request: web.Request, resource: str, action: str, about: str) -> web.Response:
        token = self._who(request)
        if resource not in RESOURCES.split():
            raise Refusal(3, f"[{RESOURCES}] does not contain {resource}")
        return answer({"value": "yes" if self._may(token, action, about, resource) else "no"})

    async def _list(self, request: web.Request) -> web.Response:
        token = self._who(request)
        self._host.used()
        items = [*self._chosen(request, token)]
        found = {"metadata": {"resourceVersion": str(self._store.version)}, "items": items or None}
        return answer(of_list(found, request.query.get("fields", "")))

    def _chosen(self, request: web.Request, token: Token) -> list[Object]:
        projects, query = self._projects(request), request.query
        matches = selector(APPLICATIONS, {"labelSelector": query.get("selector", "")})
        return [
            item
            for item in self._applications.items()
            if (not projects or item["spec"]["project"] in projects)
            and query.get("name", item["metadata"]["name"]) == item["metadata"]["name"]
            and matches(item)
            and self._may(token, "get", f"{item['spec']['project']}/{item['metadata']['name']}")
        ]

    # -- one application ----------------------------------------------------------------------------------------

    async def _get(self, request: web.Request, name: str) -> web.Response:
        token = self._who(request)
        item = self._application(token, name, self._projects(request))
        self._host.used()
        refresh = request.query.get("refresh")
        if refresh:
            item = await self._refreshed(item, refresh)
        return answer(self._applications.shown(item))

    async def _refreshed(self, item: Object, how: str) -> Object:
        name = item["metadata"]["name"]
        note = {"argocd.argoproj.io/hydrate": how}
        await self._host.controller(name)
        await asyncio.sleep(REFRESH_S)
        self._host.pull()
        self._applications.change(
            name, lambda each: each["metadata"].update(annotations={**each["metadata"].get("annotations", {}), **note})
        )
        return self._applications.compare(name, latest=True) or item

    async def _managed(self, request: web.Request, name: str) -> web.Response:
        item = self._application(self._who(request), name, self._projects(request))
        wanted = {word: request.query[word] for word in ("kind", "name", "namespace", "group") if word in request.query}
        items = [
            each
            for each in self._applications.managed(item)
            if all(each.get(word, "") == value for word, value in wanted.items())
        ]
        return answer(of_any({"items": items}, request.query.get("fields", ""), ""))

    async def _tree(self, request: web.Request, name: str) -> web.Response:
        return answer(tree(self._applications, self._application(self._who(request), name, self._projects(request))))

    async def _manifests(self, request: web.Request, name: str) -> web.Response:
        item = self._application(self._who(request), name, self._projects(request))
        targets = self._applications.targets(item, self._applications.commit(item))
        return answer({"manifests": [text(_bare(each)) for each in targets.values()]})

    async def _diff(self, request: web.Request, name: str) -> web.Response:
        self._application(self._who(request), name, self._projects(request))
        return answer({"modified": False})

    async def _windows(self, request: web.Request, name: str) -> web.Response:
        self._application(self._who(request), name, self._projects(request))
        return answer({"canSync": True})

    async def _sync(self, request: web.Request, name: str) -> web.Response:
        token = self._who(request)
        body = await body_of(request)
        item = self._application(token, name, [body["project"]] if body.get("project") else [])
        about = f"{item['spec']['project']}/{name}"
        if not self._may(token, "sync", about):
            raise say.denied("applications", "sync", about, token.account.name, self._accounts.issued(token))
        self._host.used()
        self._host.pull()
        revision = str(body.get("revision") or "")
        try:
            commit = self._applications.repository.resolve(revision)
        except NoRevisionError as error:
            why = f"rpc error: code = Unknown desc = unable to resolve '{revision}' to a commit SHA"
            raise Refusal(9, f"error resolving repo revision: {why}") from error
        changed = self._operations.sync(item, body, commit, token.account.name)
        if not body.get("dryRun"):
            self._host.synced()
        if self._host.trouble("sync-answer-lost", name) is not None and request.transport is not None:
            request.transport.abort()
        return answer(changed)

    async def _terminate(self, request: web.Request, name: str) -> web.Response:
        self._operations.terminate(self._application(self._who(request), name, self._projects(request), "sync"))
        return answer({})

    # -- streams ------------------------------------------------------------------------------------------------

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        stream = Stream(request, lambda: self._host.faults["stream-silent"] is not None)
        try:
            token = self._who(request)
        except Refusal as refused:
            return await stream.refuse(refused)
        self._host.used()
        if not request.query.get("resourceVersion") or request.query.get("name"):
            for item in self._chosen(request, token):
                self._tell(stream, "ADDED", item)

        def hear(change: Change) -> None:
            if change.resource is APPLICATIONS and any(
                each["metadata"]["uid"] == change.item["metadata"]["uid"] for each in self._chosen(request, token)
            ):
                self._tell(stream, change.type, change.item)

        return await self._following(stream, hear)

    def _tell(self, stream: Stream, kind: str, item: Object) -> None:
        name = item["metadata"]["name"]
        stream.tell({"type": kind, "application": self._applications.shown(item)}, name)

    async def _tree_stream(self, request: web.Request, name: str) -> web.StreamResponse:
        stream = Stream(request, lambda: self._host.faults["stream-silent"] is not None)
        try:
            item = self._application(self._who(request), name, self._projects(request))
        except Refusal as refused:
            return await stream.refuse(refused)
        namespace = item["spec"]["destination"]["namespace"]

        def hear(change: Change) -> None:
            now = self._applications.get(name)
            seen = change.resource is APPLICATIONS or change.resource is PODS
            about = change.item["metadata"]
            if now is not None and seen and namespace in {about.get("namespace"), about["name"]}:
                stream.tell(tree(self._applications, now), name)

        return await self._following(stream, hear)

    async def _following(self, stream: Stream, hear: Any) -> web.StreamResponse:
        self._streams.add(stream)
        try:
            return await follow(self._store, stream, hear)
        finally:
            self._streams.discard(stream)


def _bare(item: Object) -> Object:
    about = {word: value for word, value in item["metadata"].items() if word != "namespace"}
    return {**item, "metadata": about}
