"""``python -m deploydash.wiring.schemas [DIRECTORY]`` writes the JSON Schemas of site and runbook files anew."""

from __future__ import annotations

import sys
from pathlib import Path

from deploydash.config.practices import practices_schema
from deploydash.config.schema import runbook_schema, site_schema
from deploydash.wiring.tables import READING

if __name__ == "__main__":
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "sites")
    (directory / "site.schema.json").write_text(site_schema(READING), "utf-8")
    (directory / "runbook.schema.json").write_text(runbook_schema(), "utf-8")
    (directory / "practices.schema.json").write_text(practices_schema(), "utf-8")
