"""The git-ignored folder where servers are kept between test runs: filled once, safe for parallel runs."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache"


class UnavailableError(Exception):
    """A server cannot be had on this machine; the message is the reason, as a skip shows it."""


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock of one entry of the cache against other processes."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install_once(name: str, build: Callable[[Path], None]) -> Path:
    """Return the folder ``name`` of the cache; if it is missing, ``build`` fills a temporary one that becomes it.

    Raises:
        UnavailableError: as ``build`` does; then the cache is unchanged.
    """
    home = CACHE / name
    with locked(name):
        if not home.exists():
            fresh = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=CACHE))
            try:
                build(fresh)
                fresh.chmod(0o755)
                fresh.rename(home)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    return home


def tool(name: str) -> str:
    """Return the path of a program of this machine.

    Raises:
        UnavailableError: it is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise UnavailableError(f"{name} is not installed")
    return path


def run_tool(command: Sequence[str], folder: Path, *, attempts: int = 1) -> None:
    """Run a provisioning command in ``folder``; a download may be tried again.

    Raises:
        UnavailableError: it failed, with the last lines it said, or took over five minutes.
    """
    said = ""
    for _ in range(attempts):
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        except subprocess.TimeoutExpired:
            said = "took over five minutes"
            continue
        if done.returncode == 0:
            return
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
    raise UnavailableError(f"{Path(command[0]).name} {command[-1]} failed: {said}")
