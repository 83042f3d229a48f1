"""Which CSCs a runbook means by a name, a pattern or one of its words, at one site."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from deploydash.core.model import CscId, CscSpec, Roster

WATCHER = CscId("Watcher")
SCRIPT_QUEUE = "ScriptQueue"
WORDS = ("concerned", "shutdown-set", "end-list")


@dataclass(frozen=True, slots=True)
class Concern:
    """The CSCs that a run is about, in the roster's order.

    ``every``: all of them. ``shutdown_set``: those that go down between the Watcher and the ScriptQueues. ``end_list``:
    those that must be in another state at the end than at start-up.
    """

    every: tuple[CscId, ...]
    shutdown_set: tuple[CscId, ...]
    end_list: tuple[CscId, ...]

    @classmethod
    def of(cls, roster: Roster, only: Iterable[CscId] | None) -> Concern:
        """Return what a run is about: the whole roster, or the named CSCs with the Watcher and the ScriptQueues."""
        named = None if only is None else set(only)
        specs = [spec for spec in roster.cscs if named is None or spec.csc in named or _always(spec)]
        return cls(
            tuple(spec.csc for spec in specs),
            tuple(spec.csc for spec in specs if not spec.protected and not _always(spec)),
            tuple(spec.csc for spec in specs if spec.end != spec.startup and not spec.protected),
        )


def _always(spec: CscSpec) -> bool:
    return spec.csc == WATCHER or spec.csc.name == SCRIPT_QUEUE


class UnknownNameError(ValueError):
    """A name stands for no CSC of the site. ``hint`` says what might be meant."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def select(text: str, roster: Roster, concern: Concern) -> tuple[CscId, ...]:
    """Return the CSCs that one entry of ``targets`` or ``last`` stands for, in the roster's order.

    Raises:
        UnknownNameError: it stands for none.
    """
    if text in WORDS:
        return {"concerned": concern.every, "shutdown-set": concern.shutdown_set, "end-list": concern.end_list}[text]
    known = [spec.csc for spec in roster.cscs]
    if text.endswith(":*"):
        family = tuple(csc for csc in known if csc.name == text.removesuffix(":*") and csc.index)
        if family:
            return family
        raise _unknown(text, roster.site, [f"{name}:*" for name in {csc.name for csc in known if csc.index}])
    try:
        csc = CscId.parse(text)
    except ValueError as error:
        message, _, hint = str(error).partition(": ")
        raise UnknownNameError(message, hint or f"or one of {', '.join(WORDS)}") from None
    if csc in known:
        return (csc,)
    indices = sorted((other.index for other in known if other.name == csc.name), key=lambda at: abs(at - csc.index))
    if indices and not csc.index:
        raise UnknownNameError(f"{csc} is indexed", f"write {csc}:* for all, or {csc}:{min(indices)} for one")
    if indices:
        raise UnknownNameError(f"{csc} is not at {roster.site}", _nearest(csc.name, indices))
    raise _unknown(text, roster.site, [*map(str, known), *WORDS])


def _nearest(name: str, indices: list[int]) -> str:
    shown = ", ".join(f"{name}:{index}" for index in sorted(indices[:4]))
    return f"the nearest of {len(indices)} are {shown}" if len(indices) > 4 else f"there is {shown}"


def _unknown(text: str, site: str, known: list[str]) -> UnknownNameError:
    near = get_close_matches(text, known, 1, 0.5)
    hint = f"did you mean {near[0]}?" if near else "name a CSC of the site file"
    return UnknownNameError(f"{text!r} stands for no CSC at {site}", hint)


def component_hint(name: str, roster: Roster) -> str | None:
    """Return what to do about a component name that the roster lacks, or None if it is one."""
    components = {spec.csc.name for spec in roster.cscs}
    if name in components:
        return None
    if name.partition(":")[0] in components:
        return f"write {name.partition(':')[0]}: the script takes component names without index"
    near = get_close_matches(name, components, 1)
    return f"did you mean {near[0]}?" if near else "name a component of the site file"
