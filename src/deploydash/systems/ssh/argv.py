"""The exact commands that go to hosts, as argument lists; they are quoted here and nowhere else. Pure.

Sources: lsst-ts/observatory-controls-docs (Control-System-Upgrade), lsst-ts/docker-compose-admin (the scripts in the
home of ``dco``), lsst-it/puppet-ccs_sal (which ``systemctl`` the account ``ccs`` may use).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

Argv = tuple[str, ...]
"""One command: its program and arguments, none of them read by a shell of ours."""

CCS = "ccs"
"""The account by which the bridges' units may be started and stopped."""

CCS_SHELL = "/opt/lsst/ccs/prod/bin/ccs-shell"

CONTAINER_FIELDS = "{{.ID}}|{{.Names}}|{{.State}}|{{.Image}}"

_PROCESS_NAME = 15
"""So many characters of its name does the kernel keep of a process."""


def quoted(argv: Sequence[str]) -> str:
    """Return a command as the line that a shell takes apart into exactly these arguments."""
    return shlex.join(argv)


def refuse_unsendable(argv: Argv) -> None:
    """Refuse what the login shell that ``sudo -i`` opens would not hand on as it is.

    It expands a dollar sign, joins lines and loses empty arguments (sudo 1.9.13, measured).

    Raises:
        ValueError: an argument is such a one.
    """
    if argv[:3] == ("sudo", "-n", "-iu") and any(not word or "$" in word or "\n" in word for word in argv):
        raise ValueError(f"{quoted(argv)} would not arrive as it is")


def as_user(user: str, argv: Argv) -> Argv:
    """Return a command as it is run by another user in that user's home; by whoever logs in where none is named."""
    return ("sudo", "-n", "-iu", user, *argv) if user else argv


def show_unit(unit: str) -> Argv:
    """Return what asks how a unit stands; needs no right."""
    return (
        *("systemctl", "show"),
        "--property=LoadState,ActiveState,SubState,MainPID,ExecMainStartTimestamp",
        unit,
    )


def list_units(pattern: str) -> Argv:
    """Return what asks which units there are."""
    return ("systemctl", "list-unit-files", "--no-legend", "--no-pager", pattern)


def unit_command(verb: str, unit: str, via: str = "") -> Argv:
    """Return what starts or stops a unit: directly, or by an account whose right that is."""
    direct = ("sudo", "-n", "systemctl", verb, unit)
    return ("sudo", "-n", "-u", via, *direct) if via else direct


def unit_right(verb: str, unit: str, via: str = "") -> Argv:
    """Return what asks whether that would be allowed, without doing it."""
    if via:
        return ("sudo", "-n", "-l", "-u", via, "sudo", "-n", "systemctl", verb, unit)
    return ("sudo", "-n", "-l", "systemctl", verb, unit)


def executable(path: str, user: str = "") -> Argv:
    """Return what asks whether there is a program at a path, and so whether one may become its user."""
    return as_user(user, ("test", "-x", path))


def containers(user: str = "") -> Argv:
    """Return what lists all containers of a host, running or not."""
    return as_user(user, ("docker", "ps", "--all", "--no-trunc", "--format", CONTAINER_FIELDS))


def process(name: str) -> Argv:
    """Return what asks for the processes of a name."""
    return ("pgrep", "-x", name[:_PROCESS_NAME])


def running(words: Sequence[str]) -> Argv:
    """Return what asks whether a command with these words is at work; its own words do not match it."""
    text = " ".join(words).replace(".", "[.]").replace("+", "[+]")
    return ("pgrep", "-f", text if text.startswith("[") else f"[{text[:1]}]{text[1:]}")


def boot_id() -> Argv:
    """Return what tells one start of a machine from the next."""
    return ("cat", "/proc/sys/kernel/random/boot_id")


def reboot() -> Argv:
    """Return what starts a machine anew."""
    return ("sudo", "-n", "systemctl", "reboot")


def reboot_right() -> Argv:
    """Return what asks whether that would be allowed."""
    return ("sudo", "-n", "-l", "systemctl", "reboot")


def git(user: str, directory: str, *words: str) -> Argv:
    """Return a question to a working copy."""
    return as_user(user, ("git", "-C", directory, *words))


def repository_status(user: str, directory: str) -> Argv:
    """Return what tells the branch, the commit and the local edits of a working copy."""
    return git(user, directory, "status", "--porcelain=v2", "--branch")


def repository_diff(user: str, directory: str) -> Argv:
    """Return what shows the local edits of a working copy, staged ones too."""
    return git(user, directory, "diff", "HEAD")


