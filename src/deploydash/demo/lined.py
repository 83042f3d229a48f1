"""YAML of which every key knows its line."""

from __future__ import annotations

from typing import Any

import yaml


class Lined(dict[str, Any]):
    """A mapping that knows the lines (from 1) of its keys."""

    line: int
    lines: dict[str, int]


class _Loader(yaml.SafeLoader):
    """Safe YAML whose mappings know their lines and which refuses a key that is there twice."""


def _construct(loader: _Loader, node: yaml.MappingNode) -> Lined:
    made = Lined()
    made.line, made.lines = node.start_mark.line + 1, {}
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in made:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is there twice", key_node.start_mark)
        made[key] = loader.construct_object(value_node, deep=True)
        made.lines[key] = key_node.start_mark.line + 1
    return made


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct)


def load(text: str) -> Any:
    """The document. Raises yaml.YAMLError, for a key that is there twice, too."""
    return yaml.load(text, Loader=_Loader)  # a SafeLoader with positions
