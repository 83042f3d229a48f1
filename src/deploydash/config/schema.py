"""The JSON Schemas of site and runbook files, for editors."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from typing import Any

from pydantic import create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from deploydash.config import site
from deploydash.config.runbook_file import RunbookFile
from deploydash.config.systems import Systems, WholeSiteFile
from deploydash.systems.table import Table


class _WithoutNull(GenerateJsonSchema):
    """A key may be left out, but none may be empty (``shape.empty_values``)."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        has_one = schema.get("default") is not None
        return super().default_schema(schema) if has_one else self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 the key says it already
        return False


def site_schema(table: Table) -> str:
    """Return the schema as the text of ``sites/site.schema.json``, with the sections of the systems of a table."""
    models = {str(name): reading.settings for name, reading in table.items() if reading.settings is not None}
    sections: dict[str, Any] = {name: (model, None) for name, model in models.items()}
    systems = create_model("Systems", __base__=Systems, __doc__=Systems.__doc__, **sections)
    whole = create_model("SiteFile", __base__=WholeSiteFile, __doc__=WholeSiteFile.__doc__, systems=(systems, None))
    schema = whole.model_json_schema(schema_generator=_WithoutNull)
    schema["required"] = [key for key in schema["required"] if key not in site.WITH_CSCS]
    schema["anyOf"] = [{"required": list(site.WITH_CSCS)}, {"required": ["systems"]}]
    schema["dependentRequired"] = {key: [each for each in site.WITH_CSCS if each != key] for key in site.WITH_CSCS}
    inner = schema["$defs"]["Systems"]
    inner["required"] = [key for key in inner["required"] if key != "docs"]
    described = _docstrings(inspect.getsource(site))
    for model in models.values():
        described |= _docstrings(inspect.getsource(sys.modules[model.__module__]))
    _describe(schema, described["SiteFile"])
    for name, inner in schema["$defs"].items():
        _describe(inner, described.get(name, {}))
    return _text(schema)


def runbook_schema() -> str:
    """Return the schema as the text of ``sites/runbook.schema.json``."""
    return _text(RunbookFile.model_json_schema(schema_generator=_WithoutNull))


def _describe(schema: dict[str, Any], docstrings: dict[str, str]) -> None:
    properties = schema["properties"]
    for key, text in docstrings.items():
        properties[key] = dict(sorted({"description": text, **properties[key]}.items()))


def _docstrings(source: str) -> dict[str, dict[str, str]]:
    """Return the texts behind the attributes of every class, which pydantic would else look up at each start."""
    return {
        node.name: {
            field.target.id: inspect.cleandoc(text.value.value)
            for field, text in zip(node.body, node.body[1:], strict=False)
            if isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        }
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
    }


def _text(schema: JsonSchemaValue) -> str:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(head | schema, indent=2, ensure_ascii=False) + "\n"
