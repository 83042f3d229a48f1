"""SIGKILL between an intent and its answer, of an item that owes a value: the debt and the value stand after resume."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from deploydash.cli.tables import use
from deploydash.core.run.records import RequestIntended
from deploydash.journal.line import Entry
from deploydash.journal.write import JournalWriter
from tests.e2e_run.books import CLOSE, HEAD, write_small
from tests.e2e_run.killing import FAST
from tests.e2e_run.test_sample_system import MACHINES, environment, words
from tests.e2e_run.world import forked_world, journals, known, records
from tests.sample_system.fake import serving_machines
from tests.sample_system.main import TABLES
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient
from tests.support.command_line import ROOT, CommandLine
from tests.support.forked import start
from tests.support.headless_run import play
from tests.support.run_driver import Lead

MACHINE = MACHINES.replace("[m1, m2, m3, m4, m5, m6]", "[m1]")


class _EndsAtAnIntent(JournalWriter):
    """Ends its process when the first intent is on disk: no request was sent yet."""

    def append_all(self, records: Sequence[object], utc: float, phase: str | None = "") -> list[Entry]:
        written = super().append_all(records, utc, phase)
        if any(isinstance(record, RequestIntended) for record in records):
            os.kill(os.getpid(), signal.SIGKILL)
        return written


def lead(words: Sequence[str]) -> None:
    """Lead a run without a screen until the first intent is on disk."""
    use(TABLES)
    play(0, words, journal=_EndsAtAnIntent)


@pytest.mark.server
@pytest.mark.timeout(patient(150))
def test_a_debt_and_the_value_to_put_back_stand_after_a_kill_before_the_request(
    tmp_path: Path, cli: CommandLine
) -> None:
    scenario, book = tmp_path / "fast.yaml", tmp_path / "night.yaml"
    scenario.write_text(FAST, encoding="utf-8")
    book.write_text(HEAD.format(site="hill") + MACHINE + CLOSE.format(), encoding="utf-8")
    with (
        serving_machines(m1=["runs"]) as machines,
        forked_world(cli, write_small(tmp_path), scenario, tmp_path) as hill,
    ):
        document = yaml.safe_load(hill.site_file.read_text(encoding="utf-8"))
        document["systems"]["sample"] = {"url": machines.url}
        hill.site_file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        machines.machines["m1"].level = "middle"
        run = ("run", str(hill.site_file), str(book), "--cycle", "c0045")
        process = start(lead, run, environment=cli.environment(), cwd=ROOT, log=tmp_path / "first.log")
        process.join(patient(60))
        assert process.exitcode == -signal.SIGKILL, (tmp_path / "first.log").read_text(encoding="utf-8")
        (intended,) = records(journals(cli)[0], "RequestIntended")
        assert intended["owes"]["restore"] == "middle"
        with Tmux(tmp_path / "second") as tmux:
            tmux.start(words("resume"), columns=120, rows=40, env=environment(cli))
            known(tmux)
            looked = "when deploydash stopped; the machine is stopped, looked at"
            asked = Lead(tmux, site="hill").until(lambda frame: frame.has(looked), "what was found outside", 40)
        assert asked.title.endswith("1 needs a decision")
        assert machines.counts["POST /machines/m1/start"] == 0
        path = {"PYTHONPATH": str(ROOT)}
        report = cli.run("report", journals(cli)[0].parent, env=path, module="tests.sample_system.main")
        assert "the level of m1, which was middle" in report.out
