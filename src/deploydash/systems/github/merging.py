"""A pull request merged as it was approved: with the head that the card showed, once, and seen merged."""

from __future__ import annotations

import asyncio

from deploydash.core.ports import Clock
from deploydash.core.run.ports import End, Found, ItemContext
from deploydash.core.run.records import Outcome
from deploydash.errors import FeedError
from deploydash.systems.github.objects import PullRequest
from deploydash.systems.github.planning import Approved, number_of, request_line
from deploydash.systems.github.reading import Reader, queue_entry
from deploydash.systems.github.sending import sent_once
from deploydash.systems.github.standing import Standing, in_the_way
from deploydash.systems.github.steps import GithubSpec
from deploydash.systems.github.writes import enqueue_pull, merge_pull

_QUEUED = """query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) { mergeQueueEntry { state position } }
  }
}"""
SHOWN_S = 30.0
"""So long after a merge that was answered GitHub may take to show it."""


class Merger:
    """Merges pull requests."""

    def __init__(self, reader: Reader, clock: Clock, poll_s: float) -> None:
        self._reader = reader
        self._clock = clock
        self._poll_s = poll_s

    async def run(self, spec: GithubSpec, agreed: Approved | None, context: ItemContext) -> End:
        """Merge a pull request if it is still what was approved."""
        try:
            standing = await self._reader.standing(spec.repository, number_of(spec), fresh=True)
        except FeedError as error:
            return End(Outcome.FAILED, f"not merged, nothing was sent: {error}")
        pull = standing.pull
        if pull.merged:
            return _merged(pull)
        if why := _not_now(standing, agreed, self._reader.base):
            return End(Outcome.FAILED, f"not merged: {why}")
        assert agreed is not None  # noqa: S101 - without an approval there is a reason not to

        async def send() -> str:
            if standing.rules.queue:
                await enqueue_pull(self._reader.client, pull)
                return "taken into the merge queue, which is no merge yet"
            sha = await merge_pull(self._reader.client, spec.repository, pull.number, agreed.sha, agreed.method)
            return f"merged as {sha}"

        async def done() -> bool:
            found = await self._reader.pull(spec.repository, pull.number)
            return found.merged or (standing.rules.queue and await self._queued(spec) is not None)

        end = await sent_once(request_line(spec, standing), pull.sha, send, done, context, self._poll_s)
        return end if end is not None else await self._to_its_end(spec, context, queue=standing.rules.queue)

    async def follow(self, spec: GithubSpec, context: ItemContext) -> End:
        """Follow a merge that was asked for to its end."""
        rules = await self._reader.rules(spec.repository, self._reader.base)
        return await self._to_its_end(spec, context, queue=rules.queue)

    async def found(self, spec: GithubSpec) -> tuple[Found, str]:
        """Return what became of a merge whose outcome is unknown; ``follow`` tells the commit of one that is merged."""
        pull = await self._reader.pull(spec.repository, number_of(spec))
        if pull.merged:
            return Found.UNDER_WAY, _merged(pull).why
        rules = await self._reader.rules(spec.repository, self._reader.base)
        if rules.queue and (entry := await self._queued(spec)) is not None:
            return Found.UNDER_WAY, f"#{pull.number} is in the merge queue: {entry}"
        return Found.NOT_DONE, f"#{pull.number} is {pull.state} and not merged, its head is {pull.sha[:8]}"

    async def _to_its_end(self, spec: GithubSpec, context: ItemContext, *, queue: bool) -> End:
        until = self._clock.monotonic() + SHOWN_S
        missed = 0
        while True:
            try:
                pull = await self._reader.pull(spec.repository, number_of(spec))
                if pull.merged:
                    return _merged(pull)
                entry = await self._queued(spec) if queue else None
            except FeedError as error:
                await context.progress("asking", f"whether it is merged cannot be read: {error}")
            else:
                if queue and entry is None:
                    missed += 1
                    if missed > 1:  # between leaving the queue and being merged there may be a moment
                        return End(Outcome.FAILED, f"#{pull.number} fell out of the merge queue and is not merged")
                elif not queue and self._clock.monotonic() > until:
                    return End(Outcome.UNKNOWN, f"#{pull.number} was to be merged, and GitHub shows it {pull.state}")
                words = f"in the merge queue, not merged yet: {entry}" if entry else "not shown as merged yet"
                await context.progress("queued" if queue else "merging", words, known_as=f"#{pull.number}")
            await asyncio.sleep(self._poll_s / 2)

    async def _queued(self, spec: GithubSpec) -> str | None:
        owner, _, name = spec.repository.partition("/")
        told = await self._reader.client.graphql(_QUEUED, owner=owner, name=name, number=number_of(spec))
        return queue_entry(told)


def _merged(pull: PullRequest) -> End:
    by = f" by {pull.merged_by}" if pull.merged_by else ""
    why = f"#{pull.number} is merged{by} as {pull.merge_commit}"
    return End(Outcome.REACHED, why, (("sha", pull.merge_commit),) if pull.merge_commit else ())


def _not_now(standing: Standing, agreed: Approved | None, base: str) -> str:
    """Return why a pull request must not be merged now; empty where nothing is in the way."""
    pull = standing.pull
    if closes := in_the_way([one for one in standing.hindrances(base) if one.closes]):
        return closes
    if agreed is None:
        return "what it would merge was not approved; look at it and retry"
    if agreed.sha != pull.sha:
        return f"its head moved from {agreed.sha[:8]} to {pull.sha[:8]}; look at what it changes now and retry"
    return ""
