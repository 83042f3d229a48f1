"""A demo observatory whose fakes are switched by the test at the moment it chooses, and which tallies what was done.

What was done is counted where it happens, behind every answer that may be lost: messages that stand in a channel,
merges, syncs that began, processes of CSCs that were started, commands that reached a host's programs. So a request
that was refused counts for nothing, and one that was carried out twice counts twice.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploydash.demo.__main__ import main
from deploydash.demo.fake import Fault, Faults, Kind, Section
from deploydash.demo.fakes.hosts_server import Channel
from deploydash.demo.fakes.hosts_shell import CCS_SHELL, READ, kind_of
from deploydash.demo.fakes.table import FAKES
from deploydash.demo.world import World
from tests.e2e_run.world import World as Scene
from tests.servers.command_reader import CommandReader
from tests.servers.waiting import wait_until
from tests.support.command_line import ROOT, CommandLine
from tests.support.forked import start

ORDERS, DONE, TALLY = "orders", "done", "tally.json"

Tally = dict[str, dict[str, int]]
"""For each system what it did, and how often."""


class _Desk:
    """The fake that is none: it switches the others as a file says, and writes down what they did."""

    def __init__(self, world: World, folder: Path, fakes: dict[str, Any]) -> None:
        self.faults = Faults({})
        self.asked: Counter[str] = Counter()
        self._folder = folder
        self._fakes = fakes
        self._carried_out = 0
        self._tally: dict[str, Counter[str]] = {
            name: Counter() for name in ("github", "argocd", "slack", "hosts", "started")
        }
        world.on_turn.append(self._turn)
        self._count(world, "boot", lambda csc, *_: self._tally["started"].update([csc.name]))

    async def start(self) -> Section:
        """Listen in on the others, which stand by now."""
        sync = lambda item, *_: self._tally["argocd"].update([item["metadata"]["name"]])  # noqa: E731
        post = lambda channel, text, *_: self._tally["slack"].update([f"{channel.name}: {text}"])  # noqa: E731
        merge = lambda pull, *_: self._tally["github"].update([f"merge {pull.number}"])  # noqa: E731
        self._count(self._fakes["argocd"].operations, "sync", sync)
        self._count(self._fakes["slack"].channels, "post", post)
        self._count(self._fakes["github"].phalanx, "merge", merge)
        for name, port in self._fakes["hosts"]._ports.items():
            port._serve = self._serving(name, port._serve)
        return {}

    async def stop(self) -> None:
        """Nothing is held."""

    def _count(self, owner: Any, method: str, count: Callable[..., None]) -> None:
        """Count what a method of a fake carries out."""
        inner = getattr(owner, method)

        def counted(*words: Any, **more: Any) -> Any:
            answer = inner(*words, **more)
            count(*words)  # afterwards, for it may be refused
            return answer

        setattr(owner, method, counted)

    def _serving(self, host: str, serve: Callable[[Channel], Awaitable[int]]) -> Callable[[Channel], Awaitable[int]]:
        """Count what reaches the programs of a host and changes something; a shell that is typed into asks first."""

        async def counted(channel: Channel) -> int:
            if kind_of(shlex.split(channel.command)) not in {READ, CCS_SHELL}:
                self._tally["hosts"].update([f"{host}: {channel.command}"])
            return await serve(channel)

        return counted

    def _turn(self, _: float) -> None:
        orders = (self._folder / ORDERS).read_text(encoding="utf-8").splitlines()
        for line in orders[self._carried_out :]:
            order = json.loads(line)
            faults = self._fakes[order["system"]].faults if order["system"] else None
            if faults is not None and order["on"]:
                faults.switch_on(order["fault"], order["values"])
            elif faults is not None:
                faults.switch_off(order["fault"])
            else:
                self._write()
            self._carried_out += 1
            (self._folder / DONE).write_text(str(self._carried_out), encoding="utf-8")

    def _write(self) -> None:
        (self._folder / TALLY).write_text(json.dumps(self._tally), encoding="utf-8")


def demo(words: Sequence[str]) -> None:
    """Be a demo observatory with a switchboard, whose folder is the first word."""
    fakes: dict[str, Any] = {}

    def kept(kind: Kind) -> Kind:
        def make(world: World) -> Any:
            fakes[kind.name] = kind.make(world)
            return fakes[kind.name]

        return replace(kind, make=make)

    desk = Kind("switchboard", dict[str, Fault](), frozenset(), lambda world: _Desk(world, Path(words[0]), fakes))
    main(list(words[1:]), (*map(kept, FAKES), desk))


@dataclass(frozen=True, slots=True)
class Switchboard:
    """Switches the fakes of a running demo observatory; each call returns when it is so."""

    scene: Scene
    folder: Path

    def lose(self, system: str, fault: str = "down", **values: float | str) -> None:
        """Let a fault of a system begin."""
        self._order(system, fault, on=True, **values)

    def bring_back(self, system: str, fault: str = "down") -> None:
        """Let a fault of a system end."""
        self._order(system, fault, on=False)

    def tally(self) -> Tally:
        """Return what was done so far."""
        self._order("", "", on=False)
        counted: Tally = json.loads((self.folder / TALLY).read_text(encoding="utf-8"))
        return counted

    def _order(self, system: str, fault: str, *, on: bool, **values: float | str) -> None:
        orders = self.folder / ORDERS
        line = json.dumps({"system": system, "fault": fault, "on": on, "values": values})
        with orders.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
        number = len(orders.read_text(encoding="utf-8").splitlines())
        done = self.folder / DONE
        wait_until(lambda: done.exists() and int(done.read_text() or 0) >= number, 20, f"{system} is switched")


@contextmanager
def switchboard(
    cli: CommandLine, site: str, scenario: str | Path, folder: Path, speed: int = 20
) -> Iterator[Switchboard]:
    """Run a demo observatory of a shipped site with a switchboard until the block ends."""
    desk = folder / "switchboard"
    desk.mkdir(parents=True)
    (desk / ORDERS).touch()
    document = ROOT / "sites" / f"{site}.yaml"
    words = (desk, "--site-file", document, "--scenario", scenario, "--speed", speed, "--out", folder / "observatory")
    log = folder / "observatory.log"
    process = start(demo, [*map(str, words)], environment=cli.environment(), cwd=ROOT, log=log)
    try:
        wait_until(lambda: log.exists() and b"\n" in log.read_bytes(), 90, "a demo observatory")
        told = json.loads(log.read_text(encoding="utf-8").splitlines()[0])
        reader = CommandReader(told["kafka"], told["schema_registry"])
        yield Switchboard(Scene(Path(told["site_file"]), reader), desk)
    finally:
        process.terminate()
        process.join(10)
        process.kill()
