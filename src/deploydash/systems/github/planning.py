"""What would be done on GitHub now, read for a card, approved as JSON, and read once more at firing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.words import counted
from deploydash.errors import FeedError
from deploydash.systems.github.changes import cycle_tag, nublado_disagrees
from deploydash.systems.github.objects import PullRequest
from deploydash.systems.github.reading import Reader
from deploydash.systems.github.standing import Standing, in_the_way
from deploydash.systems.github.steps import (
    BRANCH,
    FIND,
    MERGE,
    NUBLADO,
    GithubSpec,
    merge_line,
    open_line,
    queue_line,
    read_spec,
    revert_line,
)


@dataclass(frozen=True, slots=True)
class Approved:
    """What was approved: the pull request and its head, and how it is merged; number 0 where it is to be opened."""

    number: int
    sha: str
    method: str = ""

    def json(self) -> str:
        """Return it as it stands in the journal."""
        return json.dumps({"number": self.number, "sha": self.sha, "method": self.method})

    @classmethod
    def read(cls, told: str) -> Approved | None:
        """Return what stands in the journal; None where nothing was approved."""
        if not told:
            return None
        found = json.loads(told)
        return cls(found["number"], found["sha"], found["method"])


class Planner:
    """Reads what items would do."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def describe(self, items: Sequence[Item]) -> Plan:
        """Return what these items would do.

        Raises:
            UserError: there is no login.
        """
        read_utc = self._clock.utc()
        login = await self._reader.client.login()
        plans = [await self._item(item) for item in items]
        blocked = sum(plan.blocked for plan in plans)
        sentence = f"{counted(len(items), 'item')} on GitHub with the token of {login.source}"
        return Plan(f"{sentence}{f', {blocked} blocked' if blocked else ''}", tuple(plans), read_utc)

    async def _item(self, item: Item) -> ItemPlan:
        spec = read_spec(item.spec)
        if waits := _unknown(spec):
            return ItemPlan(item.id, (), waits, blocked=True)
        plans = {FIND: self._find, BRANCH: self._branch, NUBLADO: self._nublado, MERGE: self._merge}
        try:
            return await plans.get(spec.do, self._revert)(item.id, spec)
        except FeedError as error:
            return ItemPlan(item.id, (), str(error), blocked=True)

    async def _find(self, at: ItemId, spec: GithubSpec) -> ItemPlan:
        pull = await self._reader.find(spec.repository, spec.branch)
        if pull is None:
            sha = await self._reader.branch(spec.repository, spec.branch)
            if not sha:
                return ItemPlan(at, (), f"{spec.repository} has no branch {spec.branch}: push it", blocked=True)
            changed = await self._reader.changes(spec.repository, sha, spec.only)
            lines = (open_line(spec, self._reader.base), *changed.lines)
            return ItemPlan(at, lines, f"there is none yet; {changed.words()}", approved=Approved(0, sha).json())
        standing = await self._reader.standing(spec.repository, pull.number)
        changed = await self._reader.changes(spec.repository, standing.pull.sha, spec.only)
        hindrances = in_the_way(standing.hindrances(self._reader.base))
        words = (standing.words(), hindrances, await self.tag_differs(spec, standing.pull), changed.words())
        approved = Approved(pull.number, standing.pull.sha).json()
        return ItemPlan(at, changed.lines, "; ".join(filter(None, words)), approved=approved)

    async def tag_differs(self, spec: GithubSpec, pull: PullRequest) -> str:
        """Return how the cycle's tag on the branch differs from that of the run; empty where it does not."""
        path = self._reader.files.cycle
        found = cycle_tag(await self._reader.file(spec.repository, path, pull.sha))
        return "" if found == spec.tag else f"its imageTag is {found or 'missing'}, the run is for {spec.tag}"

    async def _branch(self, at: ItemId, spec: GithubSpec) -> ItemPlan:
        sha = await self._reader.branch(spec.repository, spec.branch)
        there = f"is at {sha[:8]}" if sha else f"{spec.repository} has no branch {spec.branch}: push it, then retry"
        return ItemPlan(at, (), there)

    async def _nublado(self, at: ItemId, spec: GithubSpec) -> ItemPlan:
        return ItemPlan(at, (), (await self.nublado(spec))[1])

    async def nublado(self, spec: GithubSpec) -> tuple[bool, str]:
        """Return whether Nublado on the branch offers the image of the cycle, and how that stands."""
        sha = await self._reader.branch(spec.repository, spec.branch)
        if not sha:
            return False, f"{spec.repository} has no branch {spec.branch}"
        path = self._reader.files.nublado
        why = nublado_disagrees(await self._reader.file(spec.repository, path, sha), spec.tag)
        at = f"{path} at {sha[:8]}"
        return not why, f"{at}: {why or f'images.cycle and recommendedTag agree with {spec.tag}'}"

    async def _merge(self, at: ItemId, spec: GithubSpec) -> ItemPlan:
        standing = await self._reader.standing(spec.repository, number_of(spec))
        pull = standing.pull
        if pull.merged:
            return ItemPlan(at, (), f"{standing.words()}: nothing is sent")
        changed = await self._reader.changes(spec.repository, pull.sha, spec.only)
        found = standing.hindrances(self._reader.base)
        if why := in_the_way([one for one in found if one.closes]):
            return ItemPlan(at, changed.lines, f"{why}; {standing.words()}", blocked=True)
        words = (standing.words(), in_the_way(found), changed.words())
        line = request_line(spec, standing)
        approved = Approved(pull.number, pull.sha, standing.method).json()
        return ItemPlan(at, (line, *changed.lines), "; ".join(filter(None, words)), approved=approved)

    async def _revert(self, at: ItemId, spec: GithubSpec) -> ItemPlan:
        pull = await self._reader.pull(spec.repository, number_of(spec))
        if not pull.merged:
            why = f"#{pull.number} is not merged, so there is nothing to take back"
            return ItemPlan(at, (), why, blocked=True)
        rules = await self._reader.rules(spec.repository, self._reader.base)
        owner = "; it needs a code owner's approval before it can be merged, by night too: ask for it now"
        words = f"#{pull.number} {pull.title!r} was merged as {pull.merge_commit[:8]}"
        there = await self.revert_of(spec, pull)
        needs = owner if rules.owners else ""
        if there is not None:
            return ItemPlan(at, (), f"{words}; #{there.number} takes it back and is {there.state} already{needs}")
        line = revert_line(spec, pull.number)
        return ItemPlan(at, (line,), f"{words}{needs}", approved=Approved(pull.number, pull.merge_commit).json())

    async def revert_of(self, spec: GithubSpec, pull: PullRequest) -> PullRequest | None:
        """Return the pull request that takes another back, by the branch that GitHub makes for it."""
        return await self._reader.find(spec.repository, f"revert-{pull.number}-{pull.head}")


def request_line(spec: GithubSpec, standing: Standing) -> str:
    """Return how a pull request is merged: put into the queue where there is one."""
    pull = standing.pull
    if standing.rules.queue:
        return queue_line(pull.number, pull.sha)
    return merge_line(spec, pull.number, pull.sha, standing.method)


def number_of(spec: GithubSpec) -> int:
    """Return the number of a pull request, however it was written down: ``6384``, ``#6384`` or its address."""
    found = re.search(r"(\d+)$", spec.pull.rstrip("/"))
    return int(found[1]) if found else 0


def _unknown(spec: GithubSpec) -> str:
    """Return which word an item waits for; empty where all are known."""
    for text, what in ((spec.branch, "the ticket's key"), (spec.pull, "the number of the pull request")):
        if text.startswith("<"):
            return f"it waits for {text}, {what}: set it, or sign off the step that records it"
    if spec.pull and not number_of(spec):
        return f"{spec.pull!r} is no number of a pull request: set it anew"
    return ""
