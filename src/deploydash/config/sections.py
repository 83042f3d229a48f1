"""The sections of a site file below ``systems:`` that systems of the table read themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from deploydash.config.shape import shape_problems
from deploydash.config.yaml_lines import Document
from deploydash.errors import Problem

if TYPE_CHECKING:
    from deploydash.core.procedure.names import SystemName
    from deploydash.systems.section import SiteSection
    from deploydash.systems.table import Table


@dataclass(frozen=True, slots=True)
class Sections:
    """What a site file says to systems of the table, and what is wrong with it. ``names``: all that may have one."""

    settings: Mapping[SystemName, SiteSection] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    names: tuple[SystemName, ...] = ()


def own_sections(document: Document, file: str, table: Table) -> Sections:
    """Return the sections of the systems of a table, each as its settings model made it."""
    models = {name: reading.settings for name, reading in table.items() if reading.settings is not None}
    raw = document.data.get("systems")
    settings: dict[SystemName, SiteSection] = {}
    problems: list[Problem] = []
    for name, model in models.items():
        if isinstance(raw, dict) and name in raw:
            try:
                settings[name] = model.model_validate(raw[name])
            except ValidationError as error:
                problems += shape_problems(model, error, document, file, at=("systems", name))
    return Sections(settings, tuple(problems), tuple(models))


def without(data: dict[str, Any], own: Sections) -> dict[str, Any]:
    """Return a site file's content without these sections."""
    systems = data.get("systems")
    if not isinstance(systems, dict) or not own.names:
        return data
    return {**data, "systems": {key: value for key, value in systems.items() if key not in own.names}}
