"""The only requests that change a registry. Loaded by ``act`` alone."""

from __future__ import annotations

from deploydash.core.model import FeedName
from deploydash.errors import FeedError
from deploydash.systems.registry.compatibility import PATH, UNSET, Compatibility, refusal

_TYPE = "application/vnd.schemaregistry.v1+json"


class LevelRefusedError(FeedError):
    """The registry answered that it does not take a level. ``in_trouble``: it may have taken it all the same."""

    def __init__(self, message: str, *, in_trouble: bool) -> None:
        super().__init__(FeedName.SCHEMA_REGISTRY.value, message)
        self.in_trouble = in_trouble


async def set_level(registry: Compatibility, level: str) -> None:
    """Ask for a level once; UNSET takes away the one that is set.

    Raises:
        LevelRefusedError: it answered otherwise than that it did so.
        HttpError: no answer came that can be used.
        FeedError: the registry is none of the site's, so nothing was sent.
    """
    if why := registry.not_ours:
        raise LevelRefusedError(why, in_trouble=False)
    if level == UNSET:
        answer = await registry.http.ask(PATH, method="DELETE")
    else:
        told = {"compatibility": level}
        answer = await registry.http.ask(PATH, method="PUT", document=told, headers={"Content-Type": _TYPE})
    if not 200 <= answer.status < 300:
        raise LevelRefusedError(
            f"schema registry {registry.address} {refusal(answer)}", in_trouble=answer.status >= 500
        )
