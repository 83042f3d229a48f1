"""What was pasted is text, whatever it holds and however it comes in pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.events import Paste

from deploydash.ui.widgets.pasted import END, IDLE, START, Pasted


def read(pasted: Pasted, *parts: str) -> list[str | tuple[str]]:
    """What comes of these reads: texts to be read as keys joined, a paste as a tuple of one."""
    found: list[str | tuple[str]] = []
    for part in parts:
        for each in pasted.feed(part):
            if isinstance(each, Paste):
                found.append((each.text,))
            elif found and isinstance(found[-1], str):
                found[-1] += each
            else:
                found.append(each)
    return found


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("aH", ["aH"]),
        ("\x1b", ["\x1b"]),
        ("\x1b[A", ["\x1b[A"]),
        (f"{START}ab{END}", [("ab",)]),
        (f"a{START}H\x1bH\x07\x1b[A{END}b", ["a", ("H\x1bH\x07\x1b[A",), "b"]),
        (f"{START}{END}", [("",)]),
        (f"{START}one\ntwo{END}{START}three{END}", [("one\ntwo",), ("three",)]),
        (f"{START}a{START}b{END}", [(f"a{START}b",)]),
    ],
)
def test_between_the_marks_all_is_text(typed: str, wanted: list[object]) -> None:
    assert read(Pasted(), typed) == wanted


@given(st.text(alphabet="aH\x1b\x07[201~\n", max_size=40), st.lists(st.integers(0, 60), max_size=6))
def test_a_paste_in_pieces_is_the_same_paste(text: str, cuts: list[int]) -> None:
    text = text.replace(END, "")
    whole = f"x{START}{text}{END}y"
    if END in whole[: -len(END) - 1]:
        return
    places = sorted({0, len(whole), *(4 + cut for cut in cuts if 4 + cut < len(whole))})
    parts = [whole[first:last] for first, last in pairwise(places)]
    assert read(Pasted(), *parts) == ["x", (text,), "y"]


def test_a_paste_that_never_ends_is_over_when_nothing_more_comes_and_keys_count_again() -> None:
    pasted = Pasted()
    assert read(pasted, f"{START}abc\x1b[20") == []
    found = [each for _ in range(IDLE + 1) for each in pasted.tick()]
    assert [each.text for each in found if isinstance(each, Paste)] == ["abc\x1b[20"]
    assert read(pasted, "H") == ["H"]


def test_the_beginning_of_a_sequence_is_read_as_keys_when_nothing_follows() -> None:
    pasted = Pasted()
    assert read(pasted, "\x1b[2") == []
    assert list(pasted.tick()) == ["\x1b[2"]
