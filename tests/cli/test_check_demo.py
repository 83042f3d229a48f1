"""``check summit`` on the demo observatory with three things broken and two silent: exactly those are red."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_demo import served
from tests.support.command_line import CommandLine

BROKEN = """\
name: broken
about: Three systems do not let us do what a run would do, and two do not answer.
fleet: startup
timeline:
  - {at: 0, fault: {system: cluster, name: forbidden-namespace, namespace: obssys, verb: delete}}
  - {at: 0, fault: {system: hosts, name: sudo, host: lsstcam-mcm}}
  - {at: 0, fault: {system: argocd, name: token-expired}}
  - {at: 0, fault: {system: hosts, name: silent, host: azar02}}
  - {at: 0, fault: {system: efd, name: stalled, seconds: 100}}
"""


def test_exactly_what_is_broken_is_red_with_what_to_do(cli: CommandLine, tmp_path: Path) -> None:
    scenario = tmp_path / "broken.yaml"
    scenario.write_text(BROKEN, encoding="utf-8")
    with served(cli, "--scenario", str(scenario)) as (_, addresses):
        ran = cli.run("check", addresses["site_file"], "full-cycle", "--json")
        text = cli.run("check", addresses["site_file"], "revert")
    assert ran.code == text.code == 1
    document = json.loads(ran.out)
    red = [finding for finding in document["findings"] if finding["level"] == "red"]
    assert {(row["system"], row["subject"]) for row in red} == {
        ("kubernetes", "kubernetes"),
        ("ssh", "ssh lsstcam-mcm.cp.lsst.org"),
        ("ssh", "ssh azar02.cp.lsst.org"),
        ("argocd", "argocd"),
        ("efd", "efd"),
    }
    assert document["red"] == len(red)
    assert not [row for row in red if not row["do"]], "each says what to do"
    assert "ssh: " not in text.out, "a revert touches no host"
    assert "argocd: 1 red" in text.out
    assert "->" in text.out
