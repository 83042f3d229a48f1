"""What ``deploydash check`` says of the registry beyond that it answers: its level, and whether it takes schemas."""

from __future__ import annotations

from deploydash.errors import UserError
from deploydash.systems.registry.compatibility import Compatibility
from deploydash.systems.registry.steps import REGISTRY
from deploydash.systems.settings import RegistrySettings
from deploydash.systems.table import Finding

_WRITABLE = "READWRITE"


async def check(settings: RegistrySettings, *, rehearsal: bool) -> tuple[Finding, ...]:
    """Return what is read of a registry; it is asked, and nothing is changed."""
    registry = Compatibility(settings, rehearsal=rehearsal)
    try:
        level, mode = await registry.level(), await registry.mode()
    except UserError as error:
        return (Finding("red", REGISTRY, str(error)),)
    finally:
        await registry.aclose()
    found = [Finding("ok", REGISTRY, f"{registry.address}: schema compatibility is {level}")]
    if why := registry.not_ours:
        found.append(Finding("red", REGISTRY, why))
    if not mode:
        found.append(Finding("warning", REGISTRY, "it tells no mode, so whether it takes schemas is not known"))
    elif mode == _WRITABLE:
        found.append(Finding("ok", REGISTRY, f"its mode is {mode}: it takes schemas"))
    else:
        found.append(Finding("red", REGISTRY, f"its mode is {mode}: it takes no new schema, ask who runs it"))
    return tuple(found)
