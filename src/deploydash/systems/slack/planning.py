"""What a message would be now: to whom, as whom, when, and exactly what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.systems.slack.client import Channel, Slack, Who
from deploydash.systems.slack.errors import SlackError
from deploydash.systems.slack.steps import Spec, read_spec
from deploydash.systems.slack.texts import ADVISED_CHARACTERS, MOST_CHARACTERS, calls, escaped, waits_for

LEAST_S = 120.0
"""What goes out sooner than in so many seconds is posted at once: Slack may take no earlier one, nor one back."""

NEEDLESS = "there is nothing to say, and nothing is sent"
SIGN_OFF = "copy the text (v), post it yourself, and sign off with its link (d)"


@dataclass(frozen=True, slots=True)
class Approved:
    """A message as it was approved. ``at``: when it goes out (UTC unix seconds), 0 for at once."""

    id: str
    channel: str
    text: str
    at: int = 0
    thread: str = ""

    @property
    def known(self) -> Channel:
        """The channel."""
        return Channel(self.id, self.channel, member=True)

    @property
    def sent(self) -> str:
        """The text as Slack reads it."""
        return escaped(self.text)

    @property
    def request(self) -> str:
        """What is asked of Slack, for the journal: the text stands there as it was approved."""
        if not self.at:
            return f"chat.postMessage {self.channel}"
        return f"chat.scheduleMessage {self.channel} post_at={self.at}"

    def written(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def read(text: str) -> Approved | None:
        """Return what was approved, None where nothing was."""
        return Approved(**json.loads(text)) if text else None


class Planner:
    """Describes messages. ``thread``: returns the run's first message to a channel, empty for none."""

    def __init__(self, slack: Slack, clock: Clock, thread: Callable[[str], str]) -> None:
        self._slack = slack
        self._clock = clock
        self._thread = thread

    async def describe(self, items: Sequence[Item]) -> Plan:
        """Return what these would be.

        Raises:
            SlackError: Slack does not answer, or does not know us; says why.
        """
        plans = tuple([await self.planned(item) for item in items])
        who = "" if self._slack.place.why_not else await self._as_whom()
        return Plan(who, plans, self._clock.utc())

    async def _as_whom(self) -> str:
        who = await self._slack.who()
        return f"sent as {who.user} in {who.team}"

    async def planned(self, item: Item) -> ItemPlan:
        """Return what one message would be.

        Raises:
            SlackError: Slack does not answer, or does not know us; says why.
        """
        spec = read_spec(item.spec)
        if spec.needless:
            return ItemPlan(item.id, why=NEEDLESS)
        if why := self._not_yet(item, spec):
            return ItemPlan(item.id, why=why, blocked=True)
        who = await self._slack.who()
        try:
            channel = await self._slack.channel(spec.channel)
        except SlackError as error:
            if error.code != "channel_not_found":
                raise
            return ItemPlan(item.id, why=f"{error}; or {SIGN_OFF}", blocked=True)
        at, words = self._when(spec)
        agreed = Approved(channel.id, channel.name, item.text, at, self._thread(channel.name))
        remarks = [words, *_remarks(channel, who, item.text)]
        line = agreed.request if not at else f"{agreed.request} ({_local(at, spec.zone)})"
        lines = (line, *item.text.split("\n"))
        return ItemPlan(item.id, lines, "; ".join(part for part in remarks if part), approved=agreed.written())

    def _not_yet(self, item: Item, spec: Spec) -> str:
        """Return why a message cannot go as things stand, without asking Slack."""
        missing = [f"<{word}>" for word in waits_for(item.text, _WAITED_FOR)]
        if spec.ahead:
            missing += [word for word in (spec.date, spec.start) if word in {"<date>", "<start>"}]
        if missing := list(dict.fromkeys(missing)):
            return f"it waits for {', '.join(missing)}: f sets them, or M writes the text otherwise"
        try:
            spec.at()
        except ValueError as error:
            return f"{error}: f sets them"
        if not item.text.strip():
            return "it says nothing: M writes it"
        if len(item.text) > MOST_CHARACTERS:
            return f"{len(item.text):,} characters: Slack cuts what is longer than {MOST_CHARACTERS:,} (M)"
        if self._slack.place.why_not:
            return f"{self._slack.place.why_not}: {SIGN_OFF}"
        if not spec.channel:
            return f"the site file names no channel {spec.named!r} below systems: slack: {SIGN_OFF}"
        return ""

    def _when(self, spec: Spec) -> tuple[int, str]:
        """Return when a message goes out, 0 for at once, and that in words."""
        at = spec.at()
        if at is None:
            return 0, ""
        if at < self._clock.utc() + LEAST_S:
            return 0, f"its time, {_local(at, spec.zone)}, has come: it goes out at once"
        return int(at), "Slack sends it by itself at that time, without deploydash; p cancels it until then"


_WAITED_FOR = frozenset(
    {
        *("cycle", "branch", "pr", "page", "revision", "weekday", "date", "start", "cscs", "broken"),
        "coordinator",
    }
)
"""The placeholders without which a message is not sent; whatever else stands in brackets is sent as it is."""


def _remarks(channel: Channel, who: Who, text: str) -> list[str]:
    """Return what else to know before a message goes."""
    found = []
    if not channel.member:
        found.append(f"{who.user} is not in {channel.name}: Slack may refuse it, /invite @{who.user} there")
    if called := calls(text):
        found.append(f"it calls {', '.join(called)}")
    if len(text) > ADVISED_CHARACTERS:
        found.append(f"{len(text):,} characters: Slack advises {ADVISED_CHARACTERS:,}")
    return found


def _local(at: float, zone: str) -> str:
    local = datetime.fromtimestamp(at, ZoneInfo(zone))
    return f"{local:%A %Y-%m-%d %H:%M} {zone}"
