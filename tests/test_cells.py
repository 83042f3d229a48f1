"""Text is measured, cut, padded and wrapped by cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from deploydash.cells import broken, cells, cut, head, padded, wrapped
from deploydash.core.outside_text import visible

TEXT = st.text(st.sampled_from("ab- :漢字e\u0301🔭\x1b\n\t\u202e\udce9\u200d\ufe0f❤")) | st.text(
    st.characters(exclude_categories=())
)
WIDTHS = st.integers(-3, 30)


def test_wide_text_keeps_its_end() -> None:
    lines = wrapped("漢字かな " * 12 + "LAST WORDS", 40)
    assert " ".join(lines).endswith("漢字かな LAST WORDS")
    assert all(cell_len(line) <= 40 for line in lines)


def test_a_text_of_too_many_lines_ends_in_a_sign_after_a_whole_word() -> None:
    assert wrapped("one two three four", 9, most=2) == ["one two", "three …"]
    assert wrapped("漢字かな漢字かな", 6, most=1) == ["漢字…"]
    assert wrapped("one two", 9, most=2) == ["one two"]


def test_blanks_between_words_stay_and_those_at_a_break_go() -> None:
    assert wrapped("7 door stuck   at 12:00", 12) == ["7 door stuck", "at 12:00"]
    assert wrapped("7 door   at", 12) == ["7 door   at"]


def test_line_feeds_and_tabs_count_as_blanks_where_text_is_wrapped() -> None:
    assert wrapped("Traceback:\n\tline 1\r\n", 40) == ["Traceback:  line 1"]


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [("漢字かな", 5, "漢字…"), ("漢字", 4, "漢字"), ("abc", 0, ""), ("abc", 1, "…"), ("e\u0301abc", 3, "e\u0301a…")],
)
def test_a_text_is_cut_between_cells(text: str, width: int, shown: str) -> None:
    assert cut(text, width, "…") == shown


def test_a_column_of_wide_names_is_as_wide_as_one_of_narrow_names() -> None:
    assert [cell_len(padded(each, 10)) for each in ("漢字", "ATDome", "e\u0301", "a\x1b", "")] == [10] * 5


@given(TEXT, WIDTHS)
def test_nothing_made_for_a_width_is_wider(text: str, width: int) -> None:
    assert cells(head(text, width)) <= max(0, width)
    assert cells(cut(text, width, "…")) <= max(0, width)
    assert cells(padded(text, width)) >= width
    for lines in (wrapped(text, width), wrapped(text, width, most=2), broken(text, width)):
        assert all(cell_len(line) <= max(2, width) for line in lines)


@given(TEXT, WIDTHS)
def test_nothing_is_lost_but_blanks(text: str, width: int) -> None:
    flat = visible(text.replace("\n", " ").replace("\t", " ").replace("\r", " "))
    assert "".join(wrapped(text, width)).replace(" ", "") == flat.replace(" ", "")
    assert "".join(broken(text, width)) == visible(text)


@given(TEXT)
def test_what_is_measured_is_what_is_shown(text: str) -> None:
    assert cells(text) == cell_len(visible(text)) == cells(visible(text))
