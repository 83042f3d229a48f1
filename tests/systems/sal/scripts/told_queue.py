"""A queue whose facts a test gives, and an action that adds scripts to it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import numbered
from deploydash.core.run.ports import End
from deploydash.core.run.state import ItemProgress, ItemStatus
from deploydash.errors import FeedError
from deploydash.systems.sal.act import SalAction
from deploydash.systems.sal.commanding.acks import Answer
from deploydash.systems.sal.commanding.csc import CscCommands
from deploydash.systems.sal.commanding.kafka_commands import Order
from deploydash.systems.sal.scripts.scriptqueue import Scripts, ScriptTimeouts
from deploydash.systems.sal.scripts.told import ScriptFact, ScriptsListed
from deploydash.systems.sal.scripts.watch import Reading
from deploydash.systems.sal.scripts.wire import script_fact
from deploydash.systems.sal.steps import script_item
from tests.servers.waiting import within
from tests.support.clock import ManualClock
from tests.support.item_context import RecordingContext
from tests.support.runs import view
from tests.systems.sal.commanding.fake_line import FakeLine
from tests.systems.sal.wire.captures import Captured, captured, schema

QUEUE = CscId("ScriptQueue", 1)
QUICK = ScriptTimeouts(command=5.0, listed=0.3, quiet=5.0, gone=0.5)
GOOD, FAILING, SET_STATE = 38594986, 38594987, 38594994
"""The command numbers by which three of the captured scripts were added."""
LISTED = ScriptsListed(QUEUE, ("auxtel/enable_atcs.py", "auxtel/enable_latiss.py"), ("mine.py",))
ADDED = Answer(303, 0, "100001")


def action_of(line: FakeLine, facts: Reading, timeouts: ScriptTimeouts = QUICK) -> SalAction:
    clock = ManualClock(7.0)
    scripts = Scripts(line, facts, clock, subname="sal", descr="cycle 45", timeouts=timeouts)
    return SalAction(CscCommands(line, clock, subname="sal"), scripts, clock)


def context_of(seen: CscView | None = None) -> RecordingContext:
    context = RecordingContext()
    context.look(seen or view(QUEUE))
    return context


def line_of(answers: dict[str, Answer | Exception] | None = None, *, number: int = FAILING) -> FakeLine:
    """Return a line on which ``add`` gets this number where the scripts are listed already."""
    return FakeLine(answers or {}, numbers=itertools.count(number))


@dataclass
class Told:
    """A reader whose facts the test gives."""

    facts: tuple[ScriptFact, ...] = ()
    undecodable: int = 0
    example: str = ""
    down: str = ""
    take: Callable[[ScriptFact], None] = lambda _: None

    def __post_init__(self) -> None:
        self.caught_up = asyncio.Event()

    @contextlib.asynccontextmanager
    async def reading(self, take: Callable[[ScriptFact], None]) -> AsyncIterator[Told]:
        if self.down:
            raise FeedError("kafka", self.down)
        self.take = take
        for fact in self.facts:
            take(fact)
        self.caught_up.set()
        yield self


def item_of(path: str = "auxtel/enable_atcs.py", *, standard: bool = True, config: str = "") -> Item:
    return script_item(numbered(2), QUEUE, path, standard, config)


def known(number: int, **more: object) -> ItemProgress:
    """Return the history of a script that was added by a command of this number."""
    return replace(ItemProgress(ItemStatus.UNDER_WAY, key=json.dumps({"seq": number})), **more)  # type: ignore[arg-type]


def events() -> list[Captured]:
    return [one for one in captured("scriptqueue") if ".logevent_" in one.topic]


def facts_of(records: list[Captured]) -> list[ScriptFact]:
    decoded = [(one, schema(one.schema_id).decode(one.value[5:])) for one in records]
    found = [script_fact(one.component, one.sal_name, fields) for one, fields in decoded]
    return [fact for fact in found if fact is not None]


async def added(
    line: FakeLine, told: Told, item: Item | None = None, context: RecordingContext | None = None, approved: str = ""
) -> End:
    async with within(10):
        return await action_of(line, told.reading).run(item or item_of(), approved, context or context_of())


def speaking(told: Told, records: list[Captured] | None = None) -> Callable[[Order], None]:
    """Let the captured queue go on once the script is added."""

    def speak(order: Order) -> None:
        if order.command == "add":
            for fact in facts_of(records if records is not None else events()):
                told.take(fact)

    return speak
