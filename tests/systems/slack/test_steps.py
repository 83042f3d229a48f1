"""A step to messages: what is wrong with one, which message it is, and when that goes out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from deploydash.core.procedure.names import StepId
from deploydash.core.run.placeholders import filled_item
from deploydash.systems.slack.settings import SlackSettings
from deploydash.systems.slack.steps import SlackSteps, Spec, read_spec
from deploydash.systems.table import Entry
from tests.support.builders import roster

STEPS = SlackSteps()
SETTINGS = SlackSettings(announce="#hill", request="Please.", messages={"nublado-open": "Nublado is open."})


def entry(step: str = "announce", **own: Any) -> Entry:
    return Entry(StepId(step), {"channel": "announce", "text": "Hello", **own}, roster(), SETTINGS)


@pytest.mark.parametrize(
    ("own", "place", "words"),
    [
        ({"channel": "nowhere"}, "channel", "'nowhere' is no channel"),
        ({"ahead": "week before"}, "ahead", "'week before' is no time before the start"),
        ({"text": " "}, "text", "it says nothing"),
        ({"text": "{phalanx}"}, "text", "nothing sets {phalanx}"),
        ({"text": "x" * 40_001}, "text", "40001 characters are too many"),
        ({"about": 3}, "about", "3 is no placeholder"),
    ],
)
def test_what_is_wrong_with_a_step_is_said_at_its_place(own: dict[str, Any], place: str, words: str) -> None:
    [wrong] = STEPS.problems(entry(**own))
    assert (wrong.path, wrong.message) == ((place,), words)


def test_a_step_is_one_message_and_the_sites_own_text_goes_before_the_runbooks() -> None:
    [item] = STEPS.items(entry(text="{site}: {slack.request}"))
    assert item.text == f"{roster().site}: Please."
    [own] = STEPS.items(entry("nublado-open"))
    assert (own.text, own.manual) == ("Nublado is open.", ("Nublado is open.",))
    assert STEPS.lines(own) == ("chat.postMessage #hill", "Nublado is open.")


def test_a_channel_that_the_site_does_not_name_is_none() -> None:
    [item] = STEPS.items(entry(channel="square"))
    assert read_spec(item.spec) == Spec("", "square")
    assert item.label == "message to the channel square"


@pytest.mark.parametrize(
    ("ahead", "date", "start", "out"),
    [
        ("day before", "2026-12-03", "08:30", datetime(2026, 12, 2, 11, 30, tzinfo=UTC)),
        ("hour before", "2026-12-03", "08:30", datetime(2026, 12, 3, 10, 30, tzinfo=UTC)),
        # Chile goes to summer time in the night to 2026-09-06: the day before has the same clock time, not 24 hours.
        ("day before", "2026-09-06", "08:30", datetime(2026, 9, 5, 12, 30, tzinfo=UTC)),
        ("hour before", "2026-09-06", "01:30", datetime(2026, 9, 6, 3, 30, tzinfo=UTC)),
    ],
)
def test_a_message_goes_out_before_the_start_by_the_clock_of_chile(
    ahead: str, date: str, start: str, out: datetime
) -> None:
    [item] = STEPS.items(entry(ahead=ahead))
    spec = read_spec(filled_item(item, {"date": date, "start": start}).spec)
    assert spec.at() == out.timestamp()


@pytest.mark.parametrize(("date", "start"), [("<date>", "<start>"), ("soon", "08:30"), ("2026-12-03", "08:30Z")])
def test_a_start_that_is_none_is_said(date: str, start: str) -> None:
    with pytest.raises(ValueError, match="<start>"):
        Spec("#hill", ahead="day before", date=date, start=start, zone="America/Santiago").at()


def test_the_lead_may_post_beside_the_runbook() -> None:
    [offer] = STEPS.offers()
    assert STEPS.compose(offer.id, ["", ""]).wrong == ("name a channel with its #", "say something")
    item = STEPS.compose(offer.id, ["#there", "Hello"]).item
    assert item is not None
    assert (item.label, item.text) == ("message to #there", "Hello")
