"""Text from outside is made visible."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploydash.core.outside_text import visible

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;TITLE\x07door", "␛[2J␛]0;TITLE␇door"),
        ("\x9b31m", "‹U+009B›31m"),
        ("abc\u202edef", "abc‹U+202E›def"),
        ("two\r\nlines\tand a tab", "two␍␊lines␉and a tab"),
        ("del\x7f", "del␡"),
        ("zero\u200bwidth\ufeff", "zero‹U+200B›width‹U+FEFF›"),
        ("tag\U000e0041", "tag‹U+E0041›"),
        ("op\udce9r", "op‹0xE9›r"),
        ("lone \ud83d half", "lone ‹U+D83D› half"),
        ("private \ue0b0", "private ‹U+E0B0›"),
        ("漢字 Ünïcode e\u0301 🔭 שלום", "漢字 Ünïcode e\u0301 🔭 שלום"),
        ("plain [bold]text[/] | `x`", "plain [bold]text[/] | `x`"),
    ],
)
def test_what_steers_a_terminal_or_cannot_be_seen_becomes_a_sign(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_line_feed_stays_one_only_where_lines_are_wanted() -> None:
    assert visible("a\nb\rc", lines=True) == "a\nb␍c"
    assert visible("a\nb\rc") == "a␊b␍c"


def test_every_control_format_private_and_separating_character_of_unicode_gets_a_sign() -> None:
    hidden = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    kept = [
        f"U+{code:04X}"
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in hidden and visible(chr(code)) == chr(code)
    ]
    assert kept == []


def test_no_letter_number_mark_or_symbol_is_touched_but_those_drawn_as_nothing() -> None:
    signed = {
        code
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        and visible(chr(code)) != chr(code)
    }
    drawn_as_nothing = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0}
    selectors = {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
    assert signed == drawn_as_nothing | selectors


@given(ANY_TEXT)
def test_made_visible_twice_is_made_visible_once_and_can_be_written_anywhere(text: str) -> None:
    once = visible(text)
    assert visible(once) == once
    once.encode("utf-8")
    assert not any(unicodedata.category(each) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for each in once)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_comes_back_as_the_same_object(text: str) -> None:
    assert visible(text) is text
