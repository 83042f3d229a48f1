"""Work on GitHub as approved (``core.run.ports.Action``).

Nothing is sent twice: after an answer that did not come it is asked whether it was done. What is put into a merge queue
is not merged before GitHub says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import Plan
from deploydash.core.run.ports import End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.systems.acting import HoldsNothing, NoControls
from deploydash.systems.github.merging import Merger
from deploydash.systems.github.objects import PullRequest
from deploydash.systems.github.planning import Approved, Planner, number_of
from deploydash.systems.github.reading import Reader
from deploydash.systems.github.sending import sent_once
from deploydash.systems.github.standing import in_the_way
from deploydash.systems.github.steps import BRANCH, FIND, MERGE, NUBLADO, REVERT, GithubSpec, open_line, read_spec
from deploydash.systems.github.steps import revert_line as revert_request
from deploydash.systems.github.writes import open_pull, revert_pull

POLL_S = 10.0


class GithubAction(HoldsNothing, NoControls):
    """Finds, opens, merges and reverts pull requests. ``what``: returns what is done, such as ``full cycle c0045``."""

    def __init__(self, reader: Reader, clock: Clock, what: Callable[[], str], poll_s: float = POLL_S) -> None:
        self._reader = reader
        self._planner = Planner(reader, clock)
        self._merger = Merger(reader, clock, poll_s)
        self._clock = clock
        self._what = what
        self._poll_s = poll_s

    async def aclose(self) -> None:
        """Give up what is being read, and close the connections."""
        await self._reader.aclose()
        await self._reader.client.aclose()

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:
        """Return what these items would do now."""
        del look
        return await self._planner.describe(items)

    async def probe(self, item: Item, history: ItemProgress, look: Look) -> Finding:
        """Look on GitHub what became of an item; what was done is followed, which tells its commit or number."""
        del look
        spec = read_spec(item.spec)
        found, sentence = await self._found(spec, history)
        return Finding(found, sentence, self._clock.utc())

    async def _found(self, spec: GithubSpec, history: ItemProgress) -> tuple[Found, str]:
        if spec.do == MERGE:
            return await self._merger.found(spec)
        if spec.do == FIND:
            pull = await self._reader.find(spec.repository, spec.branch)
            if pull is None:
                return Found.NOT_DONE, f"{spec.branch} has no pull request"
            return Found.UNDER_WAY, f"#{pull.number} is there"
        if spec.do == REVERT:
            there = await self._planner.revert_of(spec, await self._reader.pull(spec.repository, number_of(spec)))
            if there is None:
                return Found.NOT_DONE, f"nothing takes #{number_of(spec)} back"
            return Found.UNDER_WAY, f"#{there.number} takes it back"
        del history
        return Found.NOT_DONE, "it was only being read"

    async def run(self, item: Item, approved: str, context: ItemContext) -> End:
        """Carry out an item as it was approved."""
        spec, agreed = read_spec(item.spec), Approved.read(approved)
        async with context.slot():
            if spec.do == MERGE:
                return await self._merger.run(spec, agreed, context)
            if spec.do == REVERT:
                return await self._revert(spec, agreed, context)
            if spec.do == FIND:
                return await self._find(spec, agreed, context)
            return await self._looked_at(spec)

    async def follow(self, item: Item, history: ItemProgress, context: ItemContext) -> End:
        """Follow to its end what was done already, sending nothing that changes it."""
        del history
        spec = read_spec(item.spec)
        async with context.slot():
            if spec.do == MERGE:
                return await self._merger.follow(spec, context)
            if spec.do == REVERT:
                return _reverted(await self._planner.revert_of(spec, await self._merged(spec)))
            if spec.do == FIND:
                pull = await self._reader.find(spec.repository, spec.branch)
                return await self._judged(spec, pull, context)
            return await self._looked_at(spec)

    async def _looked_at(self, spec: GithubSpec) -> End:
        if spec.do == NUBLADO:
            good, why = await self._planner.nublado(spec)
            return End(Outcome.REACHED if good else Outcome.FAILED, why)
        assert spec.do == BRANCH  # noqa: S101 - every other kind was handled before
        sha = await self._reader.branch(spec.repository, spec.branch)
        if sha:
            return End(Outcome.REACHED, f"{spec.branch} is at {sha[:8]}")
        return End(Outcome.FAILED, f"{spec.repository} has no branch {spec.branch}: push it, then retry")

    async def _find(self, spec: GithubSpec, agreed: Approved | None, context: ItemContext) -> End:
        pull = await self._reader.find(spec.repository, spec.branch)
        if pull is None:
            if agreed is None or agreed.number:
                return End(Outcome.FAILED, "there is no pull request, and opening one was not approved: retry")
            end = await self._opened(spec, context)
            if end is not None:
                return end
            pull = await self._reader.find(spec.repository, spec.branch)
        return await self._judged(spec, pull, context)

    async def _opened(self, spec: GithubSpec, context: ItemContext) -> End | None:
        """Open a pull request once; return how that ended where there is none now."""
        base, what = self._reader.base, self._what()
        title = f"[{spec.branch}] {what}"
        body = f"{what}. Opened with deploydash; the approval of the code owners comes last, a later push dismisses it."

        async def send() -> str:
            made = await open_pull(self._reader.client, spec.repository, spec.branch, base, title, body)
            return f"#{made.number}"

        async def there() -> bool:
            return await self._reader.find(spec.repository, spec.branch) is not None

        return await self._sent(open_line(spec, base), spec.branch, send, there, context)

    async def _judged(self, spec: GithubSpec, pull: PullRequest | None, context: ItemContext) -> End:
        """Wait until GitHub knows whether a pull request can be merged and its checks have ended; say how it stands."""
        if pull is None:
            return End(Outcome.FAILED, f"{spec.branch} has no pull request")
        while True:
            standing = await self._reader.standing(spec.repository, pull.number, fresh=True)
            hindrances = standing.hindrances(self._reader.base)
            waiting = [one for one in hindrances if one.waits]
            final = [one for one in hindrances if not one.waits and not one.approval]
            if final or not waiting:
                break
            await context.progress("waiting", in_the_way(waiting), known_as=f"#{pull.number}")
            await asyncio.sleep(self._poll_s)
        values = (("pr", str(pull.number)),)
        wrong = [in_the_way(final), await self._planner.tag_differs(spec, standing.pull)]
        if standing.pull.merged:
            wrong = []
        changed = await self._reader.changes(spec.repository, standing.pull.sha, spec.only)
        if any(wrong):
            return End(Outcome.FAILED, "; ".join(filter(None, (*wrong, standing.words()))), values)
        missing = in_the_way([one for one in hindrances if one.approval])
        told = (standing.words(), missing, changed.words(), *changed.lines)
        return End(Outcome.REACHED, "; ".join(filter(None, told)), values)

    async def _merged(self, spec: GithubSpec) -> PullRequest:
        return await self._reader.pull(spec.repository, number_of(spec))

    async def _revert(self, spec: GithubSpec, agreed: Approved | None, context: ItemContext) -> End:
        pull = await self._merged(spec)
        there = await self._planner.revert_of(spec, pull)
        if there is None:
            if agreed is None:
                return End(Outcome.FAILED, f"not sent: taking #{pull.number} back was not approved; look and retry")
            if not pull.merged or agreed.sha != pull.merge_commit:
                return End(Outcome.FAILED, f"not sent: #{pull.number} is not what was approved; look and retry")
            end = await self._revert_sent(spec, pull, context)
            if end is not None:
                return end
            there = await self._planner.revert_of(spec, pull)
        return _reverted(there)

    async def _revert_sent(self, spec: GithubSpec, pull: PullRequest, context: ItemContext) -> End | None:
        title = f'Revert "{pull.title}"'
        body = f"Reverts {spec.repository}#{pull.number}: {self._what()}."

        async def send() -> str:
            return f"#{await revert_pull(self._reader.client, pull, title, body)}"

        async def there() -> bool:
            return await self._planner.revert_of(spec, pull) is not None

        return await self._sent(revert_request(spec, pull.number), str(pull.number), send, there, context)

    async def _sent(
        self,
        line: str,
        key: str,
        send: Callable[[], Awaitable[str]],
        there: Callable[[], Awaitable[bool]],
        context: ItemContext,
    ) -> End | None:
        return await sent_once(line, key, send, there, context, self._poll_s)


def _reverted(there: PullRequest | None) -> End:
    if there is None:
        return End(Outcome.UNKNOWN, "GitHub shows no pull request that takes it back")
    why = f"#{there.number} takes it back; it is {'merged' if there.merged else 'open, not merged'}"
    return End(Outcome.REACHED, why, (("revert", str(there.number)),))
