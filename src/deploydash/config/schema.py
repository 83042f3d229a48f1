"""The JSON Schemas of site and runbook files, for editors.

``python -m deploydash.config.schema [DIRECTORY]`` writes both (default: ``sites``).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from deploydash.config.runbook_file import RunbookFile
from deploydash.config.site import SiteFile


class _WithoutNull(GenerateJsonSchema):
    """A key may be left out, but none may be empty (``shape.empty_values``)."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        has_one = schema.get("default") is not None
        return super().default_schema(schema) if has_one else self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 the key says it already
        return False


def site_schema() -> str:
    """Return the schema as the text of ``sites/site.schema.json``."""
    return _schema_text(SiteFile)


def runbook_schema() -> str:
    """Return the schema as the text of ``sites/runbook.schema.json``."""
    return _schema_text(RunbookFile)


def _schema_text(model: type[BaseModel]) -> str:
    schema = model.model_json_schema(schema_generator=_WithoutNull)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(head | schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "sites")
    (directory / "site.schema.json").write_text(site_schema(), "utf-8")
    (directory / "runbook.schema.json").write_text(runbook_schema(), "utf-8")
