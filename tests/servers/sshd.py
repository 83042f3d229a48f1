"""OpenSSH's own sshd and sudo on loopback, with accounts and rights of the tests' own that are gone afterwards."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.servers.cache import UnavailableError, locked, tool
from tests.servers.process import ChildProcess, free_port, listens

SUDOERS = Path("/etc/sudoers.d")

_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {key}
AuthorizedKeysFile {authorized}
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PidFile none
PrintMotd no
MaxStartups 100
LogLevel VERBOSE
SetEnv PATH={path}
"""


def sshd() -> str:
    """Return the server's program.

    Raises:
        UnavailableError: it, or sudo, is not installed, or these tests may make no accounts.
    """
    for name in ("sudo", "useradd", "userdel", "ssh-keygen", "ssh-agent", "ssh-add"):
        tool(name)
    if os.geteuid() != 0:
        raise UnavailableError("sshd with accounts of its own needs root")
    return tool("/usr/sbin/sshd")


def new_key(path: Path, *options: str) -> Path:
    """Make a key of OpenSSH without a passphrase, unless an option gives one; return its private file."""
    phrase = () if "-N" in options else ("-N", "")
    command = ["ssh-keygen", "-q", "-t", "ed25519", *phrase, *options, "-C", "tests", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def public_key(path: Path) -> str:
    """Return the public half of a key as known_hosts has it after the name."""
    return " ".join(path.with_name(f"{path.name}.pub").read_text().split()[:2])


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@dataclass(frozen=True)
class Account:
    """An account of this machine that lives as long as a test."""

    name: str
    home: Path

    @property
    def uid(self) -> int:
        return pwd.getpwnam(self.name).pw_uid


class SshWorld:
    """Accounts, keys, programs and rights; and the servers that let one in.

    ``user`` logs in with ``key``, ``dco`` owns scripts, ``bin`` comes first in every PATH, ``state`` is where programs
    of a test keep what they know.
    """

    def __init__(self, program: str) -> None:
        self._program = program
        self.folder = Path(tempfile.mkdtemp(prefix="deploydash-ssh-"))
        self.folder.chmod(0o755)
        self.bin, self.state = self.folder / "bin", self.folder / "state"
        self.bin.mkdir()
        self.state.mkdir()
        self.state.chmod(0o777)
        self._accounts: list[Account] = []
        self._servers: list[Sshd] = []
        self._rights = SUDOERS / f"deploydash-tests-{secrets.token_hex(4)}"
        self.user, self.dco = self._account("dd"), self._account("dco")
        self.key = new_key(self.folder / "id_ed25519")
        self.authorized = self.folder / "authorized_keys"
        self.authorized.write_text((self.folder / "id_ed25519.pub").read_text())
        Path("/run/sshd").mkdir(exist_ok=True)

    @property
    def path(self) -> str:
        return f"{self.bin}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

    def _account(self, kind: str) -> Account:
        name = f"{kind}{secrets.token_hex(3)}"
        home = self.folder / name
        with locked("accounts"):  # the files of accounts have one writer at a time, and tests run side by side
            _run("useradd", "--home-dir", str(home), "--create-home", "--shell", "/bin/bash", name)
            _run("usermod", "-p", "*", name)
        account = Account(name, home)
        self._accounts.append(account)
        home.chmod(0o755)
        (home / ".profile").write_text(f"PATH={self.path}\n")
        return account

    def program(self, name: str, text: str, folder: Path | None = None) -> Path:
        """Write a program that the hosts have."""
        path = (folder or self.bin) / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def rights(self, *lines: str) -> None:
        """Let the user do this by sudo; ``USER``, ``DCO`` and ``BIN`` stand for the names here."""
        text = "".join(f"{line}\n" for line in (f'Defaults:USER secure_path="{self.path}"', *lines))
        for word, value in (("USER", self.user.name), ("DCO", self.dco.name), ("BIN", str(self.bin))):
            text = text.replace(word, value)
        fresh = self.folder / "sudoers"
        fresh.write_text(text)
        _run("visudo", "-c", "-q", "-f", str(fresh))
        shutil.copy(fresh, self._rights)
        self._rights.chmod(0o440)

    def server(self, name: str = "host") -> Sshd:
        """Start one more server; all let the same accounts in."""
        server = Sshd(self._program, self, name)
        self._servers.append(server)
        server.start()
        return server

    def close(self) -> None:
        """End everything and take the accounts and rights away."""
        for server in self._servers:
            server.stop()
        self._rights.unlink(missing_ok=True)
        for account in self._accounts:
            for pid in _pids_of(account.uid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with locked("accounts"):
                subprocess.run(["userdel", "--force", account.name], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class Sshd:
    """One server with a host key of its own."""

    def __init__(self, program: str, world: SshWorld, name: str) -> None:
        self._program = program
        self._world = world
        self.port = free_port()
        self._name = f"{name}-{self.port}"
        self.host_key = new_key(world.folder / f"{self._name}-key-0")
        self._process = ChildProcess("sshd", world.folder / f"{self._name}.log")

    @property
    def public_key(self) -> str:
        """Its host key as known_hosts has it after the name."""
        return public_key(self.host_key)

    @property
    def known(self) -> str:
        """The line of known_hosts for it."""
        return f"[127.0.0.1]:{self.port} {self.public_key}\n"

    @property
    def log(self) -> str:
        """What it wrote."""
        return self._process.log.read_text(errors="replace")

    def start(self) -> None:
        """Start it and wait until it listens."""
        config = self._world.folder / f"{self._name}.conf"
        config.write_text(
            _CONFIG.format(port=self.port, key=self.host_key, authorized=self._world.authorized, path=self._world.path)
        )
        self._process.start([self._program, "-D", "-e", "-f", str(config)])
        self._process.wait_ready(lambda: listens(self.port), 10)

    def stop(self) -> None:
        """End it and every connection."""
        if self._process.running:
            self.cut()
            self._process.stop()

    def change_key(self) -> None:
        """Come back with another host key, as after an installation or with somebody in between."""
        self.stop()
        self.host_key = new_key(self._world.folder / f"{self._name}-key-{secrets.token_hex(2)}")
        self.start()

    def cut(self) -> int:
        """Cut every connection at once; what runs behind them goes on. Return how many there were."""
        sessions = list(_children(self._process.pid))
        for session in sessions:
            for pid in (*_children(session), session):
                if "sshd" in _name(pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        return len(sessions)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _children(parent: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == parent:
                    yield int(entry.name)


def _pids_of(uid: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if entry.stat().st_uid == uid:
                    yield int(entry.name)


@contextmanager
def ssh_world() -> Iterator[SshWorld]:
    """Make accounts and keys for the tests of a file, and take them away."""
    world = SshWorld(sshd())
    try:
        yield world
    finally:
        world.close()


@contextmanager
def ssh_agent(*keys: Path) -> Iterator[str]:
    """Run an agent that holds these keys; yields its socket."""
    folder = Path(tempfile.mkdtemp(prefix="agent-"))
    socket = folder / "socket"
    agent = ChildProcess("ssh-agent", folder / "log")
    agent.start([tool("ssh-agent"), "-D", "-a", str(socket)])
    try:
        agent.wait_ready(socket.exists, 10)
        for key in keys:
            environment: Mapping[str, str] = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
            subprocess.run(["ssh-add", "-q", str(key)], check=True, env=environment, capture_output=True)
        yield str(socket)
    finally:
        agent.stop()
        shutil.rmtree(folder, ignore_errors=True)
