"""A run on a real Kafka and a real registry that is stopped, stalled and started again under an armed card."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from deploydash.cli.places import Places
from deploydash.cli.plan import open_runbook
from deploydash.config.load import load_site
from deploydash.core.model import CscId, FeedName, FeedState, Phase, SummaryState
from deploydash.core.procedure.names import SAL, StepId
from deploydash.core.published import Published
from deploydash.core.run.decide import Refused
from deploydash.core.run.orders import ArmStep
from deploydash.core.run.records import RunOpened
from deploydash.core.run.state import RunState
from deploydash.core.views.run_view import Card
from deploydash.errors import FeedError
from deploydash.journal.runs import CODEC
from deploydash.journal.write import JournalWriter
from deploydash.wiring.acting import Acting, acting, sal
from deploydash.wiring.read_only import ReadOnly, read_only
from deploydash.wiring.tables import READING
from tests.e2e_run.books import CLOSE, SHUTDOWN, SYSTEMS, write_book
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import within

pytestmark = pytest.mark.server

CSCS = [CscId("Watcher"), CscId("ESS", 104), CscId("ScriptQueue", 1)]
STEP = StepId("watcher")
STALL_S = 7.0


def site_file(folder: Path, kafka: KafkaServer, registry: SchemaRegistry, subname: str) -> Path:
    document = {
        "site": "hill",
        "rehearsal": True,
        "time_zone": "UTC",
        "kafka": {
            "bootstrap": kafka.bootstrap,
            "hosts": ["127.0.0.1"],
            "security_protocol": "PLAINTEXT",
            "topic_subname": subname,
        },
        "schema_registry": {"url": registry.url},
        "systems": SYSTEMS,
        "groups": ["All"],
        "cscs": [{"csc": str(csc), "group": "All", "startup": "ENABLED"} for csc in CSCS],
    }
    path = folder / "hill.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Open:
    """A run that is open in this process, as its lead sees it."""

    run: Acting

    def snapshot(self) -> Published:
        return self.run.controller.attach(self.run.reader.session.snapshot())

    def card(self) -> Card:
        shown = self.snapshot().run
        assert shown is not None
        assert shown.card is not None
        return shown.card

    def registry(self) -> FeedState:
        return next(feed.state for feed in self.snapshot().feeds if feed.feed is FeedName.SCHEMA_REGISTRY)

    def events(self) -> list[str]:
        return [line.change for line in self.snapshot().events if line.subject == "schema registry"]

    async def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        async with within(seconds):
            while not condition():  # noqa: ASYNC110 - what is shown changes with the world
                await asyncio.sleep(0.05)

    async def arm(self) -> None:
        await self.until(lambda: self.registry() is FeedState.UP and self.card().is_open)
        assert await self.run.controller.arm(ArmStep(STEP, self.snapshot().number)) == ()
        assert self.card().armed is not None

    async def arm_dies(self) -> str:
        """Wait until the arm is dead, and return why."""
        await self.until(lambda: self.card().armed is None)
        return self.card().armed_message


@asynccontextmanager
async def opened(reader: ReadOnly, folder: Path) -> AsyncIterator[Open]:
    at = Places(folder, folder, folder, folder)
    book = open_runbook(str(write_book(folder, SHUTDOWN, CLOSE, site="hill", queues=1)), reader.site, None, at)
    first = RunOpened("hill-c0045", "hill", book.id, "c0045", "lead@console", rehearsal=True)
    with JournalWriter(folder / "runs" / "hill-c0045" / "journal.jsonl", CODEC) as journal:
        journal.open()
        async with acting(reader, RunState(book), journal, first, table={SAL: sal}) as run:
            working = asyncio.create_task(run.work())
            try:
                lead = Open(run)
                await lead.until(lambda: lead.snapshot().decided and lead.snapshot().run is not None, 40)
                yield lead
                assert not working.done()
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
    await reader.aclose()


@pytest.fixture
def reader(tmp_path: Path, kafka: KafkaServer, own_schema_registry: SchemaRegistry, subname: str) -> Iterator[ReadOnly]:
    writer = SalWriter(kafka.topics, own_schema_registry, subname)
    with Beater(writer, CSCS) as beater:
        for csc in CSCS:
            writer.tell_state(csc, SummaryState.ENABLED, origin=beater.origin(csc))
        site = load_site(site_file(tmp_path, kafka, own_schema_registry, subname), READING)
        yield read_only(site, {}, tmp_path / "cache", Phase(None))


async def test_a_registry_that_is_stopped_ends_an_arm_in_words_and_shuts_the_gate_until_it_is_back(
    reader: ReadOnly, own_schema_registry: SchemaRegistry, tmp_path: Path
) -> None:
    async with opened(reader, tmp_path) as lead:
        await lead.arm()
        await asyncio.to_thread(own_schema_registry.stop)
        why = await lead.arm_dies()
        assert why == "disarmed: no longer true that kafka and schema registry are up (schema registry degraded)"
        refused = await lead.run.controller.arm(ArmStep(STEP, lead.snapshot().number))
        assert isinstance(refused, Refused)
        assert refused.why == "kafka and schema registry are up"
        assert not lead.card().is_open
        assert lead.events()[-1:] == ["up → degraded"]
        assert {view.reported for view in lead.snapshot().cscs} == {SummaryState.ENABLED}, "all is still read"
        await asyncio.to_thread(own_schema_registry.restart)
        await lead.arm()
        assert lead.events()[-1] == "degraded → up"


async def test_a_registry_that_stalls_twice_for_seven_seconds_of_real_time_ends_each_arm_and_comes_back(
    reader: ReadOnly, own_schema_registry: SchemaRegistry, tmp_path: Path
) -> None:
    async with opened(reader, tmp_path) as lead:
        latest = reader.schemas.registry.latest
        for _ in range(2):
            await lead.arm()
            own_schema_registry.freeze()
            try:
                subjects = [f"lsst.none.Test{number}.command_start-value" for number in range(30)]
                stalled = asyncio.gather(*map(latest, subjects), return_exceptions=True)
                await asyncio.sleep(STALL_S)  # the stall is the subject
                outcomes = await stalled
                assert {type(outcome).__bases__[0] for outcome in outcomes} == {FeedError}
                assert "schema registry d" in await lead.arm_dies()
            finally:
                own_schema_registry.thaw()
            await lead.until(lambda: lead.registry() is FeedState.UP)
            outcomes = await asyncio.gather(*map(latest, subjects), return_exceptions=True)
            assert [type(outcome).__name__ for outcome in outcomes] == ["NotInRegistry"] * 30
        changes = [change for change in lead.events() if change != "connecting → up"]
        assert changes == ["up → degraded", "degraded → up"] * 2
