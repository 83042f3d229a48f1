"""What the hosts of the tests have behind the real sshd and sudo: systemctl, docker, ccs-shell and the scripts of dco.

They keep what they know in files below ``state``, which a test writes and reads. ``slow`` there: seconds that a unit's
stop and a launch take; ``stays``: units that do not stop; ``broken-pull``: no new image comes; ``together``: so many
launches wait for each other. The scripts take a host's name as argument where one server stands for several.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.servers.sshd import SshWorld

SYSTEMCTL = """\
#!/bin/sh
S={state}/units
case "$1" in
  show)
    for unit; do :; done
    if [ -e "$S/$unit" ]; then echo LoadState=loaded; else echo LoadState=not-found; fi
    state=$(cat "$S/$unit" 2>/dev/null || echo inactive)
    echo "ActiveState=$state"; echo "SubState=sub"; echo "MainPID=$(cat "$S/../pid-$unit" 2>/dev/null || echo 0)"
    echo "ExecMainStartTimestamp=" ;;
  list-unit-files) ls "$S" | sed 's/$/ enabled/' ;;
  start|stop)
    [ "$(id -u)" = 0 ] || {{ echo "Failed to $1 $2: Interactive authentication required." >&2; exit 1; }}
    echo "$1 $2" >> {state}/log
    [ -e {state}/stays ] && exit 0
    [ "$1" = stop ] && echo deactivating > "$S/$2"
    [ -e {state}/slow ] && sleep "$(cat {state}/slow)"
    if [ "$1" = stop ]; then echo failed > "$S/$2"; else echo active > "$S/$2"; echo $$ > {state}/pid-$2; fi ;;
  reboot)
    [ "$(id -u)" = 0 ] || exit 1
    echo reboot >> {state}/log ;;
esac
"""

DOCKER = """\
#!/bin/sh
[ "$1" = ps ] && cat {state}/containers* 2>/dev/null
exit 0
"""

CCS_SHELL = """\
#!/bin/sh
while read -r line; do
  echo "ccs> $line"
  case "$line" in
    setAvailable*) echo OFFLINE_AVAILABLE > {state}/ccs; echo "$line" >> {state}/log ;;
    clearFault*) echo OFFLINE_PUBLISH_ONLY > {state}/ccs; echo "$line" >> {state}/log ;;
    getState) echo "AlertState:NOMINAL OfflineState:$(cat {state}/ccs) PhaseState:OPERATIONAL SummaryState:OFFLINE" ;;
    showAllLocks) cat {state}/locks 2>/dev/null ;;
    exit) exit 0 ;;
  esac
done
"""

SHUTDOWN = """\
#!/bin/sh
echo "shutdown $*" >> {state}/log
[ -e {state}/stays ] || : > {state}/containers$1
cd ~/
"""

LAUNCH = """\
#!/bin/sh
echo "launch $*" >> {state}/log
echo " 3153aa388d02 Pulling fs layer" >&2
[ -e {state}/slow$1 ] && sleep "$(cat {state}/slow$1)"
while [ -e {state}/together ] && [ "$(grep -c launch {state}/log)" -lt "$(cat {state}/together)" ]; do sleep 0.05; done
if [ -e {state}/broken-pull ]; then echo "Error: no space left on device" >&2; cd ~/; exit 0; fi
echo " 3153aa388d02 Pull complete" >&2
tag=$(cat {state}/tag)
echo "$(date +%s%N)|ess-controller$1|running|registry.example.org/ess-controller-aarch64:$tag" > {state}/containers$1
cd ~/
"""

UPDATE_REPO = """\
#!/bin/bash
# as lsst-ts/docker-compose-admin bin/update_repo does, with its traps
cd "$1" || exit 0
if ! git diff --quiet; then
  echo "Local change present, saving it"
  git diff > "$HOME/$(basename "$1")_$(date +%Y%m%d_%H%M%S).patch"
