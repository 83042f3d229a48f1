"""Messages sent as they were approved (``core.run.ports.Action``).

A message is sent once. Slack knows no key by which a second one of the same would be refused, so that after an answer
that did not come, and after a resume, it is looked for: in the list of what is scheduled, then in the channel.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import Plan
from deploydash.core.run.ports import ControlOffer, End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress, ItemStatus
from deploydash.errors import UserError
from deploydash.systems.acting import HoldsNothing
from deploydash.systems.slack.client import Slack
from deploydash.systems.slack.errors import SlackError
from deploydash.systems.slack.following import CANCEL, LEAVE, POLL_S, SCHEDULED, Follower, Sent, key_of, since_of
from deploydash.systems.slack.planning import NEEDLESS, Approved, Planner
from deploydash.systems.slack.writes import Letter, post, schedule

PATIENCE = 3
"""So often Slack is asked once more after it had too many requests."""

MOST_WAIT_S = 120.0
"""Longer than this nobody waits for Slack's limit: the lead decides."""


class SlackAction(HoldsNothing):
    """Posts and schedules. ``thread``: returns the run's first message to a channel, empty for none.

    ``unseen``: says whether nobody looks at the run any more.
    """

    def __init__(
        self,
        slack: Slack,
        clock: Clock,
        held_by: Callable[[], str | None],
        thread: Callable[[str], str] = lambda _: "",
        poll_s: float = POLL_S,
        unseen: Callable[[], bool] = lambda: False,
    ) -> None:
        self._slack = slack
        self._clock = clock
        self._planner = Planner(slack, clock, thread)
        self._follower = Follower(slack, clock, held_by, poll_s, unseen)

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:
        """Return exactly what would be sent, and to whom."""
        del look
        return await self._planner.describe(items)

    async def probe(self, item: Item, history: ItemProgress, look: Look) -> Finding:
        """Look at Slack what became of a message."""
        del look, item
        agreed = Approved.read(history.approved)
        if not history.key or agreed is None:
            return Finding(Found.NOT_DONE, "nothing was sent", self._clock.utc())
        sent = Sent(agreed, since_of(history.key))
        found, sentence = Found.NOT_DONE, f"it is not in {agreed.channel}: it was not posted"
        if agreed.at and await self._follower.waiting(agreed) is not None:
            found, sentence = Found.UNDER_WAY, "it is scheduled"
        elif await self._follower.posted(sent) is not None:
            found, sentence = Found.UNDER_WAY, f"it stands in {agreed.channel}"
        return Finding(found, sentence, self._clock.utc())

    async def run(self, item: Item, approved: str, context: ItemContext) -> End:
        """Send a message as it was approved, once."""
        agreed = Approved.read(approved)
        if agreed is None:
            planned = await self._planner.planned(item)
            if planned.why == NEEDLESS:
                return End(Outcome.REACHED, NEEDLESS)
            return End(Outcome.FAILED, f"not sent: {planned.why or 'what it says was not approved; retry it'}")
        async with context.slot():
            sent = Sent(agreed, self._clock.utc())
            end = await self._send(sent, context)
        return end if end is not None else await self._follower.to_its_end(sent, context)

    async def follow(self, item: Item, history: ItemProgress, context: ItemContext) -> End:
        """Follow a message that was sent, or may have been; sends nothing."""
        del item
        agreed = Approved.read(history.approved)
        if agreed is None:
            return End(Outcome.UNKNOWN, "what was sent is not known")
        sent = Sent(agreed, since_of(history.key))
        if agreed.at:
            return await self._follower.to_its_end(sent, context)
        found = await self._follower.posted(sent)
        if found is None:
            return End(Outcome.FAILED, f"it is not in {agreed.channel}: it was not posted")
        return await self._follower.reached(sent, found.ts)

    def controls(self, item: Item, history: ItemProgress, look: Look) -> tuple[ControlOffer, ...]:
        """Return that a scheduled message can be cancelled."""
        del look
        agreed = Approved.read(history.approved) if history.approved else None
        if history.status is not ItemStatus.UNDER_WAY or agreed is None or not agreed.at:
            return ()
        why_not = "" if history.state == SCHEDULED else "Slack does not show it as scheduled"
        line = f"chat.deleteScheduledMessage {agreed.channel} {history.known_as}"
        nothing = ("nothing is sent: it goes out by itself, and is not looked for any more",)
        return (
            ControlOffer(CANCEL, f"cancel the {item.label}", why_not, lines=(line,)),
            ControlOffer(LEAVE, f"leave the {item.label}: it goes out by itself", why_not, lines=nothing),
        )

    async def control(self, item: Item, name: str, history: ItemProgress, context: ItemContext) -> None:
        """Cancel a scheduled message, or leave it to Slack."""
        del item
        agreed = Approved.read(history.approved)
        if agreed is None:
            raise UserError("nothing was scheduled")
        if name == LEAVE:
            self._follower.leave(agreed)
            return
        if why := await context.intend(f"chat.deleteScheduledMessage {agreed.channel}"):
            raise UserError(why)
        await self._follower.cancel(agreed)

    async def _send(self, sent: Sent, context: ItemContext) -> End | None:
        """Send a message once; return how it ended, or None where it goes out later."""
        agreed, key = sent.agreed, key_of(sent.since, secrets.token_hex(6))
        self._follower.begins(agreed)
        letter = Letter(agreed.known, agreed.sent, agreed.thread)
        for turn in range(PATIENCE + 1):
            if why := await context.intend(agreed.request, key, begins=not turn):
                return End(Outcome.FAILED, f"not sent: {why}")
            try:
                name = await (schedule(self._slack, letter, agreed.at) if agreed.at else post(self._slack, letter))
            except SlackError as error:
                if not error.unsure:
                    await context.answered(False, str(error))
                    if error.again_s and error.again_s <= MOST_WAIT_S and turn < PATIENCE:
                        await context.progress("waits", str(error))
                        await asyncio.sleep(error.again_s)
                        continue
                    return End(Outcome.FAILED, f"not sent: {error}")
                await context.answered(None, str(error))
                return await self._follower.appears(sent, str(error), context)
            await context.answered(True, f"taken as {name}")
            return None if agreed.at else await self._follower.reached(sent, name)
        return None
