"""Whether the context of a site's kubeconfig leads to an API server of the site; nothing is asked of it."""

from __future__ import annotations

import asyncio

from deploydash.systems.kubernetes.kubeconfig import ForeignServerError, NoKubeconfigError, read_context, refuse_foreign
from deploydash.systems.kubernetes.settings import KubernetesSettings
from deploydash.systems.table import Place


async def fuse(place: Place) -> tuple[str, ...]:
    """Return where the cluster's context leads to that is not of the site.

    Raises:
        FeedError: the kubeconfig is no use.
    """
    settings = place.settings
    assert isinstance(settings, KubernetesSettings)  # noqa: S101 - the table says so
    try:
        context = await asyncio.to_thread(read_context, settings.kubeconfig, settings.context)
        refuse_foreign(context, settings.domain or "", settings.servers, rehearsal=place.roster.rehearsal)
    except NoKubeconfigError:
        return ()  # it leads nowhere
    except ForeignServerError as error:
        return (str(error),)
    return ()
