"""Write what Slack says its answers look like, for the tests of the demo observatory's Slack.

From the OpenAPI description that Slack has published (slackapi/slack-api-specs, web-api/slack_web_openapi_v2.json, MIT
licence, last changed in 2021): what came later is not in it, so that more than it names is no fault, and neither is a
channel without messages. Its words for errors are fewer than those of Slack's documentation, and are left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

METHODS = (
    "auth.test",
    "chat.postMessage",
    "chat.scheduleMessage",
    "chat.scheduledMessages.list",
    "chat.deleteScheduledMessage",
    "chat.update",
    "chat.getPermalink",
    "conversations.list",
    "conversations.history",
)
_KEPT = frozenset(
    {
        *("$ref", "type", "properties", "items", "required", "enum", "pattern"),
        *("anyOf", "oneOf", "allOf", "uniqueItems"),
    }
)


def plain(told: Any, *, names: bool = False) -> Any:
    """Return a schema with what it demands alone, as JSON Schema writes it; ``names``: its keys are of properties."""
    if isinstance(told, list):
        return [plain(one) for one in told]
    if not isinstance(told, dict):
        return told
    found = {
        key: plain(value, names=key in {"properties", "definitions"})
        for key, value in told.items()
        if names or key in _KEPT
    }
    if not names and isinstance(found.get("items"), list):  # a list there means one of these
        one = {"anyOf": found.pop("items")}
        found |= {"items": one} if found.get("type") == "array" else one
    return found


def main(source: Path, target: Path) -> None:
    """Write the schemas of the answers into a file."""
    told = json.loads(source.read_text("utf-8"))
    schemas: dict[str, Any] = {}
    for method in METHODS:
        (way,) = told["paths"][f"/{method}"].values()
        schemas[method] = plain(way["responses"]["200"]["schema"])
    found: dict[str, Any] = {}
    wanted = _named(schemas)
    while wanted - set(found):
        found |= {name: plain(told["definitions"][name]) for name in wanted - set(found)}
        wanted |= _named(found)
    document = {"definitions": found, "answers": schemas}
    target.write_text(json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")


def _named(schema: Any) -> set[str]:
    """Return the definitions that a schema names."""
    if isinstance(schema, list):
        return {name for one in schema for name in _named(one)}
    if not isinstance(schema, dict):
        return set()
    here = {str(schema["$ref"]).rpartition("/")[2]} if isinstance(schema.get("$ref"), str) else set()
    return here | {name for one in schema.values() for name in _named(one)}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
