"""What is read of GitHub for the steps of a run: pull requests, how they stand, what they change. Read only.

A pull request is read anew each time, the rest at most every few seconds while its head is the same: a card is drawn
more often than anything there changes. What a commit holds never changes, and is read once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote

from deploydash.core.ports import Clock
from deploydash.errors import FeedError
from deploydash.systems.github.changes import Changes, Wanted, changes, named_files
from deploydash.systems.github.client import GithubClient
from deploydash.systems.github.errors import GithubError
from deploydash.systems.github.login import GITHUB
from deploydash.systems.github.objects import (
    PullRequest,
    Rules,
    check_runs,
    compared,
    content,
    pull_request,
    reviews,
    rules,
    statuses,
    text,
)
from deploydash.systems.github.settings import GithubSettings
from deploydash.systems.github.standing import Standing

FRESH_S = 5.0
"""So old checks and reviews may be that a card shows."""

RULES_S = 300.0
WAIT_S = 6.0
"""So long a card waits for the differences to be read; it is drawn again every few seconds."""

MOST_FILES = 300
"""So many files GitHub names at most in a comparison."""

_MISSING = 404


class Reader:
    """Reads for one run. ``cscs``: which CSC each Job runs, by namespace and Job, as the site file has it.

    ``heard`` is called with each standing that was read, if somebody wants to know.
    """

    def __init__(
        self, client: GithubClient, settings: GithubSettings, cscs: Mapping[tuple[str, str], str], clock: Clock
    ) -> None:
        self.client = client
        self.settings = settings
        self.base = settings.phalanx.branch
        self.heard: Callable[[Standing], None] | None = None
        self._cscs = cscs
        self._clock = clock
        self._standings: dict[int, tuple[float, Standing]] = {}
        self._rules: dict[str, tuple[float, Rules]] = {}
        self._files: dict[tuple[str, str], str] = {}
        self._changes: dict[tuple[str, tuple[str, ...]], asyncio.Task[Changes]] = {}

    async def aclose(self) -> None:
        """Give up reading."""
        for task in self._changes.values():
            task.cancel()
        await asyncio.gather(*self._changes.values(), return_exceptions=True)

    async def find(self, repository: str, branch: str) -> PullRequest | None:
        """Return the pull request of a branch of the repository itself: the open one, else the newest that is merged.

        One that was closed without being merged is none: another one can be opened.
        """
        owner = repository.partition("/")[0]
        query = f"state=all&head={quote(f'{owner}:{branch}', safe='')}&base={quote(self.base, safe='')}&per_page=100"
        found = [pull_request(row) for row in await self.client.pages(f"/repos/{repository}/pulls?{query}")]
        ours = [one for one in found if one.head == branch and one.head_repository == repository]
        ours = [one for one in ours if one.base == self.base and (one.state == "open" or one.merged)]
        ours.sort(key=lambda one: (one.state == "open", one.number), reverse=True)
        return ours[0] if ours else None

    async def branch(self, repository: str, name: str) -> str:
        """Return the commit of a branch; empty where there is none.

        Raises:
            GithubError: the repository itself is not there for this token.
        """
        try:
            told = await self.client.get(f"/repos/{repository}/branches/{quote(name, safe='')}")
        except GithubError as error:
            if error.status != _MISSING:
                raise
            await self.client.get(f"/repos/{repository}")  # says so where that is missing
            return ""
        return text(told.get("commit") if isinstance(told, dict) else None, "sha")

    async def pull(self, repository: str, number: int) -> PullRequest:
        """Return a pull request as it stands now."""
        return pull_request(await self.client.get(f"/repos/{repository}/pulls/{number}"))

    async def standing(self, repository: str, number: int, *, fresh: bool = False) -> Standing:
        """Return how a pull request stands. ``fresh``: its checks and reviews are read anew, too."""
        found = await self._standing(repository, number, fresh=fresh)
        if self.heard is not None and repository == self.settings.phalanx.repository:
            self.heard(found)
        return found

    async def _standing(self, repository: str, number: int, *, fresh: bool) -> Standing:
        pull = await self.pull(repository, number)
        now = self._clock.monotonic()
        at, known = self._standings.get(number, (0.0, None))
        if known is not None and not fresh and known.pull.sha == pull.sha and now < at + FRESH_S:
            return Standing(pull, known.checks, known.reviews, known.rules)
        if pull.merged:
            return Standing(pull)
        runs = await self.client.pages(f"/repos/{repository}/commits/{pull.sha}/check-runs?per_page=100", "check_runs")
        older = await self.client.get(f"/repos/{repository}/commits/{pull.sha}/status?per_page=100")
        told = await self.client.pages(f"/repos/{repository}/pulls/{number}/reviews?per_page=100")
        checks = (*check_runs(runs), *statuses(older))
        found = Standing(pull, checks, reviews(told), await self.rules(repository, pull.base))
        self._standings[number] = now, found
        return found

    async def rules(self, repository: str, branch: str) -> Rules:
        """Return what a branch asks of a merge."""
        at, known = self._rules.get(branch, (0.0, None))
        if known is None or self._clock.monotonic() > at + RULES_S:
            path = f"/repos/{repository}/rules/branches/{quote(branch, safe='')}?per_page=100"
            known = rules(await self.client.pages(path))
            self._rules[branch] = self._clock.monotonic(), known
        return known

    async def changes(self, repository: str, sha: str, only: tuple[str, ...]) -> Changes:
        """Return what a commit changes of the site.

        Raises:
            FeedError: it is being read still, or cannot be.
        """
        key = sha, only
        if key not in self._changes:
            work = self._changed(repository, sha, only)
            self._changes[key] = asyncio.create_task(work, name=f"what {sha[:8]} changes")
        done, _ = await asyncio.wait({self._changes[key]}, timeout=WAIT_S)
        if not done:
            raise FeedError(GITHUB, f"what {sha[:8]} changes is being read", hint="wait a little")
        if self._changes[key].exception() is not None:
            return self._changes.pop(key).result()
        return self._changes[key].result()

    async def file(self, repository: str, path: str, ref: str) -> str:
        """Return the text of a file at a commit or branch; empty where there is none."""
        if (path, ref) in self._files:
            return self._files[path, ref]
        where = f"/repos/{repository}/contents/{quote(path)}?ref={quote(ref, safe='')}"
        try:
            found = content(await self.client.get(where))
        except GithubError as error:
            if error.status != _MISSING:
                raise
            found = ""
        if _is_commit(ref):
            self._files[path, ref] = found
        return found

    async def _changed(self, repository: str, sha: str, only: tuple[str, ...]) -> Changes:
        told = compared(await self.client.get(f"/repos/{repository}/compare/{quote(self.base, safe='')}...{sha}"))
        environment = self.settings.phalanx.environment
        paths = named_files(told.files, environment)
        before, after = [await self._texts(repository, paths, ref) for ref in (told.base, sha)]
        chosen = frozenset(only) if only else None
        found = await asyncio.to_thread(changes, told.files, before, after, environment, self._cscs, chosen)
        if len(told.files) >= MOST_FILES:
            note = f"it changes {MOST_FILES} files or more: what is shown may not be all"
            return Changes(found.lines, (*found.notes, note), found.files)
        return found

    async def _texts(self, repository: str, paths: Iterable[str], ref: str) -> dict[str, str]:
        return {path: await self.file(repository, path, ref) for path in paths}

    @property
    def files(self) -> Wanted:
        """The paths of the environment's files."""
        return Wanted(self.settings.phalanx.environment)


def queue_entry(told: object) -> str | None:
    """Return how an entry of the merge queue stands, in words; None where there is none."""
    for key in ("repository", "pullRequest", "mergeQueueEntry"):
        told = told.get(key) if isinstance(told, dict) else None
    if not isinstance(told, dict):
        return None
    return f"{text(told, 'state').lower().replace('_', ' ')}, position {told.get('position')}"


def _is_commit(ref: str) -> bool:
    return len(ref) == 40 and all(letter in "0123456789abcdef" for letter in ref)
