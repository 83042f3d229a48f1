"""Texts that were looked at by a person once and are pinned; UPDATE_GOLDENS=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path


def assert_golden(path: Path, text: str) -> None:
    """Compare with the pinned text."""
    if os.environ.get("UPDATE_GOLDENS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"no golden yet: look at the text, then run with UPDATE_GOLDENS=1\n{text}"
    assert text == path.read_text(encoding="utf-8")
