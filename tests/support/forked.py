"""Many processes of one program, cheaply: each is forked from one that has imported it, and dies as any other.

The one that has imported is started by multiprocessing's forkserver and does nothing but fork.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.support.headless_run", "deploydash.demo.observatory"])

Program = Callable[[Sequence[str]], object]


def start(
    program: Program, words: Sequence[str], *, environment: Mapping[str, str], cwd: Path, log: Path
) -> ForkServerProcess:
    """Start a process that runs ``program`` with these words; all that it writes goes to ``log``."""
    process = _SERVER.Process(target=_become, args=(program, list(words), dict(environment), cwd, log), daemon=True)
    process.start()
    return process


def _become(program: Program, words: list[str], environment: dict[str, str], cwd: Path, log: Path) -> None:
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    program(words)
