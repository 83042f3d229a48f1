"""Whether a site's Argo CD deploys the site's own environment; it is asked, and nothing of it is changed."""

from __future__ import annotations

import os
from collections.abc import Mapping

from deploydash.systems.address import same_host
from deploydash.systems.argocd.client import ArgoClient
from deploydash.systems.argocd.settings import SCIENCE_PLATFORM, ArgocdSettings
from deploydash.systems.table import Place

ENVIRONMENT = "phalanx.environment"
"""The word of another section that says which environment of Phalanx is the site's."""


async def fuse(place: Place) -> tuple[str, ...]:
    """Return why this Argo CD is of another site: by its address, or by what it deploys.

    Raises:
        UserError: it does not answer, or there is no login.
    """
    settings = place.settings
    assert isinstance(settings, ArgocdSettings)  # noqa: S101 - it was read by this model
    if not place.roster.rehearsal and (named := named_elsewhere(settings, os.environ)):
        return (named,)
    wanted = next((str(words[ENVIRONMENT]) for words in _words(place) if ENVIRONMENT in words), "")
    client = ArgoClient(settings.endpoint)
    try:
        project = settings.project(SCIENCE_PLATFORM)
        found, _ = await client.applications((project,), only="items.metadata.name,items.spec")
    finally:
        await client.aclose()
    files = next((app.value_files for app in found if app.name == SCIENCE_PLATFORM), ())
    return (elsewhere,) if (elsewhere := of_another(settings.server, wanted, files)) else ()


def named_elsewhere(settings: ArgocdSettings, environ: Mapping[str, str]) -> str:
    """Return that the environment names another server, or nothing."""
    named = environ.get("ARGOCD_SERVER", "")
    if not named or same_host(named.partition(":")[0], settings.server.partition(":")[0]):
        return ""
    return f"ARGOCD_SERVER names {named} (unset it, or set it to {settings.server})"


def of_another(server: str, environment: str, files: tuple[str, ...]) -> str:
    """Return that the application of applications is of another environment, or nothing where that cannot be told.

    Phalanx gives it ``values-<environment>.yaml`` (lsst-sqre/phalanx, installer).
    """
    of = [file.rpartition("/")[2].removeprefix("values-").removesuffix(".yaml") for file in files]
    named = [name for name in of if name not in {"values", ""}]
    if not environment or not named or environment in named:
        return ""
    return f"{server} deploys the environment {', '.join(named)}, not {environment}: it is another site's Argo CD"


def _words(place: Place) -> list[Mapping[str, object]]:
    return [section.words() for section in place.others.values()]
