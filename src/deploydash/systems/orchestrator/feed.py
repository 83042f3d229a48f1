"""What an orchestrator's environment is doing, told again and again: there is no stream to listen to. Read only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.observations import FactRead, FeedChanged, Observation
from deploydash.core.model import FeedState
from deploydash.core.ports import Clock, Feed, Inbox
from deploydash.systems.orchestrator.client import OrchestratorClient
from deploydash.systems.orchestrator.judging import GOOD, WAITING
from deploydash.systems.orchestrator.objects import (
    Agent,
    Deploy,
    Environment,
    Resource,
    Version,
    by_state,
    states_words,
)
from deploydash.systems.orchestrator.settings import ORCHESTRATOR, OrchestratorSettings
from deploydash.systems.table import Place

EVERY_S = 2.0

MOST = 200
"""So many resources are told of one by one; of more only those that are not deployed, as many."""

RUNNING = "orchestrator-running"
"""The fact that the environment is not halted."""


class OrchestratorFeed:
    """Tells of the environment, its active version, its agents and resources."""

    name = ORCHESTRATOR

    def __init__(self, client: OrchestratorClient, clock: Clock, every_s: float = EVERY_S) -> None:
        self._client = client
        self._clock = clock
        self._every_s = every_s
        self._told: dict[str, Resource] = {}

    async def run(self, inbox: Inbox) -> None:
        """Tell until cancelled.

        Raises:
            UserError: the orchestrator does not answer, or has no such environment.
        """
        try:
            _, version = await self._client.status()
            while True:
                environment = await self._client.environment()
                active = await self._client.active()
                deploy = await self._client.deploy(active.number) if active is not None else None
                agents, resources = await asyncio.gather(self._client.agents(), self._client.resources())
                at, utc = self._clock.monotonic(), self._clock.utc()
                detail = f"{self._client.address} {version}, environment {environment.name}"
                facts = [*of_environment(environment, active, deploy, resources, utc)]
                facts += of_agents(agents, resources, utc)
                facts += self._of_resources(resources, utc)
                news: list[Observation] = [FeedChanged(self.name, FeedState.UP, detail, at)]
                await inbox.put([*news, *(FactRead(fact, at) for fact in facts)])
                await asyncio.sleep(self._every_s)
        finally:
            await self._client.aclose()

    def _of_resources(self, found: Sequence[Resource], utc: float) -> Iterator[Fact]:
        """Yield each resource, those that departed before until they are right again."""
        shown = {one.id: one for one in found if len(found) <= MOST or one.status not in GOOD}
        shown = dict(list(shown.items())[:MOST])
        now = {one.id: one for one in found}
        again = {name: now.get(name, Resource(name, old.agent, "orphaned")) for name, old in self._told.items()}
        self._told = shown
        for one in {**again, **shown}.values():
            yield Fact(
                ORCHESTRATOR, f"{ORCHESTRATOR}/{one.id}", one.id, one.status in GOOD, one.status, one.status, utc
            )


def of_environment(
    environment: Environment, active: Version | None, deploy: Deploy | None, found: Sequence[Resource], utc: float
) -> Iterator[Fact]:
    """Yield whether the environment runs, and how its active version stands."""
    words = f"environment {environment.name} is {'HALTED: nothing is deployed' if environment.halted else 'running'}"
    value = "halted" if environment.halted else "running"
    yield Fact(ORCHESTRATOR, RUNNING, "environment", not environment.halted, value, words, utc)
    if active is None or deploy is None:
        yield Fact(ORCHESTRATOR, "orchestrator-version", "version", True, "none", "no version was deployed yet", utc)
        return
    counts = states_words(by_state(found))
    good = all(one.status in GOOD for one in found)
    sentence = f"version {active.number} is active, its deploy {deploy.result}: {counts}"
    yield Fact(ORCHESTRATOR, "orchestrator-version", "version", good, f"{active.number} {counts}", sentence, utc)


def of_agents(agents: Sequence[Agent], found: Sequence[Resource], utc: float) -> Iterator[Fact]:
    """Yield each agent with the states of its resources."""
    for agent in agents:
        mine = [one for one in found if one.agent == agent.name]
        counts = states_words(by_state(mine))
        good = agent.status == "up" and all(one.status in GOOD | WAITING for one in mine)
        name, about = f"{ORCHESTRATOR}/agent {agent.name}", f"agent {agent.name}"
        yield Fact(ORCHESTRATOR, name, about, good, f"{agent.status} {counts}", f"{agent.status}: {counts}", utc)


def feed(place: Place, clock: Clock) -> Feed:
    """Return the feed of a site."""
    settings = place.settings
    assert isinstance(settings, OrchestratorSettings)  # noqa: S101 - it was read by this model
    return OrchestratorFeed(OrchestratorClient(settings), clock)
