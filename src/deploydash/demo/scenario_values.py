"""The values of a scenario file: what each key takes."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from deploydash.demo.goal import Goal, goal
from deploydash.demo.scenario import LIVES, REACTIONS, SCRIPT_ENDS
from deploydash.demo.states import TRANSITIONS, Reaction, ScriptManner

MALFORMED = ("errorCode", "summaryState", "heartbeat")
"""The events among whose records malformed ones may be written."""


class WrongValueError(ValueError):
    """A value that its key does not take; the message says what it does."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the known word that is meant, or nothing."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def number(value: Any) -> float:
    """A number of seconds. Raises WrongValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise WrongValueError(f"{value!r} is no number of seconds")
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongValueError(f"{value!r} is no whole number")
    return value


def a_text(value: Any) -> str:
    """A text. Raises WrongValueError."""
    if not isinstance(value, str):
        raise WrongValueError(f"{value!r} is no text")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongValueError(f"{value!r} is neither true nor false")
    return value


def patterns(value: Any) -> tuple[str, ...]:
    """Patterns of CSCs. Raises WrongValueError."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not items or not all(isinstance(item, str) for item in items):
        raise WrongValueError(f"{value!r} names no CSC; write Name, Name:index, ESS:*, group=AT or a list of these")
    return tuple(item.strip() for item in items)


def _goals(value: Any) -> tuple[Goal, ...]:
    if not isinstance(value, list) or len(value) != 2:
        raise WrongValueError(f"{value!r} is no list of two states")
    return tuple(goal(item) for item in value)


def one_of(*names: str) -> Callable[[Any], str]:
    """A check that lets one of these words pass."""

    def check(value: Any) -> str:
        if value not in names:
            raise WrongValueError(f"{value!r} is none of {', '.join(names)}{nearest(str(value), names)}")
        return str(value)

    return check


def _beats(value: Any) -> float | str:
    return "slow" if value == "slow" else number(value)


def _reactions(value: Any) -> dict[str, Reaction]:
    if not isinstance(value, dict):
        raise WrongValueError(f"{value!r} is no mapping of commands to reactions")
    made: dict[str, Reaction] = {}
    checks: dict[str, Callable[[Any], Any]] = {
        "do": one_of(*REACTIONS),
        "delay": number,
        "progress": number,
        "code": _whole,
        "report": a_text,
    }
    for command, reaction in value.items():
        one_of(*TRANSITIONS)(command)
        entry: dict[str, Any] = {"do": reaction} if isinstance(reaction, str) else dict(reaction)
        for key, item in entry.items():
            one_of(*checks)(key)
            entry[key] = checks[key](item)
        made[str(command)] = Reaction(**entry)
    return made


def _scripts(value: Any) -> dict[str, ScriptManner]:
    if not isinstance(value, dict):
        raise WrongValueError(f"{value!r} is no mapping of scripts to how they run")
    checks: dict[str, Callable[[Any], Any]] = {"do": one_of(*SCRIPT_ENDS), "seconds": number, "message": a_text}
    made: dict[str, ScriptManner] = {}
    for path, manner in value.items():
        entry: dict[str, Any] = {"do": manner} if isinstance(manner, str) else dict(manner)
        for key, item in entry.items():
            one_of(*checks)(key)
            entry[key] = checks[key](item)
        made[str(path)] = ScriptManner(**entry)
    return made


CHECKS: dict[str, Callable[[Any], Any]] = {
    "at": number,
    "do": a_text,
    "csc": patterns,
    "except": patterns,
    "every": number,
    "for": number,
    "times": _whole,
    "spread": number,
    "state": goal,
    "between": _goals,
    "pace": number,
    "code": _whole,
    "report": a_text,
    "message": a_text,
    "level": _whole,
    "count": _whole,
    "event": one_of(*MALFORMED),
    "after": number,
    "origin": one_of("new", "same"),
    "beats": _beats,
    "reacts": _reactions,
    "scripts": _scripts,
    "seconds": number,
    "tag": a_text,
    "life": one_of(*LIVES),
    "since": number,
    "died": number,
    "twice": _flag,
}
"""By key; each raises ValueError with what it takes."""
