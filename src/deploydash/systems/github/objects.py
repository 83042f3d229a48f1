"""What GitHub says of pull requests, as far as it is read. Pure; what has another shape is left empty."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PASSES = frozenset({"success", "neutral", "skipped"})
"""Conclusions of a check that let a pull request be merged (docs.github.com, about status checks)."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as it stands. ``mergeable``: None while GitHub computes it; ``asked``: whose review is asked for.

    ``merge_commit``: the commit of the merge once it is merged; before that GitHub's own trial, which is not kept.
    """

    number: int
    node_id: str = ""
    title: str = ""
    state: str = "open"
    draft: bool = False
    merged: bool = False
    merged_by: str = ""
    merge_commit: str = ""
    mergeable: bool | None = None
    mergeable_state: str = "unknown"
    head: str = ""
    head_repository: str = ""
    sha: str = ""
    base: str = ""
    author: str = ""
    asked: tuple[str, ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check of a commit. ``state``: ``passed``, ``failed`` or ``pending``; ``word``: GitHub's own for it."""

    name: str
    state: str
    word: str


@dataclass(frozen=True, slots=True)
class Review:
    """Somebody's last word on a pull request: ``APPROVED`` or ``CHANGES_REQUESTED``, and of which commit."""

    by: str
    state: str
    commit: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What a branch asks of a merge. ``queue``: it is merged by a merge queue alone; ``methods``: what it allows."""

    checks: tuple[str, ...] = ()
    approvals: int = 0
    owners: bool = False
    queue: bool = False
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """What a branch changes since it left another: the commit where it left, the files, how far it is behind."""

    base: str
    files: tuple[str, ...]
    behind: int = 0


def pull_request(told: Any) -> PullRequest:
    """Return a pull request."""
    head, base = _mapping(told, "head"), _mapping(told, "base")
    teams = [text(row, "slug") for row in rows(told, "requested_teams")]
    people = [text(row, "login") for row in rows(told, "requested_reviewers")]
    merged = told.get("merged") is True or bool(text(told, "merged_at")) if isinstance(told, dict) else False
    mergeable = told.get("mergeable") if isinstance(told, dict) else None
    number = told.get("number") if isinstance(told, dict) else None
    return PullRequest(
        number=number if isinstance(number, int) else 0,
        node_id=text(told, "node_id"),
        title=text(told, "title"),
        state=text(told, "state"),
        draft=isinstance(told, dict) and told.get("draft") is True,
        merged=merged,
        merged_by=text(_mapping(told, "merged_by"), "login"),
        merge_commit=text(told, "merge_commit_sha") if merged else "",
        mergeable=mergeable if isinstance(mergeable, bool) else None,
        mergeable_state=text(told, "mergeable_state") or "unknown",
        head=text(head, "ref"),
        head_repository=text(_mapping(head, "repo"), "full_name"),
        sha=text(head, "sha"),
        base=text(base, "ref"),
        author=text(_mapping(told, "user"), "login"),
        asked=tuple(name for name in (*teams, *people) if name),
        link=text(told, "html_url"),
    )


def check_runs(told: list[Any]) -> tuple[Check, ...]:
    """Return the checks of a commit; of several runs of one name the newest."""
    found: dict[str, Check] = {}
    for row in sorted((row for row in told if isinstance(row, dict)), key=_identity):
        status, conclusion = text(row, "status"), text(row, "conclusion")
        state = "pending" if status != "completed" else "passed" if conclusion in PASSES else "failed"
        name = text(row, "name")
        found[name] = Check(name, state, conclusion or status)
    return tuple(found.values())


def statuses(told: Any) -> tuple[Check, ...]:
    """Return the older kind of checks of a commit; where there are none GitHub calls that pending, too."""
    states = {"success": "passed", "pending": "pending"}
    found = [(text(row, "context"), text(row, "state")) for row in rows(told, "statuses")]
    return tuple(Check(name, states.get(state, "failed"), state) for name, state in found)


def reviews(told: list[Any]) -> tuple[Review, ...]:
    """Return the last word of each reviewer; a comment takes nothing back, a dismissal does."""
    found: dict[str, Review] = {}
    for row in told:
        by, state = text(_mapping(row, "user"), "login"), text(row, "state")
        if state in {"APPROVED", "CHANGES_REQUESTED"}:
            found[by] = Review(by, state, text(row, "commit_id"))
        elif state == "DISMISSED":
            found.pop(by, None)
    return tuple(found.values())


def rules(told: list[Any]) -> Rules:
    """Return what all active rules of a branch ask together."""
    checks: list[str] = []
    methods: set[str] | None = None
    approvals, owners, queue = 0, False, False
    for row in told:
        kind, given = text(row, "type"), _mapping(row, "parameters")
        if kind == "required_status_checks":
            checks += [text(one, "context") for one in rows(given, "required_status_checks")]
        elif kind == "merge_queue":
            queue = True
        elif kind == "pull_request":
            count = given.get("required_approving_review_count")
            approvals = max(approvals, count if isinstance(count, int) else 0)
            owners = owners or given.get("require_code_owner_review") is True
            allowed = given.get("allowed_merge_methods")
            if isinstance(allowed, list) and allowed:
                methods = set(map(str, allowed)) if methods is None else methods & set(map(str, allowed))
    kept = tuple(dict.fromkeys(name for name in checks if name))
    return Rules(kept, approvals, owners, queue, tuple(sorted(methods)) if methods is not None else ())


def compared(told: Any) -> Compared:
    """Return a comparison."""
    behind = told.get("behind_by") if isinstance(told, dict) else 0
    files = tuple(text(row, "filename") for row in rows(told, "files"))
    old = tuple(name for row in rows(told, "files") if (name := text(row, "previous_filename")))
    base = text(_mapping(told, "merge_base_commit"), "sha")
    return Compared(base, tuple(dict.fromkeys((*files, *old))), behind if isinstance(behind, int) else 0)


def content(told: Any) -> str:
    """Return the text of a file; empty where it cannot be read so."""
    try:
        return base64.b64decode(text(told, "content")).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""


def rows(told: Any, key: str) -> list[dict[str, Any]]:
    """Return the mappings of a list."""
    found = told.get(key) if isinstance(told, dict) else None
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def text(told: Any, key: str) -> str:
    """Return a text; empty where there is none."""
    found = told.get(key) if isinstance(told, dict) else None
    return found if isinstance(found, str) else ""


def _mapping(told: Any, key: str) -> Mapping[str, Any]:
    found = told.get(key) if isinstance(told, dict) else None
    return found if isinstance(found, dict) else {}


def _identity(row: Mapping[str, Any]) -> int:
    found = row.get("id")
    return found if isinstance(found, int) else 0
