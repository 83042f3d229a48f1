"""What asks every system from inside of a run, made of the means of a run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from deploydash.core.run.placeholders import placeholders_of
from deploydash.core.run.ports import Action
from deploydash.systems.preflight.act import PreflightAction
from deploydash.systems.sal.check import wanted_of
from deploydash.systems.table import Finding
from deploydash.wiring.acting import Means
from deploydash.wiring.probing import Probe, ask, feed_probes, system_probes


@asynccontextmanager
async def action(means: Means) -> AsyncIterator[Action]:
    """Make the action of a site. What it asks is made when it asks: until then nobody is contacted."""

    def probes() -> dict[str, Probe]:
        items = (item for step in means.state().runbook.steps() for item in step.items)
        feeds = feed_probes(means.connections, means.schemas, wanted_of(items))
        systems = system_probes(means.site, means.reading, words=placeholders_of(means.state()))
        return {probe.system: probe for probe in (*feeds, *systems)}

    async def asked(system: str) -> Sequence[Finding]:
        probe = probes().get(system)
        if probe is None:
            do = "open the run anew: its runbook or site file has changed"
            return (Finding("red", system, "this process does not know how to ask it", do),)
        return (await ask(probe)).findings

    yield PreflightAction(asked, means.clock)
