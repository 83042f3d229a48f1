"""The software of a cRIO, built where it runs: each line of the published text, as ``sh -c``."""

from __future__ import annotations

import asyncio
import itertools
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import replace

from deploydash.demo.fakes.hosts_host import Alone, Asked, Host

GENERATE_S = 420.0
"""World seconds; at a site it is about an hour."""
LIBRARY = "ts_cRIOcpp"
"""What all programs of cRIOs are built with."""
_FOLDER = "$HOME/.deploydash/$1"
_PIECE = 60_000
_STARTS = itertools.count(1)
_PULL_S, _MAKE_S = 8.0, 20.0


async def shell(host: Host, asked: Asked) -> int:
    """``sh -c SCRIPT [NAME ARGUMENT…]`` for the scripts that build; 127 for any other."""
    if asked.words[1:2] != ["-c"] or len(asked.words) < 3:
        asked.err("sh: 0: nothing but -c is known here")
        return 127
    script, arguments = asked.words[2], asked.words[4:]
    if _FOLDER in script and arguments:
        return _begin(host, asked, arguments) if "nohup" in script else _look(host, asked, arguments)
    steps: tuple[tuple[str, Callable[[Host, Asked, list[str]], Awaitable[int]]], ...] = (
        ("salgeneratorKafka", _generate),
        ("git pull", _make if "make" in script else _pull),
        ("cmp ", _compare),
        ("cp ", _copy),
    )
    for word, step in steps:
        if word in script:
            return await step(host, asked, arguments)
    asked.err(f"sh: 1: {script.split()[0] if script.split() else ''}: not found")
    return 127


def _begin(host: Host, asked: Asked, arguments: list[str]) -> int:
    """Leave a command to run by itself, as nohup does."""
    name, words = arguments[0], arguments[1:]
    before = host.alone.get(name)
    if before is not None and str(before) == "runs":
        asked.err("it is at work there already")
        return 75
    alone = host.alone[name] = Alone(f"{host.world.now:.0f}.{next(_STARTS)}")

    def write(text: str, _: bool) -> None:
        alone.log += text

    async def run() -> None:
        pid = -next(_STARTS)
        host.at_work[pid] = shlex.join(words)
        channel = replace(asked.channel, command=shlex.join(words), _write=write)
        try:
            alone.status = await shell(host, replace(asked, words=words, channel=channel))
        finally:
            host.at_work.pop(pid, None)

    alone.task = asyncio.get_running_loop().create_task(run(), name=f"{name} on {host.name}")
    return 0


def _look(host: Host, asked: Asked, arguments: list[str]) -> int:
    """Tell how such a command stands, and what it said from a byte on (the first is 1)."""
    alone = host.alone.get(arguments[0])
    if alone is None:
        asked.out("never lost")
        return 0
    asked.out(f"{alone.began} {alone}")
    asked.channel.out(alone.log.encode()[int(arguments[1]) - 1 :][:_PIECE].decode(errors="surrogateescape"))
    return 0


async def _pull(host: Host, asked: Asked, _: list[str]) -> int:
    asked.err("Already on 'main'")
    await host.take(_PULL_S)
    asked.out("Updating 69c1740..22b5ecc\nFast-forward")
    asked.out("Successfully installed ts-xml")
    return 0


async def _generate(host: Host, asked: Asked, interfaces: list[str]) -> int:
    of = 24
    for part in range(of):
        await host.take(GENERATE_S / of)
        for name in interfaces[part % max(1, len(interfaces)) :][:1]:
            asked.out(f"SAL generator - {name} - generating code {part + 1} of {of}")
    return 0


async def _make(host: Host, asked: Asked, arguments: list[str]) -> int:
    asked.out("Already up to date.")
    for part in range(5):
        await host.take(_MAKE_S / 5)
        asked.out(f"[CPP] src/part{part + 1}.cpp")
    if host.fault("disk-full") is not None:
        asked.err("fatal error: error writing to /tmp/cc2Xq1.s: No space left on device")
        return 2
    build = host.builds.get(arguments[0]) if arguments else None
    if arguments and build is None and arguments[0] != LIBRARY:
        asked.err(f"sh: 1: cd: can't cd to {arguments[0]}")
        return 2
    if build is not None:
        build.made, build.installed = True, False
    return 0


async def _copy(host: Host, asked: Asked, arguments: list[str]) -> int:
    build = host.builds.get(arguments[0]) if arguments else None
    if build is None:
        asked.err("cp: cannot stat: No such file or directory")
        return 1
    if any(unit.process == build.binary and unit.life.running for unit in host.scripts.values()):
        asked.err(f"cp: cannot create regular file '/usr/sbin/{build.binary}': Text file busy")
        return 1
    build.installed = True
    return 0


async def _compare(host: Host, _: Asked, arguments: list[str]) -> int:
    build = host.builds.get(arguments[0]) if arguments else None
    if build is None:
        return 2
    return 0 if build.installed else 1
