"""Arguments to mode, errors to exit codes: the contract is CLI.md's."""

from deploydash.cli.app import main

__all__ = ["main"]
