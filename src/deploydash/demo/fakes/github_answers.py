"""Pull requests of the demo observatory's GitHub as its REST API answers them."""

from __future__ import annotations

from deploydash.demo.fakes.github_shapes import Shape, number_of, repository, stamp, user
from deploydash.demo.fakes.github_world import TEAM, Pull

REQUIRED = ("lint", "test (3.13)")
CHECKS = (*REQUIRED, "test (3.14)", "helm", "docs", "rebase-check")


def simple(root: str, name: str, pull: Pull, *, asks: bool) -> Shape:
    """A pull request as a list has it; ``asks``: its owner has not approved it yet."""
    at, page = f"{root}/repos/{name}/pulls/{pull.number}", f"https://github.com/{name}/pull/{pull.number}"
    issue = f"{root}/repos/{name}/issues/{pull.number}"
    merged = stamp(pull.merged) if pull.merged is not None else None
    links = {
        "html": page,
        "self": at,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{at}/comments",
        "review_comment": f"{at}/comments{{/number}}",
        "commits": f"{at}/commits",
        "statuses": f"{root}/repos/{name}/statuses/{pull.sha}",
    }
    return {
        "url": at,
        "id": number_of(name, pull.number),
        "node_id": f"PR_{pull.number}",
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "number": pull.number,
        "state": "open" if pull.merged is None else "closed",
        "locked": False,
        "title": pull.title,
        "user": user(root, pull.author),
        "body": pull.body or None,
        "labels": [],
        "milestone": None,
        "created_at": stamp(pull.opened),
        "updated_at": stamp(pull.pushed),
        "closed_at": merged,
        "merged_at": merged,
        "merge_commit_sha": pull.merge_commit or None,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [_team(root)] if asks else [],
        "head": _end(root, name, pull.head, pull.sha),
        "base": _end(root, name, "main", pull.sha),
        "_links": {key: {"href": value} for key, value in links.items()},
        "author_association": "MEMBER",
        "auto_merge": None,
        "draft": False,
    }


def full(root: str, name: str, pull: Pull, mergeable: bool | None, state: str, *, asks: bool) -> Shape:
    """A pull request asked for by its number."""
    counts = dict.fromkeys(("comments", "review_comments", "additions", "deletions"), 0)
    return {
        **simple(root, name, pull, asks=asks),
        **counts,
        "merged": pull.merged is not None,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": state,
        "merged_by": user(root, pull.merged_by) if pull.merged_by else None,
        "maintainer_can_modify": False,
        "commits": 1,
        "changed_files": 2,
    }


def _end(root: str, name: str, ref: str, sha: str) -> Shape:
    owner = name.partition("/")[0]
    told = repository(root, name, push=True)
    return {"label": f"{owner}:{ref}", "ref": ref, "sha": sha, "user": user(root, owner), "repo": told}


def _team(root: str) -> Shape:
    at = f"{root}/teams/{TEAM}"
    return {
        "id": number_of(TEAM),
        "node_id": f"T_{number_of(TEAM)}",
        "name": TEAM,
        "slug": TEAM,
        "description": None,
        "privacy": "closed",
        "permission": "pull",
        "url": at,
        "html_url": f"https://github.com/orgs/lsst-sqre/teams/{TEAM}",
        "members_url": f"{at}/members",
        "repositories_url": f"{at}/repos",
        "parent": None,
        "type": "organization",
    }
