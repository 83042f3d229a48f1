"""What ``deploydash check`` says of the cluster: who we are to it, what we may do, whether its namespaces are there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from deploydash.core.words import first_of
from deploydash.errors import FeedError
from deploydash.systems.kubernetes.client import Answer, Cluster, connected
from deploydash.systems.kubernetes.errors import KubernetesError
from deploydash.systems.kubernetes.kubeconfig import no_cluster
from deploydash.systems.kubernetes.settings import KubernetesSettings
from deploydash.systems.kubernetes.work import KUBERNETES, NAMESPACES
from deploydash.systems.table import Finding, Place

NEEDED = (
    ("list", "batch", "jobs"),
    ("watch", "batch", "jobs"),
    ("get", "batch", "jobs"),
    ("delete", "batch", "jobs"),
    ("list", "", "pods"),
    ("watch", "", "pods"),
)
"""What is asked for in each namespace: verb, group, resource."""

NEEDED_OF_LABS = (("list", "", "namespaces"), ("delete", "", "namespaces"))
WELCOME = (("list", "", "events"), ("watch", "", "events"), ("get", "", "namespaces"))
"""Without these something is shown less well, and all can be done."""

SKEW_S = 30.0
"""A clock that is further away makes ages wrong, and tokens that are not valid yet."""

AT_ONCE = 8

T = TypeVar("T")


async def check(place: Place) -> tuple[Finding, ...]:
    """Return what is found of a site's cluster; it asks, and sends nothing that could change anything.

    Raises:
        FeedError: it cannot be reached, or does not know us.
    """
    settings = place.settings
    assert isinstance(settings, KubernetesSettings)  # noqa: S101 - the table says so
    rehearsal = place.roster.rehearsal
    if rehearsal and (why := no_cluster(settings.kubeconfig, settings.context)):
        return (Finding("warning", KUBERNETES, why),)
    async with connected(settings, rehearsal=rehearsal) as cluster:
        cluster.context()
        asked = time.time()
        answer = await cluster.get("/version")
        found = [_version(cluster, answer), _clock(answer, (asked + time.time()) / 2)]
        found += await _spaces(cluster, settings)
        return (*found, *await _rights(cluster, settings))


def _version(cluster: Cluster, answer: Answer) -> Finding:
    version = answer.body.get("gitVersion")
    return Finding("ok", KUBERNETES, f"{cluster.address}: Kubernetes {version if isinstance(version, str) else '?'}")


def _clock(answer: Answer, ours: float) -> Finding:
    if answer.server_utc is None:
        return Finding("warning", KUBERNETES, "the API server tells no time, so its clock cannot be compared")
    skew = ours - answer.server_utc
    if abs(skew) > SKEW_S:
        way = "ahead of" if skew > 0 else "behind"
        return Finding("warning", KUBERNETES, f"our clock is {abs(skew):.0f} s {way} the API server's: see chrony")
    return Finding("ok", KUBERNETES, "our clock and the API server's agree")


async def _spaces(cluster: Cluster, settings: KubernetesSettings) -> list[Finding]:
    names = [space.namespace for space in settings.namespaces]
    there = await _each([partial(_exists, cluster, name) for name in names])
    missing = [name for name, found in zip(names, there, strict=True) if found is False]
    unseen = [name for name, found in zip(names, there, strict=True) if found is None]
    if missing:
        return [Finding("red", KUBERNETES, f"there is no namespace {first_of(missing, 8)}", "correct the site file")]
    if unseen:
        return [Finding("warning", KUBERNETES, f"whether {first_of(unseen, 8)} exist may not be read")]
    return [Finding("ok", KUBERNETES, f"all {len(names)} namespaces are there")]


async def _exists(cluster: Cluster, name: str) -> bool | None:
    """Say whether a namespace exists; None where we may not know."""
    try:
        await cluster.get(f"{NAMESPACES}/{name}")
    except KubernetesError as error:
        if error.status in {403, 404}:
            return False if error.status == 404 else None
        raise
    return True


async def _rights(cluster: Cluster, settings: KubernetesSettings) -> list[Finding]:
    """Ask for each verb in each namespace (SelfSubjectAccessReview)."""
    names = [space.namespace for space in settings.namespaces]
    asked = [(right, name) for name in names for right in (*NEEDED, *WELCOME)]
    asked += [(right, "") for right in NEEDED_OF_LABS]
    may = await _each([partial(cluster.may, *right, name) for right, name in asked])
    lacking = [row for row, allowed in zip(asked, may, strict=True) if not allowed]
    ask = "ask the cluster's administrators for it, or name another account's kubeconfig in the site file"
    found = [Finding("red", KUBERNETES, f"no right to {_words(*row)}", ask) for row in lacking if row[0] not in WELCOME]
    found += [Finding("warning", KUBERNETES, f"no right to {_words(*row)}") for row in lacking if row[0] in WELCOME]
    return found or [Finding("ok", KUBERNETES, f"all {len(asked)} rights that are needed")]


def _words(right: tuple[str, str, str], namespace: str) -> str:
    verb, group, resource = right
    return f"{verb} {resource}{f'.{group}' if group else ''}{f' in {namespace}' if namespace else ''}"


async def _each(asks: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Ask all, a few at once; those still to be asked when one fails, or when time is over, are not.

    Raises:
        FeedError: one had no answer.
    """
    places = asyncio.Semaphore(AT_ONCE)

    async def one(ask: Callable[[], Awaitable[T]]) -> T:
        async with places:
            return await ask()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(ask)) for ask in asks]
    except* FeedError as errors:
        raise next(iter(errors.exceptions)) from None
    return [task.result() for task in tasks]
