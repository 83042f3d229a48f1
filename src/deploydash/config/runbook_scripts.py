"""Scripts of the ScriptQueues: which there are, and whether a configuration fits a script's schema and our rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any

import jsonschema

from deploydash.config.load import read_text
from deploydash.config.yaml_lines import read_yaml
from deploydash.errors import ConfigurationError

At = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something wrong at a place inside a configuration."""

    at: At
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The standard scripts, and the schemas of those that runbooks configure (``sites/scripts/standard.yaml``)."""

    paths: tuple[str, ...]
    schemas: Mapping[str, Mapping[str, Any]]

    def check(self, script: str, config: Mapping[str, Any]) -> Iterator[Wrong]:
        """Yield what is wrong with a script's name and its configuration; places are inside the configuration."""
        if script not in self.paths:
            near = get_close_matches(script, self.paths, 1)
            hint = f"did you mean {near[0]}?" if near else "no ScriptQueue has it among its standard scripts"
            yield Wrong(("..", "script"), f"{script!r} is no standard script", hint)
        elif script in self.schemas:
            yield from _departures(self.schemas[script], config)
        elif config:
            yield Wrong((), f"the schema of {script} is not known here", "add it to scripts/standard.yaml")


def load_catalogue(directory: FilePath) -> Catalogue:
    """Read ``standard.yaml`` of the directory of scripts.

    Raises:
        ConfigurationError: it cannot be read.
    """
    path = directory / "standard.yaml"
    document = read_yaml(read_text(path), str(path))
    if document.problems:
        raise ConfigurationError(tuple(document.problems))
    schemas = {row["script"]: row["schema"] for row in document.data["schemas"]}
    return Catalogue(tuple(document.data["paths"]), schemas)


def _departures(schema: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[Wrong]:
    validator = jsonschema.Draft7Validator(schema)
    for error in sorted(validator.iter_errors(config), key=lambda error: [str(part) for part in error.absolute_path]):
        at = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            known = list(error.schema.get("properties", {}))
            for key in [key for key in error.instance if key not in known]:
                near = get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(known)}"
                yield Wrong((*at, key), f"the script refuses the key {key!r}", hint)
        elif error.validator == "required":
            for key in [key for key in error.validator_value if key not in error.instance]:
                yield Wrong(at, f"{key!r} is missing", "the script requires it")
        elif error.validator == "minItems" and len(error.instance) == 1 and " " in str(error.instance[0]):
            row = str(error.instance[0])
            hint = f"write [{', '.join(row.split())}]"
            yield Wrong(at, f"{row!r} lacks its comma: it is one text, not a CSC and a state", hint)
        elif error.validator in {"anyOf", "oneOf"} and all("required" in one for one in error.validator_value):
            names = " or ".join(one["required"][0] for one in error.validator_value)
            yield Wrong(at, f"nothing says what to do: {names} is missing", "the script requires one of them")
        else:
            yield Wrong(at, f"does not fit the script's schema: {error.message}", "")
