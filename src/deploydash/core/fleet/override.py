"""Configuration overrides: what ``start`` takes, and what a CSC offers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from deploydash.core.fleet.snapshot import CscView

_OVERRIDE = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.+-]{0,99})?(:[A-Za-z0-9][A-Za-z0-9_.~^-]{0,63})?")


def bad_override(text: str) -> str:
    """Return why a configuration override cannot be sent, or an empty text; an empty one is the site's own.

    It is ``[name][:version]``, a file in the CSC's configuration folder and a git hash (ts_xml, command ``start``), so
    no path.
    """
    if _OVERRIDE.fullmatch(text) and ".." not in text:
        return ""
    return "an override is a file's name, :version, or both, as in bar.yaml:37bf936; no path and no blank"


def offered(views: Iterable[CscView]) -> tuple[str, ...]:
    """Return the configuration overrides that each of these CSCs offers."""
    lists = [view.overrides for view in views]
    return tuple(name for name in lists[0] if all(name in each for each in lists)) if lists else ()


def not_offered(override: str, names: Sequence[str]) -> str:
    """Return why an override is probably a slip, or an empty text; another version may offer other files."""
    name, _, version = override.partition(":")
    if not name or not names or version or name in names:
        return ""
    return f"{name} is not offered: {', '.join(names)}"
