"""The words of a runbook's texts: ``{words}`` that the site file fills in, ``<words>`` that only the run can."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from deploydash.config.load import Site
from deploydash.config.runbook_names import SCRIPT_QUEUE, WATCHER
from deploydash.config.systems import Docs, Systems
from deploydash.core.model import CscId

BLANKS = frozenset(
    {
        *("cycle", "branch", "pr", "revert", "sha", "revision", "run", "page", "permalink", "weekday", "date", "start"),
        *("version", "recompiled", "dryrun", "dryrun-before"),
        "coordinator",
        *("broken", "compatibility", "csc", "cscs", "components", "jobs", "class", "namespace"),
    }
)
"""What a run fills in: parameters, what was recorded on the way, and what is left over."""

_WORD = re.compile(r"\{([a-z][a-z0-9_.]*)\}")
_BLANK = re.compile(r"<([a-z][a-z-]*)>")

Words = Mapping[str, Any]


class UnknownWordError(ValueError):
    """A text has a placeholder that nothing sets. ``hint`` says what might be meant."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def fill(text: str, words: Words) -> list[str]:
    """Return a text with its words filled in: one line, or one for each element of a list that it names.

    Raises:
        UnknownWordError: a word is not known, or has no value at this site; or a blank is none that a run fills in.
    """
    for blank in _BLANK.findall(text):
        if blank not in BLANKS:
            near = get_close_matches(blank, BLANKS, 1)
            hint = f"did you mean <{near[0]}>?" if near else f"known are {', '.join(sorted(BLANKS))}"
            raise UnknownWordError(f"nothing sets <{blank}>", hint)
    lines = [text]
    for word in dict.fromkeys(_WORD.findall(text)):
        value = words.get(word)
        if value is None:
            near = get_close_matches(word, words, 1)
            hint = f"did you mean {{{near[0]}}}?" if near else f"known here are {', '.join(sorted(words))}"
            raise UnknownWordError(f"nothing sets {{{word}}}", hint)
        values = value if isinstance(value, list | tuple) else [value]
        lines = [line.replace(f"{{{word}}}", str(one)) for line in lines for one in values]
    return lines


def blanks(text: str) -> Iterator[str]:
    """Yield the blanks of a text."""
    yield from _BLANK.findall(text)


def site_words(site: Site, systems: Systems) -> dict[str, Any]:
    """Return every word that holds for a whole site; sections with a dot between."""
    words: dict[str, Any] = {"site": site.roster.site}
    if site.schema_registry is not None:
        words["schema_registry.url"] = site.schema_registry.url
    if systems.docs is not None:
        words |= _docs_words(systems.docs)
    for section in site.sections.values():
        words |= section.words()
    return {word: value for word, value in words.items() if value is not None}


def _docs_words(docs: Docs) -> dict[str, Any]:
    page = f"{docs.root}/Deployment-Activities/{docs.folder}/index.html"
    return {
        "docs.deploying": f"{docs.root}/Deployment-Activities/index.html",
        "docs.preparing": f"{docs.root}/Pre-Deployment-Activities/index.html",
        "docs.cameras": f"{docs.root}/Camera-Systems/index.html",
        "docs.site": f"{page}#deployment-activities-{docs.anchor}",
        "docs.site_preparing": f"{docs.root}/Pre-Deployment-Activities/{docs.folder}/index.html"
        f"#pre-deployment-activities-{docs.anchor}",
    }


def loops(site: Site, only: frozenset[CscId] | None) -> dict[str, list[dict[str, Any]]]:
    """Return what a step may be repeated for, each with its own words; ``cscs`` names the CSCs concerned.

    ``only`` are the CSCs that a run for named ones is about, None where nobody has named them yet. What belongs to a
    namespace concerns the CSCs of it, whichever system says so. What concerns none of the named CSCs is left out.
    """
    every: dict[str, list[dict[str, Any]]] = {}
    for section in site.sections.values():
        every |= section.loops(site.roster, only)
    cscs = {row["namespace"]: row["cscs"] for row in every.get("namespaces", ())}
    found = {name: [_with_cscs(row, cscs) for row in rows] for name, rows in every.items()}
    return {name: [row for row in rows if _concerned(row, only)] for name, rows in found.items()}


def _concerned(row: dict[str, Any], only: frozenset[CscId] | None) -> bool:
    """Say whether a run about named CSCs has to do with a row; every run has with the Watcher and the ScriptQueues."""
    if only is None or not row.get("cscs"):
        return True
    named = map(CscId.parse, row["cscs"])
    return any(csc in only or csc.name in {WATCHER.name, SCRIPT_QUEUE} for csc in named)


def _with_cscs(row: dict[str, Any], of_namespace: Mapping[str, list[str]]) -> dict[str, Any]:
    if "namespace" not in row or "cscs" in row:
        return row
    return {**row, "cscs": of_namespace.get(row["namespace"], [])}


def row_name(row: Words) -> str:
    """Return what a row of a loop is called in ``named``."""
    return str(next(row[key] for key in ("name", "namespace", "application", "owner", "csc", "ssh") if key in row))
