"""What GitHub's REST API answers, in full: the shapes of its version 2022-11-28, with the values of the demo world."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

Shape = dict[str, Any]

_OF_A_USER = (
    *("followers", "following", "gists", "starred", "subscriptions", "organizations", "repos", "events"),
    "received_events",
)
_OF_A_REPOSITORY = (
    *("archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents"),
    *("contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks"),
    *("issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones"),
    *("notifications", "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams"),
    "trees",
)
_COUNTS = ("forks_count", "stargazers_count", "watchers_count", "size", "open_issues_count", "forks", "open_issues")


def stamp(utc: float) -> str:
    """A moment (UTC unix seconds) as GitHub writes it."""
    return datetime.fromtimestamp(max(0.0, utc), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sha_of(*parts: object) -> str:
    """A commit's name made of what it is."""
    return hashlib.sha1(" ".join(map(str, parts)).encode()).hexdigest()


def number_of(*parts: object) -> int:
    """An id made of what it is of."""
    return int(sha_of(*parts)[:7], 16) + 1


def user(root: str, login: str) -> Shape:
    """Somebody."""
    at = f"{root}/users/{login}"
    told = {f"{name}_url": f"{at}/{name}" for name in _OF_A_USER}
    return {
        **told,
        "login": login,
        "id": number_of(login),
        "node_id": f"U_{login}",
        "avatar_url": f"{at}/avatar",
        "gravatar_id": "",
        "url": at,
        "html_url": f"https://github.com/{login}",
        "type": "User",
        "site_admin": False,
    }


def public_user(root: str, login: str) -> Shape:
    """Who asks."""
    nothing = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    since = {"created_at": stamp(1.4e9), "updated_at": stamp(1.7e9)}
    return {**user(root, login), **nothing, **counts, **since}


def repository(root: str, name: str, *, push: bool) -> Shape:
    """A repository, as far as anybody is told who may read it."""
    owner, _, short = name.partition("/")
    at = f"{root}/repos/{name}"
    may = {"admin": False, "maintain": False, "push": push, "triage": push, "pull": True}
    return {
        **{f"{each}_url": f"{at}/{each}" for each in _OF_A_REPOSITORY},
        **dict.fromkeys(_COUNTS, 0),
        **dict.fromkeys(("mirror_url", "homepage", "language", "license", "description"), None),
        **dict.fromkeys(("has_issues", "has_projects", "has_wiki", "has_pages", "has_downloads"), True),
        "id": number_of(name),
        "node_id": f"R_{number_of(name)}",
        "name": short,
        "full_name": name,
        "owner": user(root, owner),
        "private": False,
        "html_url": f"https://github.com/{name}",
        "fork": False,
        "url": at,
        "git_url": f"git://github.com/{name}.git",
        "ssh_url": f"git@github.com:{name}.git",
        "clone_url": f"https://github.com/{name}.git",
        "svn_url": f"https://github.com/{name}",
        "has_discussions": False,
        "archived": False,
        "disabled": False,
        "default_branch": "main",
        "watchers": 0,
        "pushed_at": stamp(1.7e9),
        "created_at": stamp(1.5e9),
        "updated_at": stamp(1.7e9),
        "permissions": may,
        "subscribers_count": 0,
        "network_count": 0,
    }


def commit(root: str, name: str, sha: str, utc: float, message: str, parents: Iterable[str] = ()) -> Shape:
    """A commit."""
    at = f"{root}/repos/{name}/commits/{sha}"
    who = {"name": "A lead", "email": "lead@example.org", "date": stamp(utc)}
    verified = {"verified": False, "reason": "unsigned", "payload": None, "signature": None, "verified_at": None}
    return {
        "url": at,
        "sha": sha,
        "node_id": f"C_{sha[:12]}",
        "html_url": f"https://github.com/{name}/commit/{sha}",
        "comments_url": f"{at}/comments",
        "commit": {
            "url": at,
            "author": who,
            "committer": who,
            "message": message,
            "comment_count": 0,
            "tree": {"sha": sha, "url": at},
            "verification": verified,
        },
        "author": None,
        "committer": None,
        "parents": [{"sha": each, "url": f"{root}/repos/{name}/commits/{each}"} for each in parents],
    }


def branch(root: str, name: str, ref: str, sha: str, utc: float) -> Shape:
    """A branch with its newest commit."""
    at = f"{root}/repos/{name}/branches/{ref}"
    return {
        "name": ref,
        "commit": commit(root, name, sha, utc, f"Head of {ref}"),
        "_links": {"html": f"https://github.com/{name}/tree/{ref}", "self": at},
        "protected": ref == "main",
        "protection": {"enabled": ref == "main"},
        "protection_url": f"{at}/protection",
    }


def content(root: str, name: str, path: str, ref: str, text: str) -> Shape:
    """A file."""
    at = f"{root}/repos/{name}/contents/{path}?ref={ref}"
    page = f"https://github.com/{name}/blob/{ref}/{path}"
    data = base64.encodebytes(text.encode()).decode()
    return {
        "type": "file",
        "encoding": "base64",
        "size": len(text.encode()),
        "name": path.rpartition("/")[2],
        "path": path,
        "content": data,
        "sha": sha_of("blob", text),
        "url": at,
        "git_url": at,
        "html_url": page,
        "download_url": page,
        "_links": {"git": at, "self": at, "html": page},
    }


def check_run(root: str, name: str, sha: str, check: str, conclusion: str | None, utc: float) -> Shape:
    """A check of a commit; ``conclusion`` None while it runs."""
    number = number_of(sha, check)
    at = f"{root}/repos/{name}/check-runs/{number}"
    nothing = {"title": None, "summary": None, "text": None, "annotations_count": 0, "annotations_url": at}
    return {
        "id": number,
        "head_sha": sha,
        "node_id": f"CR_{number}",
        "external_id": str(number),
        "url": at,
        "html_url": f"https://github.com/{name}/runs/{number}",
        "details_url": f"https://github.com/{name}/runs/{number}",
        "status": "in_progress" if conclusion is None else "completed",
        "conclusion": conclusion,
        "started_at": stamp(utc),
        "completed_at": None if conclusion is None else stamp(utc + 60),
        "output": nothing,
        "name": check,
        "check_suite": {"id": number_of(sha)},
        "app": None,
        "pull_requests": [],
    }


def review(root: str, name: str, number: int, login: str, state: str, sha: str, utc: float) -> Shape:
    """What somebody said of a pull request."""
    at = f"{root}/repos/{name}/pulls/{number}"
    page = f"https://github.com/{name}/pull/{number}"
    return {
        "id": number_of(login, state, sha),
        "node_id": f"PRR_{number_of(login, state, sha)}",
        "user": user(root, login),
        "body": "",
        "state": state,
        "html_url": page,
        "pull_request_url": at,
        "_links": {"html": {"href": page}, "pull_request": {"href": at}},
        "submitted_at": stamp(utc),
        "commit_id": sha,
        "author_association": "MEMBER",
    }


def changed(path: str, before: Mapping[str, str], after: Mapping[str, str], at: str) -> Shape:
    """A file of a comparison; ``at``: the address that it is told to have."""
    old, new = before.get(path), after.get(path)
    status = "added" if old is None else "removed" if new is None else "unchanged" if old == new else "modified"
    told = {"sha": sha_of("blob", new), "filename": path, "status": status}
    return {**told, "additions": 1, "deletions": 1, "changes": 2, "blob_url": at, "raw_url": at, "contents_url": at}
