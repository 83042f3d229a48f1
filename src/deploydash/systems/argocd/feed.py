"""The applications of a site, told as they change: a list, then the stream of what changes after it. Read only.

A stream that breaks off is not trusted to have told everything: the list is read anew. It has a sign of life every
15 s, and every fact is told again with it, so that no fact is older than that while Argo CD answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import aclosing

from deploydash.core.fleet.observations import FactRead, FeedChanged, Observation
from deploydash.core.model import FeedState
from deploydash.core.ports import Clock, Feed, Inbox
from deploydash.systems.argocd.client import ArgoClient, ArgoError
from deploydash.systems.argocd.facts import facts_of, gone, login_fact, login_words
from deploydash.systems.argocd.login import ARGOCD, Login
from deploydash.systems.argocd.objects import Application
from deploydash.systems.argocd.settings import ArgocdSettings
from deploydash.systems.table import Place

AGAIN_S = 1.0
"""So long after a stream that ended the next one begins."""

TOKEN_S = 60.0
"""How often the login is read anew: a stream goes on after its token has ended."""


class ArgocdFeed:
    """Tells of the applications that a site file names."""

    name = ARGOCD

    def __init__(
        self, client: ArgoClient, settings: ArgocdSettings, cscs: Mapping[str, Mapping[str, str]], clock: Clock
    ) -> None:
        self._client = client
        self._names = frozenset(settings.applications)
        self._projects = tuple(dict.fromkeys(map(settings.project, settings.applications)))
        self._cscs = cscs
        self._clock = clock
        self._known: dict[str, Application] = {}

    async def run(self, inbox: Inbox) -> None:
        """Tell until cancelled.

        Raises:
            UserError: Argo CD does not answer, or does not accept the login.
        """
        try:
            version = await self._client.version()
            while True:
                await self._listed(inbox, version)
                await asyncio.sleep(AGAIN_S)
        finally:
            await self._client.aclose()

    async def _listed(self, inbox: Inbox, server: str) -> None:
        """Tell everything, then what changes, until the stream ends."""
        login = await self._client.login()
        found, at = await self._client.applications(self._projects)
        now = {app.name: app for app in found if app.name in self._names}
        lost = [app for name, app in self._known.items() if name not in now]
        self._known = now
        await inbox.put([self._up(server, login), *self._facts(now.values(), lost)])
        read = self._clock.monotonic()
        async with aclosing(self._client.watch(self._projects, at)) as stream:
            async for event in stream:
                if event is not None:
                    await inbox.put(self._changed(*event))
                    continue
                if self._clock.monotonic() > read + TOKEN_S:
                    read = self._clock.monotonic()
                    login = await self._lasting(login)
                await inbox.put([self._up(server, login), *self._facts(self._known.values())])

    async def _lasting(self, login: Login) -> Login:
        """Return the login as it stands now.

        Raises:
            ArgoError: its token has ended, although the stream goes on.
            LoginError: it cannot be read any more.
        """
        await self._client.renewed(login.token)
        now = await self._client.login()
        if (now.minutes(self._clock.utc()) or 0) < 0:
            raise ArgoError(f"the {login_words(now)} has ended", now.again)
        return now

    def _changed(self, kind: str, app: Application) -> list[Observation]:
        if app.name not in self._names:
            return []
        if kind == "DELETED":
            known = self._known.pop(app.name, app)
            return self._facts((), [known])
        self._known[app.name] = app
        return self._facts([app])

    def _up(self, server: str, login: Login) -> FeedChanged:
        detail = f"{self._client.endpoint.server} {server}, {login_words(login)}"
        return FeedChanged(self.name, FeedState.UP, detail, self._clock.monotonic())

    def _facts(self, apps: Iterable[Application], lost: Iterable[Application] = ()) -> list[Observation]:
        utc, at = self._clock.utc(), self._clock.monotonic()
        facts = [fact for app in apps for fact in facts_of(app, self._cscs.get(app.name, {}), utc)]
        facts += [gone(app, utc) for app in lost]
        if (login := self._client.login_in_use) is not None:
            facts.append(login_fact(login, utc))
        return [FactRead(fact, at) for fact in facts]


def feed(place: Place, clock: Clock) -> Feed:
    """Return the feed of a site."""
    settings = place.settings
    assert isinstance(settings, ArgocdSettings)  # noqa: S101 - it was read by this model
    cscs: dict[str, dict[str, str]] = {}
    for section in place.others.values():
        for row in section.loops(place.roster, None).get("namespaces", ()):
            cscs.setdefault(row["namespace"], {}).update(row.get("jobs", {}))
    return ArgocdFeed(ArgoClient(settings.endpoint), settings, cscs, clock)
