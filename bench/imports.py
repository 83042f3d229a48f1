"""What it costs to load the libraries alone, and all that ``watch`` loads: a process each, in turns."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass

BARE = "import textual.app, aiokafka, fastavro"

FRAME = """
from deploydash.loading import loaded
loaded("deploydash.cli.app"), loaded("typer._adapters"), loaded("deploydash.cli.watch")
"""
"""As the command line loads it, up to the first frame."""

WHOLE = f"""{FRAME}
loaded("deploydash.systems.sal.feed"), loaded("deploydash.systems.registry.store")
loaded("deploydash.systems.registry.feed")
loaded("httpx2"), loaded("urllib.request"), loaded("httpcore2"), loaded("anyio._backends._asyncio")
"""
"""And what its feeds load when they start."""


@dataclass(frozen=True, slots=True)
class Loading:
    """What one process took: seconds from start to exit, and of them those of a processor."""

    seconds: float
    cpu: float


def load(code: str) -> Loading:
    """Run ``code`` in a Python of its own, which does nothing else."""
    environ = {**os.environ, "PYDANTIC_DISABLE_PLUGINS": "__all__"}  # as the command line has it
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", code], env=environ)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise AssertionError(f"a Python that only imports ended with {process.returncode}")
    return Loading(time.monotonic() - began, used.ru_utime + used.ru_stime)
