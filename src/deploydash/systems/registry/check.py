"""What ``deploydash check`` says of the registry beyond that it answers: its level, and whether it takes schemas."""

from __future__ import annotations

from deploydash.core.model import FeedName
from deploydash.errors import UserError
from deploydash.systems.registry.compatibility import Compatibility
from deploydash.systems.settings import RegistrySettings
from deploydash.systems.table import Finding

NAME = FeedName.SCHEMA_REGISTRY.value
_WRITABLE = "READWRITE"
NO_MODE = "it tells no mode, as Apicurio: whether it takes schemas shows when one is registered"


async def check(settings: RegistrySettings, *, rehearsal: bool) -> tuple[Finding, ...]:
    """Return what is read of a registry; it is asked, and nothing is changed."""
    registry = Compatibility(settings, rehearsal=rehearsal)
    try:
        level, mode = await registry.level(), await registry.mode()
    except UserError as error:
        return (Finding.refused(NAME, error),)
    finally:
        await registry.aclose()
    found = [Finding("ok", NAME, f"{registry.address}: schema compatibility is {level}")]
    if not mode:
        found.append(Finding("ok", NAME, NO_MODE))
    elif mode == _WRITABLE:
        found.append(Finding("ok", NAME, f"its mode is {mode}: it takes schemas"))
    else:
        found.append(Finding("red", NAME, f"its mode is {mode}: it takes no new schema, ask who runs it"))
    return tuple(found)
