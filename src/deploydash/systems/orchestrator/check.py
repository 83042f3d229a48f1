"""What ``deploydash check`` asks of an orchestrator: its version, safety settings, agents, what is deployed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

from deploydash.core.words import first_of
from deploydash.systems.orchestrator.client import OrchestratorClient
from deploydash.systems.orchestrator.judging import bad
from deploydash.systems.orchestrator.objects import Agent, SettingOf, by_state, states_words
from deploydash.systems.orchestrator.settings import ORCHESTRATOR, OrchestratorSettings
from deploydash.systems.orchestrator.specs import shown
from deploydash.systems.table import Finding, Place

NEEDED = (
    *("protected_environment", "auto_deploy", "push_on_auto_deploy", "server_compile"),
    *("agent_trigger_method_on_auto_deploy", "autostart_agent_deploy_interval", "autostart_agent_repair_interval"),
)
"""The settings that the procedures name (Inmanta's operational procedures)."""


async def check(place: Place) -> tuple[Finding, ...]:
    """Ask an orchestrator once.

    Raises:
        UserError: it does not answer, or has no such environment.
    """
    settings = place.settings
    assert isinstance(settings, OrchestratorSettings)  # noqa: S101 - it was read by this model
    client = OrchestratorClient(settings)
    try:
        return tuple([finding async for finding in _findings(client, settings)])
    finally:
        await client.aclose()


async def _findings(client: OrchestratorClient, settings: OrchestratorSettings) -> AsyncIterator[Finding]:
    product, version = await client.status()
    environment = await client.environment()
    halted = "; it is halted" if environment.halted else ""
    words = f"{client.address} is {product} {version}, environment {environment.name}{halted}"
    yield Finding("warning" if environment.halted else "ok", ORCHESTRATOR, words)
    for finding in of_settings(await client.settings()):
        yield finding
    for finding in of_agents(await client.agents(), settings.every_agent):
        yield finding
    found = await client.resources()
    wrong = bad(found)
    level, more = ("warning", f": {first_of([one.id for one in wrong], 8)}") if wrong else ("ok", "")
    yield Finding("warning" if level == "warning" else "ok", ORCHESTRATOR, f"{states_words(by_state(found))}{more}")


def of_settings(known: Mapping[str, SettingOf]) -> Iterator[Finding]:
    """Yield what the procedures want to be always on, and what this server does not have of what they name."""
    lacking = [name for name in NEEDED if name not in known]
    if lacking:
        words = f"not on this server: {', '.join(lacking)}; steps that name them are blocked"
        yield Finding("warning", ORCHESTRATOR, words)
    protected = known.get("protected_environment")
    if protected is not None and protected.value is not True:
        words = f"protected_environment is {shown(protected.value)}: the procedure wants it on always"
        yield Finding("red", ORCHESTRATOR, words)


def of_agents(agents: Iterable[Agent], named: Iterable[str]) -> Iterator[Finding]:
    """Yield where the model and the site file name different agents."""
    there = {agent.name for agent in agents}
    if not there:
        yield Finding("ok", ORCHESTRATOR, "no agent yet: nothing was compiled")
        return
    lacking, more = sorted(set(named) - there), sorted(there - set(named))
    if more:
        words = f"agents that systems.orchestrator.agents does not name: {first_of(more, 8)}"
        yield Finding("warning", ORCHESTRATOR, words)
    if lacking:
        yield Finding("warning", ORCHESTRATOR, f"no agent of the model is called {first_of(lacking, 8)}")
    if not (lacking or more):
        yield Finding("ok", ORCHESTRATOR, f"its {len(there)} agents are those of the site file")
