"""The demo observatory as the world of a run, and what stands on disk and on Kafka afterwards."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploydash.core.model import CscId
from deploydash.demo.__main__ import main
from tests.e2e.observatory import serving
from tests.e2e.sites import summit
from tests.servers.command_reader import CommandReader, Found
from tests.servers.kafka import KafkaServer
from tests.servers.registry import SchemaRegistry
from tests.servers.tmux import Tmux
from tests.servers.waiting import wait_until
from tests.support.command_line import ROOT, CommandLine
from tests.support.forked import start

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
        site = yaml.safe_load(observatory.site_file.read_text(encoding="utf-8"))
        yield World(observatory.site_file, CommandReader(observatory.kafka, site["schema_registry"]["url"]))


@contextmanager
def real_world(
    cli: CommandLine,
    scenario: Path,
    folder: Path,
    kafka: KafkaServer,
    registry: SchemaRegistry,
    subname: str,
    speed: int = 20,
) -> Iterator[World]:
    """Let the Summit's CSCs live on a real Kafka and schema registry, under a subname of their own."""
    site = folder / "summit.yaml"
    document = summit()
    site.write_text(yaml.safe_dump({**document, "kafka": {**document["kafka"], "topic_subname": subname}}), "utf-8")
    servers = ("--kafka", kafka.bootstrap, "--registry", registry.url)
    with forked_world(cli, site, scenario, folder, *servers, subname=subname, speed=speed) as real:
        yield real


def demo(words: Sequence[str]) -> None:
    """Be a demo observatory."""
    main(list(words))


@contextmanager
def forked_world(
    cli: CommandLine, site: Path, scenario: Path, folder: Path, *more: str, subname: str = "sal", speed: int = 20
) -> Iterator[World]:
    """Run a demo observatory as ``world`` does, forked: where there are to be very many."""
    words = ("--site-file", site, "--scenario", scenario, "--speed", speed, "--out", folder / "observatory", *more)
    log = folder / "observatory.log"
    process = start(demo, [*map(str, words)], environment=cli.environment(), cwd=ROOT, log=log)
    try:
        wait_until(lambda: log.exists() and b"\n" in log.read_bytes(), 90, "a demo observatory")
        told = json.loads(log.read_text(encoding="utf-8").splitlines()[0])
        yield World(Path(told["site_file"]), CommandReader(told["kafka"], told["schema_registry"], subname))
    finally:
        process.terminate()
        process.join(10)
        process.kill()


def open_run(
    tmux: Tmux,
    cli: CommandLine,
    site: Path,
    runbook: str | Path,
    *words: str,
    dead: threading.Event | None = None,
) -> None:
    """Open a run in the terminal and wait until the fleet is known, or the run was killed before."""
    tmux.start(cli.words("run", site, runbook, "--cycle", "c0045", *words), columns=120, rows=40, env=cli.environment())
    known(tmux, dead)


def known(tmux: Tmux, dead: threading.Event | None = None) -> None:
    """Wait until no feed is connecting any more and the card of the start has gone."""
    wait_until(lambda: (dead is not None and dead.is_set()) or _is_known(tmux.capture()), 40, "a decided fleet")


def _is_known(screen: str) -> bool:
    feeds = next((line for line in screen.splitlines() if " kafka " in line and " lead " in line), "")
    return "● kafka" in feeds and "◌" not in feeds and "a demo observatory on this" not in screen


def journals(cli: CommandLine) -> list[Path]:
    """Return the journals of this home."""
    return sorted((cli.state / "runs").glob(f"*/{JOURNAL}"))


def records(journal: Path, *kinds: str) -> list[dict[str, Any]]:
    """Return the records of these kinds, or all, in order, each with ``kind`` and ``utc``."""
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    return [
        {**_plain(line["record"]), "kind": line["kind"], "utc": line["utc"]}
        for line in lines
        if not kinds or line["kind"] in kinds
    ]


def _plain(told: Any) -> Any:
    """Return a record with its CSCs written as operators write them."""
    if isinstance(told, list):
        return [_plain(each) for each in told]
    if isinstance(told, dict) and set(told) == {"name", "index"}:
        return str(CscId(told["name"], told["index"]))
    return {key: _plain(each) for key, each in told.items()} if isinstance(told, dict) else told
