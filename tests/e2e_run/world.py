"""The demo observatory as the world of a run, and what stands on disk and on Kafka afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.observatory import serving
from tests.servers.command_reader import CommandReader, Found
from tests.servers.tmux import Tmux
from tests.servers.waiting import wait_until
from tests.support.command_line import CommandLine

JOURNAL = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class World:
    """A demo observatory with the addresses of its servers."""

    site_file: Path
    reader: CommandReader

    def commands(self) -> Found:
        """Read every command that was ever sent, and see that each byte decodes."""
        found = self.reader.read()
        assert found.malformed == []
        assert found.twice() == []
        return found


@contextmanager
def world(cli: CommandLine, *words: str) -> Iterator[World]:
    """Run a demo observatory until the block ends."""
    with serving(cli, *words) as observatory:
        registry = next(
            line.split("url: ")[1]
            for line in observatory.site_file.read_text(encoding="utf-8").splitlines()
            if "url: " in line
        )
        yield World(observatory.site_file, CommandReader(observatory.kafka, registry))


def open_run(tmux: Tmux, cli: CommandLine, site: Path, runbook: str | Path, *words: str) -> None:
    """Open a run in the terminal and wait until the fleet is known."""
    tmux.start(
        cli.words("run", site, runbook, "--cycle", "c0045", *words), columns=120, rows=40, env=cli.environment()
    )
    known(tmux)


def known(tmux: Tmux) -> None:
    """Wait until every feed is up and the card of the start is gone."""
    tmux.wait_for("lead ", 20)
    wait_until(lambda: tmux.capture().splitlines()[1].count("●") == 3, 30, "every feed up")
    wait_until(lambda: "observing from" not in tmux.capture() and " ?  " not in tmux.capture(), 30, "a decided fleet")


def journals(cli: CommandLine) -> list[Path]:
    """Return the journals of this home."""
    return sorted((cli.state / "runs").glob(f"*/{JOURNAL}"))


def records(journal: Path, *kinds: str) -> list[dict[str, Any]]:
    """Return the records of these kinds, or all, in order, each with ``kind`` and ``utc``."""
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    return [
        {**line["record"], "kind": line["kind"], "utc": line["utc"]}
        for line in lines
        if not kinds or line["kind"] in kinds
    ]


def names(found: Sequence[Any]) -> list[str]:
    """Return the CSCs of some commands as text, in their order."""
    return [str(each.csc) for each in found]
