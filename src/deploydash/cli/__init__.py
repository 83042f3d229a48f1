"""Arguments to mode, errors to exit codes: the contract is CLI.md's.

Little is imported here, so that ``loaded`` loads the rest, each command's libraries once it is called for.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from deploydash.cli import began  # noqa: F401 - first of all: it notes the time
from deploydash.loading import loaded

if TYPE_CHECKING:
    from deploydash.wiring.tables import Tables

__all__ = ["main"]


def main(tables: Tables | None = None) -> None:
    """Run the command line; ends the process. ``tables``: the systems it knows, where they are not the usual ones."""
    # Pydantic reads the metadata of every installed package in search of plugins before it builds its first model.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if tables is not None:
        loaded("deploydash.cli.tables").use(tables)
    loaded("deploydash.cli.app").main()
