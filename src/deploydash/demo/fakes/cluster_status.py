"""What the demo observatory's Kubernetes API says when it refuses, word for word as Kubernetes v1.36.1 does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from deploydash.demo.fakes.cluster_kinds import Object, Resource, Where

_CHUNKED_FROM = 2048
"""Bytes from which Go's HTTP server no longer tells the length."""
_COMMON = {"Cache-Control": "no-cache, private"}

ORPHAN_WARNING = (
    '299 - "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove '
    'them or set propagationPolicy=Orphan to suppress this warning"'
)


class Refusal(Exception):
    """An answer that is an error: a ``Status``, or a text."""

    def __init__(self, code: int, body: Object | str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.body = body
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """The answer."""
        if isinstance(self.body, str):
            return web.Response(status=self.code, text=self.body, headers={**_COMMON, **self.headers})
        return answer(self.body, self.code, self.headers)


def answer(body: Object, code: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer in JSON, as Go writes it."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False) + "\n"
    made = web.Response(
        status=code,
        body=text.encode(),
        headers={**_COMMON, "Content-Type": "application/json", **(headers or {})},
    )
    if len(text) > _CHUNKED_FROM:
        made.enable_chunked_encoding()
    return made


def status(code: int, reason: str, message: str, details: Any = None, metadata: Object | None = None) -> Object:
    """A ``Status`` that tells of a failure; an empty reason and details of None are left out."""
    made: Object = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": metadata or {},
        "status": "Failure",
        "message": message,
    }
    if reason:
        made["reason"] = reason
    if details is not None:
        made["details"] = details
    return made | {"code": code}


def details(name: str, group: str, kind: str, **more: Any) -> Object:
    """The details of a ``Status``, without what is empty."""
    return {key: value for key, value in {"name": name, "group": group, "kind": kind, **more}.items() if value}


def refusal(code: int, reason: str, message: str, about: Object | None = None, **headers: str) -> Refusal:
    """A refusal with a ``Status``; ``about`` are its details."""
    return Refusal(code, status(code, reason, message, about), headers)


def success(resource: Resource, found: Object) -> Object:
    """What is said of a thing that is gone at once."""
    about = details(found["metadata"]["name"], resource.group, resource.plural, uid=found["metadata"]["uid"])
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": about}


UNAUTHORIZED = refusal(401, "Unauthorized", "Unauthorized")
NOT_ALLOWED = refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})
NO_RESOURCE = refusal(404, "NotFound", "the server could not find the requested resource", {})
TOO_MANY = Refusal(429, "Too many requests, please try again later.\n", {"Retry-After": "1"})
WRONG_MEDIA = refusal(
    415,
    "UnsupportedMediaType",
    "the body of the request was in an unknown format - accepted media types include: application/json, "
    "application/yaml, application/vnd.kubernetes.protobuf",
)
TOO_OLD_LIST = refusal(410, "Expired", "The resourceVersion for the provided list is too old.")


def forbidden(user: str, verb: str, at: Where) -> Refusal:
    """A user has no right to this."""
    kind = f"{at.plural}.{at.group}" if at.group else at.plural
    named = f'{kind} "{at.name}"' if at.name else kind
    scope = f'in the namespace "{at.namespace}"' if at.namespace else "at the cluster scope"
    message = (
        f'{named} is forbidden: User "{user}" cannot {verb} resource "{at.plural}" in API group "{at.group}" {scope}'
    )
    return refusal(403, "Forbidden", message, details(at.name, at.group, at.plural))


def not_found(resource: Resource, name: str) -> Refusal:
    """There is no such thing."""
    message = f'{resource.qualified} "{name}" not found'
    return refusal(404, "NotFound", message, details(name, resource.group, resource.plural))


def exists(resource: Resource, name: str, *, deleting: bool) -> Refusal:
    """There is one of this name already."""
    before = "object is being deleted: " if deleting else ""
    message = f'{before}{resource.qualified} "{name}" already exists'
    return refusal(409, "AlreadyExists", message, details(name, resource.group, resource.plural))


def stale(resource: Resource, name: str) -> Refusal:
    """It was changed meanwhile."""
    message = (
        f'Operation cannot be fulfilled on {resource.qualified} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return refusal(409, "Conflict", message, details(name, resource.group, resource.plural))


def unmet(resource: Resource, name: str, why: str) -> Refusal:
    """A precondition of a delete does not hold."""
    message = f'Operation cannot be fulfilled on {resource.qualified_kind} "{name}": {why}'
    return refusal(409, "Conflict", message, details(name, resource.group, resource.kind))


def invalid(kind: str, group: str, name: str, causes: list[Object]) -> Refusal:
    """It breaks rules; each cause has ``reason``, ``message`` and ``field``."""
    told = [f"{each['field']}: {each['message']}" for each in causes]
    all_told = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    message = f'{kind}.{group} "{name}" is invalid: {all_told}' if group else f'{kind} "{name}" is invalid: {all_told}'
    return refusal(422, "Invalid", message, details(name, group, kind, causes=causes))


def bad_request(message: str) -> Refusal:
    """It cannot be understood."""
    return refusal(400, "BadRequest", message)
