"""The JSON Schema of runbook files: ``python -m deploydash.config.runbook_schema FILE`` writes it."""

from __future__ import annotations

import sys
from pathlib import Path

from deploydash.config.runbook_file import RunbookFile
from deploydash.config.schema import schema_text


def runbook_schema() -> str:
    """Return the schema as the text of ``sites/runbook.schema.json``."""
    return schema_text(RunbookFile)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(runbook_schema(), "utf-8")
