from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from deploydash.core.model import CscId
from deploydash.systems.registry.framing import Undecodable
from deploydash.systems.sal.commanding.acks import Ack, AckCode, Answer, Awaited, ack_of, command_at, in_words

ESS = CscId("ESS", 104)


def ack(code: int, *, extends_s: float = 0.0, result: str = "") -> Ack:
    return Ack(ESS, "lead@console", 4711, 12, code, 0, result, extends_s)


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


async def test_an_acknowledgement_from_before_the_wait_is_not_lost() -> None:
    awaited = Awaited(ESS, 10.0, Watch())
    awaited.take(ack(AckCode.COMPLETE, result="Done"))
    assert await awaited.answer() == Answer(AckCode.COMPLETE, 0, "Done")


async def test_the_first_final_acknowledgement_counts() -> None:
    awaited = Awaited(ESS, 10.0, Watch())
    awaited.take(ack(AckCode.FAILED, result="no"))
    awaited.take(ack(AckCode.COMPLETE))
    assert (await awaited.answer()).code == AckCode.FAILED


@pytest.mark.parametrize("code", [AckCode.ACK, AckCode.INPROGRESS, AckCode.STALLED])
async def test_what_is_not_final_does_not_end_the_wait(code: AckCode) -> None:
    awaited = Awaited(ESS, 10.0, Watch())
    awaited.take(ack(code))
    waiting = asyncio.create_task(awaited.answer())
    await asyncio.sleep(0)
    assert not waiting.done()
    awaited.take(ack(AckCode.ABORTED))
    assert (await waiting).code == AckCode.ABORTED


async def test_every_in_progress_adds_its_time_to_the_limit() -> None:
    watch = Watch()
    awaited = Awaited(ESS, 10.0, watch)
    awaited.take(ack(AckCode.INPROGRESS, extends_s=5.0))
    awaited.take(ack(AckCode.INPROGRESS, extends_s=7.0))
    watch.at += 21.9
    waiting = asyncio.create_task(awaited.answer())
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    watch.at += 0.1
    assert await awaited.answer() == Answer(0, 0, "no answer within 22 s; it was in progress")


async def test_a_stalled_command_that_never_ends_is_unknown_in_words() -> None:
    watch = Watch()
    awaited = Awaited(ESS, 10.0, watch)
    awaited.take(ack(AckCode.STALLED))
    watch.at += 10
    assert await awaited.answer() == Answer(0, 0, "no answer within 10 s; it had stalled")


async def test_the_limit_counts_from_when_the_command_is_on_kafka() -> None:
    watch = Watch()
    awaited = Awaited(ESS, 10.0, watch)
    watch.at += 8
    awaited.began()
    watch.at += 8
    awaited.take(ack(AckCode.COMPLETE))
    assert (await awaited.answer()).code == AckCode.COMPLETE


def fields(**changes: Any) -> dict[str, Any]:
    usual = {
        "salIndex": 104,
        "private_seqNum": 12,
        "identity": "lead@console",
        "origin": 4711,
        "ack": 301,
        "error": 0,
        "result": "working",
        "timeout": 5.0,
    }
    return usual | changes


def test_an_acknowledgement_is_read_by_field_name() -> None:
    assert ack_of("ESS", fields()) == ack(AckCode.INPROGRESS, extends_s=5.0, result="working")


@pytest.mark.parametrize("timeout", [math.nan, math.inf, -3.0, None, "5"])
def test_a_time_that_is_none_extends_nothing(timeout: object) -> None:
    assert ack_of("ESS", fields(timeout=timeout)).extends_s == 0.0


def test_an_absurd_time_extends_by_an_hour_at_most() -> None:
    assert ack_of("ESS", fields(timeout=1e300)).extends_s == 3600.0


@pytest.mark.parametrize("broken", [{"ack": None}, {"origin": "x"}, {"private_seqNum": 1.5}, {"salIndex": -1}])
def test_what_cannot_be_matched_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(Undecodable):
        ack_of("ESS", fields(**broken))


@pytest.mark.parametrize(
    ("code", "result", "words"),
    [
        (303, "Done", "done"),
        (303, "100000", "done: 100000"),
        (-302, "Failed: enable not allowed in state STANDBY", "failed: enable not allowed in state STANDBY"),
        (-300, "", "no permission"),
        (-301, "", "no acknowledgement (NOACK)"),
        (-303, "stopped", "aborted: stopped"),
        (-304, "", "it ran out of its own time"),
        (-999, "odd", "acknowledged with -999: odd"),
    ],
)
def test_every_answer_has_words_of_its_own(code: int, result: str, words: str) -> None:
    assert in_words(code, result) == words


TEST_TOPICS = (
    *("ackcmd", "arrays", "command_disable", "command_enable", "command_exitControl", "command_fault"),
    *("command_setArrays", "command_setLogLevel", "command_setScalars", "command_standby", "command_start"),
    *("logevent_heartbeat", "scalars"),
)


@pytest.mark.parametrize(
    ("place", "origin", "command"),
    [(10, 77, "start"), (3, 77, "enable"), (3, 0, ""), (0, 77, ""), (11, 77, ""), (99, 77, ""), (None, 77, "")],
)
def test_ts_salobj_tells_which_command_it_acknowledged_and_sal_in_cpp_does_not(
    place: int | None, origin: int, command: str
) -> None:
    told = ack_of("Test", fields(cmdtype=place, private_origin=origin))
    assert command_at(told.place, TEST_TOPICS) == command
