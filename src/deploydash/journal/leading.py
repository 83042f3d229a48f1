"""One leading run for a site on a machine: two leads side by side would command the same CSCs, each by its own gates.

A lock of the machine, not of a user's state: another user's run counts as well. It goes with its process, however that
ends. Rehearsals have an observatory each and lock nothing.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from deploydash.errors import UserError
from deploydash.journal.write import HeldByAnother, holder_words, lock_for_writing, sign

LOCK_DIR = "DEPLOYDASH_LOCK_DIR"
"""Where locks are that all users of a machine share, if not where the system has such."""

_SYSTEM = Path("/run/lock")
_EVERYBODY = 0o666


class SiteLed(HeldByAnother):
    """Another run leads at this site on this machine (exit code 4). ``holder`` names its run, user, host, process."""

    def __init__(self, site: str, holder: str) -> None:
        message = f"{site} is led by another run on this machine: {holder}"
        super().__init__(message, hint="one leads, others look: deploydash observe; or wait until it is left")
        self.holder = holder


def lock_directory(environ: Mapping[str, str]) -> Path:
    """Return where the locks of a machine are."""
    chosen = environ.get(LOCK_DIR, "").strip()
    if chosen:
        return Path(chosen)
    return _SYSTEM if os.access(_SYSTEM, os.W_OK) else Path(tempfile.gettempdir())


@contextmanager
def leading(site: str, run: str, directory: Path) -> Iterator[None]:
    """Be the one that leads at a site on this machine.

    Raises:
        SiteLed: another process does.
        UserError: the lock cannot be opened, so that nobody knows, or not be written.
    """
    path = directory / f"deploydash-{site}.lock"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = _opened(path)
    except OSError as error:
        raise UserError(
            f"whether another run leads at {site} cannot be seen: {path}: {error.strerror}",
            hint=f"have it made writable for all, or name another directory in {LOCK_DIR}",
        ) from error
    with file:
        if not lock_for_writing(file):
            raise SiteLed(site, holder_words(file.read()))
        try:
            sign(file, run=run)
        except OSError as error:
            raise UserError(
                f"{path} cannot be written: {error.strerror}", hint="make room, or see what the disk says"
            ) from error
        yield


def _opened(path: Path) -> BinaryIO:
    """Open the lock for reading and writing; whoever makes it lets everybody write. It is never taken away again.

    In a directory that all may write to, a file of somebody else is not to be opened as if it might be made.
    """
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, _EVERYBODY)
            os.fchmod(descriptor, _EVERYBODY)
        except FileExistsError:  # made by another at this moment
            descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is no file", str(path))
    return os.fdopen(descriptor, "r+b", buffering=0)
