"""Which name a beginning means."""

from __future__ import annotations

import pytest

from deploydash.core.run.typed_names import name_of

KNOWN = ("Ana", "Bo", "Andrés", "the build team", "Ana")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("b", "Bo"),
        (" bo ", "Bo"),
        ("ana", "Ana"),
        ("the", "the build team"),
        ("an", "an"),
        ("An", "An"),
        ("B", "B"),
        ("x", "x"),
        ("", ""),
    ],
)
def test_a_beginning_in_small_letters_means_the_one_name_that_begins_so(typed: str, meant: str) -> None:
    assert name_of(typed, KNOWN) == meant
