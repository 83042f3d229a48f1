"""GitHub, as far as a deployment uses it: REST and a little GraphQL, on the one world's Phalanx.

Merging the pull request there is what moves the branch that the demo observatory's Argo CD deploys. Only its own token
is accepted. The shapes are those of GitHub's published OpenAPI description, version 2022-11-28.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web

from deploydash.demo.fake import Fault, Kind, Section
from deploydash.demo.fakes import github_shapes as shapes
from deploydash.demo.fakes.github_answers import CHECKS, REQUIRED, full, simple
from deploydash.demo.fakes.github_world import LEAD, MAIN, OWNER, Phalanx, Pull
from deploydash.demo.http_fake import HttpFake, kinds
from deploydash.demo.world import World

_AT = "/repos/{owner}/{name}"
_ROUTES = (
    ("GET", "/user", "user"),
    ("POST", "/graphql", "graphql"),
    ("GET", _AT, "repository"),
    ("GET", f"{_AT}/branches/{{ref:.+}}", "branch"),
    ("GET", f"{_AT}/pulls", "pulls"),
    ("POST", f"{_AT}/pulls", "open_pull"),
    ("GET", f"{_AT}/pulls/{{number:\\d+}}", "pull"),
    ("GET", f"{_AT}/pulls/{{number:\\d+}}/reviews", "reviews"),
    ("PUT", f"{_AT}/pulls/{{number:\\d+}}/merge", "merge"),
    ("GET", f"{_AT}/commits/{{sha}}/check-runs", "check_runs"),
    ("GET", f"{_AT}/commits/{{sha}}/status", "status"),
    ("GET", f"{_AT}/rules/branches/{{ref:.+}}", "rules"),
    ("GET", f"{_AT}/compare/{{span:.+}}", "compare"),
    ("GET", f"{_AT}/contents/{{path:.+}}", "contents"),
)
FAULTS: Mapping[str, Fault] = {
    "down": Fault("503 for everything, from what stands before it"),
    "stalled": Fault("every answer takes so many seconds longer", {"seconds": 12.0}),
    "failing": Fault("502 for everything: its unicorn"),
    "unauthorized": Fault("401: the token is not accepted"),
    "sso": Fault("403: the token is not authorized for the organization's single sign-on"),
    "forbidden": Fault("403 for whatever changes something: the token lacks the right"),
    "missing": Fault("404 for everything below a repository: it is private and the token may not see it"),
    "invalid": Fault("422 for opening a pull request: no commits between the branches"),
    "limited": Fault("403: the rate limit is used up for so many seconds", {"seconds": 4.0}),
    "secondary": Fault("429: so many seconds are to be waited", {"seconds": 2.0}),
    "head-moves": Fault("somebody pushes to each open pull request, which dismisses its approval"),
    "moves-at-merge": Fault("somebody pushes in the very moment of the next merge"),
    "red-check": Fault("a check fails", {"check": REQUIRED[0]}),
    "checks-run": Fault("the checks do not end"),
    "conflict": Fault("the branch conflicts with main"),
    "computing": Fault("mergeable stays null: GitHub is computing it"),
    "unapproved": Fault("no code owner has approved, and none does"),
    "silent-merge": Fault("merges, and answers so many seconds later, or never", {"seconds": 30.0}),
    "queue": Fault("main is merged through its merge queue alone, which takes so many seconds", {"seconds": 1.0}),
    "unopened": Fault("nobody has opened a pull request for the branch"),
    "no-branch": Fault("a repository lacks the branch", {"repository": "*LOVE-integration-tools"}),
    "stale-tag": Fault("the branch still has the cycle before"),
    "stale-nublado": Fault("the branch has Nublado's image of the cycle before"),
    "more-changes": Fault(
        "the branch also adds a Job, removes one and changes a RUN_ARG (namespace/job)",
        {"adds": "obssys/authorize", "removes": "", "argues": "obssys/mtqueue", "argument": "1 --state standby"},
    ),
}
_LIMIT = 5000
_QUEUE = {
    "check_response_timeout_minutes": 60,
    "grouping_strategy": "ALLGREEN",
    "max_entries_to_build": 5,
    "max_entries_to_merge": 5,
    "merge_method": "MERGE",
    "min_entries_to_merge": 1,
    "min_entries_to_merge_wait_minutes": 5,
}


class GitHub(HttpFake):
    """One GitHub."""

    def __init__(self, world: World) -> None:
        super().__init__(_ROUTES, FAULTS)
        self._world = world
        self.token = f"demo{secrets.token_hex(18)}"
        self.phalanx = Phalanx(world)
        self.noted_in(world.deeds, "github", self.phalanx.stand)
        self._root = ""
        self._limited_until = 0.0

    async def start(self) -> Section:
        """Open the port; the section ``github``. Empty for a site that has none."""
        self._root = await self.listen()
        if not (self._world.site.document.get("systems") or {}).get("github"):
            return {}
        return {"systems": {"github": {"api": self._root, "token": self.token}}}

    # -- before any answer --------------------------------------------------------------------------------------

    def switched(self, fault: str) -> None:
        """Let a fault that was switched reach what stands already."""
        values = self.faults[fault]
        if fault == "head-moves" and values is not None:
            for pull in self.phalanx.pulls.values():
                if pull.merged is None:
                    self.phalanx.moved(pull)
        elif fault == "limited":
            self._limited_until = time.time() + float(values["seconds"]) if values is not None else 0.0
        elif fault in {"more-changes", "stale-tag", "stale-nublado"}:
            for pull in self.phalanx.pulls.values():
                self._burden(pull)

    async def failing(self, kind: str) -> web.StreamResponse | None:
        """The answer of a fault that is on, or None."""
        failed = await super().failing(kind)
        if failed is not None:
            return failed
        if self.faults["failing"] is not None:
            return web.Response(status=502, text="<html>Unicorn!</html>", content_type="text/html")
        if self.faults["unauthorized"] is not None:
            return _error(401, "Bad credentials")
        if self.faults["sso"] is not None:
            words = "Resource protected by organization SAML enforcement. You must grant your token access."
            there = "required; url=https://github.com/orgs/lsst-sqre/sso?authorization_request=secret"
            return _error(403, words, {"X-GitHub-SSO": there})
        if time.time() < self._limited_until:
            words = "API rate limit exceeded for user ID 1."
            return _error(403, words, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{self._limited_until:.0f}"})
        secondary = self.faults["secondary"]
        if secondary is not None:
            words = "You have exceeded a secondary rate limit."
            return _error(429, words, {"retry-after": f"{float(secondary['seconds']):.0f}"})
        if self.faults["forbidden"] is not None and kind in {"open_pull", "merge", "graphql"}:
            return _error(403, "Resource not accessible by personal access token")
        return None

    async def about(self, kind: str, request: web.Request) -> str | None:
        """What is to be opened, merged or reverted."""
        asked = (await request.read()).decode(errors="replace") if request.method != "GET" else ""
        changes = kind in {"open_pull", "merge"} or (kind == "graphql" and "mutation" in asked)
        return f"{request.path} {asked}" if changes else None

    async def answer(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """The answer of a route, with the headers of every one; 304 where nothing has changed since."""
        given = request.headers.get("Authorization", "").partition(" ")[2]
        if not secrets.compare_digest(given.encode(), self.token.encode()):
            return _error(401, "Bad credentials")
        if self.faults["missing"] is not None and request.path.startswith("/repos/"):
            return _error(404, "Not Found")
        if request.headers.get("X-GitHub-Api-Version") not in {None, "2022-11-28"}:
            return _error(400, "The version is not supported.")
        self.phalanx.catch_up()
        response = await super().answer(request, handler)
        if isinstance(response, web.Response) and request.method == "GET" and response.status == 200:
            body = response.body if isinstance(response.body, bytes) else b""
            etag = f'W/"{hashlib.sha256(body).hexdigest()}"'
            if request.headers.get("If-None-Match") == etag:
                response = web.Response(status=304)
            response.headers["ETag"] = etag
        reset = f"{time.time() + 3600:.0f}"
        response.headers.update({"x-ratelimit-limit": str(_LIMIT), "x-ratelimit-reset": reset})
        response.headers.setdefault("x-ratelimit-remaining", str(max(1, _LIMIT - self.asked.total())))
        response.headers["x-oauth-scopes"] = "gist, read:org, repo"
        return response

    # -- reading ------------------------------------------------------------------------------------------------

    async def on_user(self, _: web.Request) -> web.Response:
        """Who asks."""
        return _json(shapes.public_user(self._root, LEAD))

    async def on_repository(self, request: web.Request) -> web.Response:
        """A repository."""
        name = _name(request)
        if name != self.phalanx.name and name not in self.phalanx.others:
            return _error(404, "Not Found")
        return _json(shapes.repository(self._root, name, push=True))

    async def on_branch(self, request: web.Request) -> web.Response:
        """A branch: in every repository the same commit is on it."""
        name, ref = _name(request), request.match_info["ref"]
        lacking = self.faults["no-branch"]
        lacks = lacking is not None and fnmatchcase(name, str(lacking["repository"]))
        sha = "" if lacks else self.phalanx.commit_of(ref)
        if not sha or (name != self.phalanx.name and name not in self.phalanx.others):
            return _error(404, "Branch not found")
        return _json(shapes.branch(self._root, name, ref, sha, self._world.now))

    async def on_pulls(self, request: web.Request) -> web.Response:
        """The pull requests of a branch."""
        owner, _, ref = request.query.get("head", "").partition(":")
        known = set(self.phalanx.pulls)
        pull = self.phalanx.pull_of(ref, opened=self.faults["unopened"] is None)
        if pull is None or owner != self.phalanx.name.partition("/")[0]:
            return _json([])
        if pull.number not in known:
            self._burden(pull)
        open_only = request.query.get("state", "open") == "open" and pull.merged is not None
        return _json([] if open_only else [simple(self._root, self.phalanx.name, pull, asks=not self._approved(pull))])

    async def on_pull(self, request: web.Request) -> web.Response:
        """A pull request."""
        pull = self._pull(request)
        if pull is None:
            return _error(404, "Not Found")
        mergeable, state = self._standing(pull)
        pull.looked = pull.sha
        return _json(full(self._root, self.phalanx.name, pull, mergeable, state, asks=not self._approved(pull)))

    async def on_reviews(self, request: web.Request) -> web.Response:
        """What was said of a pull request."""
        pull = self._pull(request)
        if pull is None:
            return _error(404, "Not Found")
        said = [(sha, "DISMISSED") for sha in pull.dismissed]
        said += [(pull.approved, "APPROVED")] if self._approved(pull) else []
        at = self._root, self.phalanx.name, pull.number
        return _json([shapes.review(*at, OWNER, state, sha, pull.pushed) for sha, state in said])

    async def on_check_runs(self, request: web.Request) -> web.Response:
        """The checks of a commit."""
        sha = request.match_info["sha"]
        pull = next((pull for pull in self.phalanx.pulls.values() if pull.sha == sha), None)
        if pull is None:
            return _json({"total_count": 0, "check_runs": []})
        at = self._root, self.phalanx.name, sha
        runs = [shapes.check_run(*at, check, self._conclusion(pull, check), pull.pushed) for check in CHECKS]
        return _json({"total_count": len(runs), "check_runs": runs})

    async def on_status(self, request: web.Request) -> web.Response:
        """The older kind of checks: there are none, which GitHub calls pending."""
        sha, name = request.match_info["sha"], self.phalanx.name
        at = f"{self._root}/repos/{name}/commits/{sha}"
        told = {"state": "pending", "statuses": [], "sha": sha, "total_count": 0, "commit_url": at, "url": at}
        return _json({**told, "repository": shapes.repository(self._root, name, push=True)})

    async def on_rules(self, _: web.Request) -> web.Response:
        """What main asks of a merge."""
        source = {"ruleset_source_type": "Repository", "ruleset_source": self.phalanx.name, "ruleset_id": 1}
        reviews = {
            "required_approving_review_count": 0,
            "dismiss_stale_reviews_on_push": True,
            "require_code_owner_review": True,
            "require_last_push_approval": False,
            "required_review_thread_resolution": False,
            "allowed_merge_methods": ["merge"],
        }
        checks = {
            "required_status_checks": [{"context": name} for name in REQUIRED],
            "strict_required_status_checks_policy": False,
        }
        found: list[dict[str, Any]] = [
            {"type": "pull_request", "parameters": reviews, **source},
            {"type": "required_status_checks", "parameters": checks, **source},
        ]
        if self.faults["queue"] is not None:
            found.append({"type": "merge_queue", "parameters": dict(_QUEUE), **source})
        return _json(found)

    async def on_compare(self, request: web.Request) -> web.Response:
        """What a commit changes since it left main."""
        base, _, ref = request.match_info["span"].partition("...")
        sha, name = self.phalanx.commit_of(ref), self.phalanx.name
        if base != MAIN or not sha:
            return _error(404, "Not Found")
        left = self.phalanx.left.get(sha, sha)
        before, after = self.phalanx.files(left), self.phalanx.files(sha)
        at = f"{self._root}/repos/{name}/compare/{base}...{ref}"
        files = [shapes.changed(path, before, after, at) for path in sorted({*before, *after})]
        files = [each for each in files if each["status"] != "unchanged"]
        commits = [shapes.commit(self._root, name, sha, self._world.now, "The next cycle", [left])]
        start = shapes.commit(self._root, name, left, self._world.now, "main")
        told = dict.fromkeys(("url", "html_url", "permalink_url", "diff_url", "patch_url"), at)
        counts = {"ahead_by": 1, "behind_by": 0, "total_commits": 1, "status": "ahead"}
        commit = {"base_commit": start, "merge_base_commit": start, "commits": commits, "files": files}
        return _json({**told, **counts, **commit})

    async def on_contents(self, request: web.Request) -> web.Response:
        """A file."""
        path, ref = request.match_info["path"], request.query.get("ref", MAIN)
        sha = self.phalanx.commit_of(ref)
        text = self.phalanx.files(sha).get(path) if sha else None
        if text is None:
            return _error(404, "Not Found" if sha else f"No commit found for the ref {ref}")
        return _json(shapes.content(self._root, self.phalanx.name, path, ref, text))

    # -- changing -----------------------------------------------------------------------------------------------

    async def on_open_pull(self, request: web.Request) -> web.Response:
        """Open a pull request."""
        told = await request.json()
        ref, title = str(told.get("head", "")), str(told.get("title", ""))
        owner = self.phalanx.name.partition("/")[0]
        if self.faults["invalid"] is not None:
            return _invalid(f"No commits between main and {ref}")
        if not self.phalanx.commit_of(ref) or not title:
            return _invalid("", field="head", code="invalid")
        there = self.phalanx.pull_of(ref, opened=False)
        if there is not None and there.merged is None:
            return _invalid(f"A pull request already exists for {owner}:{ref}.")
        pull = self.phalanx.open(ref, title, LEAD, str(told.get("body") or ""))
        self._burden(pull)
        return _json(full(self._root, self.phalanx.name, pull, None, "unknown", asks=True), 201)

    async def on_merge(self, request: web.Request) -> web.Response:
        """Merge a pull request, if its head is the commit that is named."""
        pull, told = self._pull(request), await request.json()
        if pull is None:
            return _error(404, "Not Found")
        if self.faults["moves-at-merge"] is not None and pull.merged is None:
            self.phalanx.moved(pull)
            self.faults.switch_off("moves-at-merge")
        if told.get("sha") != pull.sha:
            return _error(409, "Head branch was modified. Review and try the merge again.")
        if why := self._refuses(pull, str(told.get("merge_method", "merge"))):
            return _error(405, why)
        sha = self.phalanx.merge(pull, LEAD)
        silent = self.faults["silent-merge"]
        if silent is not None:
            await asyncio.sleep(float(silent["seconds"]))
        return _json({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})

    async def on_graphql(self, request: web.Request) -> web.Response:
        """What REST lacks: the merge queue, and reverting."""
        told = await request.json()
        query, given = str(told.get("query", "")), dict(told.get("variables") or {})
        if "mergeQueueEntry" in query and query.lstrip().startswith("query"):
            pull = self.phalanx.pulls.get(int(given.get("number", 0)))
            entry = {"state": "AWAITING_CHECKS", "position": 1} if pull is not None and pull.queued else None
            return _json({"data": {"repository": {"pullRequest": {"mergeQueueEntry": entry}}}})
        pull = next((each for each in self.phalanx.pulls.values() if f"PR_{each.number}" == given.get("pull")), None)
        if pull is None:
            return _graphql_error(
                "NOT_FOUND", f"Could not resolve to a node with the global id of '{given.get('pull')}'"
            )
        if "enqueuePullRequest" in query:
            return self._enqueue(pull, str(given.get("sha", "")))
        if "revertPullRequest" in query:
            if pull.merged is None:
                return _graphql_error("UNPROCESSABLE", "Pull request is not merged")
            made = self.phalanx.revert(pull, str(given.get("title", "")), str(given.get("body", "")))
            page = f"https://github.com/{self.phalanx.name}/pull/{made.number}"
            return _json({"data": {"revertPullRequest": {"revertPullRequest": {"number": made.number, "url": page}}}})
        return _graphql_error("undefinedField", "Field doesn't exist on type 'Mutation'")

    def _enqueue(self, pull: Pull, sha: str) -> web.Response:
        queue = self.faults["queue"]
        if queue is None:
            return _graphql_error("UNPROCESSABLE", "Merge queue is not enabled for this branch")
        if sha != pull.sha:
            return _graphql_error("UNPROCESSABLE", "Head oid does not match the expected head oid")
        pull.queued = True
        self._world.at(
            self._world.now + float(queue["seconds"]), lambda _: self.phalanx.merge(pull, "github-merge-queue")
        )
        entry = {"state": "QUEUED", "position": 1}
        return _json({"data": {"enqueuePullRequest": {"mergeQueueEntry": entry}}})

    # -- how a pull request stands ------------------------------------------------------------------------------

    def _pull(self, request: web.Request) -> Pull | None:
        return (
            self.phalanx.pulls.get(int(request.match_info["number"])) if _name(request) == self.phalanx.name else None
        )

    def _approved(self, pull: Pull) -> bool:
        return pull.approved == pull.sha and self.faults["unapproved"] is None

    def _conclusion(self, pull: Pull, check: str) -> str | None:
        red = self.faults["red-check"]
        if red is not None and check == red["check"]:
            return "failure"
        return None if self.faults["checks-run"] is not None or not self.phalanx.checks_ended(pull) else "success"

    def _standing(self, pull: Pull) -> tuple[bool | None, str]:
        if pull.merged is not None:
            return None, "unknown"
        if self.faults["computing"] is not None or pull.looked != pull.sha:
            return None, "unknown"
        if self.faults["conflict"] is not None:
            return False, "dirty"
        required = [self._conclusion(pull, check) for check in REQUIRED]
        if not self._approved(pull) or any(each != "success" for each in required):
            return True, "blocked"
        good = all(self._conclusion(pull, check) == "success" for check in CHECKS)
        return True, "clean" if good else "unstable"

    def _refuses(self, pull: Pull, method: str) -> str:
        if pull.merged is not None or self.faults["conflict"] is not None:
            return "Pull Request is not mergeable"
        if method != "merge":
            return f"{method.capitalize()} merges are not allowed on this repository."
        if self.faults["queue"] is not None:
            return "Changes must be made through the merge queue"
        for check in REQUIRED:
            if (found := self._conclusion(pull, check)) != "success":
                return f'Required status check "{check}" is {"failing" if found else "expected"}.'
        return "" if self._approved(pull) else "Waiting on code owner review from lsst-sqre/codeowners-observatory."

    def _burden(self, pull: Pull) -> None:
        """Let the branch of a pull request be as the faults want it, which are there from its beginning."""
        if pull.merged is not None or pull.head.startswith("revert-"):
            return
        tree = self.phalanx.trees[pull.sha]
        before = self.phalanx.trees[self.phalanx.left[pull.sha]]
        changes: dict[str, Any] = {}
        if self.faults["stale-tag"] is not None:
            changes["tag"] = before.tag
        if self.faults["stale-nublado"] is not None:
            changes["nublado"] = before.tag
        more = self.faults["more-changes"]
        if more is not None:
            changes["added"], changes["removed"] = _jobs(more["adds"]), _jobs(more["removes"])
            changes["run_args"] = tuple((each, str(more["argument"])) for each in _jobs(more["argues"]))
        if any(getattr(tree, name) != value for name, value in changes.items()):
            approved = pull.approved == pull.sha
            pull.sha = self.phalanx.change(pull.head, **changes)
            pull.approved = pull.sha if approved else pull.approved


def _jobs(told: object) -> frozenset[tuple[str, str]]:
    found = (each.partition("/") for each in str(told).split(",") if each)
    return frozenset((namespace.strip(), job.strip()) for namespace, _, job in found)


def _name(request: web.Request) -> str:
    return f"{request.match_info['owner']}/{request.match_info['name']}"


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, content_type="application/json", charset="utf-8")


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    response = _json(body, status)
    response.headers.update(headers or {})
    return response


def _invalid(message: str, *, field: str = "", code: str = "custom") -> web.Response:
    row = {"resource": "PullRequest", "code": code, **({"message": message} if message else {"field": field})}
    body = {"message": "Validation Failed", "errors": [row], "documentation_url": "https://docs.github.com/rest"}
    return _json({**body, "status": "422"}, 422)


def _graphql_error(kind: str, message: str) -> web.Response:
    return _json({"data": None, "errors": [{"type": kind, "message": message}]})


KIND = Kind("github", FAULTS, kinds(_ROUTES), GitHub)
