"""The only requests to the API server that change anything. Loaded by ``act`` alone."""

from __future__ import annotations

from enum import StrEnum

from deploydash.systems.kubernetes.client import Cluster
from deploydash.systems.kubernetes.errors import KubernetesError
from deploydash.systems.kubernetes.work import options


class Deleted(StrEnum):
    """What came of a delete."""

    TAKEN = "taken: it is being deleted"
    GONE = "it was gone already"
    ANOTHER = "another one of this name was created meanwhile; it is left"


async def delete(cluster: Cluster, path: str, uid: str) -> Deleted:
    """Delete the one thing at a path that has this uid, and whatever belongs to it.

    Raises:
        KubernetesError: it was refused, or no answer came; says why.
        FeedError: nothing can be asked at all.
    """
    try:
        await cluster.send("DELETE", path, body=options(uid))
    except KubernetesError as error:
        if error.status == 404:
            return Deleted.GONE
        if error.status == 409 and "precondition" in error.message.lower():
            return Deleted.ANOTHER
        raise
    return Deleted.TAKEN
