"""Arguments to mode, errors to exit codes: the contract is CLI.md's."""

from deploydash.cli import began  # noqa: F401 - first of all: it notes the time
from deploydash.cli.app import main

__all__ = ["main"]
