"""What a run through losses is judged by, as values: each kind of wrong is told, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deploydash.core.model import CscId
from tests.e2e_run.losing import Loss, Moment, Seen
from tests.e2e_run.lost import Survived, wrong
from tests.e2e_run.switchboard import Tally
from tests.servers.command_reader import Command, Found

LOSS = Loss("broker", "cscs", Moment.ASKED)


def told(folder: Path, *records: dict[str, Any], tally: Tally | None = None, **more: Any) -> set[str]:
    """Return what is wrong of a run with these records, beside the rows that such a short one lacks."""
    journal = folder / "journal.jsonl"
    lines = ({"kind": one.pop("kind"), "utc": 5.0, "record": one} for one in map(dict, records))
    journal.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    counts: Tally = {"github": {}, "argocd": {}, "slack": {}, "hosts": {}, "started": {}, **(tally or {})}
    others: dict[str, Any] = {"commands": Found(), "seen": (), "left": (), "keys": 1, **more}
    run = Survived(journal=journal, tally=counts, **others)
    return {each for each in wrong(run) if "nothing ended" not in each}


def beats(csc: str, liveness: str) -> dict[str, Any]:
    return {"kind": "BeatsChanged", "csc": csc, "liveness": liveness}


def ended(item: str, outcome: str) -> dict[str, Any]:
    return {"kind": "ItemEnded", "step": "repos", "item": item, "outcome": outcome, "why": ""}


def test_nothing_is_wrong_of_what_was_tried_again_and_done_once(tmp_path: Path) -> None:
    again = (ended("#1", "unknown"), ended("#1", "reached"))
    assert told(tmp_path, *again, tally={"slack": {"there: hello": 1}}) == set()


def test_what_was_done_twice_is_told(tmp_path: Path) -> None:
    commands = [Command(CscId("ATDome"), "exitControl", number, "lead", 1, None, {}) for number in (1, 2)]
    found = told(
        tmp_path,
        ended("#1", "reached"),
        ended("#1", "reached"),
        tally={"slack": {"there: hello": 2}, "hosts": {"azar03: ./shutdown_gc": 2}},
        commands=Found(commands),
    )
    assert found == {
        "repos, #1 was reached 2 times",
        "slack did there: hello 2 times",
        "hosts did azar03: ./shutdown_gc 2 times",
        "ATDome was sent exitControl 2 times",
    }


def test_one_that_is_called_silent_is_told_unless_the_run_had_stopped_it(tmp_path: Path) -> None:
    asked = {"kind": "RequestIntended", "step": "bridges-stop", "item": "#1", "text": "systemctl stop"}
    found = told(tmp_path, asked, beats("ATCamera", "silent"), beats("MTDome", "silent"), beats("MTAOS", "late"))
    assert found == {"MTDome was called silent at 5.0"}


def test_a_screen_that_says_lost_and_a_loss_that_never_was_are_told(tmp_path: Path) -> None:
    seen = (Seen(LOSS, "MTDome  LOST", "fine"), Seen(LOSS, "fine", "fine"))
    assert told(tmp_path, seen=seen, left=(str(LOSS),)) == {
        f"{LOSS}: the screen says LOST",
        f"never lost: {LOSS}",
    }
