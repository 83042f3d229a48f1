"""``check summit`` on the demo observatory with three things broken and two silent: exactly those are red."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from deploydash.config.connect import connections
from deploydash.config.load import load_site
from deploydash.config.runbook import load_runbook
from deploydash.core.run.ports import End
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import RunState
from deploydash.session.clock import SystemClock
from deploydash.systems.preflight.steps import system_of
from deploydash.systems.registry.store import SchemaStore
from deploydash.systems.sal.wire.commands import Sender
from deploydash.wiring.acting import Means
from deploydash.wiring.preflight import action
from deploydash.wiring.tables import READING
from tests.cli.test_demo import served
from tests.e2e_run.books import CLOSE, HEAD
from tests.support.command_line import CommandLine
from tests.support.item_context import Intended, RecordingContext
from tests.support.runbooks import SITES

BROKEN = """\
name: broken
about: Three systems do not let us do what a run would do, two do not answer, and a host has another key.
fleet: startup
timeline:
  - {at: 0, fault: {system: cluster, name: forbidden-namespace, namespace: obssys, verb: delete}}
  - {at: 0, fault: {system: hosts, name: sudo, host: lsstcam-mcm}}
  - {at: 0, fault: {system: argocd, name: token-expired}}
  - {at: 0, fault: {system: hosts, name: silent, host: azar02}}
  - {at: 0, fault: {system: hosts, name: other-key, host: love01}}
  - {at: 0, fault: {system: efd, name: stalled, seconds: 100}}
"""


BOOK = """\
  - phase: deploy
    title: deploy
    wanted: none
    steps:
      - {id: argo-nublado, title: Sync nublado, kind: action, system: argocd, tier: moderate, link: here,
         ends: Succeeded, applications: [nublado]}
"""


async def preflight(path: Path) -> dict[str, End]:
    """Ask every system as the step of a run does."""
    site = load_site(path, READING)
    book = load_runbook(SITES / "runbooks" / "full-cycle.yaml", site, SITES / "scripts", systems=READING)
    outside = connections(site, {})
    schemas = SchemaStore(outside.registry, None)
    sender = Sender("lead@here", 1)
    means = Means(site, outside, schemas, SystemClock(), sender, print, lambda: RunState(book), READING)
    items = next(step.items for step in book.steps() if step.id == "preflight")
    try:
        async with action(means) as made:
            contexts = [RecordingContext() for _ in items]
            ends = await asyncio.gather(*(made.run(item, "", each) for item, each in zip(items, contexts, strict=True)))
    finally:
        await schemas.aclose()
    assert not [told for each in contexts for told in each.told if isinstance(told, Intended)], "nothing is sent"
    return {system_of(item): end for item, end in zip(items, ends, strict=True)}


def test_exactly_what_is_broken_is_red_with_what_to_do(cli: CommandLine, tmp_path: Path) -> None:
    scenario = tmp_path / "broken.yaml"
    scenario.write_text(BROKEN, encoding="utf-8")
    book = tmp_path / "night.yaml"
    book.write_text(HEAD.format(site="summit") + BOOK + CLOSE.format(), encoding="utf-8")
    with served(cli, "--scenario", str(scenario)) as (_, addresses):
        ran = cli.run("check", addresses["site_file"], "full-cycle", "--json")
        text = cli.run("check", addresses["site_file"], book)
        ends = asyncio.run(preflight(Path(addresses["site_file"])))
    assert ran.code == text.code == 1
    document = json.loads(ran.out)
    red = [finding for finding in document["findings"] if finding["level"] == "red"]
    assert {(row["system"], row["subject"]) for row in red} == {
        ("kubernetes", "kubernetes"),
        ("ssh", "ssh lsstcam-mcm.cp.lsst.org"),
        ("ssh", "ssh azar02.cp.lsst.org"),
        ("ssh", "ssh love01.cp.lsst.org"),
        ("argocd", "argocd"),
        ("efd", "efd"),
    }
    assert document["red"] == len(red)
    failed = {name for name, end in ends.items() if end.outcome is Outcome.FAILED}
    assert failed == {row["system"] for row in red}, "the step of a run finds the same"
    assert {end.outcome for name, end in ends.items() if name not in failed} == {Outcome.REACHED}
    assert "no right to delete jobs.batch in obssys (ask " in ends["kubernetes"].why
    assert not [row for row in red if not row["do"]], "each says what to do"
    assert "ssh: " not in text.out, "it touches no host"
    assert "argocd: 1 red" in text.out
    assert "->" in text.out
