"""A private PostgreSQL on loopback, as an orchestrator's database: no password, nothing synced to disk."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.servers.cache import UnavailableError, tool
from tests.servers.process import ChildProcess, free_port, listens

_DEBIAN = Path("/usr/lib/postgresql")


def postgres_programs() -> Path:
    """Return the folder of the server's programs, of the newest release that is installed.

    Raises:
        UnavailableError: it is not installed, or root may not become its user.
    """
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(re.sub(r"\D", "", path.parts[-3]) or 0))
    if not found:
        raise UnavailableError("postgresql is not installed")
    if os.geteuid() == 0:
        tool("setpriv")
        _user()
    return found[-1].parent


def _user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise UnavailableError("there is no user postgres, and PostgreSQL refuses root") from None


class PostgresServer:
    """One PostgreSQL with a database of one name; root runs it as the user ``postgres``."""

    def __init__(self, programs: Path, log: Path) -> None:
        self._programs = programs
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="deploydash-pg-"))  # a test's folder is closed to other users
        self._process = ChildProcess("PostgreSQL", log)
        self._prefix: list[str] = []
        if os.geteuid() == 0:
            user = _user()
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--pdeathsig", "KILL"]
            self._prefix = [tool("setpriv"), *ids, "--"]

    def start(self, database: str) -> None:
        """Make the cluster and start it; return when the database is there."""
        data = str(self._folder / "data")
        options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", "-D", data, *options)
        self._process.start([*self._prefix, *self._command(data)])
        self._process.wait_ready(lambda: listens(self.port), 20)
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", database)

    def _command(self, data: str) -> list[str]:
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "fsync": "off", "max_connections": 50}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self._programs / "postgres"), "-D", data, "-c", f"unix_socket_directories={self._folder}", *words]

    def _run(self, name: str, *words: str) -> None:
        command = [*self._prefix, str(self._programs / name), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd="/")
        assert done.returncode == 0, f"{name}: {done.stderr}"

    def close(self) -> None:
        """End it and take its files away."""
        self._process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
