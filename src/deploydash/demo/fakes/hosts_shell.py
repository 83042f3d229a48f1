"""The shell of a host: exactly the programs that stand on it, ``sudo`` without a password, exit status and errors."""

from __future__ import annotations

import asyncio
import itertools
import shlex
from collections import Counter
from dataclasses import replace
from fnmatch import fnmatchcase

from deploydash.demo.fakes import hosts_crio
from deploydash.demo.fakes.hosts_ccs import ccs_shell
from deploydash.demo.fakes.hosts_git import git
from deploydash.demo.fakes.hosts_host import OPERATORS, Asked, Host, Program
from deploydash.demo.fakes.hosts_life import SYSTEM
from deploydash.demo.fakes.hosts_scripts import scripts
from deploydash.demo.fakes.hosts_server import Channel
from deploydash.demo.fakes.hosts_units import init_script, pgrep, systemctl

CCS = "/opt/lsst/ccs/prod/bin/ccs-shell"
READ, STOP, START, UPDATE, BUILD, CCS_SHELL, REBOOT = "read", "stop", "start", "update", "build", "ccs", "reboot"
KINDS = frozenset({READ, STOP, START, UPDATE, BUILD, CCS_SHELL, REBOOT})
"""The kinds of commands that are counted."""

_PASSWORD = "sudo: a password is required"
_UNIT_VERBS = frozenset({"start", "stop", "restart", "status"})


_VERBS = {"stop": STOP, "start": START, "restart": START, "reboot": REBOOT}


def kind_of(words: list[str]) -> str:
    """The kind of a command, whoever it is done as."""
    while words[:1] == ["sudo"]:
        options, _, words = _sudo_words(words)
        if "l" in options:
            return READ
    program, verb = (words[0], words[1] if len(words) > 1 else "") if words else ("", "")
    if program == CCS:
        return CCS_SHELL
    if program == "sh":
        script = words[2] if len(words) > 2 else ""
        return READ if "cmp -s" in script or "tail -c " in script else BUILD
    if program.endswith("systemctl") or program.startswith("/etc/init.d/"):
        return _VERBS.get(verb, READ)
    scripted = {"./shutdown_": STOP, "./launch_": START, "./update_": UPDATE}
    return next((kind for start, kind in scripted.items() if program.startswith(start)), READ)


def _sudo_words(words: list[str]) -> tuple[str, str, list[str]]:
    """What a call of sudo asks: its one-letter options, as whom, and the command."""
    options, user, rest = "", "root", words[1:]
    while rest and rest[0].startswith("-") and rest[0] != "-":
        flags, rest = rest[0].lstrip("-"), rest[1:]
        options += flags.replace("u", "")
        if flags.endswith("u"):
            user, rest = (rest[0] if rest else ""), rest[1:]
    return options, user, rest


