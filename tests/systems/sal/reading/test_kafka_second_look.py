"""Records that were refused for their schema are read once the registry has another answer, in their own order."""

from __future__ import annotations

import asyncio
import struct

import pytest

from deploydash.core.fleet.observations import BeatsUnreadable, StatesUnreadable, StateTold, Unreadable
from deploydash.core.model import SummaryState
from deploydash.systems.sal.reading import second_look as kafka_second_look
from deploydash.systems.sal.reading.schemas import MOST_STRANGERS, Held
from tests.servers.fleet import schema_text
from tests.servers.waiting import within
from tests.support.records import Entry
from tests.systems.sal.reading.test_kafka_intake import BEATS, ESS1, STATES, TEXTS, Registry, Way, value

S = SummaryState
NEW = 9
"""An id that the registry learns in a test."""


def under(schema_id: int, whole: bytes) -> bytes:
    return struct.pack(">bI", 0, schema_id) + whole[5:]


def state(index: int, seq: int, told: SummaryState, schema_id: int = 2) -> bytes:
    return under(schema_id, value(2, index, seq, state=told))


@pytest.fixture
async def way(monkeypatch: pytest.MonkeyPatch) -> Way:
    monkeypatch.setattr(kafka_second_look, "AGAIN_S", 0.01)
    monkeypatch.setattr(kafka_second_look, "RETRY_S", 0.01)
    registry = Registry()
    await registry.schema(1)
    await registry.schema(2)
    return Way(registry)


async def refused(way: Way, *values: bytes, at: float = 4.0) -> None:
    """Have states arrive; return when those under NEW are refused."""
    await way.intake.events_told({STATES: [Entry(offset, one) for offset, one in enumerate(values)]}, at)
    await way.inbox.until(
        lambda: any("no schema" in one.why for told in way.inbox.of(StatesUnreadable) for one in told.newest)
    )


def learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TEXTS, NEW, TEXTS[2])


def newest(way: Way) -> tuple[Unreadable, ...]:
    return way.inbox.of(StatesUnreadable)[-1].newest


