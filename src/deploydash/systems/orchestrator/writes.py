"""The requests that change something on an orchestrator. Imported by ``act`` and what it is made of alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploydash.systems.orchestrator.client import HALT_S, OrchestratorClient
from deploydash.systems.orchestrator.objects import mapping


async def set_value(client: OrchestratorClient, name: str, value: Any) -> None:
    """Set a setting of the environment."""
    await client.ask(f"/api/v2/environment_settings/{name}", "POST", {"value": value})


async def unset(client: OrchestratorClient, name: str) -> None:
    """Put a setting back to its default."""
    await client.ask(f"/api/v2/environment_settings/{name}", "DELETE")


async def compile_model(client: OrchestratorClient, message: str, *, update: bool) -> str:
    """Ask for a compile and return why nothing will be compiled, or nothing. ``message`` becomes its label."""
    document = {"update": update, "metadata": {"type": "deploydash", "message": message}}
    return _warning(await client.ask(f"/api/v1/notify/{client.environment_id}", "POST", document))


async def dry_run(client: OrchestratorClient, version: int) -> str:
    """Begin a dry run and return its name."""
    told = await client.ask(f"/api/v2/dryrun/{version}", "POST")
    return str(mapping(told).get("data", ""))


async def promote(client: OrchestratorClient, version: int) -> None:
    """Release a version, which begins its deploy."""
    await client.ask(f"/api/v2/desiredstate/{version}/promote", "POST")


async def delete_version(client: OrchestratorClient, version: int) -> None:
    """Delete a version that is not active."""
    await client.ask(f"/api/v1/version/{version}", "DELETE")


async def trigger(client: OrchestratorClient, agents: tuple[str, ...], method: str) -> str:
    """Have agents deploy; return what the server warned of."""
    document = {"agents": list(agents), "agent_trigger_method": method}
    return _warning(await client.ask("/api/v1/deploy", "POST", document))


async def halt(client: OrchestratorClient) -> None:
    """Stop every agent of the environment; answers when they are gone."""
    await client.ask("/api/v2/actions/environment/halt", "POST", budget=HALT_S)


async def resume(client: OrchestratorClient) -> None:
    """Let the agents of the environment come up again."""
    await client.ask("/api/v2/actions/environment/resume", "POST", budget=HALT_S)


def _warning(told: Any) -> str:
    fields: Mapping[str, Any] = mapping(mapping(told).get("metadata"))
    warnings = fields.get("warnings")
    return "; ".join(map(str, warnings)) if isinstance(warnings, list) else ""
