"""Schemas on disk, so that a site whose registry is down still shows its grid."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from deploydash.stored import parse_json, read_small

_MOST_BYTES = 20_000_000
"""Of one file: twice what a registry may answer, for its quotation marks are escaped."""


class SchemaCache:
    """The schemas of one registry in a folder of their own: ids are a registry's own, and differ per site.

    One file a schema, put in place whole, so that processes may share the folder. A file that is not exactly
    what was written counts as absent.
    """

    def __init__(self, folder: Path, registry: str) -> None:
        self._registry = registry
        self._folder = folder / hashlib.sha256(registry.encode()).hexdigest()[:16]

    def load(self, schema_id: int) -> str | None:
        """Return the text kept for an id, or None."""
        try:
            entry = parse_json(read_small(self._file(schema_id), _MOST_BYTES))
        except (OSError, ValueError):
            return None
        text = entry.get("schema") if isinstance(entry, dict) else None
        return text if isinstance(text, str) and entry == self._entry(schema_id, text) else None

    def save(self, schema_id: int, text: str) -> None:
        """Keep a text.

        Raises:
            OSError: the folder cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=f"{schema_id}-", suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(self._entry(schema_id, text), file)
            Path(temporary).replace(self._file(schema_id))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def clear(self) -> None:
        """Forget everything kept for this registry, as far as the folder lets us."""
        for file in self._folder.glob("*.json"):
            try:
                file.unlink(missing_ok=True)
            except OSError:
                return

    def _file(self, schema_id: int) -> Path:
        return self._folder / f"{schema_id}.json"

    def _entry(self, schema_id: int, text: str) -> dict[str, object]:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return {"registry": self._registry, "id": schema_id, "sha256": digest, "schema": text}
