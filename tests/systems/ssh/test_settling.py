"""How long what a command did is looked for behind a lost connection, by a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploydash.core.run.ports import Finding, Found
from deploydash.errors import FeedError
from deploydash.systems.ssh.hosts import Hosts
from deploydash.systems.ssh.memory import Memory
from deploydash.systems.ssh.ran import Ran
from deploydash.systems.ssh.writes import LOST_S, SETTLED_S, Tools, settled
from tests.support.clock import ManualClock
from tests.support.item_context import Answered, RecordingContext

STEP_S = 10.0
"""So far apart the looks of these tests are."""

AWAY = None
"""A look at a host that does not answer."""

NOT_DONE, UNDER_WAY, DONE = Found.NOT_DONE, Found.UNDER_WAY, Found.DONE


async def seconds_until_settled(ran: Ran, seen: Iterator[Found | None]) -> tuple[Found, float]:
    """Return what was found at last, and after how many seconds of looks."""
    clock = ManualClock()
    tools = Tools(Hosts.__new__(Hosts), clock, Memory(clock, 0.0), poll_s=0.0)

    async def look() -> Finding:
        clock.advance(STEP_S)
        found = next(seen)
        if found is None:
            raise FeedError("ssh", "the host refused the connection")
        return Finding(found, "as seen", clock.utc())

    context = RecordingContext()
    finding = await settled(look, tools, ran, context)
    answers = [one.ok for one in context.told if isinstance(one, Answered)]
    assert answers == ([True] if ran.unknown and finding.found is DONE else []), "what is seen is its answer"
    return finding.found, clock.monotonic()


def always(*first: Found | None, then: Found | None) -> Iterator[Found | None]:
    yield from first
    while True:
        yield then


CUT = Ran(None, cut=True)


async def test_what_is_no_longer_at_work_on_a_host_that_answers_again_is_not_waited_for_to_the_limit() -> None:
    found, after = await seconds_until_settled(CUT, always(AWAY, AWAY, then=NOT_DONE))
    assert (found, after) == (NOT_DONE, 3 * STEP_S + SETTLED_S)


async def test_a_host_that_does_not_answer_is_looked_for_to_the_limit() -> None:
    found, after = await seconds_until_settled(CUT, always(then=AWAY))
    assert (found, after) == (Found.CANNOT_TELL, LOST_S)


async def test_a_host_that_is_lost_once_more_is_looked_at_from_the_beginning() -> None:
    four = [NOT_DONE] * 4
    found, after = await seconds_until_settled(CUT, always(*four, AWAY, then=NOT_DONE))
    assert (found, after) == (NOT_DONE, 6 * STEP_S + SETTLED_S)


async def test_what_is_at_work_there_is_followed_beyond_any_limit() -> None:
    found, after = await seconds_until_settled(CUT, always(*[UNDER_WAY] * 99, then=DONE))
    assert (found, after) == (DONE, 100 * STEP_S)


@pytest.mark.parametrize("ran", [CUT, Ran(0)])
async def test_what_it_did_may_take_a_while_to_be_seen(ran: Ran) -> None:
    found, after = await seconds_until_settled(ran, always(NOT_DONE, NOT_DONE, NOT_DONE, then=DONE))
    assert (found, after) == (DONE, 4 * STEP_S)
