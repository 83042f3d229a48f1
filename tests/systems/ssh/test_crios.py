"""A cRIO on the real sshd: its hour-long build goes on behind a lost connection, is followed, and ends once."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploydash.core.run.ports import Found
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.systems.ssh.specs import Crio
from tests.servers.sshd import Sshd, SshWorld
from tests.systems.ssh.acting import acting, item, places, until
from tests.systems.ssh.programs import Programs

LOGGED = """\
#!/bin/sh
echo "$(basename "$0") $*" >> {state}/log
"""

GENERATE = (
    LOGGED
    + """\
echo "SAL generator - $3 - generating code 1 of 2"
while [ -e {state}/held ]; do sleep 0.05; done
echo "KAFKA_PASSWORD=hush"
[ -e {state}/broken ] && {{ echo "fatal: no schema of $3" >&2; exit 3; }}
echo "SAL generator - $3 - generating code 2 of 2"
"""
)

MAKEFILE = """\
clean:
\t@echo "make clean $(CURDIR)" >> {state}/log
{binary}:
\tcp program {binary}
.PHONY: clean
all: {binary}
.DEFAULT_GOAL := all
"""

RUNS = "#!/bin/sh\nwhile :; do sleep 0.2; done\n"


@dataclass
class Rio:
    """A cRIO of the tests: its home, what builds there, and the program that is installed."""

    spec: Crio
    programs: Programs
    home: Path

    def log(self, word: str) -> list[str]:
        """What of this was done, in order."""
        return [line for line in self.programs.log if word in line]


def _clone(folder: Path, user: str, files: dict[str, str]) -> None:
    """Make a repository with these files, and its remote, as the user."""
    remote = folder.with_name(f"{folder.name}-remote")
    who = ("sudo", "-n", "-H", "-u", user)
    author = ("-c", "user.name=admin", "-c", "user.email=admin@example.org")
    ran: list[tuple[str, ...]] = [("init", "-q", "-b", "main", str(remote))]
    ran += [("-C", str(remote), *words) for words in (("add", "."), ("commit", "-q", "--allow-empty", "-m", "all"))]
    ran += [("clone", "-q", str(remote), str(folder))]
    for words in ran:
        subprocess.run([*who, "git", *author, *words], check=True, cwd="/")
        if words[0] == "init":
            for name, text in files.items():
                (remote / name).write_text(text)


@pytest.fixture
def rio(world: SshWorld, programs: Programs) -> Iterator[Rio]:
    binary = f"ts-{secrets.token_hex(4)}d"
    home, user, state = world.user.home, world.user.name, world.state
    (home / "ts_sal").mkdir()
    for name in ("kafka.env", "ts_sal/setupKafka.env"):
        (home / name).write_text("")
    for name in ("ts_xml", "ts_cRIOcpp", "ts_vms"):
        _clone(home / name, user, {"Makefile": MAKEFILE.format(state=state, binary=binary), "program": RUNS})
    (home / "ts_vms" / "program").chmod(0o755)
    world.program("pip3", LOGGED.format(state=state))
    world.program("salgeneratorKafka", GENERATE.format(state=state))
    installed = Path("/usr/sbin") / binary
    start = f"{LOGGED}setsid nohup {installed} </dev/null >/dev/null 2>&1 &\n"
    started = world.program(f"start-{binary}", start.format(state=state))
    installed.touch(mode=0o755)
    installed.chmod(0o755)
    os.chown(installed, world.user.uid, -1)
    spec = Crio(
        login="vms.example.org", interfaces=("MTVMS",), repository="ts_vms", binary=binary, start=(str(started),)
    )
    yield Rio(spec, programs, home)
    for pid in subprocess.run(["pgrep", "-x", binary], capture_output=True, text=True, check=False).stdout.split():
        os.kill(int(pid), signal.SIGKILL)
    installed.unlink()
    for left in (*home.glob("ts_*"), home / ".deploydash"):
        subprocess.run(["rm", "-rf", str(left)], check=True)


async def test_a_build_goes_on_behind_a_cut_connection_and_is_followed_to_its_end(
    world: SshWorld, server: Sshd, rio: Rio
) -> None:
    rio.programs.write("held", "")
    one = item(rio.spec)
    async with acting(places(world, vms=server)) as ours:
        work = asyncio.create_task(ours.run(one))
        at_work = "generate: SAL generator - MTVMS - generating code 1 of 2"
        await until(lambda: at_work in {told.line for told in ours.context.progressed()}, ours.context.progressed)
        assert server.cut() > 0
        (world.state / "held").unlink()
        end = await work
    assert end.outcome is Outcome.REACHED, end
    assert end.why.startswith(f"{rio.spec.binary} runs and is the one that was built")
    assert rio.log("salgeneratorKafka") == ["salgeneratorKafka generate cpp MTVMS"]
    assert [Path(line.split()[-1]).name for line in rio.log("clean")] == ["ts_cRIOcpp", "ts_vms"]
    assert len(ours.context.intended()) == 6
    lines = [line for line in ours.context.printed if "generator" in line or "KAFKA" in line]
    assert lines[-3:] == [
        "SAL generator - MTVMS - generating code 1 of 2",
        "KAFKA_PASSWORD=***",
        "SAL generator - MTVMS - generating code 2 of 2",
    ]


async def test_a_build_that_fails_ends_with_its_exit_status_and_its_last_words(
    world: SshWorld, server: Sshd, rio: Rio
) -> None:
    rio.programs.write("broken", "")
    async with acting(places(world, vms=server)) as ours:
        end = await ours.run(item(rio.spec))
        assert end.outcome is Outcome.FAILED
        assert end.why.startswith("generate: exit 3: fatal: no schema of MTVMS; all of it is in ~/.deploydash/generate")
        assert rio.log("clean") == []
        (world.state / "broken").unlink()
        assert (await ours.run(item(rio.spec))).outcome is Outcome.REACHED


async def test_a_build_behind_a_process_that_was_killed_is_found_followed_and_not_begun_twice(
    world: SshWorld, server: Sshd, rio: Rio
) -> None:
    rio.programs.write("held", "")
    one = item(rio.spec)
    async with acting(places(world, vms=server)) as ours:
        approved = (await ours.plan(one)).approved
        work = asyncio.create_task(ours.run(one, approved))
        await until(lambda: rio.log("salgeneratorKafka"), lambda: rio.programs.log)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    async with acting(places(world, vms=server)) as ours:
        history = ItemProgress(request="it", approved=approved)
        found = await ours.action.probe(one, history, ours.context.view)
        assert (found.found, found.sentence) == (Found.UNDER_WAY, "generate is at work")
        plan = await ours.plan(one)
        assert (plan.blocked, plan.why) == (True, "generate is at work there already: wait for its end")
        follow = asyncio.create_task(ours.action.follow(one, history, ours.context))
        await until(ours.context.progressed, ours.context.progressed)
        server.cut()
        (world.state / "held").unlink()
        end = await follow
        assert (end.outcome, end.why.endswith("; generate: exit 0")) == (Outcome.FAILED, True), end
    assert ours.context.intended() == []
    assert len(rio.log("salgeneratorKafka")) == 1
