"""What is loaded when: asyncssh takes its time, and only whoever asks a host or does something there needs it."""

from __future__ import annotations

import subprocess
import sys


def test_asyncssh_is_not_loaded_before_a_host_is_asked() -> None:
    """Not with a plan, the grid, a check that has not begun, nor with a run that was opened."""
    modules = "deploydash.cli.plan, deploydash.cli.watch, deploydash.cli.check, deploydash.wiring.ssh"
    code = f"import sys, {modules}, deploydash.wiring.tables; print('asyncssh' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
