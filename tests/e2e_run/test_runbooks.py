"""All three runbooks to *closed* on the demo observatory, by keys in a terminal of 120x40."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e_run.world import journals, open_run, records, world
from tests.servers.tmux import Tmux
from tests.support.command_line import CommandLine
from tests.support.run_driver import CLOSED, Lead

ANSWERS = {"minimal testing": "skip", "Which CSCs are to be ENABLED": "published", "integration testing follow": "none"}
"""Everything else gets the answer that stands first, the safe one."""

NIGHTS = {
    "full-cycle": ("upgrade", ()),
    "incremental": ("upgrade", ("--only", "MTDome,ESS:104,ATAOS")),
    "recovery": ("back", ()),
}
"""Each runbook with its scenario and options. After an outage everything is dead and comes up while we look."""

BACK = """\
name: back
about: A power-down killed everything; the processes start one after the other.
fleet: end
cscs:
  - {csc: "*", life: dead, died: 3600, since: 9000}
  - {csc: [MTM1M3, MTM1M3TS], life: running}
timeline:
  - {at: 300, do: start, csc: "*", state: startup, spread: 400}
"""


@pytest.mark.server
@pytest.mark.timeout(240)
@pytest.mark.parametrize("runbook", NIGHTS)
def test_a_runbook_is_driven_to_its_end_by_keys(runbook: str, tmp_path: Path, cli: CommandLine, tmux: Tmux) -> None:
    name, only = NIGHTS[runbook]
    scenario = tmp_path / "back.yaml"
    scenario.write_text(BACK, encoding="utf-8")
    words = ("--scenario", str(scenario) if name == "back" else name, "--speed", "20")
    with world(cli, *words) as observatory:
        open_run(tmux, cli, observatory.site_file, runbook, *only)
        lead = Lead(tmux, answers=ANSWERS)
        lead.play(lambda frame: frame.title == CLOSED, 200)
        tmux.send_keys("q")
        assert tmux.wait_exit() == 0
        found = observatory.commands()
    (journal,) = journals(cli)
    assert records(journal)[-1]["kind"] == "RunClosed"
    assert records(journal, "StepSkipped", "CscsWaived", "DebtWaived") == []
    assert {record["by"] for record in records(journal, "ItemTicked")} == {"Ana"}
    assert not {"MTM1M3", "MTM1M3TS"} & {str(command.csc) for command in found.commands}
    intended = records(journal, "CommandIntended")
    assert len(intended) == len(found.commands) > 0
    report = cli.run("report", journal.parent.name)
    assert report.code == 0
    assert "closed" in report.out