async def test_a_state_that_was_refused_is_told_with_its_own_time_once_the_registry_knows_its_schema(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with way.asking():
        await refused(way, state(1, 1, S.FAULT, NEW), at=4.0)
        assert newest(way) == (Unreadable(None, 0, "no schema 9"),)
        learn(monkeypatch)
        await way.inbox.until(lambda: way.inbox.of(StateTold))
    [told] = way.inbox.of(StateTold)
    assert (told.csc, told.state, told.at, told.live, told.order) == (ESS1, S.FAULT, 4.0, True, 0)
    assert newest(way) == ()


async def test_a_state_that_was_refused_replaces_none_that_was_read_meanwhile(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with way.asking():
        await refused(way, state(1, 1, S.FAULT, NEW), state(2, 1, S.FAULT, NEW), state(1, 2, S.STANDBY))
        learn(monkeypatch)
        await way.inbox.until(lambda: len(way.inbox.of(StateTold)) == 2 and not newest(way))
    assert [(one.csc.index, one.state) for one in way.inbox.of(StateTold)] == [(1, S.STANDBY), (2, S.FAULT)]


async def test_refused_states_of_one_csc_are_told_in_their_order(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    with way.asking():
        await refused(way, state(1, 1, S.STANDBY, NEW), state(1, 2, S.DISABLED, NEW), state(1, 3, S.ENABLED, NEW))
        learn(monkeypatch)
        await way.inbox.until(lambda: len(way.inbox.of(StateTold)) == 3)
    assert [one.state for one in way.inbox.of(StateTold)] == [S.STANDBY, S.DISABLED, S.ENABLED]


async def test_a_state_that_was_refused_when_it_was_read_back_is_told_as_one_of_the_log(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = way.intake.decoder
    with way.asking():
        assert decoder.logged(STATES, way.intake.events[STATES], Entry(5, state(1, 5, S.ENABLED)), 2.0)
        for offset, index in ((3, 1), (4, 2)):
            old = Held(STATES, Entry(offset, state(index, offset, S.FAULT, NEW)), 2.0, live=False)
            decoder.refuse(old, None, "no schema 9")
        learn(monkeypatch)
        await way.inbox.until(lambda: way.inbox.of(StateTold))
    [told] = way.inbox.of(StateTold)
    assert (told.csc.index, told.state, told.live, told.at) == (2, S.FAULT, False, 2.0)


async def test_what_hid_less_is_what_hides_once_a_newer_one_is_read(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    with way.asking():
        await refused(way, b"noise", state(1, 1, S.FAULT, NEW))
        assert newest(way) == (Unreadable(None, 1, "no schema 9"),)
        learn(monkeypatch)
        await way.inbox.until(lambda: way.inbox.of(StateTold))
    assert [(one.index, one.order) for one in newest(way)] == [(None, 0)]


async def test_what_is_kept_is_bounded_and_what_made_room_hides_on(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_second_look, "MOST_KEPT_BYTES", 250)
    with way.asking():
        await refused(way, *(state(index, 1, S.FAULT, NEW) for index in (1, 2, 3)))
        learn(monkeypatch)
        await way.inbox.until(lambda: len(way.inbox.of(StateTold)) == 2)
    assert [one.csc.index for one in way.inbox.of(StateTold)] == [2, 3]
    assert newest(way) == (Unreadable(None, 0, "no schema 9"),)


async def test_a_flood_of_refused_ids_asks_for_a_few_of_each_partition_at_a_time(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_second_look, "AGAIN_S", 0.2)
    noise = [struct.pack(">bI", 0, 1000 + number) + b"noise" for number in range(500)]
    with way.asking():
        await refused(way, *noise)
        asked = len(way.registry.asked)
        async with within(5):
            while len(way.registry.asked) == asked:  # noqa: ASYNC110  it tells nobody what it was asked
                await asyncio.sleep(0)
        assert len(way.registry.asked) - asked <= MOST_STRANGERS


OTHER = schema_text("ESS", "summaryState", indexed=True).replace(
    '"fields": [', '"fields": [{"name": "added", "type": "string"}, '
)
"""What a registry that was set up anew has under the id of the states."""


def anew(index: int, told: SummaryState) -> bytes:
    """Return a state written with the other schema."""
    return state(index, 1, told)[:5] + b"\x04hi" + state(index, 1, told)[5:]


async def test_a_record_that_does_not_fit_its_schema_is_read_with_the_one_that_the_registry_has_by_now(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = anew(1, S.FAULT)
    monkeypatch.setitem(TEXTS, 2, OTHER)
    with way.asking():
        await way.intake.events_told({STATES: [Entry(0, written)]}, 4.0)
        assert newest(way) == (Unreadable(None, 0, "does not fit schema 2"),)
        await way.inbox.until(lambda: way.inbox.of(StateTold))
    [told] = way.inbox.of(StateTold)
    assert (told.csc, told.state, told.at, told.live) == (ESS1, S.FAULT, 4.0, True)
    assert newest(way) == ()
    assert way.registry.asked_instead == [2]


async def test_a_record_that_does_not_fit_is_given_up_once_the_registry_has_nothing_else(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with way.asking():
        await way.intake.events_told({STATES: [Entry(0, state(1, 1, S.FAULT) + b"x")]}, 4.0)
        async with within(5):
            while way.intake.again.keeps(STATES):  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0)
        assert newest(way) == (Unreadable(None, 0, "does not fit schema 2"),)
        monkeypatch.setitem(TEXTS, 2, OTHER)
        await way.intake.events_told({STATES: [Entry(1, b"noise")]}, 5.0)
    assert way.registry.asked_instead == [2]
    assert newest(way)[-1].order == 1


async def test_a_registry_that_is_away_is_asked_for_a_doubted_schema_once_it_is_back(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    way.registry.there = False
    written = anew(1, S.FAULT)
    monkeypatch.setitem(TEXTS, 2, OTHER)
    with way.asking():
        await way.intake.events_told({STATES: [Entry(0, written)]}, 4.0)
        async with within(5):
            while len(way.registry.asked_instead) < 2:  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0)
        way.registry.there = True
        await way.inbox.until(lambda: way.inbox.of(StateTold))
    assert [one.state for one in way.inbox.of(StateTold)] == [S.FAULT]


async def test_heartbeats_that_do_not_fit_have_the_next_ones_read_with_the_schema_of_now(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = value(1, 1, 1)
    monkeypatch.setitem(TEXTS, 1, OTHER)
    with way.asking():
        await way.intake.beats({BEATS: [Entry(0, written[:-1])]}, 1.0)
        assert [one.why for one in way.inbox.of(BeatsUnreadable)] == ["does not fit schema 1"]
        async with within(5):
            while way.registry.asked_instead != [1]:  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0)
    schema = way.registry.known(1)
    assert schema is not None
    assert "added" in schema.fields