def remote_branch(user: str, directory: str, branch: str) -> Argv:
    """Return what asks the remote which commit a branch is at."""
    return git(user, directory, "ls-remote", "--heads", "origin", f"refs/heads/{branch}")


def update_repo(user: str, directory: str, branch: str = "") -> Argv:
    """Return what brings a working copy to a branch; without one the present branch is brought to its origin."""
    return as_user(user, ("./update_repo", directory, *((branch,) if branch else ())))


def patches(user: str, directory: str) -> Argv:
    """Return what lists the edits that were saved in the home of a user."""
    return as_user(user, ("find", ".", "-maxdepth", "1", "-name", f"{directory.strip('/')}_*.patch"))


def ccs_shell(user: str = "") -> Argv:
    """Return what opens the camera's shell, which reads its commands from standard input."""
    return ("sudo", "-n", "-u", user, CCS_SHELL) if user else (CCS_SHELL,)


def ccs_lines(target: str, *commands: str) -> str:
    """Return what is typed into the camera's shell."""
    return "".join(f"{line}\n" for line in (f"set target {target}", *commands, "exit"))


def crio_stages(interfaces: Sequence[str], repository: str, binary: str) -> tuple[tuple[str, Argv], ...]:
    """Return the stages in which the software of a cRIO is built in place, each with what it is called.

    The scripts are constants; what is of the site file stands behind them as arguments.
    """
    environment = ". ~/kafka.env && . ~/ts_sal/setupKafka.env && . ~/kafka.env"
    generate = f'{environment} && salgeneratorKafka generate cpp "$@"'
    build = 'cd "$HOME/$1" && git pull && make clean && make'
    return (
        ("ts_xml", ("sh", "-c", "cd ~/ts_xml && git checkout main && git pull && pip3 install .")),
        ("generate", ("sh", "-c", generate, "salgeneratorKafka", *interfaces)),
        ("ts_cRIOcpp", ("sh", "-c", build, "make", "ts_cRIOcpp")),
        ("build", ("sh", "-c", build, "make", repository)),
        ("install", ("sh", "-c", 'cp "$HOME/$1/$2" "/usr/sbin/$2"', "cp", repository, binary)),
    )


CRIO_LONG = ("generate", "ts_cRIOcpp", "build")
"""The stages that take minutes to an hour: each is left to run by itself, whatever becomes of the connection."""

_FOLDER = "d=$HOME/.deploydash/$1"
_AT_WORK = 'grep -Fqs "$d" "/proc/$(cat "$d/pid" 2>/dev/null)/cmdline"'
_BEGIN = (
    f'{_FOLDER}; shift; {_AT_WORK} && {{ echo "it is at work there already" >&2; exit 75; }}; '
    'mkdir -p "$d" && rm -f "$d/status" "$d/log" "$d/pid" && date "+%s.$$" >"$d/began" || exit; '
    'nohup sh -c "$0" "$d" "$@" </dev/null >/dev/null 2>&1 & echo $! >"$d/pid"'
)
_ALONE = '"$@" >"$0/log" 2>&1; echo $? >"$0/status"'
_LOOK = (
    f'{_FOLDER}; s=lost; {_AT_WORK} && s=runs; e=$(cat "$d/status" 2>/dev/null); b=$(cat "$d/began" 2>/dev/null); '
    'echo "${b:-never} ${e:-$s}"; tail -c "+$2" "$d/log" 2>/dev/null | head -c 60000'
)


def begin_alone(name: str, argv: Argv) -> Argv:
    """Return what leaves a command to run by itself.

    Its output, its process id and at last its exit status stand in ``~/.deploydash/NAME``. A cRIO has no systemd that
    would keep them. Refused with 75 while the one before is at work.
    """
    return ("sh", "-c", _BEGIN, _ALONE, name, *argv)


def look_alone(name: str, after: int) -> Argv:
    """Return what asks how a command stands that was left to run by itself, and what it said after so many bytes."""
    return ("sh", "-c", _LOOK, "look", name, str(after + 1))


def crio_requests(interfaces: Sequence[str], repository: str, binary: str) -> tuple[tuple[str, Argv], ...]:
    """Return the stages as they are sent: the long ones run by themselves."""
    return tuple(
        (name, begin_alone(alone_name(name, repository), argv) if name in CRIO_LONG else argv)
        for name, argv in crio_stages(interfaces, repository, binary)
    )


def alone_name(stage: str, repository: str) -> str:
    """Return by what name a long stage is known on its host."""
    return f"{stage}-{repository}"


def crio_installed(repository: str, binary: str) -> Argv:
    """Return what asks whether the program that was built is the one that is installed."""
    return ("sh", "-c", 'cmp -s "$HOME/$1/$2" "/usr/sbin/$2"', "cmp", repository, binary)
