"""Two lanes under way at once, by keys: each has its own card and its own arm, at 120x40 and at 80x24."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
import yaml

from tests.e2e_run.books import CLOSE, HEAD, write_small
from tests.e2e_run.killing import FAST
from tests.e2e_run.test_sample_system import environment, words
from tests.e2e_run.world import forked_world, journals, records
from tests.sample_system.fake import serving_machines
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import CommandLine
from tests.support.run_driver import READ_S, Lead

LANES = """\
  - phase: machines
    title: machines
    wanted: none
    steps:
      - {{id: upstairs, title: Start upstairs, kind: action, system: sample, tier: moderate, lane: upstairs,
         ends: it runs, machines: [m1], link: here}}
      - {{id: cellar, title: Start the cellar, kind: action, system: sample, tier: moderate, lane: cellar,
         ends: it runs, machines: [m2], link: here}}
      - {{id: later, title: Start what is behind it, kind: action, system: sample, tier: moderate, lane: cellar,
         ends: it runs, machines: [m3], link: here}}
"""


@pytest.mark.server
@pytest.mark.timeout(patient(150))
@pytest.mark.parametrize(("columns", "rows"), [(120, 40), (80, 24)])
def test_two_lanes_go_at_once_each_with_a_card_and_an_arm_of_its_own(
    tmp_path: Path, cli: CommandLine, columns: int, rows: int
) -> None:
    scenario, book = tmp_path / "fast.yaml", tmp_path / "night.yaml"
    scenario.write_text(FAST, encoding="utf-8")
    book.write_text(HEAD.format(site="hill") + LANES.format() + CLOSE.format(), encoding="utf-8")
    site = write_small(tmp_path)
    with (
        serving_machines(m1=["hangs"], m2=["hangs"], m3=[]) as machines,
        forked_world(cli, site, scenario, tmp_path) as at,
    ):
        document = yaml.safe_load(at.site_file.read_text(encoding="utf-8"))
        document["systems"]["sample"] = {"url": machines.url}
        at.site_file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        with Tmux(tmp_path / "tmux") as tmux:
            run = words("run", at.site_file, book, "--cycle", "c0045")
            tmux.start(run, columns=columns, rows=rows, env=environment(cli))
            lead = Lead(tmux, site="hill")
            lead.until(lambda frame: frame.title == "Your turn" and frame.has("Start upstairs"), "the first lane", 40)
            assert "Your turn  ·  lane upstairs" in tmux.capture()
            assert "▲ 2:upstairs · 3:cellar" in tmux.capture() or "▲ 1:upstairs · 2:cellar" in tmux.capture()
            time.sleep(READ_S)
            lead.press("a")
            lead.until(lambda frame: frame.title.startswith("Armed"), "its arm")
            lead.press("]")
            lead.until(lambda frame: frame.title == "Your turn" and frame.has("Start the cellar"), "the second lane")
            assert "Your turn  ·  lane cellar" in tmux.capture()
            assert "upstairs armed" in tmux.capture() or "upstairs!" in tmux.capture()
            time.sleep(READ_S)
            lead.press("a")
            lead.until(lambda frame: frame.title.startswith("Armed"), "its arm")
            time.sleep(0.8)
            lead.press("Enter")
            wait_until(lambda: machines.machines["m2"].state == "starting", 20, "the cellar")
            assert machines.machines["m1"].state == "stopped"
            lead.press("[")
            lead.until(lambda frame: frame.title.startswith("Armed") and frame.has("Start upstairs"), "the first arm")
            time.sleep(READ_S)
            lead.press("Enter")
            wait_until(lambda: machines.machines["m1"].state == "starting", 20, "both at once")
            assert [each["step"] for each in records(journals(cli)[0], "StepApproved")] == ["cellar", "upstairs"]
            wait_until(
                lambda: re.search(r"▶ (\d:)?cellar.* 0/1 +0:", tmux.capture()), 30, "the cellar at work, in a line"
            )
            machines.machines["m2"].way = "runs"
            wait_until(lambda: ":cellar" in tmux.capture().splitlines()[1], 30, "the lane that needs the lead")
            lead.press("]")
            lead.until(lambda frame: frame.has("Start what is behind it"), "what waits for the lead in the cellar", 30)
            assert machines.machines["m1"].state == "starting"
