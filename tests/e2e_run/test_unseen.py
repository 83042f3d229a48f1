"""A run whose terminal is killed follows what is under way to its end without a screen, says so, and lets go."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.e2e_run.books import CLOSE, SHUTDOWN, write_book, write_small
from tests.e2e_run.killing import FAST
from tests.e2e_run.world import forked_world, journals, open_run, records
from tests.servers.tmux import Tmux
from tests.servers.waiting import wait_until
from tests.support.command_line import CommandLine
from tests.support.run_driver import READ_S, Lead


@pytest.mark.server
def test_a_killed_tmux_server_leaves_a_run_that_ends_its_step_and_no_process(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path / "home")
    scenario = tmp_path / "fast.yaml"
    scenario.write_text(FAST, encoding="utf-8")
    book = write_book(tmp_path, SHUTDOWN, CLOSE, site="hill", queues=2)
    with forked_world(cli, write_small(tmp_path), scenario, tmp_path) as hill, Tmux(tmp_path / "tmux") as tmux:
        open_run(tmux, cli, hill.site_file, book)
        lead = Lead(tmux, site="hill")
        lead.until(lambda frame: frame.has("a arm"), "a card that can be armed")
        time.sleep(READ_S)
        lead.press("a")
        lead.until(lambda frame: frame.has("Enter"), "an armed card")
        time.sleep(2 * READ_S)  # an arm takes no key in its first 0.7 s
        lead.press("Enter")
        [journal] = journals(cli)
        wait_until(lambda: records(journal, "RequestIntended"), 10, "a step under way")
        holder = json.loads((journal.parent / "lock").read_text(encoding="utf-8"))["pid"]
        server = int(tmux._tmux("display-message", "-p", "#{pid}"))
        os.kill(server, signal.SIGKILL)
        before, began = cpu(holder), time.monotonic()
        spent = [before]

        def has_gone() -> bool:
            spent.append(cpu(holder) or spent[-1])
            return not Path(f"/proc/{holder}").exists()

        wait_until(has_gone, 20, "the end of the run's process")
        elapsed = time.monotonic() - began
    assert [(ended["item"], ended["outcome"]) for ended in records(journal, "ItemEnded")] == [("Watcher", "reached")]
    [note] = records(journal, "NoteWritten")
    assert note["text"].startswith("nobody looks: its screen has gone")
    assert spent[-1] - before < 0.3 * elapsed + 1.0, "it spins"


def cpu(process: int) -> float:
    """Return the CPU seconds of a process so far, 0 where it has gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