fi
echo "update $*" >> {state}/log
[ -e {state}/full ] && {{ echo "error: No space left on device" >&2; cd ~/; exit 0; }}
present=$(git rev-parse --abbrev-ref HEAD)
git reset -q --hard
git checkout -q main && git fetch -q && git reset -q --hard origin/main
if [ -n "$2" ]; then git checkout -q "$2"
else git checkout -q "$present" && git reset -q --hard "origin/$present"; fi
cd ~/
"""


RIGHTS = (
    "USER ALL=(root) NOPASSWD: BIN/systemctl stop *-ocs-bridge.service, BIN/systemctl start *-ocs-bridge.service",
    "USER ALL=(root) NOPASSWD: BIN/systemctl reboot",
    "USER ALL=(DCO) NOPASSWD: ALL",
)
"""What the user of the tests may do by sudo where a test says nothing else."""


class Programs:
    """Writes the programs and what they know."""

    def __init__(self, world: SshWorld) -> None:
        self.world = world
        self.state = world.state
        (self.state / "units").mkdir(exist_ok=True)
        for name, text in (("systemctl", SYSTEMCTL), ("docker", DOCKER)):
            world.program(name, text.format(state=self.state))
        self.ccs_shell = world.program("ccs-shell", CCS_SHELL.format(state=self.state))
        home = world.dco.home
        for name, text in (
            ("shutdown_controller", SHUTDOWN),
            ("launch_controller", LAUNCH),
            ("update_repo", UPDATE_REPO),
        ):
            world.program(name, text.format(state=self.state), home)
        self.fresh()

    def fresh(self) -> None:
        """Let all be as at the beginning of a test."""
        for file in self.state.iterdir():
            if file.is_file():
                file.unlink()
        for file in (self.state / "units").iterdir():
            file.unlink()
        self.write("log", "")
        self.write("ccs", "OFFLINE_PUBLISH_ONLY\n")
        self.write("tag", "c0045.000\n")
        self.write("containers", "")

    def write(self, name: str, text: str) -> Path:
        """Write one of the files that the programs look at."""
        path = self.state / name
        path.write_text(text)
        path.chmod(0o666)
        return path

    def unit(self, name: str, state: str = "active") -> str:
        """Let there be a unit."""
        self.write(f"units/{name}", f"{state}\n")
        return name

    @property
    def log(self) -> list[str]:
        """What was done, in order."""
        return (self.state / "log").read_text().splitlines()


class Repository:
    """A working copy in the home of dco, with its remote, as ``git`` itself makes them."""

    def __init__(self, world: SshWorld, name: str = "docker-compose-ops") -> None:
        self.world = world
        self.remote, self.copy = world.dco.home / f"{name}-remote", world.dco.home / name
        self.name = name
        self.git(None, "init", "-q", "-b", "main", str(self.remote))
        self.commit("setup.env", "CYCLE=c0044\n")
        self.git(None, "clone", "-q", str(self.remote), str(self.copy))

    def git(self, folder: Path | None, *words: str) -> str:
        """Run git as dco."""
        where = ["-C", str(folder)] if folder is not None else []
        who = ["-c", "user.name=dco", "-c", "user.email=dco@example.org"]
        command = ["sudo", "-n", "-H", "-u", self.world.dco.name, "git", *who, *where, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/").stdout.strip()

    def commit(self, file: str, text: str, branch: str = "") -> str:
        """Commit a file to the remote, on a new branch where one is named; return the commit."""
        if branch:
            there = self.git(self.remote, "branch", "--list", branch)
            self.git(self.remote, "checkout", "-q", *(() if there else ("-b",)), branch)
        self._write(self.remote / file, text)
        self.git(self.remote, "add", file)
        self.git(self.remote, "commit", "-q", "-m", "a commit")
        head = self.git(self.remote, "rev-parse", "HEAD")
        self.git(self.remote, "checkout", "-q", "main") if branch else None
        return head

    def edit(self, file: str, text: str) -> None:
        """Edit a file of the working copy."""
        self._write(self.copy / file, text)

    @property
    def head(self) -> str:
        return self.git(self.copy, "rev-parse", "HEAD")

    def _write(self, path: Path, text: str) -> None:
        command = ["sudo", "-n", "-u", self.world.dco.name, "tee", str(path)]
        subprocess.run(command, input=text, text=True, check=True, capture_output=True, cwd="/")

    def remove(self) -> None:
        for folder in (self.remote, self.copy):
            subprocess.run(["rm", "-rf", str(folder)], check=True)
        for patch in self.world.dco.home.glob("*.patch"):
            patch.unlink()
