"""What each CSC runs, held against the cycle: the images of its pods as they are now, and what it reports itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.fleet.versions import Compared, Running, compared, running_of
from deploydash.core.model import CscId
from deploydash.core.run.ports import End
from deploydash.core.run.records import Outcome
from deploydash.core.words import counted, first_of, listed
from deploydash.systems.kubernetes.client import Cluster
from deploydash.systems.kubernetes.objects import pod_of
from deploydash.systems.kubernetes.work import VersionsWork

NAMED = 12
"""So many odd ones are told with what they run; the others by name."""


async def read_versions(cluster: Cluster, work: VersionsWork, look: Callable[[CscId], CscView | None]) -> Compared:
    """Return what came of the comparison, from the pods that run now; changes nothing.

    Raises:
        FeedError: the cluster cannot be asked; says why.
    """
    found = await asyncio.gather(*(_images(cluster, space) for space in {space for space, _, _ in work.jobs}))
    tags = {csc: tag for images in found for (space, job), tag in images.items() if (csc := work.csc(space, job))}
    views = [view for csc in work.cscs if (view := look(CscId.parse(csc))) is not None]
    return compared([_with(one, tags) for one in running_of(views)], work.tag)


async def _images(cluster: Cluster, space: str) -> dict[tuple[str, str], str]:
    raw, _ = await cluster.every(f"/api/v1/namespaces/{space}/pods")
    pods = [pod for pod in map(pod_of, raw) if pod.state == "Running" and pod.deleting is None]
    return {(space, pod.job): pod.tag for pod in sorted(pods, key=lambda pod: pod.created)}


def _with(one: Running, tags: dict[str, str]) -> Running:
    return replace(one, image=tags.get(str(one.csc), ""))


def sentence(found: Compared, work: VersionsWork) -> str:
    """Return the comparison in words."""
    silent = len(work.cscs) - found.of
    words = [f"{found.of - len(found.odd)} of {counted(found.of, 'CSC')} that send heartbeats run {found.tag or '-'}"]
    words[0] += f", XML {found.xml}" if found.xml else ""
    words += [f"odd: {told_odd(found)}"] if found.odd else []
    words += [f"nothing is known of {listed(found.untold)}"] if found.untold else []
    words += [f"not compared, without heartbeats: {silent}"] if silent else []
    return "; ".join(words)


def told_odd(found: Compared) -> str:
    """Return the odd ones, each with what it runs."""
    return first_of([f"{csc} {why}" for csc, why in found.odd.items()], NAMED)


def judged(found: Compared, work: VersionsWork) -> End:
    """Return how the step ends: by what is odd, and by what nobody can tell."""
    left = listed((*found.odd, *found.untold))
    if found.of == 0:
        return End(Outcome.FAILED, "no CSC sends heartbeats: there is nothing to compare")
    good = not found.odd and not found.untold
    return End(Outcome.REACHED if good else Outcome.FAILED, sentence(found, work), left=left)
