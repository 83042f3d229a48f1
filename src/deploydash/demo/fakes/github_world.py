"""What stands in the demo observatory's GitHub: the commits of Phalanx, and pull requests with checks and reviews.

Whatever branch is asked for that is called like a ticket carries the next cycle, for nobody here knows how the lead
will call theirs. What is merged is what Argo CD deploys from then on (`World.merge`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from deploydash.demo.fakes.argocd_git import FIRST_SHA
from deploydash.demo.fakes.cluster_site import BEFORE, REGISTRY, planned
from deploydash.demo.fakes.github_shapes import sha_of
from deploydash.demo.world import World

MAIN = "main"
OWNER = "codeowner"
AUTHOR = "release-engineer"
LEAD = "deployment-lead"
TEAM = "codeowners-observatory"
_TICKET = re.compile(r"(tickets/)?[A-Z][A-Z0-9]*-[0-9]+")
_DAYS_S = 3 * 86_400.0
CHECKS_S = 60.0
"""So many world seconds the checks of a push take."""
APPROVED_S = 40.0
"""So many world seconds after a push its owner approves it."""
_FIRST_NUMBER = 6384
_THEIRS = "tickets/OSW-1000"


@dataclass(frozen=True, slots=True)
class Tree:
    """What a commit of Phalanx says of this site: the cycle, and how its Jobs differ from those of the site file."""

    tag: str
    nublado: str
    added: frozenset[tuple[str, str]] = frozenset()
    removed: frozenset[tuple[str, str]] = frozenset()
    run_args: tuple[tuple[tuple[str, str], str], ...] = ()


@dataclass
class Pull:
    """A pull request. Times are UTC unix seconds; ``approved``: of which commit, empty where it is not."""

    number: int
    head: str
    title: str
    author: str
    sha: str
    opened: float
    pushed: float
    body: str = ""
    approved: str = ""
    dismissed: list[str] = field(default_factory=list)
    merged: float | None = None
    merged_by: str = ""
    merge_commit: str = ""
    queued: bool = False
    looked: str = ""
    """The commit of which somebody has asked already whether it can be merged: the first to ask is told null."""


class Phalanx:
    """The repository that the site deploys from."""

    def __init__(self, world: World) -> None:
        section: dict[str, Any] = (world.site.document.get("systems") or {}).get("github") or {}
        phalanx: dict[str, Any] = section.get("phalanx") or {}
        self.name = str(phalanx.get("repository", "lsst-sqre/phalanx"))
        self.others = [str(each) for each in section.get("configuration", ())]
        self.environment = str(phalanx.get("environment", "demo"))
        self.trees = {FIRST_SHA: Tree(BEFORE, BEFORE)}
        self.heads = {MAIN: FIRST_SHA}
        self.pulls: dict[int, Pull] = {}
        self.left: dict[str, str] = {}
        """By commit of a branch, where it left main."""
        self._world = world
        self._pushes = 0

    def stand(self) -> dict[str, object]:
        """What main is at, and each pull request with the commit by which it was merged."""
        return {
            "main": self.heads[MAIN],
            "merged": {str(pull.number): pull.merge_commit for pull in self.pulls.values()},
        }

    # -- branches and commits -----------------------------------------------------------------------------------

    def commit_of(self, ref: str) -> str:
        """The commit of a branch or a commit; empty where there is none."""
        if ref in self.trees:
            return ref
        if ref not in self.heads and _TICKET.fullmatch(ref):
            tag = f"c{int(self.trees[self.heads[MAIN]].tag[1:]) + 1:04}"
            self.push(ref, Tree(tag, tag))
        return self.heads.get(ref, "")

    def push(self, ref: str, tree: Tree) -> str:
        """Put a commit on a branch; the commit."""
        self._pushes += 1
        sha = sha_of(ref, self._pushes, tree)
        self.left[sha] = self.left.get(self.heads.get(ref, ""), self.heads[MAIN])
        self.trees[sha] = tree
        self.heads[ref] = sha
        return sha

    def change(self, ref: str, **changes: Any) -> str:
        """Push something onto a branch that changes these fields of its tree."""
        return self.push(ref, replace(self.trees[self.commit_of(ref)], **changes))

    def catch_up(self) -> None:
        """See what others merged, in the time line of a scenario: the open pull request of that cycle, or one more."""
        tag = self._world.merged
        if not tag or self.trees[self.heads[MAIN]].tag == tag:
            return
        found = [one for one in self.pulls.values() if one.merged is None and self.trees[one.sha].tag == tag]
        if not found:
            self.push(_THEIRS, Tree(tag, tag))
            found = [self.open(_THEIRS, f"[{_THEIRS}] {self.environment}: {tag}", AUTHOR)]
        self.merge(found[-1], AUTHOR)

    # -- pull requests ------------------------------------------------------------------------------------------

    def pull_of(self, ref: str, *, opened: bool) -> Pull | None:
        """The newest pull request of a branch; ``opened``: somebody had opened one for whatever branch there is."""
        found = [pull for pull in self.pulls.values() if pull.head == ref]
        if found or not opened or not _TICKET.fullmatch(ref):
            return found[-1] if found else None
        sha = self.commit_of(ref)
        made = self.open(ref, f"[{ref}] {self.environment}: {self.trees[sha].tag}", AUTHOR)
        made.opened = made.pushed = self._world.now - _DAYS_S
        made.approved = sha
        return made

    def open(self, ref: str, title: str, author: str, body: str = "") -> Pull:
        """Open a pull request into main; its owner approves it later."""
        number = _FIRST_NUMBER + len(self.pulls)
        now = self._world.now
        self.pulls[number] = made = Pull(number, ref, title, author, self.commit_of(ref), now, now, body)
        self._approves(made)
        return made

    def moved(self, pull: Pull) -> None:
        """Let somebody push onto an open pull request: that dismisses its approval."""
        pull.sha = self.change(pull.head)
        pull.pushed = self._world.now
        if pull.approved:
            pull.dismissed.append(pull.approved)
            pull.approved = ""
        self._approves(pull)

    def merge(self, pull: Pull, by: str) -> str:
        """Merge a pull request: from now on main is as it is, and Argo CD deploys that; the commit."""
        tree = self.trees[pull.sha]
        sha = sha_of("merge", pull.number, pull.sha)
        self.trees[sha] = tree
        self.heads[MAIN] = sha
        pull.merged, pull.merged_by, pull.merge_commit, pull.queued = self._world.now, by, sha, False
        self._world.merge(tree.tag, sha, added=tree.added, removed=tree.removed)
        return sha

    def revert(self, pull: Pull, title: str, body: str) -> Pull:
        """Open the pull request that takes a merged one back."""
        before = self.trees[self.left[pull.sha]]
        ref = f"revert-{pull.number}-{pull.head}"
        self.push(ref, before)
        return self.open(ref, title, LEAD, body)

    def checks_ended(self, pull: Pull) -> bool:
        """Whether the checks of its newest commit have ended."""
        return self._world.now >= pull.pushed + CHECKS_S / self._world.pace

    def _approves(self, pull: Pull) -> None:
        sha = pull.sha

        def approve(_: float) -> None:
            if pull.sha == sha and pull.merged is None:
                pull.approved = sha

        self._world.at(self._world.now + APPROVED_S / self._world.pace, approve)

    # -- files --------------------------------------------------------------------------------------------------

    def files(self, sha: str) -> dict[str, str]:
        """The files of this environment at a commit, by path."""
        tree = self.trees[sha]
        found = dict(self._applications(tree))
        head = f"environments/values-{self.environment}.yaml"
        found[head] = f'name: "{self.environment}"\ncontrolSystem:\n  imageTag: "{tree.tag}"\n'
        number = int(tree.nublado[1:])
        images = f'      cycle: {number}\n      recommendedTag: "recommended_{tree.nublado}"\n'
        nublado = f"applications/nublado/values-{self.environment}.yaml"
        found[nublado] = f"controller:\n  config:\n    images:\n{images}"
        return found

    def _applications(self, tree: Tree) -> Iterator[tuple[str, str]]:
        plans = planned(self._world)
        jobs = {*plans, *tree.added} - tree.removed
        args = dict(tree.run_args)
        for space in sorted({namespace for namespace, _ in jobs}):
            chart = f"apiVersion: v2\nname: {space}\nversion: 1.0.0\ndependencies:\n"
            values = ""
            for at in sorted(job for job in jobs if job[0] == space):
                plan = plans.get(at)
                csc = plan.csc if plan is not None else None
                index = "" if csc is None or csc.index is None else str(csc.index)
                image = f"{REGISTRY}/{plan.kind if plan is not None else at[1]}"
                chart += f"  - name: csc\n    alias: {at[1]}\n    version: 1.0.0\n"
                values += f"{at[1]}:\n  image:\n    repository: {image}\n    pullPolicy: Always\n"
                values += f'  env:\n    RUN_ARG: "{args.get(at, index)}"\n'
            yield f"applications/{space}/Chart.yaml", chart
            yield f"applications/{space}/values-{self.environment}.yaml", values
