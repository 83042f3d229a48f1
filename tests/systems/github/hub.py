"""The demo observatory's GitHub with what asks it, in one process: its time passes by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from deploydash.core.fleet.observations import Observation
from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import ItemPlan
from deploydash.demo import site
from deploydash.demo.fakes.github import GitHub
from deploydash.demo.fakes.github_world import CHECKS_S
from deploydash.demo.world import World
from deploydash.systems.github.act import GithubAction
from deploydash.systems.github.client import GithubClient
from deploydash.systems.github.facts import PullWatch
from deploydash.systems.github.reading import Reader
from deploydash.systems.github.settings import GithubSettings
from deploydash.systems.github.steps import GithubSteps
from deploydash.systems.table import Entry
from tests.demo.harness import SITE
from tests.servers.waiting import patient, within
from tests.support.builders import roster
from tests.support.clock import ManualClock

BRANCH = "OSW-1234"
NOON = 1_800_000_000.0
CSCS = {("auxtel", "ataos"): "ATAOS", ("obssys", "mtqueue"): "ScriptQueue:1", ("obssys", "watcher"): "Watcher"}


class Stepping(ManualClock):
    """A clock that goes on by itself whenever it is looked at, so that nothing read is used twice."""

    def monotonic(self) -> float:
        self.advance(6.0)
        return super().monotonic()


@dataclass
class Hub:
    """GitHub, and everything of ours that asks it."""

    github: GitHub
    world: World
    settings: GithubSettings
    client: GithubClient
    reader: Reader
    action: GithubAction
    told: list[Observation] = field(default_factory=list)

    def on(self, fault: str, **values: float | str) -> None:
        """Let a fault begin."""
        self.github.faults.switch_on(fault, values)

    def off(self, fault: str) -> None:
        """Let a fault end."""
        self.github.faults.switch_off(fault)

    def pass_time(self, seconds: float = CHECKS_S + 1) -> None:
        """Let so many seconds pass in the world."""
        self.world.turn(self.world.now + seconds)

    def step(
        self, words: Mapping[str, str] | None = None, *, rehearsal: bool = True, **own: object
    ) -> tuple[Item, ...]:
        """Return the items of a step, with the words that the run has filled in."""
        from deploydash.core.run.placeholders import filled_item  # noqa: PLC0415

        entry = Entry(step="step", own=own, roster=roster(), settings=self.settings, rehearsal=rehearsal)  # type: ignore[arg-type]
        assert list(GithubSteps().problems(entry)) == []
        return tuple(filled_item(item, words or {}) for item in GithubSteps().items(entry))

    def find(self) -> Item:
        """Return the item that finds the pull request of the branch."""
        return self.step({"branch": BRANCH, "cycle": "c0045"}, do="find", tag="<cycle>")[0]

    def merge(self, number: int) -> Item:
        """Return the item that merges a pull request."""
        return self.step({"pr": str(number)}, do="merge", pull="<pr>")[0]

    async def plan(self, item: Item) -> ItemPlan:
        """Return what a card would show."""
        return (await self.action.describe([item], lambda _: None)).items[0]

    async def found(self) -> int:
        """Let the pull request be found, and asked for until GitHub says how it stands; its number."""
        pull = await self.reader.find(self.settings.phalanx.repository, BRANCH)
        assert pull is not None
        await self.reader.pull(self.settings.phalanx.repository, pull.number)
        return pull.number

    def watch(self, **words: str) -> PullWatch:
        """Return what tells how the run's pull request stands."""
        return PullWatch(self.reader, Stepping(), lambda: words, self.told.append, 0.01)


@asynccontextmanager
async def hub(folder: Path, *, budget: float = 8.0, poll_s: float = 0.01) -> AsyncIterator[Hub]:
    """Let a GitHub be there until the block ends."""
    where = folder / "hill.yaml"
    where.write_text(yaml.safe_dump(SITE), "utf-8")
    world = World(site.read(where, speed=1.0), 1, 1.0)
    world.now = NOON
    github = GitHub(world)
    section = (await github.start())["systems"]["github"]
    settings = GithubSettings.model_validate({**SITE["systems"]["github"], **section})
    client = GithubClient(settings.endpoint(rehearsal=True), {}, budget=patient(budget))
    reader = Reader(client, settings, CSCS, Stepping())
    action = GithubAction(reader, Stepping(), lambda: "full cycle upgrade to c0045 at hill", poll_s)
    try:
        async with within(60):
            yield Hub(github, world, settings, client, reader, action)
    finally:
        await action.aclose()
        await github.stop()
