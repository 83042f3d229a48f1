"""What becomes of a message: through the vendor's client against the demo observatory's Slack, every fault of it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.ports import Found
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemStatus
from deploydash.errors import UserError
from deploydash.systems.slack.following import ALONE, CANCEL, CANCELLED, LEAVE, LEFT, SCHEDULED
from tests.servers.waiting import within
from tests.support.item_context import Answered, RecordingContext
from tests.systems.slack.workspace import CHANNEL, agreed, hill, history, message, nobody

ODD = 'He said "no" & that\'s < 5 > 4 — \U0001f52d *now*, <https://a.org/?x=1&y=2|here>; `ls >f`\n  second line'


def later(seconds: float, text: str = "In one hour.") -> Item:
    """Return a message that goes out an hour before a start, so many seconds from now."""
    zone = ZoneInfo("America/Santiago")
    start = datetime.now(zone) + timedelta(seconds=seconds + 3600)
    day, hour = f"{start:%Y-%m-%d}", f"{start:%H:%M:%S}"
    return message(text, ahead="hour before", date=day, start=hour, zone=str(zone))


def held_question(plan: ItemPlan) -> str:
    """Return what is asked of a scheduled message when the run is held."""
    at = f"{datetime.fromtimestamp(agreed(plan)['at'], UTC):%Y-%m-%d %H:%MZ}"
    return f"The run is held. What of the message to #hill that Slack sends by itself at {at}?"


async def test_a_message_is_shown_as_it_is_sent_and_arrives_as_it_was_typed(tmp_path: Path) -> None:
    async with within(20), hill(tmp_path) as place:
        for text in (ODD, "x" * 4000, "é\t" + "\U0001f52d" * 50):
            item = message(text)
            plan = await place.planned(item)
            assert plan.lines == ("chat.postMessage #hill", *text.split("\n"))
            context = RecordingContext()
            end = await place.action.run(item, plan.approved, context)
            assert end.outcome is Outcome.REACHED, end
            assert dict(end.values)["permalink"].startswith("https://demo.slack.com/archives/C9")
            assert context.intended() == ["chat.postMessage #hill"]
        odd, long, emoji = place.texts()
        assert (
            odd.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace(":telescope:", "\U0001f52d")
            == ODD
        )
        assert "<https://a.org/?x=1&amp;y=2|here>" in odd
        assert long == "x" * 4000
        assert emoji.count(":telescope:") == 50
        assert place.fake.asked["post"] == 3


async def test_the_card_says_as_whom_it_goes_and_what_keeps_it(tmp_path: Path) -> None:
    async with within(20), hill(tmp_path) as place:
        plan = await place.action.describe([message()], nobody)
        assert plan.sentence == "sent as deploydash in Demo observatory"
        assert place.fake.asked["channels"] == 2  # a workspace has more than one page of channels
        await place.action.describe([message()], nobody)
        assert place.fake.asked["channels"] == 2
        waits = await place.planned(message("The page: <page>"))
        assert (waits.blocked, waits.lines) == (True, ())
        assert waits.why.startswith("it waits for <page>: f sets them")
        outside = await place.planned(message(channel="#team-001"))
        assert (outside.blocked, outside.why) == (
            False,
            "deploydash is not in #team-001: Slack may refuse it, /invite @deploydash there",
        )
        called = await place.planned(message("<!channel> look"))
        assert called.why == "it calls <!channel>"
        nothing = await place.planned(message("Broken: none", about="none"))
        assert (nothing.lines, nothing.blocked) == ((), False)
        end = await place.action.run(message("Broken: none", about="none"), "", RecordingContext())
        assert end.outcome is Outcome.REACHED
        assert place.texts() == []


@pytest.mark.parametrize(
    ("fault", "values", "words"),
    [
        ("not-in-channel", {}, "the bot is not in #hill (invite it there: /invite @deploydash)"),
        ("missing-scope", {"scope": "chat:write"}, "the token lacks the scope chat:write (it has channels:read,"),
        ("token-refused", {}, "Slack does not accept the token (set SLACK_BOT_TOKEN anew, then leave and resume"),
        ("no-channel", {}, "there is no channel #hill, or it is private and the bot is not in it"),
        ("refused", {"error": "is_archived"}, "#hill is archived"),
        ("refused", {"error": "restricted_action_read_only_channel"}, "posting to #hill is restricted"),
        ("refused", {"error": "msg_too_long"}, "the message is too long for Slack"),
        ("refused", {"error": "account_inactive"}, "the account of the token is inactive"),
        ("refused", {"error": "no_such_word"}, "Slack refused chat.postMessage: no_such_word"),
        ("rate-limited", {"kind": "post", "seconds": 300.0, "times": 9.0}, "Slack has too many requests of us"),
    ],
)
async def test_a_refusal_is_told_in_words_and_nothing_is_posted(
    tmp_path: Path, fault: str, values: dict[str, float | str], words: str
) -> None:
    async with within(20), hill(tmp_path) as place:
        plan = await place.planned(message())
        place.fake.faults.switch_on(fault, values)
        context = RecordingContext()
        end = await place.action.run(message(), plan.approved, context)
        assert end.outcome is Outcome.FAILED
        assert end.why.startswith(f"not sent: {words}"), end.why
        assert [one.ok for one in context.told if isinstance(one, Answered)] == [False]
        assert place.fake.asked["post"] == 1
        assert place.texts() == []


async def test_too_many_requests_are_waited_for_as_long_as_slack_wants(tmp_path: Path) -> None:
    async with within(20), hill(tmp_path) as place:
        plan = await place.planned(message())
        place.fake.faults.switch_on("rate-limited", {"kind": "post", "seconds": 1.0, "times": 1.0})
        context = RecordingContext()
        began = time.monotonic()
        end = await place.action.run(message(), plan.approved, context)
        assert end.outcome is Outcome.REACHED
        assert time.monotonic() - began >= 1.0
        assert context.intended() == ["chat.postMessage #hill"] * 2
        assert place.texts() == ["Hello"]


@pytest.mark.parametrize(
    ("fault", "values"),
    [("answer-late", {"seconds": 30.0}), ("answer-lost", {}), ("down", {}), ("refused", {"error": "fatal_error"})],
)
async def test_without_an_answer_the_channel_is_asked_and_nothing_is_sent_twice(
    tmp_path: Path, fault: str, values: dict[str, float | str]
) -> None:
    taken = fault.startswith("answer")
    async with within(30), hill(tmp_path, budget_s=1) as place:
        plan = await place.planned(message())
        place.fake.faults.switch_on(fault, values)
        context = RecordingContext()
        end = await place.action.run(message(), plan.approved, context)
        assert [one.ok for one in context.told if isinstance(one, Answered)] == [None]
        assert place.fake.asked["post"] == 1
        assert end.outcome is (Outcome.REACHED if taken else Outcome.UNKNOWN), end
        assert place.texts() == (["Hello"] if taken else [])


async def test_nobody_there_is_told_as_such_and_nothing_was_sent(tmp_path: Path) -> None:
    async with within(20), hill(tmp_path) as place:
        plan = await place.planned(message())
        await place.fake.stop()
        end = await place.action.run(message(), plan.approved, RecordingContext())
        assert end.outcome is Outcome.FAILED
        assert end.why.startswith("not sent: 127.0.0.1 cannot be reached: Connection refused")
        with pytest.raises(UserError, match="Connection refused"):
            await place.slack.scheduled(await place.slack.channel(CHANNEL))


async def test_without_a_token_the_text_is_there_to_be_copied(tmp_path: Path) -> None:
    async with within(20), hill(tmp_path, token="xoxb-another") as place:
        with pytest.raises(UserError, match="Slack does not accept the token"):
            await place.planned(message())


async def test_after_a_kill_the_channel_tells_whether_it_was_posted(tmp_path: Path) -> None:
    async with within(20), hill(tmp_path) as place:
        plan = await place.planned(message(ODD))
        key = f"{time.time():.0f}-abc"
        before = await place.action.probe(message(ODD), history(plan.approved, key), nobody)
        assert before.found is Found.NOT_DONE
        never = await place.action.probe(message(ODD), history(plan.approved), nobody)
        assert (never.found, never.sentence) == (Found.NOT_DONE, "nothing was sent")
        await place.action.run(message(ODD), plan.approved, RecordingContext())
        after = await place.action.probe(message(ODD), history(plan.approved, key), nobody)
        assert (after.found, after.sentence) == (Found.UNDER_WAY, "it stands in #hill")
        context = RecordingContext()
        end = await place.action.follow(message(ODD), history(plan.approved, key), context)
        assert end.outcome is Outcome.REACHED
        assert "permalink" in dict(end.values)
        assert context.intended() == []
        assert len(place.texts()) == 1
        place.fake.faults.switch_on("missing-scope", {"scope": "channels:history"})
        with pytest.raises(UserError, match="lacks the scope channels:history"):
            await place.action.probe(message(ODD), history(plan.approved, key), nobody)


async def test_a_scheduled_message_is_under_way_until_it_is_seen_posted(tmp_path: Path) -> None:
    async with within(30), hill(tmp_path, pace=100.0) as place:
        item = later(200)
        plan = await place.planned(item)
        assert "Slack sends it by itself at that time, without deploydash" in plan.why
        assert plan.lines[0].startswith("chat.scheduleMessage #hill post_at=")
        context = RecordingContext()
        end = await place.action.run(item, plan.approved, context)
        assert end.outcome is Outcome.REACHED, end
        states = [(one.state, one.known_as) for one in context.progressed()]
        assert states[0] == (SCHEDULED, "Q00000001")
        assert dict(end.values)["permalink"]
        assert place.texts() == ["In one hour."]


async def test_what_comes_too_soon_is_posted_at_once_and_a_date_that_is_none_is_said(tmp_path: Path) -> None:
    async with within(20), hill(tmp_path) as place:
        soon = await place.planned(later(60))
        assert soon.lines[0] == "chat.postMessage #hill"
        assert "has come: it goes out at once" in soon.why
        none = await place.planned(message(ahead="hour before", date="soon", start="08:30", zone="America/Santiago"))
        assert none.why == "<date> must be such as 2026-12-03 and <start> such as 08:30: f sets them"


async def test_a_hold_asks_and_what_is_to_be_left_goes_out(tmp_path: Path) -> None:
    async with within(30), hill(tmp_path, pace=100.0) as place:
        item = later(200)
        plan = await place.planned(item)
        place.held.append("ana")
        question = held_question(plan)
        context = RecordingContext(answers={question: "leave"})
        end = await place.action.run(item, plan.approved, context)
        assert context.asked == [question]
        assert end.outcome is Outcome.REACHED
    async with within(30), hill(tmp_path) as place:
        item = later(2000)
        plan = await place.planned(item)
        place.held.append("ana")
        context = RecordingContext(answers={held_question(plan): "cancel"})
        end = await place.action.run(item, plan.approved, context)
        assert (end.outcome, end.why) == (Outcome.FAILED, CANCELLED)
        assert context.intended()[1:] == ["chat.deleteScheduledMessage #hill"]
        assert place.fake.channels.later == []


async def test_nobody_waits_for_a_scheduled_message_once_nobody_looks_and_a_resume_finds_it(tmp_path: Path) -> None:
    async with within(30), hill(tmp_path) as place:
        item = later(2000)
        plan = await place.planned(item)
        context = RecordingContext()
        running = asyncio.create_task(place.action.run(item, plan.approved, context))
        while not context.progressed():  # noqa: ASYNC110 - a fake has no event
            await asyncio.sleep(0.01)
        place.unseen.append(True)
        end = await running
        assert (end.outcome, end.why.partition(" at ")[0]) == (Outcome.UNKNOWN, ALONE)
        assert len(place.fake.channels.later) == 1
        found = await place.action.probe(item, history(plan.approved, f"{time.time():.0f}-b"), nobody)
        assert (found.found, found.sentence) == (Found.UNDER_WAY, "it is scheduled")


async def test_the_lead_cancels_it_and_so_may_others(tmp_path: Path) -> None:
    async with within(30), hill(tmp_path) as place:
        item = later(2000)
        plan = await place.planned(item)
        context = RecordingContext()
        running = asyncio.create_task(place.action.run(item, plan.approved, context))
        while not place.fake.channels.later or not context.progressed():  # noqa: ASYNC110 - a fake has no event
            await asyncio.sleep(0.01)
        under_way = history(plan.approved, "1-a", status=ItemStatus.UNDER_WAY, state=SCHEDULED)
        offers = place.action.controls(item, under_way, nobody)
        assert [(offer.name, offer.why_not) for offer in offers] == [(CANCEL, ""), (LEAVE, "")]
        control = RecordingContext(in_slot=True)
        await place.action.control(item, CANCEL, under_way, control)
        end = await running
        assert (end.outcome, end.why) == (Outcome.FAILED, CANCELLED)
        again = asyncio.create_task(place.action.run(item, plan.approved, RecordingContext()))
        while not place.fake.channels.later:  # noqa: ASYNC110 - a fake has no event
            await asyncio.sleep(0.01)
        found = await place.action.probe(item, history(plan.approved, f"{time.time():.0f}-b"), nobody)
        assert found.found is Found.UNDER_WAY
        place.fake.channels.later.clear()
        end = await again
        assert end.why == "it is not scheduled any more and was not posted: somebody cancelled it"
        with pytest.raises(UserError, match="not scheduled any more"):
            await place.action.control(item, CANCEL, under_way, RecordingContext(in_slot=True))


async def test_what_the_lead_leaves_goes_out_and_is_followed_no_more(tmp_path: Path) -> None:
    async with within(30), hill(tmp_path) as place:
        item = later(2000)
        plan = await place.planned(item)
        context = RecordingContext()
        running = asyncio.create_task(place.action.run(item, plan.approved, context))
        while not context.progressed():  # noqa: ASYNC110 - a fake has no event
            await asyncio.sleep(0.01)
        under_way = history(plan.approved, "1-a", status=ItemStatus.UNDER_WAY, state=SCHEDULED)
        await place.action.control(item, LEAVE, under_way, RecordingContext(in_slot=True))
        end = await running
        assert (end.outcome, end.why) == (Outcome.REACHED, LEFT)
        assert end.left == "message Q00000001 to #hill, which Slack sends by itself"
        assert len(place.fake.channels.later) == 1


async def test_a_thread_of_the_run_is_answered_and_shown_in_the_channel(tmp_path: Path) -> None:
    async with within(20), hill(tmp_path) as place:
        place.action._planner._thread = lambda channel: "17.5" if channel == CHANNEL else ""
        plan = await place.planned(message())
        assert agreed(plan)["thread"] == "17.5"
        await place.action.run(message(), plan.approved, RecordingContext())
        channel = place.fake.channels.named(CHANNEL)
        assert channel is not None
        assert channel.messages[0].told()["subtype"] == "thread_broadcast"