class Shell:
    """Carries out the commands that reach one host."""

    def __init__(self, host: Host, asked: Counter[str]) -> None:
        self._host = host
        self._asked = asked
        self._cuts: Counter[str] = Counter()
        self._pids = itertools.count(20_001)
        self._programs: dict[str, Program] = {
            "systemctl": systemctl,
            "docker": _docker,
            "git": git,
            "pgrep": pgrep,
            "sh": hosts_crio.shell,
            "test": self._test,
            "cat": self._cat,
            "find": _find,
            "hostname": _hostname,
            "true": _true,
        }

    async def serve(self, channel: Channel) -> int:
        """Carry out one command; what changes something is noted."""
        try:
            words = shlex.split(channel.command)
        except ValueError:
            channel.err("sh: 1: Syntax error: Unterminated quoted string\n")
            return 2
        if not words:
            channel.err("No shell here: name a command, such as ssh HOST systemctl is-active UNIT.\n")
            return 1
        kind = kind_of(words)
        self._asked[kind] += 1
        if kind == READ:
            return await self._run(Asked(words, channel.user, channel))
        deed = self._host.world.deeds.note(SYSTEM, kind, f"{self._host.name}: {channel.command}")
        status = await self._changes(kind, words, channel)
        deed.outcome = str(status)
        return status

    async def _changes(self, kind: str, words: list[str], channel: Channel) -> int:
        """Carry out what changes something; with the fault ``cut``, the connection breaks in the middle."""
        cut = self._host.fault("cut")
        if cut is not None and cut["asked"] in {"", kind} and self._cuts[channel.command] < float(cut["times"]):
            self._cuts[channel.command] += 1
            await asyncio.sleep(float(cut["seconds"]))
            channel.cut()
            if cut["then"] != "goes on":
                return 1
        return await self._run(Asked(words, channel.user, channel))

    async def _run(self, asked: Asked) -> int:
        word = asked.words[0]
        if word == "sudo":
            return await self._sudo(asked)
        program = self._found(word, asked)
        if program is None:
            asked.err(f"sh: 1: {word}: not found")
            return 127
        pid = next(self._pids)
        if program is not pgrep:
            self._host.at_work[pid] = " ".join(asked.words)
        try:
            return await program(self._host, asked)
        finally:
            self._host.at_work.pop(pid, None)

    def _found(self, word: str, asked: Asked) -> Program | None:
        """The program that a word calls for whoever asks."""
        if word == CCS and self._host.bridges:
            return ccs_shell
        if word in self._host.scripts:
            return init_script
        if word.startswith("./"):
            return scripts(self._host).get(word) if asked.home else None
        return self._programs.get(word.removeprefix("/usr/bin/").removeprefix("/bin/"))

    # -- sudo ---------------------------------------------------------------------------------------------------

    async def _sudo(self, asked: Asked) -> int:
        """``sudo -n [-l] [-u USER] [-i] COMMAND``; without ``-n`` there is no terminal to ask at."""
        flags, user, rest = _sudo_words(asked.words)
        if self._host.fault("sudo") is not None or not self._may(asked.user, user, rest):
            asked.err(_PASSWORD if "n" in flags else "sudo: a terminal is required to read the password")
            return 1
        if "l" in flags:
            asked.out(" ".join(rest))
            return 0
        return await self._run(replace(asked, words=rest, user=user)) if rest else 1

    def _may(self, who: str, user: str, words: list[str]) -> bool:
        """Whether the sudoers file lets ``who`` run this as ``user``."""
        unit = len(words) == 3 and words[0].endswith("systemctl") and words[1] in _UNIT_VERBS
        if who == "ccs":
            return user == "root" and unit and words[2].removesuffix(".service") in self._bridge_units()
        if user == "root":
            return not (self._host.by_ccs and unit)
        return bool(scripts(self._host) if user == OPERATORS else self._host.bridges if user == "ccs" else ())

    def _bridge_units(self) -> set[str]:
        return {name.removesuffix(".service") for name in self._host.units}

    # -- small programs -----------------------------------------------------------------------------------------

    async def _test(self, _: Host, asked: Asked) -> int:
        return 0 if asked.words[1:2] == ["-x"] and self._found(asked.words[-1], asked) is not None else 1

    async def _cat(self, host: Host, asked: Asked) -> int:
        if asked.words[1:] == ["/proc/sys/kernel/random/boot_id"]:
            asked.out(host.boot_id)
            return 0
        asked.err(f"cat: {asked.words[-1]}: No such file or directory")
        return 1


async def _docker(host: Host, asked: Asked) -> int:
    if not host.docker.projects:
        asked.err("sh: 1: docker: not found")
        return 127
    if asked.words[1:2] != ["ps"]:
        asked.err(f"docker: {' '.join(asked.words[1:2])!r} is not a docker command.")
        return 1
    return host.docker.ps(asked.words[2:], host.world.now, asked.channel.out)


async def _find(host: Host, asked: Asked) -> int:
    pattern = asked.words[asked.words.index("-name") + 1] if "-name" in asked.words[:-1] else "*"
    for patch in host.patches if asked.home else ():
        if fnmatchcase(patch, pattern):
            asked.out(f"./{patch}")
    return 0


async def _hostname(host: Host, asked: Asked) -> int:
    asked.out(host.short if "-s" in asked.words else host.name)
    return 0


async def _true(_: Host, __: Asked) -> int:
    return 0
