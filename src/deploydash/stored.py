"""What others stored or sent, opened and parsed so that nothing in it can hold us up or end us."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_file(path: Path) -> BinaryIO:
    """Open a regular file for reading; whatever else stands there may answer late or never.

    Raises:
        OSError: it cannot be opened, or is no regular file; ``strerror`` says which.
    """
    _refuse_other(os.stat(path).st_mode, path)  # noqa: PTH116 - Path.stat would say the same
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _refuse_other(os.fstat(descriptor).st_mode, path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_small(path: Path, most_bytes: int) -> bytes:
    """Return the bytes of a regular file.

    Raises:
        OSError: it cannot be read, is no regular file, or holds more than ``most_bytes``.
    """
    with open_file(path) as file:
        read = file.read(most_bytes + 1)
    if len(read) > most_bytes:
        raise OSError(errno.EFBIG, f"it is longer than {most_bytes} bytes", str(path))
    return read


def _refuse_other(mode: int, path: Path) -> None:
    for fits, kind in _KINDS:
        if fits(mode):
            raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))


def parse_json(text: str | bytes) -> Any:
    """Return what a JSON text says.

    Raises:
        ValueError: it is none, or nested so deeply that nobody meant it.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
