"""Writing a journal: one writer by lock, a torn tail set aside, every line on disk before ``append`` returns."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self

from deploydash.core.outside_text import visible
from deploydash.errors import UserError
from deploydash.journal.line import Codec, Entry, digest
from deploydash.journal.read import Cursor, read_on
from deploydash.stored import open_file, parse_json
from deploydash.user import user_name

LOCK = "lock"
"""The file beside the journal whose lock is the right to write."""


class HeldByAnother(UserError):
    """Another deploydash has what was asked for (exit code 4)."""


class JournalHeld(HeldByAnother):
    """Another process holds the run. ``holder`` names its user, host and process."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"this run is held by {holder}", hint="watch it with: deploydash observe")
        self.holder = holder


class JournalNotWritten(UserError):
    """A line could not be put on disk: nothing may act on it. What was half written is taken back."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path} cannot be written: {error.strerror}",
            hint="the run is held; make room, then go on",
        )
        self.path = path


class JournalWriter:
    """The one writer of a run's journal. Use as a context manager; blocking, so call it in a thread.

    A folder in which no record came to stand is taken away again, whatever was in the way: it is no run.
    """

    def __init__(self, path: Path, codec: Codec) -> None:
        self.path = path
        self._codec = codec
        self._cursor = Cursor()
        self._file: BinaryIO | None = None
        self._lock: BinaryIO | None = None

    @property
    def entries(self) -> int:
        """How many records stand in it."""
        return self._cursor.number

    def open(self) -> list[Entry]:
        """Take the lock, set a torn tail aside, and return every entry.

        Raises:
            JournalHeld: another process has the lock.
            JournalDamaged, JournalNewer: a line before the last cannot be read.
            OSError: the folder cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock = _take_lock(self.path.with_name(LOCK))
            sign(self._lock)
            self.path.touch(exist_ok=True)
            entries = read_on(self.path, self._codec, self._cursor)
            self._set_torn_tail_aside()
            self._file = self.path.open("ab", buffering=0)
            _sync_folder(self.path.parent)
        except BaseException:
            self.close()
            raise
        return entries

    def append(self, record: object, utc: float) -> Entry:
        """Put one record on disk and return its entry; the line is synced when this returns.

        Raises:
            JournalNotWritten: the disk refused; the file ends where it ended before.
        """
        return self.append_all([record], utc)[0]

    def append_all(self, records: Sequence[object], utc: float, phase: str | None = "") -> list[Entry]:
        """Put several records of one moment on disk with one sync, all or none of them; ``phase`` as in ``Entry``.

        Raises:
            JournalNotWritten: the disk refused; the file ends where it ended before.
        """
        if self._file is None:
            raise RuntimeError("a journal is opened before it is appended to")
        number, prev, lines = self._cursor.number, self._cursor.prev, b""
        for record in records:
            number += 1
            line = self._codec.line(number, utc, record, prev, phase)
            prev = digest(line)
            lines += line
        try:
            written = 0
            while written < len(lines):
                written += self._file.write(lines[written:])
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(self._cursor.offset)
            raise JournalNotWritten(self.path, error) from error
        first = self._cursor.number + 1
        self._cursor = Cursor(self._cursor.offset + len(lines), number, prev)
        return [Entry(first + place, utc, record, phase) for place, record in enumerate(records)]

    def say(self, words: str) -> None:
        """Write these words beside the holder of this run, for whoever asks who has it."""
        if self._lock is not None:
            sign(self._lock, words)

    def close(self) -> None:
        """Close the file and give the lock back; take the folder away if it holds no record."""
        self._leave_no_empty_run()
        for file in (self._file, self._lock):
            if file is not None:
                file.close()
        self._file = self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _leave_no_empty_run(self) -> None:
        """Remove what opening made, while nobody else can have the lock; a folder with anything else in it stays."""
        if self._cursor.number:
            return
        with suppress(OSError):
            if self._lock is not None and not (self.path.exists() and self.path.stat().st_size):
                self.path.unlink(missing_ok=True)
                self.path.with_name(LOCK).unlink()
            self.path.parent.rmdir()

    def _set_torn_tail_aside(self) -> None:
        size = self.path.stat().st_size
        if size == self._cursor.offset:
            return
        with self.path.open("r+b") as file:
            file.seek(self._cursor.offset)
            aside = self.path.with_name(f"torn-after-{self._cursor.number}")
            aside.write_bytes(file.read())
            file.truncate(self._cursor.offset)
            os.fsync(file.fileno())


def holder_of(folder: Path) -> str:
    """Return who holds the run of a folder now, or an empty text. Takes nothing away from anybody."""
    try:
        file = open_file(folder / LOCK)
    except OSError:
        return ""
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return holder_words(file.read())
    return ""


def _take_lock(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    file = os.fdopen(descriptor, "r+b", buffering=0)
    if not lock_for_writing(file):
        holder = holder_words(file.read())
        file.close()
        raise JournalHeld(holder)
    return file


def sign(lock: BinaryIO, words: str = "", run: str = "") -> None:
    """Write into the lock who has it, by which run, and what else is to be said about that process."""
    me = {"user": user_name(), "host": visible(socket.gethostname()), "pid": os.getpid(), "words": words, "run": run}
    lock.seek(0)
    lock.truncate(0)
    lock.write(json.dumps(me).encode())


def lock_for_writing(file: BinaryIO) -> bool:
    """Take the lock of a file, or return False where another process has it.

    It tries for a fifth of a second: whoever merely asks who holds the run has the lock for an instant.
    """
    for _ in range(10):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def holder_words(text: bytes) -> str:
    """Return who a lock says has it: its run where that is told, user, host and process."""
    try:
        who = parse_json(text)
        run = f"{who['run']}, by " if who.get("run") else ""
        named = f"{run}{who['user']} on {who['host']}, process {who['pid']}"
        return f"{named}: {who['words']}" if who.get("words") else named
    except (ValueError, KeyError, TypeError):
        return "another process"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
