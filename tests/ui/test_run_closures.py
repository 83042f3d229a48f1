"""The page about a step says how often gates of the run cried wolf."""

from dataclasses import replace

from deploydash.core.procedure.names import StepId
from deploydash.core.published import Published
from deploydash.core.run.records import GateClosedSpuriously
from tests.support.run_snapshots import SCENES
from tests.support.run_ui import running_run

CLOSURES = (
    GateClosedSpuriously(StepId("cscs"), "Kafka is down: what is shown is old", "kafka down", 4.5),
    GateClosedSpuriously(StepId("cscs"), "Kafka is down: what is shown is old", "kafka down", 3.0),
    GateClosedSpuriously(StepId("queues"), "the Watcher is down first", "heartbeats cannot be read", 2.0),
)
WORDS = "Spurious gate closures of this run"


def with_closures() -> Published:
    base = SCENES["cscs"]()
    assert base.run is not None
    return replace(base, run=replace(base.run, spurious_closures=CLOSURES))


async def test_false_closures_are_counted_with_their_causes_on_the_page() -> None:
    async with running_run(with_closures(), height=80) as screen:
        await screen.press("V")
        await screen.sees(f"{WORDS}: 3, 10 s in all (kafka down 2, heartbeats cannot be read 1)")


async def test_a_run_without_any_says_nothing_of_them() -> None:
    async with running_run(SCENES["cscs"](), height=80) as screen:
        await screen.press("V")
        await screen.sees("CSCs: disable, standby, exitControl")
        assert WORDS not in screen.text()
