"""Requests of the Kubernetes API: what is read, made, changed and deleted, in the order in which it is refused."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

from deploydash.demo.fakes import cluster_status as say
from deploydash.demo.fakes import cluster_watch
from deploydash.demo.fakes.cluster_control import Controller, Later, deleting
from deploydash.demo.fakes.cluster_delete import check, delete, options, orphans_by_default
from deploydash.demo.fakes.cluster_kinds import JOBS, NAMESPACES, Object, Resource, Where, where
from deploydash.demo.fakes.cluster_namespaces import Namespaces, terminating
from deploydash.demo.fakes.cluster_objects import check_new, filled_job, immutable, merged
from deploydash.demo.fakes.cluster_pages import page
from deploydash.demo.fakes.cluster_rights import Rights, User
from deploydash.demo.fakes.cluster_select import selector
from deploydash.demo.fakes.cluster_status import answer
from deploydash.demo.fakes.cluster_store import Store, stamp
from deploydash.demo.fakes.cluster_watch import Watch

VERSION: Object = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.1",
    "gitCommit": "$Format:%H$",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "go1.26.8",
    "compiler": "gc",
    "platform": "linux/amd64",
}
_HEALTH = {"/readyz", "/livez", "/healthz"}
_REVIEWS = {
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": "access",
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews": "rules",
    "/apis/authentication.k8s.io/v1/selfsubjectreviews": "who",
}
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}
_PARTIAL = "as=PartialObjectMetadata"


class Requests:
    """Answers every request of a user who was let in."""

    def __init__(
        self, store: Store, controller: Controller, rights: Rights, clock: Callable[[], float], later: Later
    ) -> None:
        self._store = store
        self._controller = controller
        self._rights = rights
        self._clock = clock
        self.namespaces = Namespaces(store, controller, clock, later)
        self.watches: set[Watch] = set()
        self.on_delete: list[Callable[[Object], None]] = []
        """Called with each Job that somebody really deletes."""

    @staticmethod
    def verb(request: web.Request) -> str:
        """What a request is counted as: the verb of the API, or ``review``, ``version``, ``other``."""
        path = request.path
        if path in _REVIEWS:
            return "review"
        if path == "/version":
            return "version"
        at = where(path)
        if at is None:
            return "other"
        if request.method == "GET":
            watches = request.query.get("watch", "") in {"1", "true", "True"}
            return "get" if at.name else "watch" if watches else "list"
        if request.method == "DELETE":
            return "delete" if at.name else "deletecollection"
        return _VERBS.get(request.method, "other")

    async def answer(self, request: web.Request, user: User, cut: float | None) -> web.StreamResponse:
        """The answer; a watch is cut after so many seconds. Raises Refusal."""
        path = request.path
        if path == "/version":
            return answer(VERSION)
        if path in _HEALTH:
            return web.Response(text="ok", headers={"Cache-Control": "no-cache, private"})
        if path in _REVIEWS and request.method == "POST":
            return answer(self._review(_REVIEWS[path], user, await _body(request, "")), 201)
        at = where(path)
        if at is None:
            raise say.NO_RESOURCE
        verb = self.verb(request)
        if not self._rights.may(user, verb, at):
            raise say.forbidden(user.name, verb, at)
        if at.resource is None:
            raise say.NO_RESOURCE
        act = getattr(self, f"_{verb}", None)
        needs_name = verb in {"update", "patch"}
        if act is None or (needs_name and not at.name) or (verb == "create" and at.name):
            raise say.NOT_ALLOWED
        if verb == "watch":
            return await self._watch(request, at, at.resource, cut)
        made: web.StreamResponse = await act(request, at, at.resource)
        return made

    def _review(self, kind: str, user: User, body: Object) -> Object:
        if kind == "who":
            return self._rights.who(user, stamp(self._clock()))
        return self._rights.access_review(user, body) if kind == "access" else self._rights.rules_review(user, body)

    # -- reading ------------------------------------------------------------------------------------------------

    def _found(self, at: Where, resource: Resource) -> Object:
        found = self._store.get(resource, at.namespace, at.name)
        if found is None:
            raise say.not_found(resource, at.name)
        return found

    async def _get(self, request: web.Request, at: Where, resource: Resource) -> web.Response:
        found = self._found(at, resource)
        if _PARTIAL in request.headers.get("Accept", ""):
            head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
            return answer({**head, "metadata": found["metadata"]})
        return answer(found)

    async def _list(self, request: web.Request, at: Where, resource: Resource) -> web.Response:
        query = request.query
        matches = selector(resource, query)
        version = query.get("resourceVersion", "")
        if version.isdigit() and int(version) > self._store.version:
            await asyncio.sleep(TOO_NEW_S)
            raise _too_new(int(version), self._store.version)
        if query.get("resourceVersionMatch") == "Exact" and int(version or 0) < self._store.oldest:
            raise say.TOO_OLD_LIST
        found = page(self._store, resource, at.namespace, matches, query)
        items = [{key: value for key, value in item.items() if key not in {"kind", "apiVersion"}} for item in found[1]]
        if _PARTIAL in request.headers.get("Accept", ""):
            head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
            items = [{"metadata": item["metadata"]} for item in items]
        else:
            head = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version}
        return answer({**head, "metadata": found[0], "items": items})

    async def _watch(
        self, request: web.Request, at: Where, resource: Resource, cut: float | None
    ) -> web.StreamResponse:
        watch = Watch(resource, "" if not resource.namespaced else at.namespace, selector(resource, request.query))
        self.watches.add(watch)
        try:
            return await cluster_watch.serve(request, self._store, watch, cut)
        finally:
            self.watches.discard(watch)

    # -- writing ------------------------------------------------------------------------------------------------

    async def _create(self, request: web.Request, at: Where, resource: Resource) -> web.Response:
        item = await _body(request, resource.kind)
        about = item.setdefault("metadata", {})
        name = str(about.get("name", ""))
        if resource.namespaced:
            about["namespace"] = at.namespace
            home = self._store.get(NAMESPACES, "", at.namespace)
            if home is None:
                raise say.not_found(NAMESPACES, at.namespace)
            if deleting(home):
                raise terminating(at.namespace, resource.qualified, name)
        check_new(resource, item)
        before = self._store.get(resource, at.namespace, name)
        if before is not None:
            raise say.exists(resource, name, deleting=deleting(before))
        if resource is NAMESPACES:
            labels = {**about.get("labels", {}), "kubernetes.io/metadata.name": name}
            item |= {"metadata": {**about, "labels": dict(sorted(labels.items()))}}
            item |= {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        if request.query.get("dryRun") == "All":
            return answer(item, 201)
        if resource is JOBS:
            made = self._store.add(JOBS, filled_job(item, str(uuid.uuid4())))
            self._controller.created(made)
        else:
            made = self._store.add(resource, {"kind": resource.kind, "apiVersion": resource.api_version, **item})
        return answer(made, 201)

    async def _update(self, request: web.Request, at: Where, resource: Resource) -> web.Response:
        wanted = await _body(request, resource.kind)
        found = self._found(at, resource)
        version = wanted["metadata"].get("resourceVersion", "")
        if version and version != found["metadata"]["resourceVersion"]:
            raise say.stale(resource, at.name)
        return self._put(request, resource, found, wanted)

    async def _patch(self, request: web.Request, at: Where, resource: Resource) -> web.Response:
        found = self._found(at, resource)
        return self._put(request, resource, found, merged(found, await _body(request, "")))

    def _put(self, request: web.Request, resource: Resource, found: Object, wanted: Object) -> web.Response:
        if resource is JOBS:
            refused = immutable(found, wanted["spec"]["template"])
            if refused is not None:
                raise refused
        about = {**found["metadata"]}
        for key in ("labels", "annotations", "finalizers"):
            about.pop(key, None)
            if wanted["metadata"].get(key):
                about[key] = wanted["metadata"][key]
        changed = {**found, **{k: v for k, v in wanted.items() if k in {"spec", "data"}}, "metadata": about}
        if resource is JOBS:
            changed["spec"] = {**changed["spec"], "template": found["spec"]["template"]}
        if request.query.get("dryRun") == "All" or changed == found:
            return answer(changed)
        changed = self._store.update(resource, changed)
        if not about.get("finalizers"):
            self._controller.release(resource, changed)
        return answer(changed)

    async def _delete(self, request: web.Request, at: Where, resource: Resource) -> web.Response:
        body = await _body(request, "", needed=False)
        asked = options(body, request.query)
        headers = {"Warning": say.ORPHAN_WARNING} if orphans_by_default(resource, asked) else {}
        found = self._store.get(resource, at.namespace, at.name)
        if found is None:
            if resource is NAMESPACES and at.name == "default":
                return answer(self.namespaces.delete({"metadata": {"name": at.name}}, dry_run=asked.dry_run))
            refused = say.not_found(resource, at.name)
            refused.headers |= headers
            raise refused
        if resource is NAMESPACES:
            check(resource, found, asked)
            return answer(self.namespaces.delete(found, dry_run=asked.dry_run))
        made = delete(self._store, self._controller, resource, found, asked, self._clock())
        self._tell(resource, found, dry_run=asked.dry_run)
        return answer(made, 200, headers)

    async def _deletecollection(self, request: web.Request, at: Where, resource: Resource) -> web.Response:
        if resource is NAMESPACES:
            raise say.NOT_ALLOWED
        asked = options(await _body(request, "", needed=False), request.query)
        items = self._store.items(resource, at.namespace, selector(resource, request.query))
        version = str(self._store.version)
        for item in items:
            delete(self._store, self._controller, resource, item, asked, self._clock())
            self._tell(resource, item, dry_run=asked.dry_run)
        plain = [{key: value for key, value in item.items() if key not in {"kind", "apiVersion"}} for item in items]
        head = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version}
        headers = {"Warning": say.ORPHAN_WARNING} if orphans_by_default(resource, asked) else {}
        return answer({**head, "metadata": {"resourceVersion": version}, "items": plain}, 200, headers)

    def _tell(self, resource: Resource, item: Object, *, dry_run: bool) -> None:
        for hear in self.on_delete if resource is JOBS and not dry_run else ():
            hear(item)


TOO_NEW_S = 3.0
"""So long the server waits for a resourceVersion that is yet to come."""


def _too_new(version: int, current: int) -> say.Refusal:
    about = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    message = f"Timeout: Too large resource version: {version}, current: {current}"
    return say.refusal(504, "Timeout", message, about, **{"Retry-After": "1"})


async def _body(request: web.Request, kind: str, *, needed: bool = True) -> Any:
    """The body in JSON; None when there is none and none is needed. Raises Refusal."""
    text = await request.text()
    if not text and not needed:
        return None
    if "json" not in request.content_type:
        raise say.WRONG_MEDIA
    try:
        found = json.loads(text)
    except ValueError as error:
        raise say.bad_request(_unreadable(text, kind)) from error
    if not needed and found is None:
        return None
    if not isinstance(found, dict):
        raise say.bad_request(_unreadable(text, kind))
    return found


def _unreadable(text: str, kind: str) -> str:
    bad = re.sub(r"^\s*\{\s*", "", text)[:1]
    why = (
        f"invalid character '{bad}' looking for beginning of object key string" if text[:1] == "{" else "not an object"
    )
    what = f" (must be of type {kind})" if kind else ""
    return (
        f"the object provided is unrecognized{what}: couldn't get version/kind; json parse error: {why} ({text[:40]})"
    )
