"""Lists in pages: ``limit`` and ``continue``, which expires when etcd forgets."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping

from deploydash.demo.fakes.cluster_kinds import Object, Resource
from deploydash.demo.fakes.cluster_select import Matches
from deploydash.demo.fakes.cluster_status import Refusal, bad_request, status
from deploydash.demo.fakes.cluster_store import Store

_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


def _token(version: int, start: str) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(token: str) -> tuple[int, str]:
    """The version and the key after which a page begins. Raises Refusal."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        found = json.loads(raw.decode("latin-1"))
        return int(found["rv"]), str(found["start"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        first = raw.decode("latin-1")[:1] if not isinstance(error, binascii.Error) else ""
        why = f"invalid character '{first}' looking for beginning of value" if first else "illegal base64 data"
        raise bad_request(f"invalid continue token: continue key is not valid: {why}") from error


def _key(item: Object, namespace: str) -> str:
    about = item["metadata"]
    inside = "" if namespace or "namespace" not in about else f"/{about['namespace']}"
    return f"{inside}/{about['name']}\0"


def page(
    store: Store, resource: Resource, namespace: str, matches: Matches, query: Mapping[str, str]
) -> tuple[Object, list[Object]]:
    """The metadata of a list and its items, as they are now whatever the version of the first page. Raises Refusal."""
    items = store.items(resource, "" if not resource.namespaced else namespace, matches)
    version, limit = store.version, int(query.get("limit", 0) or 0)
    if query.get("continue"):
        version, start = _read(query["continue"])
        if 0 <= version < store.oldest:
            fresh = {"continue": _token(-1, start.removeprefix("/"))}
            raise Refusal(410, status(410, "Expired", _EXPIRED, metadata=fresh))
        version = store.version if version < 0 else version
        begins = start if start.startswith("/") else f"/{start}"
        items = [item for item in items if _key(item, namespace) > begins]
    about: Object = {"resourceVersion": str(version)}
    if limit and len(items) > limit:
        about["continue"] = _token(version, _key(items[limit - 1], namespace))
        if not query.get("labelSelector") and not query.get("fieldSelector"):
            about["remainingItemCount"] = len(items) - limit
        items = items[:limit]
    return about, items
