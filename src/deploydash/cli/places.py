"""Where things are on this machine: site files, the user's configuration, the cache, the state."""

from __future__ import annotations

import logging
import logging.handlers
import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from deploydash.core.outside_text import visible

APP = "deploydash"


@dataclass(frozen=True, slots=True)
class Places:
    """Directories that commands read and write; none need exist."""

    cwd: Path
    user_config: Path
    cache: Path
    state: Path


COPIES = "copied.txt"
"""The file in the state directory that takes what was copied from a screen."""


def places() -> Places:
    """Return this user's places; ``DEPLOYDASH_STATE_DIR`` moves the state (CLI.md)."""
    state = os.environ.get("DEPLOYDASH_STATE_DIR", "").strip()
    return Places(
        cwd=Path.cwd(),
        user_config=platformdirs.user_config_path(APP),
        cache=platformdirs.user_cache_path(APP),
        state=Path(state) if state else platformdirs.user_state_path(APP),
    )


class _Visible(logging.Formatter):
    """One line a message, whatever is in it; a traceback's lines stay lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        return visible(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record), lines=True)


def log_to_file(state: Path) -> None:
    """Send warnings and faults to ``deploydash.log`` in the state directory, never to the screen.

    A directory that cannot be written is no reason not to watch: then nothing is logged.
    """
    logging.raiseExceptions = False
    root = logging.getLogger()
    try:
        state.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            state / "deploydash.log", maxBytes=1_000_000, backupCount=2, delay=True, encoding="utf-8"
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(_Visible("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.setLevel(logging.WARNING)
    root.addHandler(handler)
