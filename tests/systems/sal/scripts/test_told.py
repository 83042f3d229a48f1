"""A script from its records: captured ones of a real ScriptQueue, and orders that a reader may see."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from deploydash.core.model import CscId
from deploydash.systems.sal.scripts.told import (
    BeatOfScript,
    Followed,
    LogOfScript,
    ProcessState,
    QueueTold,
    ScriptFact,
    ScriptState,
    ScriptTold,
    StateOfScript,
    follow,
)
from deploydash.systems.sal.scripts.wire import script_fact
from tests.systems.sal.wire.captures import captured, schema

QUEUE = CscId("ScriptQueue", 1)
QUEUE_PROCESS, SCRIPT_PROCESS = 70, 71
STARTED = 1000.0


def real_facts() -> list[ScriptFact]:
    """Return every fact of the captured ScriptQueue, in the order of the records."""
    found = []
    for record in captured("scriptqueue"):
        fields = schema(record.schema_id).decode(record.value[5:])
        if "logevent_" in record.topic and (fact := script_fact(record.component, record.sal_name, fields)):
            found.append(fact)
    return found


def after(cmd_id: int, facts: list[ScriptFact] | None = None) -> Followed:
    seen = Followed(QUEUE, cmd_id)
    for fact in facts if facts is not None else real_facts():
        seen = follow(seen, fact)
    return seen


def cmd_of(sal_index: int) -> int:
    return next(fact.cmd_id for fact in real_facts() if isinstance(fact, ScriptTold) and fact.sal_index == sal_index)


@pytest.mark.parametrize(
    ("sal_index", "done", "words"),
    [
        (100000, True, "done"),
        (100001, False, "failed: Error in run: Failed in run after wait: fail_run=True"),
        (100002, False, "configure failed: config(sleep_for: nonsense) failed: 'nonsense' is not of type 'number'"),
        (100003, False, "stopped"),
        (100004, True, "done"),
        (100006, False, "could not be loaded"),
        (100008, False, "terminated"),
        (100009, True, "done"),
    ],
)
def test_every_real_script_ends_as_it_did(sal_index: int, done: bool, words: str) -> None:
    seen = after(cmd_of(sal_index))
    assert (seen.sal_index, seen.ended, seen.done) == (sal_index, True, done)
    assert seen.words == words


@pytest.mark.parametrize("sal_index", [100001, 100007, 100008])
def test_a_real_script_that_fails_or_is_terminated_leaves_its_queue_paused(sal_index: int) -> None:
    seen, cmd_id = Followed(QUEUE, cmd_of(sal_index)), cmd_of(sal_index)
    paused = []
    for fact in real_facts():
        seen = follow(seen, fact)
        if seen.gone:
            paused.append(seen.words)
    assert cmd_id == seen.cmd_id
    assert paused
    assert paused[0].endswith("; it left ScriptQueue:1 paused")


def test_a_real_script_is_done_two_seconds_before_its_process_has_gone() -> None:
    seen = Followed(QUEUE, cmd_of(100000))
    ended = gone = None
    for number, fact in enumerate(real_facts()):
        seen = follow(seen, fact)
        ended = number if ended is None and seen.ended else ended
        gone = number if gone is None and seen.gone else gone
    assert ended is not None
    assert gone is not None
    assert ended < gone


def test_checkpoints_are_followed_as_they_come() -> None:
    cmd_id, seen, words = cmd_of(100009), Followed(QUEUE, cmd_of(100009)), []
    for fact in real_facts():
        seen = follow(seen, fact)
        words.append(seen.words)
    assert seen.cmd_id == cmd_id
    steps = [
        "loading",
        "unconfigured",
        "configured",
        "running",
        "running at checkpoint set Test:3",
        "ending at checkpoint set Test:3",
    ]
    assert [name for name in dict.fromkeys(words) if name != "unknown"] == [*steps, "done"]


def told(process: ProcessState, state: ScriptState, *, ended: float = 0.0, cmd_id: int = 5) -> ScriptTold:
    return ScriptTold(QUEUE, QUEUE_PROCESS, 100000, cmd_id, "a.py", process, state, STARTED, ended)


def says(state: ScriptState, sent: float, *, origin: int = SCRIPT_PROCESS, reason: str = "") -> StateOfScript:
    return StateOfScript(100000, origin, sent, state, reason, "")


def queue(*, running: bool, current: int, origin: int = QUEUE_PROCESS) -> QueueTold:
    return QueueTold(QUEUE, origin, enabled=True, running=running, current=current, waiting=())


def test_topics_may_be_read_in_any_order() -> None:
    facts: list[ScriptFact] = [
        told(ProcessState.RUNNING, ScriptState.RUNNING),
        says(ScriptState.DONE, STARTED + 5),
        LogOfScript(100000, SCRIPT_PROCESS, STARTED + 4, 20, "Run succeeded"),
        queue(running=True, current=0),
    ]
    for order in permutations(facts):
        seen = after(5, list(order))
        assert (seen.done, seen.log) == (True, "Run succeeded")


@pytest.mark.parametrize("order", list(permutations([ScriptTold, StateOfScript, LogOfScript, BeatOfScript])))
def test_a_real_script_that_is_read_back_topic_by_topic_ends_the_same_way(order: tuple[type, ...]) -> None:
    kinds = [*order, QueueTold]
    facts = [fact for kind in kinds for fact in real_facts() if isinstance(fact, kind)]
    assert after(cmd_of(100001), facts).words == "failed: Error in run: Failed in run after wait: fail_run=True"
    assert after(cmd_of(100000), facts).words == "done"


def test_a_final_state_is_never_taken_back_by_a_slower_topic() -> None:
    seen = after(5, [told(ProcessState.RUNNING, ScriptState.FAILED), says(ScriptState.RUNNING, STARTED + 1)])
    assert seen.state is ScriptState.FAILED


def test_a_script_knows_better_what_it_does_than_its_queue_unless_it_is_final() -> None:
    seen = after(5, [told(ProcessState.LOADING, ScriptState.UNKNOWN), says(ScriptState.RUNNING, STARTED + 1)])
    assert follow(seen, told(ProcessState.CONFIGURED, ScriptState.CONFIGURED)).state is ScriptState.RUNNING
    assert follow(seen, told(ProcessState.RUNNING, ScriptState.STOPPED)).state is ScriptState.STOPPED


def test_the_same_index_of_an_earlier_queue_process_is_another_script() -> None:
    earlier = says(ScriptState.FAILED, STARTED - 500, origin=60, reason="long ago")
    seen = after(5, [earlier, told(ProcessState.RUNNING, ScriptState.RUNNING), earlier])
    assert (seen.state, seen.reason) == (ScriptState.RUNNING, "")
    other = replace(told(ProcessState.DONE, ScriptState.FAILED, cmd_id=9), started_tai=STARTED - 500)
    assert follow(seen, other) == seen
    same_number = replace(told(ProcessState.DONE, ScriptState.FAILED), started_tai=STARTED + 500)
    assert follow(seen, same_number) == seen


def test_another_process_of_the_queue_leaves_an_unended_script_to_nobody() -> None:
    seen = after(5, [told(ProcessState.RUNNING, ScriptState.RUNNING), queue(running=True, current=0, origin=99)])
    assert seen.restarted
    over = after(5, [told(ProcessState.RUNNING, ScriptState.DONE), queue(running=True, current=0, origin=99)])
    assert not over.restarted


def test_a_terminated_script_is_not_done_whatever_it_said() -> None:
    seen = after(5, [told(ProcessState.TERMINATED, ScriptState.STOPPING, ended=STARTED + 9)])
    assert (seen.ended, seen.done, seen.gone) == (True, False, False)
    assert follow(seen, queue(running=False, current=100000)).gone
    first: list[ScriptFact] = [told(ProcessState.RUNNING, ScriptState.RUNNING), queue(running=False, current=100000)]
    assert after(5, [*first, told(ProcessState.TERMINATED, ScriptState.STOPPING, ended=STARTED + 9)]).gone


def test_other_queues_and_other_scripts_change_nothing() -> None:
    seen = after(5, [told(ProcessState.RUNNING, ScriptState.RUNNING)])
    elsewhere = QueueTold(CscId("ScriptQueue", 2), 1, enabled=True, running=False, current=100000, waiting=())
    assert follow(seen, elsewhere) == seen
    assert follow(seen, replace(says(ScriptState.FAILED, STARTED + 1), sal_index=100001)) == seen
