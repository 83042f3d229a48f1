"""A step of a runbook to messages, and what they say. Pure: nothing is contacted.

``channel``: ``announce``, ``m2`` or ``square`` of the site's section, or a channel written out. ``text``: what is said;
a text of this step below ``messages`` of the section goes before it. ``ahead``: ``day before`` or ``hour before`` the
start that ``<date>`` and ``<start>`` name, for a message that Slack sends by itself. ``about``: a placeholder; where it
is ``none``, nothing is sent.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId, SystemName, numbered
from deploydash.core.procedure.runbook import Fallback
from deploydash.core.run.composing import Composed, ItemOffer, OfferField
from deploydash.systems.slack.settings import CHANNELS, SlackSettings
from deploydash.systems.slack.texts import MOST_CHARACTERS, filled, unknown_words
from deploydash.systems.table import Entry, Wrong

SLACK = SystemName("slack")
AHEAD = ("day before", "hour before")
NOTHING = "none"
_MESSAGE = "slack-message"


@dataclass(frozen=True, slots=True)
class Spec:
    """Where a message goes and when. ``channel``: with its ``#``, empty where the site names none as ``named``.

    ``ahead``: how long before the start it goes, empty for at once; ``date``, ``start``: that start, in ``zone``.
    ``about``: what it is about, ``none`` where that is nothing.
    """

    channel: str
    named: str = ""
    ahead: str = ""
    date: str = ""
    start: str = ""
    zone: str = ""
    about: str = ""

    @property
    def needless(self) -> bool:
        """Whether there is nothing to say."""
        return self.about == NOTHING

    def at(self) -> float | None:
        """Return when it goes out (UTC unix seconds), None for at once.

        Raises:
            ValueError: date and start are none yet; says what they must be.
        """
        if not self.ahead:
            return None
        try:
            local = dt.datetime.fromisoformat(f"{self.date.strip()}T{self.start.strip()}")
        except ValueError:
            raise ValueError("<date> must be such as 2026-12-03 and <start> such as 08:30") from None
        if local.tzinfo is not None:
            raise ValueError("<start> is the local time, without a zone")
        if self.ahead == AHEAD[0]:
            local -= dt.timedelta(days=1)
        before = 3600.0 if self.ahead == AHEAD[1] else 0.0
        return local.replace(tzinfo=ZoneInfo(self.zone)).timestamp() - before

    @property
    def request(self) -> str:
        """What is asked of Slack."""
        where = self.channel or f"the channel {self.named}"
        if not self.ahead:
            return f"chat.postMessage {where}"
        return f"chat.scheduleMessage {where}, the {self.ahead} {self.date} {self.start}"


def read_spec(text: str) -> Spec:
    """Return what an item says of its message."""
    return Spec(**json.loads(text))


def channel_of(item: Item) -> str:
    """Return the channel of a message, with its ``#``; empty where the site names none."""
    try:
        return read_spec(item.spec).channel
    except (ValueError, TypeError):
        return ""  # what a person posts says where in words


def message_item(at: ItemId, spec: Spec, text: str) -> Item:
    """Return the item that sends a message."""
    where = spec.channel or f"the channel {spec.named}"
    label = f"message to {where}" + (f", the {spec.ahead}" if spec.ahead else "")
    return Item(at, label, SLACK, json.dumps(asdict(spec)), manual=tuple(text.split("\n")), text=text)


class SlackSteps:
    """What is known of messages without asking Slack."""

    keys = frozenset({"channel", "text", "ahead", "about"})

    def problems(self, entry: Entry) -> Iterator[Wrong]:
        """Yield what is wrong with a step."""
        own = entry.own
        channel, ahead, text = own.get("channel"), own.get("ahead"), _text(entry)
        if not isinstance(channel, str) or not (channel in CHANNELS or channel.startswith("#")):
            yield Wrong(("channel",), f"{channel!r} is no channel", f"write {', '.join(CHANNELS)}, or '#' and a name")
        if ahead is not None and ahead not in AHEAD:
            yield Wrong(("ahead",), f"{ahead!r} is no time before the start", f"write {' or '.join(AHEAD)}")
        if not isinstance(own.get("about", ""), str):
            yield Wrong(("about",), f"{own['about']!r} is no placeholder", 'write for example "<broken>"')
        if not isinstance(text, str) or not text.strip():
            yield Wrong(("text",), "it says nothing", "write what is to be posted, in quotes")
            return
        for word in unknown_words(text, _words(entry)):
            yield Wrong(("text",), f"nothing sets {{{word}}}", f"known here are {', '.join(sorted(_words(entry)))}")
        if len(text) > MOST_CHARACTERS:
            yield Wrong(("text",), f"{len(text)} characters are too many", f"Slack takes {MOST_CHARACTERS:,}")

    def items(self, entry: Entry) -> tuple[Item, ...]:
        """Return the one message of a step."""
        settings, own = _settings(entry), entry.own
        named, ahead = str(own["channel"]), str(own.get("ahead") or "")
        when = ("<date>", "<start>", settings.zone) if ahead else ("", "", "")
        spec = Spec(settings.channel(named), named, ahead, *when, str(own.get("about") or ""))
        return (message_item(numbered(0), spec, filled(str(_text(entry)).rstrip("\n"), _words(entry))),)

    def fallbacks(self, entry: Entry) -> tuple[Fallback, ...]:
        """Return no other way: what Slack refuses is retried, or posted by a person and signed off with its link."""
        del entry
        return ()

    def lines(self, item: Item) -> tuple[str, ...]:
        """Return the exact request of an item: what is asked, then the text."""
        return (read_spec(item.spec).request, *item.text.split("\n"))

    def fallback(self, fallback: Fallback, items: Sequence[Item]) -> Item:
        """Refuse: there is no other way."""
        del items
        raise ValueError(f"{fallback.label} is no way to send a message")

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return the offer to post something beside the runbook."""
        fields = (OfferField("channel", "with its #"), OfferField("text", "what is to be said"))
        body = ("It is posted at once, and its link goes into the journal.",)
        return (ItemOffer(_MESSAGE, SLACK, "Post a message in Slack", body, fields),)

    def compose(self, offer_id: str, texts: Sequence[str]) -> Composed:
        """Return the item that posts what was typed."""
        if offer_id != _MESSAGE:
            return Composed(None, (f"nothing is offered as {offer_id!r}",))
        channel, text = texts[0].strip(), texts[1].strip()
        wrong = [] if channel.startswith("#") and len(channel) > 1 else ["name a channel with its #"]
        wrong += [] if text else ["say something"]
        if wrong:
            return Composed(None, tuple(wrong))
        item = message_item(ItemId(""), Spec(channel), text)
        return Composed(item, exact=self.lines(item))


def _settings(entry: Entry) -> SlackSettings:
    assert isinstance(entry.settings, SlackSettings)  # noqa: S101 - the table says so
    return entry.settings


def _text(entry: Entry) -> Any:
    """Return what a step says here."""
    own = _settings(entry).messages.get(entry.step)
    return own if own is not None else entry.own.get("text")


def _words(entry: Entry) -> Mapping[str, Any]:
    """Return the site's words, those of several lines left out."""
    words: dict[str, Any] = {"site": entry.roster.site, **_settings(entry).words()}
    for section in entry.others.values():
        words |= section.words()
    return {word: value for word, value in words.items() if isinstance(value, str)}
