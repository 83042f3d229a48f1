"""The findings of ``check`` as a table grouped by system, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from deploydash.core.words import counted, first_of
from deploydash.wiring.probing import Probed

MARKS = {"ok": "ok  ", "warning": "warn", "red": "RED "}
ORDER = ("red", "warning", "ok")
MOST_OK = 4
"""So many good lines of a system are written out; of more there is one that counts them."""


def check_document(site: str, answers: Sequence[Probed], took_s: float) -> dict[str, Any]:
    """Return the JSON document of ``check --json``."""
    findings = [{"system": each.system, **asdict(finding)} for each in answers for finding in each.findings]
    return {
        "format": "deploydash.check/1",
        "site": site,
        "red": sum(len(each.red) for each in answers),
        "took_s": round(took_s, 1),
        "systems": [{"system": each.system, "red": len(each.red), "took_s": round(each.took_s, 1)} for each in answers],
        "findings": findings,
    }


def check_lines(answers: Sequence[Probed], took_s: float) -> Iterator[str]:
    """Yield the table: a system after the other, in each what is red first, with what to do about it."""
    for answer in answers:
        yield f"{answer.system}: {verdict(answer)}"
        for level in ORDER:
            yield from _level(answer, level)
    every = [finding.level for answer in answers for finding in answer.findings]
    red, warnings = every.count("red"), every.count("warning")
    yield ""
    yield f"{red} red, {counted(warnings, 'warning')}, {every.count('ok')} ok; took {took_s:.1f} s"


def _level(answer: Probed, level: str) -> Iterator[str]:
    found = [finding for finding in answer.findings if finding.level == level]
    if level == "ok" and len(found) > MOST_OK:
        names = list(dict.fromkeys(finding.subject for finding in found))
        yield f"{MARKS[level]}  {answer.system:<16} {len(found)} are as they should be: {first_of(names, 40)}"
        return
    for finding in found:
        yield f"{MARKS[level]}  {finding.subject:<16} {finding.sentence}"
        if finding.do and level != "ok":
            yield f"{'':<6}{'':<16} -> {finding.do}"


def verdict(answer: Probed) -> str:
    """Return how a system fares in a word or two."""
    warnings = [finding for finding in answer.findings if finding.level == "warning"]
    if answer.red:
        return f"{len(answer.red)} red"
    return counted(len(warnings), "warning") if warnings else "ok"
