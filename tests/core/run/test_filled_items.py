"""Every text of an item has its words filled in, and what its system reads stays the JSON that it was."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId, SystemName, numbered
from deploydash.core.run.placeholders import filled_in, filled_item, missing_placeholders
from tests.support.runs import opened, small_runbook

SPEC = {"branch": "<branch>", "body": 'for "<cycle>": <branch>', "nested": [{"<kept>": "<branch>"}]}
ITEM = Item(
    numbered(0), "merge <branch>", SystemName("forge"), json.dumps(SPEC), manual=("git merge <branch>", "<kept>")
)


@given(st.text(st.characters(exclude_characters="<>", exclude_categories=())))
def test_whatever_a_word_is_the_spec_says_it_and_nothing_else(text: str) -> None:
    filled = filled_item(ITEM, {"branch": text, "cycle": "c0045"})
    assert json.loads(filled.spec) == {
        "branch": text,
        "body": f'for "c0045": {text}',
        "nested": [{"<kept>": text}],
    }
    assert (filled.label, filled.manual) == (f"merge {text}", (f"git merge {text}", "<kept>"))


def test_an_item_that_waits_for_no_word_is_the_same() -> None:
    plain = replace(ITEM, label="merge", spec="{}", manual=())
    assert filled_item(plain, {"branch": "x"}) is plain
    step = replace(small_runbook().step(StepId("watcher")), items=(plain,))
    assert filled_in(step, {"branch": "x"}) is step


def test_words_that_only_the_spec_waits_for_are_missed_too() -> None:
    state = opened(replace(small_runbook(), blanks=("branch", "cycle", "ticket")))
    hidden = replace(ITEM, label="merge", manual=(), spec=json.dumps({"branch": "<branch>", "key": "<ticket>"}))
    step = replace(small_runbook().step(StepId("watcher")), items=(ITEM, hidden))
    assert missing_placeholders(step, state) == ("branch", "ticket")
