"""Whether a message of ours stands in its channel, is still to go out, or is nowhere: asked, never sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from deploydash.core.ports import Clock
from deploydash.core.procedure.runbook import Tier
from deploydash.core.run.ports import End, ItemContext
from deploydash.core.run.records import AnswerOffered, Outcome
from deploydash.systems.slack.client import Message, Scheduled, Slack, ours
from deploydash.systems.slack.errors import SlackError
from deploydash.systems.slack.planning import Approved
from deploydash.systems.slack.texts import alike
from deploydash.systems.slack.writes import unschedule

POLL_S = 20.0
"""So often a scheduled message is looked for: Slack takes fifty such questions a minute."""

SKEW_S = 120.0
"""Slack's clock and ours may differ by so much."""

LATE_S = 300.0
"""A scheduled message that is nowhere so long after its time was not posted."""

TRIES = 10
"""So often it is looked for after an answer that did not come."""

SCHEDULED = "scheduled"
CANCELLED = "cancelled by the lead"
LEFT = "left to Slack by the lead, not seen posted"
ALONE = "nobody looks any more, and Slack sends it by itself"
LEAVE, CANCEL = "leave", "cancel"
ANSWERS = (
    AnswerOffered(LEAVE, "it goes out by itself at its time, whatever becomes of this run", Tier.MILD),
    AnswerOffered(CANCEL, "it is taken back and does not go out", Tier.MILD),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was sent, or may have been, at ``since`` (UTC unix seconds), with the key of its intent."""

    agreed: Approved
    since: float


def key_of(utc: float, token: str) -> str:
    """Return the key of a message that is sent now: when that was, and something that no other has."""
    return f"{utc:.0f}-{token}"


def since_of(key: str) -> float:
    """Return when a message was sent, of its key."""
    with suppress(ValueError):
        return float(key.partition("-")[0])
    return 0.0


class Follower:
    """Looks for messages. ``held_by``: returns who holds the run, None for nobody; ``unseen``: whether nobody looks."""

    def __init__(
        self,
        slack: Slack,
        clock: Clock,
        held_by: Callable[[], str | None],
        poll_s: float = POLL_S,
        unseen: Callable[[], bool] = lambda: False,
    ) -> None:
        self._slack = slack
        self._clock = clock
        self._held_by = held_by
        self._unseen = unseen
        self._poll_s = poll_s
        self._cancelled: set[str] = set()
        self._left: set[str] = set()

    def begins(self, agreed: Approved) -> None:
        """Take note that a message is scheduled anew, so that a cancelling of before is over."""
        self._cancelled.discard(agreed.written())
        self._left.discard(agreed.written())

    async def posted(self, sent: Sent) -> Message | None:
        """Return the message as it stands in its channel, None where it does not.

        Raises:
            SlackError: that cannot be read; says why.
        """
        who = await self._slack.who()
        latest = max(self._clock.utc(), float(sent.agreed.at)) + SKEW_S
        found = await self._slack.history(sent.agreed.known, sent.since - SKEW_S, latest)
        return next((one for one in found if ours(one, who) and alike(one.text, sent.agreed.sent)), None)

    async def waiting(self, agreed: Approved) -> Scheduled | None:
        """Return the message as it is scheduled, None where it is not.

        Raises:
            SlackError: that cannot be read; says why.
        """
        found = await self._slack.scheduled(agreed.known)
        same = (one for one in found if one.at == agreed.at and one.channel in {"", agreed.id})
        return next((one for one in same if alike(one.text, agreed.sent)), None)

    async def appears(self, sent: Sent, why: str, context: ItemContext) -> End | None:
        """Look for a message without an answer; None where it is scheduled and is to be followed."""
        await context.progress("no answer", f"{why}; looking whether it was taken")
        for _ in range(TRIES):
            try:
                if sent.agreed.at and await self.waiting(sent.agreed) is not None:
                    return None
                if (found := await self.posted(sent)) is not None:
                    return await self.reached(sent, found.ts)
            except SlackError as error:
                why = str(error)
            await asyncio.sleep(self._poll_s / TRIES)
        return End(
            Outcome.UNKNOWN, f"{why}; it is not in {sent.agreed.channel} so far, and is not sent again by itself"
        )

    async def reached(self, sent: Sent, ts: str) -> End:
        """Return the end of a message that was posted, with its link where Slack tells it."""
        values = [("ts", ts), ("channel", sent.agreed.channel)]
        why = f"posted in {sent.agreed.channel}"
        try:
            link = await self._slack.permalink(sent.agreed.known, ts)
        except SlackError as error:
            return End(Outcome.REACHED, f"{why}; its link is not known: {error}", tuple(values))
        return End(Outcome.REACHED, f"{why}: {link}", (("permalink", link), *values))

    async def to_its_end(self, sent: Sent, context: ItemContext) -> End:
        """Wait until a scheduled message is posted or is scheduled no more; a hold asks what becomes of it.

        Where nobody looks any more a process that waits for a day would only keep the site: Slack sends it by itself,
        and a resume finds it, to be followed or cancelled.
        """
        asking: asyncio.Task[None] | None = None
        asked = False
        try:
            while True:
                held = self._held_by() is not None
                if held and not asked:
                    asking = asyncio.create_task(self._ask(sent, context), name="what becomes of a scheduled message")
                asked = held
                if (end := await self._looked(sent, context)) is not None:
                    return end
                if self._unseen() and self._clock.utc() < sent.agreed.at:
                    return End(Outcome.UNKNOWN, f"{ALONE} at {_clock(sent.agreed.at)}; a resume looks for it")
                await self._pause(asking)
        finally:
            if asking is not None:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

    async def _pause(self, asking: asyncio.Task[None] | None) -> None:
        """Wait until it is time to look again: sooner where an answer comes, or the run is held."""
        end = self._clock.monotonic() + self._poll_s
        was, moving, unseen = self._held_by() is None, asking is not None and not asking.done(), self._unseen()
        while self._clock.monotonic() < end and (self._held_by() is None) is was and self._unseen() is unseen:
            if moving and asking is not None and asking.done():
                return
            await asyncio.sleep(min(0.5, self._poll_s))

    async def _looked(self, sent: Sent, context: ItemContext) -> End | None:
        agreed = sent.agreed
        try:
            there = await self.waiting(agreed)
            if there is None and (found := await self.posted(sent)) is not None:
                return await self.reached(sent, found.ts)
        except SlackError as error:
            await context.progress(SCHEDULED, f"Slack cannot be read: {error}; it goes out all the same")
            return None
        if there is not None and agreed.written() in self._left:
            left = f"message {there.id} to {agreed.channel}, which Slack sends by itself"
            return End(Outcome.REACHED, LEFT, (("scheduled", there.id), ("channel", agreed.channel)), left)
        if there is not None:
            line = f"it goes out at {_clock(agreed.at)} without deploydash"
            await context.progress(SCHEDULED, line, known_as=there.id)
            return None
        if agreed.written() in self._cancelled:
            return End(Outcome.FAILED, CANCELLED)
        if self._clock.utc() < agreed.at:
            return End(Outcome.FAILED, "it is not scheduled any more and was not posted: somebody cancelled it")
        if self._clock.utc() > agreed.at + LATE_S:
            return End(Outcome.UNKNOWN, f"its time is past, and it is not in {agreed.channel}")
        await context.progress("due", "its time has come; it is looked for in the channel")
        return None

    def leave(self, agreed: Approved) -> None:
        """Follow a scheduled message no more: it goes out by itself."""
        self._left.add(agreed.written())

    async def cancel(self, agreed: Approved) -> None:
        """Take a scheduled message back.

        Raises:
            SlackError: it was refused or nobody knows; says why.
        """
        there = await self.waiting(agreed)
        if there is None:
            raise SlackError("it is not scheduled any more", hint="it was posted or cancelled")
        self._cancelled.add(agreed.written())
        await unschedule(self._slack, agreed.known, there.id)

    async def _ask(self, sent: Sent, context: ItemContext) -> None:
        """Ask what becomes of a message while the run is held, and take it back if that is wanted."""
        agreed = sent.agreed
        when = f"Slack sends by itself at {_clock(agreed.at)}"
        question = f"The run is held. What of the message to {agreed.channel} that {when}?"
        if await context.ask(question, ANSWERS, agreed.written()) != CANCEL:
            return
        async with context.slot():
            line = f"chat.deleteScheduledMessage {agreed.channel}"
            if why := await context.intend(line, asks_only=True):
                await context.progress(SCHEDULED, f"not cancelled: {why}")
                return
            try:
                await self.cancel(agreed)
            except SlackError as error:
                await context.answered(None if error.unsure else False, str(error))
            else:
                await context.answered(True, "taken back")


def _clock(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%MZ}"
