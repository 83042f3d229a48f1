"""A real InfluxDB 1.x with authentication on loopback, filled as Telegraf fills the EFD."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path

import httpx2

from tests.servers.cache import install_once, run_tool, tool
from tests.servers.process import ChildProcess, free_port
from tests.servers.waiting import patient

DATABASE = "efd"
PASSWORDS = {"admin": "admin-secret", "reader": "reader-secret"}
"""admin may do everything; reader may read DATABASE."""

_CONFIG = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  auth-enabled = true
  log-enabled = true
"""


def influxd() -> Path:
    """Return the server's program: this machine's, else Debian's package unpacked into the cache.

    Raises:
        UnavailableError: neither can be had.
    """
    installed = shutil.which("influxd")
    if installed:
        return Path(installed)

    def unpack(folder: Path) -> None:
        run_tool([tool("apt-get"), "download", "influxdb"], folder, attempts=2)
        package = next(folder.glob("influxdb_*.deb"))
        run_tool([tool("dpkg"), "-x", str(package), str(folder)], folder)

    return install_once("influxdb", unpack) / "usr" / "bin" / "influxd"


def telegraf_line(topic: str, fields: Mapping[str, object]) -> str:
    """Return a SAL record as the EFD's Telegraf writes it.

    The measurement is the topic's name, there are no tags, the time is ``private_efdStamp``
    (phalanx, applications/sasquatch/charts/telegraf/templates/_helpers.tpl).
    """

    def text(value: object) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return f"{value}i"
        if isinstance(value, float):
            return repr(value)
        escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    stamp = fields["private_efdStamp"]
    assert isinstance(stamp, float), "private_efdStamp is UTC unix seconds"
    return f"{topic} {','.join(f'{name}={text(value)}' for name, value in fields.items())} {round(stamp * 1e9)}"


class InfluxServer:
    """One InfluxDB with database DATABASE and the accounts of PASSWORDS; it keeps its data over ``restart()``."""

    def __init__(self, program: Path, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._program = program
        self._folder = folder
        self._port = free_port()
        self._process = ChildProcess("InfluxDB", folder / "influxd.log")
        config = _CONFIG.format(rpc=free_port(), http=self._port, folder=folder)
        (folder / "influxdb.conf").write_text(config)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it; return when it answers and its accounts and database exist."""
        new = not (self._folder / "meta").exists()
        self._process.start([str(self._program), "run", "-config", str(self._folder / "influxdb.conf")])
        self._process.wait_ready(self._answers, 30)
        if new:
            self.query(f"CREATE USER admin WITH PASSWORD '{PASSWORDS['admin']}' WITH ALL PRIVILEGES", user=None)
            self.query(f"CREATE DATABASE {DATABASE}")
            self.query(f"CREATE USER reader WITH PASSWORD '{PASSWORDS['reader']}'")
            self.query(f"GRANT READ ON {DATABASE} TO reader")

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/ping", timeout=2).status_code == httpx2.codes.NO_CONTENT
        except httpx2.HTTPError:
            return False

    def query(self, statement: str, *, user: str | None = "admin") -> object:
        """Run one statement and return the answer's JSON."""
        auth = (user, PASSWORDS[user]) if user else None
        answer = httpx2.post(f"{self.url}/query", data={"q": statement, "db": DATABASE}, auth=auth, timeout=patient(20))
        return answer.raise_for_status().json()

    def write(self, lines: Iterable[str], *, database: str = DATABASE) -> None:
        """Write points in the line protocol."""
        answer = httpx2.post(
            f"{self.url}/write",
            params={"db": database},
            content="\n".join(lines).encode(),
            auth=("admin", PASSWORDS["admin"]),
            timeout=patient(20),
        )
        assert answer.status_code == httpx2.codes.NO_CONTENT, answer.text

    def log(self) -> str:
        """Return everything it logged, its HTTP access log among it."""
        return self._process.log_tail(100_000)

    def stop(self) -> None:
        """End it; connections to it are then refused."""
        self._process.stop()

    def restart(self) -> None:
        """Bring it back on the same port and data."""
        self._process.stop()
        self.start()

    def freeze(self) -> None:
        """Let it accept connections and answer nothing (SIGSTOP)."""
        self._process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo ``freeze()``."""
        self._process.send(signal.SIGCONT)

    def close(self) -> None:
        """End it for good."""
        self._process.kill()
