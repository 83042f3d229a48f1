"""Write what GitHub says its answers look like, for the tests of the demo observatory's GitHub.

From the models that ``githubkit-schemas-2022-11-28`` (26.10.21) makes of GitHub's published OpenAPI description. That
package is a hundred megabytes, so that it is installed for this script alone, in an environment of its own.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

NAMES = (
    "PullRequest",
    "PullRequestSimple",
    "PullRequestReview",
    "CheckRun",
    "CombinedCommitStatus",
    "BranchWithProtection",
    "CommitComparison",
    "ContentFile",
    "PullRequestMergeResult",
    "BasicError",
    "ValidationError",
    "FullRepository",
    "PublicUser",
)
RULE = "RepositoryRuleDetailed"
"""A rule of a branch is one of many shapes, told apart by ``type``: these are the ones that are read."""
_RULES = ("pull_request", "required_status_checks", "merge_queue")
_PROSE = frozenset({"title", "description", "examples", "default"})


def _plain(told: Any, *, names: bool = False) -> Any:
    """Return a schema without its prose; ``names``: the keys are those of properties."""
    if isinstance(told, list):
        return [_plain(one) for one in told]
    if not isinstance(told, dict):
        return told
    kept = {key: value for key, value in told.items() if names or key not in _PROSE or not isinstance(value, str)}
    return {key: _plain(value, names=key in {"properties", "$defs"}) for key, value in kept.items()}


def main(path: Path) -> None:
    """Write the schemas into a file."""
    models = importlib.import_module("githubkit_schemas.v2022_11_28.models")
    schemas = {name: _plain(getattr(models, name).model_json_schema()) for name in NAMES}
    every = [getattr(models, name).model_json_schema() for name in dir(models) if name.startswith(f"{RULE}Oneof")]
    schemas |= {
        f"{RULE} {rule}": _plain(schema)
        for schema in every
        for rule in _RULES
        if schema["properties"]["type"].get("const") == rule
    }
    path.write_text(json.dumps(schemas, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
