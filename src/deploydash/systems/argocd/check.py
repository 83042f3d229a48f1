"""What ``deploydash check`` asks of a site's Argo CD: the login, rights, whether the site file names what there is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence

from deploydash.core.words import counted, first_of
from deploydash.systems.argocd.client import ArgoClient
from deploydash.systems.argocd.facts import LEAST_MIN, login_words
from deploydash.systems.argocd.login import ARGOCD, Login
from deploydash.systems.argocd.objects import Application
from deploydash.systems.argocd.settings import TELESCOPE, ArgocdSettings
from deploydash.systems.table import Finding, Place

AT_WILL = frozenset({"Dev", "Bleed"})
"""Environments in which applications may sync by themselves (practices.yaml)."""

FEW_MIN = 120
"""A deployment takes longer than a token of fewer minutes lasts."""


async def check(place: Place) -> tuple[Finding, ...]:
    """Ask a site's Argo CD once.

    Raises:
        UserError: it does not answer, or there is no login.
    """
    settings = place.settings
    assert isinstance(settings, ArgocdSettings)  # noqa: S101 - it was read by this model
    client = ArgoClient(settings.endpoint)
    try:
        return tuple([finding async for finding in _findings(client, settings, environment_of(place))])
    finally:
        await client.aclose()


def environment_of(place: Place) -> str:
    """Return which environment the site is, as its practices say; empty where they say nothing."""
    told = (section.words().get("practices.environment", "") for section in place.others.values())
    return next((str(each) for each in told if each), "")


async def _findings(client: ArgoClient, settings: ArgocdSettings, environment: str) -> AsyncIterator[Finding]:
    version = await client.version()
    yield Finding("ok", ARGOCD, f"{settings.endpoint.url} is Argo CD {version}")
    login, user = await client.login(), await client.user()
    yield of_login(login, user, time.time())
    if not user:
        return
    names = settings.applications
    for verb in ("get", "sync"):
        may = await asyncio.gather(*(client.may(verb, settings.project(name), name) for name in names))
        yield of_rights(verb, names, may)
    projects = tuple(dict.fromkeys(map(settings.project, names)))
    found, _ = await client.applications(projects)
    for finding in of_applications(settings, found, environment):
        yield finding


def of_login(login: Login, user: str, now_utc: float) -> Finding:
    """Return whether the login is accepted, and for how long."""
    words = f"{login_words(login)}, from {login.source}"
    minutes = login.minutes(now_utc)
    if not user:
        return Finding("red", ARGOCD, f"the server does not accept the {words}", login.again)
    if minutes is not None and minutes < LEAST_MIN:
        return Finding("red", ARGOCD, f"only {max(0, minutes)} min left: {words}", login.again)
    if minutes is not None and minutes < FEW_MIN:
        few = f"logged in as {user}, {words}: {minutes} min are fewer than a deployment takes"
        return Finding("warning", ARGOCD, few, login.again)
    return Finding("ok", ARGOCD, f"logged in as {user}, {words}")


def of_rights(verb: str, names: Sequence[str], may: Sequence[bool]) -> Finding:
    """Return which applications may not be read or synced."""
    denied = [name for name, yes in zip(names, may, strict=True) if not yes]
    if denied:
        return Finding("red", ARGOCD, f"may not {verb} {first_of(denied, 8)}", "ask for the right in Argo CD")
    return Finding("ok", ARGOCD, f"may {verb} all {counted(len(names), 'application')}")


def of_automatic(names: Sequence[str], environment: str) -> Finding:
    """Return that applications sync by themselves, which the practices allow on Dev and Bleed alone."""
    words = f"auto-sync is on, so a merge starts CSCs by itself: {first_of(names, 8)}"
    hint = "have it switched off in Argo CD before the upgrade"
    if environment in AT_WILL:
        return Finding("warning", ARGOCD, f"{words}; {environment} allows it", hint)
    return Finding("red", ARGOCD, words, hint)


def of_applications(settings: ArgocdSettings, found: Sequence[Application], environment: str = "") -> Iterator[Finding]:
    """Yield where the site file and Argo CD name different applications, and what syncs by itself."""
    there = {app.name: app for app in found}
    lacking = [name for name in settings.applications if name not in there]
    if lacking:
        projects = ", ".join(sorted({settings.project(name) for name in lacking}))
        words = f"not in project {projects} of Argo CD, or not shown to us: {first_of(lacking, 8)}"
        yield Finding("red", ARGOCD, words, "correct systems.argocd in the site file, or ask for the right to see them")
    more = [app.name for app in found if app.project == TELESCOPE and app.name not in settings.applications]
    if more:
        words = f"in project {TELESCOPE}, and not named under systems.argocd.rest: {first_of(more, 8)}"
        yield Finding("warning", ARGOCD, words)
    ours = [app for app in found if app.project == TELESCOPE or app.name in settings.applications]
    automatic = [app.name for app in ours if app.automatic]
    if automatic:
        yield of_automatic(automatic, environment)
    if not (lacking or more or automatic):
        yield Finding("ok", ARGOCD, f"the {counted(len(there), 'application')} are those of the site file")
