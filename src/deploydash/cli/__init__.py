"""Arguments to mode, errors to exit codes: the contract is CLI.md's.

Little is imported here, so that ``loaded`` loads the rest, each command's libraries once it is called for.
"""

import os

from deploydash.cli import began  # noqa: F401 - first of all: it notes the time
from deploydash.loading import loaded

__all__ = ["main"]


def main() -> None:
    """Run the command line; ends the process."""
    # Pydantic reads the metadata of every installed package in search of plugins before it builds its first model.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    loaded("deploydash.cli.app").main()
