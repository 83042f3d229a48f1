"""What works on GitHub, made of the means of a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from deploydash.core.run.placeholders import placeholders_of
from deploydash.core.run.ports import Action
from deploydash.systems.github.act import GithubAction
from deploydash.systems.github.client import GithubClient
from deploydash.systems.github.facts import PullWatch
from deploydash.systems.github.login import GITHUB
from deploydash.systems.github.reading import Reader
from deploydash.systems.github.settings import GithubSettings
from deploydash.wiring.acting import Means


@asynccontextmanager
async def action(means: Means) -> AsyncIterator[Action]:
    """Make the action of a site, and tell how the run's pull request stands as long as the run is open."""
    settings = means.site.sections[GITHUB]
    assert isinstance(settings, GithubSettings)  # noqa: S101 - it was read by this model
    client = GithubClient(settings.endpoint(rehearsal=means.site.rehearsal))
    reader = Reader(client, settings, jobs_of(means), means.clock)

    def what() -> str:
        state = means.state()  # the run is opened after its actions are made
        title, run = state.runbook.title, state.opened
        return f"{title} to {run.cycle} at {run.site}" if run is not None else title

    def words() -> Mapping[str, str]:
        return placeholders_of(means.state())

    made = GithubAction(reader, means.clock, what)
    watch = PullWatch(reader, means.clock, words, means.tell)
    watching = asyncio.create_task(watch.run(), name="pull request")
    try:
        yield made
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await made.aclose()


def jobs_of(means: Means) -> dict[tuple[str, str], str]:
    """Return which CSC each Job of the site runs, by namespace and Job."""
    found: dict[tuple[str, str], str] = {}
    for section in means.site.others(GITHUB).values():
        for row in section.loops(means.site.roster, None).get("namespaces", ()):
            found |= {(row["namespace"], job): csc for job, csc in row.get("jobs", {}).items()}
    return found
