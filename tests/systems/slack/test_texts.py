"""What a message says: escaped as Slack wants it, its own forms kept, and known again as Slack gives it back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploydash.demo.fakes.slack_channels import as_kept
from deploydash.systems.slack.texts import alike, calls, escaped, filled, unknown_words, waits_for


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("&lt; is no escape of ours", "&amp;lt; is no escape of ours"),
        ("<https://a.org/?x=1&y=2|the page>", "<https://a.org/?x=1&amp;y=2|the page>"),
        ("<@U012AB3> see <#C0123> <!here> <!subteam^S01|team>", "<@U012AB3> see <#C0123> <!here> <!subteam^S01|team>"),
        ("<page> <@ana> <!nobody> <b>", "&lt;page&gt; &lt;@ana&gt; &lt;!nobody&gt; &lt;b&gt;"),
        ("*bold* _it_ `code` \"quoted\" 'single' \U0001f52d", "*bold* _it_ `code` \"quoted\" 'single' \U0001f52d"),
    ],
)
def test_only_three_signs_are_escaped_and_slacks_own_forms_stay(text: str, sent: str) -> None:
    assert escaped(text) == sent


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_what_has_no_form_arrives_as_it_was_typed(text: str) -> None:
    back = escaped(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert back == text or "<" in text


@given(st.text(max_size=200))
def test_a_message_is_known_again_as_slack_gives_it_back(text: str) -> None:
    assert alike(as_kept(escaped(text)), escaped(text))


@pytest.mark.parametrize(
    ("theirs", "ours", "same"),
    [
        ("see <https://a.org/p> :telescope:", "see https://a.org/p \U0001f52d", True),
        ("ask <mailto:ana@a.org|ana@a.org>", "ask ana@a.org", True),
        ("see <http://a.org|a.org>", "see a.org", True),
        ("to c0045 at 08:30:00", "to c0046 at 08:30:00", False),
        ("none is left", "one is left", False),
    ],
)
def test_links_and_emoji_tell_no_two_messages_apart_and_words_do(theirs: str, ours: str, same: bool) -> None:
    assert alike(theirs, ours) is same


def test_who_is_called_is_told() -> None:
    assert calls("<!channel> and <@U012AB3>, <#C012> <!channel>") == ("<!channel>", "<@U012AB3>")


def test_words_of_the_site_are_filled_in_and_those_of_the_run_waited_for() -> None:
    assert filled("{site} to <cycle>: {slack.request}", {"site": "hill", "slack.request": "Please."}) == (
        "hill to <cycle>: Please."
    )
    assert list(unknown_words("{site} {nothing}", {"site": "hill"})) == ["nothing"]
    assert waits_for("<page> of <cycle>, <page>") == ("page", "cycle")
