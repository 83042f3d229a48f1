"""Every kind of record is read back from a journal as it was written, whatever stands in it."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploydash.core.fleet.records import Record
from deploydash.core.model import CscId, SummaryState, Target
from deploydash.core.procedure.csc_work import direct_command, transition
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import DIRECT, ItemId, StepId, SystemName
from deploydash.core.procedure.runbook import Debt, Tier
from deploydash.core.run.records import (
    RUN_RECORDS,
    AnswerOffered,
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    QuestionAsked,
    RequestAnswered,
    RequestIntended,
)
from deploydash.journal.line import FIRST_PREV
from deploydash.journal.runs import CODEC

KINDS: tuple[type[Any], ...] = (*RUN_RECORDS, *get_args(Record))
STEP, NAME = StepId("sync"), ItemId("added-1")
ESS = CscId("ESS", 104)

st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


def read_back(record: object) -> object:
    """Write a record as the first line of a journal and read that."""
    return CODEC.entry(CODEC.line(1, 1.0, record, FIRST_PREV), 1, FIRST_PREV).record


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_is_read_back_as_it_was_written(kind: type[Any]) -> None:
    @given(st.from_type(kind))
    @settings(max_examples=20, deadline=None)
    def written(record: object) -> None:
        assert read_back(record) == record

    written()


@pytest.mark.parametrize(
    "record",
    [
        ItemAdded(
            STEP,
            Item(
                NAME,
                "sync of “obssys” | <cycle>\n\x1b[2J",
                SystemName("cluster"),
                '{"app": "obssys", "prune": [1, null]}',
                (CscEffect(ESS, Target.parse("OFFLINE/AVAILABLE")), CscEffect(ESS, Target(SummaryState.STANDBY))),
                ("# by hand", "sync --app 'obssys'"),
                wave=3,
                opaque=True,
            ),
            "ops1",
            (ItemId("#1"), ItemId("ESS:104")),
            '{"commit": "9f2c"}',
        ),
        ItemAdded(DIRECT, direct_command(ESS, "start", "a.yaml"), "ops1", seen="STANDBY"),
        ItemAdded(STEP, transition(ESS, Target(SummaryState.ENABLED), 2), "ops1"),
        RequestIntended(STEP, NAME, "PATCH /sync", "7", True, Debt("sync", "syncing", (STEP,), restore="on \udcff")),
        RequestIntended(STEP, NAME, "GET /sync"),
        RequestAnswered(STEP, NAME, None, ""),
        RequestAnswered(STEP, NAME, False, "409"),
        ItemsDispatched(STEP, (NAME,), "ops1", ((NAME, '{"rev": 1}'),), "0a1b"),
        ItemEnded(STEP, NAME, Outcome.REACHED, "synced", (("commit", "9f2c"),), "a Job"),
        QuestionAsked(STEP, NAME, "Prune?", (AnswerOffered("no", "keep"), AnswerOffered("yes", "go", Tier.SEVERE))),
    ],
    ids=lambda record: type(record).__name__,
)
def test_what_stands_inside_a_record_is_read_back_as_the_same_values(record: object) -> None:
    read = read_back(record)
    assert read == record
    assert repr(read) == repr(record), "of the same types, too"
