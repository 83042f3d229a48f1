"""A run inside a tmux session of its own: it outlives its terminal, and others mirror it read-only."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploydash.cli.exits import Exit
from deploydash.errors import UserError

OLDEST = (3, 2)
"""The first tmux whose ``attach -r`` also ignores the mirror's size (its CHANGES)."""

SHARING = (3, 3)
"""The first tmux with ``server-access``: before it, whoever may open the socket may do everything."""

# The shell stands between because tmux 3.3a now and then misses how a program ended; tmux draws the last words after
# the program that wrote them has gone.
KEEPING = 'kept=$1; shift; "$@"; code=$?; sleep 0.3; tmux capture-pane -p >"$kept.said"; echo "$code" >"$kept.code"'
"""Runs the program in the pane and keeps its last screen and exit code for the lead's terminal."""

LONGEST_SOCKET = 100
"""Bytes of a socket's path; the kernel takes 107."""


@dataclass(frozen=True, slots=True)
class Tmux:
    """The installed tmux."""

    path: str
    version: tuple[int, int]
    words: str


@dataclass(frozen=True, slots=True)
class Session:
    """One run's tmux session: its socket, which no other run shares, and its name."""

    run: str
    socket: Path

    @property
    def name(self) -> str:
        """The session's name: tmux takes neither dots nor colons."""
        return self.socket.name

    @property
    def lead(self) -> str:
        """The command with which the lead goes back to it."""
        return f"tmux -S {shlex.quote(str(self.socket))} attach -t {shlex.quote(self.name)}"

    @property
    def mirror(self) -> str:
        """The command with which a second operator sees it: read-only, and of no weight for its size."""
        return f"tmux -S {shlex.quote(str(self.socket))} attach -r -t {shlex.quote(self.name)}"

    @property
    def share(self) -> tuple[str, str]:
        """The commands with which the lead lets another user in, read-only; the second needs tmux 3.3."""
        socket = shlex.quote(str(self.socket))
        return (
            f"chmod 711 {shlex.quote(str(self.socket.parent))}; chmod 666 {socket}",
            f"tmux -S {socket} server-access -a -r USER",
        )

    def ask(self, *words: str) -> str | None:
        """Return what tmux answers, or None where nothing runs there."""
        try:
            done = subprocess.run(
                ["tmux", "-S", self.socket, *words],  # noqa: S607 - the operator's own tmux
                capture_output=True,
                text=True,
                errors="replace",
                timeout=10,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout if done.returncode == 0 else None

    @property
    def alive(self) -> bool:
        """Whether a program runs in it now."""
        return (self.ask("list-panes", "-t", f"={self.name}", "-F", "#{pane_dead}") or "").strip() == "0"


def session_of(run: str, environ: Mapping[str, str] = os.environ) -> Session:
    """Return where a run's session is or would be. Contacts and makes nothing."""
    base = Path(environ.get("TMUX_TMPDIR") or "/tmp")  # noqa: S108 - tmux's own place; made private by own_folder
    return Session(run, base / f"deploydash-{os.getuid()}" / re.sub(r"[.:]", "_", run))


def installed(environ: Mapping[str, str]) -> Tmux:
    """Return the tmux that ``--tmux`` uses.

    Raises:
        UserError: there is none, it is too old, or we are inside of one already; says what to do instead.
    """
    if environ.get("TMUX"):
        socket = environ["TMUX"].rsplit(",", 2)[0]
        raise UserError(
            "this terminal is inside tmux already, and a tmux in a tmux helps nobody",
            hint=f"leave --tmux out; others mirror this one: tmux set window-size largest here, "
            f"then for them: tmux -S {shlex.quote(socket)} attach -r",
        )
    path = shutil.which("tmux")
    if path is None:
        raise UserError(
            "tmux is not installed here", hint="leave --tmux out; a second operator can use: deploydash observe"
        )
    said = subprocess.run(
        [path, "-V"], capture_output=True, text=True, errors="replace", check=False, timeout=10
    ).stdout.strip()
    version = version_of(said)
    if version < OLDEST:
        raise UserError(
            f"{said or path} is too old: before {OLDEST[0]}.{OLDEST[1]} a mirror would shrink the lead's screen",
            hint="leave --tmux out; a second operator can use: deploydash observe",
        )
    return Tmux(path, version, said)


def version_of(said: str) -> tuple[int, int]:
    """Return the version in the answer of ``tmux -V``: ``tmux 3.3a``, ``tmux next-3.5``; (0, 0) if it has none."""
    found = re.search(r"(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def instructions(session: Session, tmux: Tmux) -> str:
    """Return what the lead hands to a second operator."""
    lines = [
        f"The run {session.run} goes on in tmux, also when this terminal is lost. Back to it:",
        f"  {session.lead}",
        "A second operator, read-only, of any size (ctrl+b d leaves):",
        f"  {session.mirror}",
    ]
    if tmux.version >= SHARING:
        lines.append("The same as another user of this machine, once you typed this, with their name for USER:")
        lines += [f"  {command}" for command in session.share]
    else:
        lines.append(f"{tmux.words} lets no other user in safely; they use the next line.")
    lines += ["With an own cursor, filter and size:", f"  deploydash observe {session.run}"]
    return "\n".join(lines)


def lead_in(session: Session, tmux: Tmux, words: Sequence[str], instructed: str) -> Exit:
    """Start ``deploydash WORDS`` in the session unless it runs there already, and attach this terminal to it.

    Returns when the terminal leaves it: by detaching, or because the program ended, whose exit code and last words
    are then ours.

    Raises:
        UserError: the session cannot be started, or its folder is not ours alone.
    """
    print(instructed, file=sys.stderr)
    print("Enter goes on.", end=" ", file=sys.stderr, flush=True)
    sys.stdin.readline()
    if not session.alive:
        _start(session, tmux, words)
    _attach(session, tmux)
    return _ended(session)


def _start(session: Session, tmux: Tmux, words: Sequence[str]) -> None:
    own_folder(session.socket)
    session.ask("kill-server")
    for kept in _kept(session):
        kept.unlink(missing_ok=True)
    size = shutil.get_terminal_size((120, 40))
    command = [tmux.path, "-f", "/dev/null", "-S", str(session.socket), "start-server"]
    for option in _options(os.environ):
        command += [";", *option]
    command += [";", "new-session", "-d", "-s", session.name, "-c", str(Path.cwd())]
    command += ["-x", str(size.columns), "-y", str(size.lines)]
    command += ["sh", "-c", KEEPING, "deploydash", str(session.socket)]
    command += [sys.executable, "-P", "-m", "deploydash.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=30)
    if done.returncode != 0:
        raise UserError(f"tmux could not start: {done.stderr.strip()}", hint="leave --tmux out")


def _options(environ: Mapping[str, str]) -> list[list[str]]:
    """Return the settings. The user's own are not read: a mirror must see the same on every machine.

    The largest client rules and mirrors are told to ignore their size, so that none shrinks the lead's screen. No
    status line: it would take a row and write bytes. Notifications are handed on, where tmux (3.3) can. A failed
    program's last screen is kept until it was read.
    """
    options = [
        ["set", "-g", "status", "off"],
        ["set", "-g", "window-size", "largest"],
        ["set", "-g", "default-terminal", "screen-256color"],
        ["set", "-s", "escape-time", "25"],
        ["set", "-gq", "allow-passthrough", "on"],
        ["unbind-key", "-a", "-T", "prefix"],
        ["bind-key", "-T", "prefix", "d", "detach-client"],
        ["bind-key", "-T", "prefix", "C-b", "send-prefix"],
    ]
    if environ.get("COLORTERM") in {"truecolor", "24bit"} and re.fullmatch(r"[\w.+-]+", environ.get("TERM", "")):
        options.append(["set", "-as", "terminal-features", f",{environ['TERM']}:RGB"])
    return options


def _attach(session: Session, tmux: Tmux) -> None:
    client = subprocess.Popen([tmux.path, "-S", session.socket, "attach-session", "-t", f"={session.name}"])
    try:
        client.wait()
    finally:
        # Killed, it would leave the terminal as it is.
        if client.poll() is None:
            client.terminate()
            client.wait()


def _kept(session: Session) -> tuple[Path, Path]:
    """Return the files with the last screen and the exit code of the session's program."""
    return Path(f"{session.socket}.said"), Path(f"{session.socket}.code")


def _ended(session: Session) -> Exit:
    """Say how it stands now that the terminal has left, in the program's own words if it has ended."""
    said, code = _kept(session)
    try:
        number = int(code.read_text())
    except (OSError, ValueError):
        if session.alive:
            print(f"the run continues; attach with: {session.lead}", file=sys.stderr)
        else:
            print(f"the tmux session was ended; resume it: deploydash resume {session.run}", file=sys.stderr)
        return Exit.NO
    for line in said.read_text(errors="replace").splitlines():
        if line.strip():
            print(line, file=sys.stderr)
    try:
        return Exit(number)
    except ValueError:
        print(
            f"the run's process ended by signal {number - 128}; resume it: deploydash resume {session.run}",
            file=sys.stderr,
        )
        return Exit.NO


def own_folder(socket: Path) -> None:
    """Make the folder of sockets for this user alone.

    Raises:
        UserError: it belongs to somebody else, others may write to it, or the path is too long for a socket.
    """
    folder = socket.parent
    if len(os.fsencode(socket)) > LONGEST_SOCKET:
        raise UserError(f"{socket} is too long for a socket", hint="set TMUX_TMPDIR to a shorter folder")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise UserError(
            f"{folder} cannot be made: {error.strerror}", hint="set TMUX_TMPDIR to another folder"
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise UserError(f"{folder} is not this user's alone", hint="set TMUX_TMPDIR to another folder")
