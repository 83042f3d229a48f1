"""Items of the control system as text: scripts and CSC commands, exactly as they would be sent, and what may be added.

Pure. Which commands lead where is in ``core.procedure.transitions``; fields of ``add`` are those of ts_xml ScriptQueue.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from deploydash.core.model import CscId, Roster, SummaryState, Target
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import SAL, ItemId
from deploydash.core.procedure.runbook import Fallback
from deploydash.core.procedure.transitions import command_text
from deploydash.core.run.composing import Composed, ItemOffer, OfferField
from deploydash.systems.table import Entry, Wrong

SCRIPT_QUEUE = "ScriptQueue"
"""The component that runs scripts."""

ANY_CSC = "<csc>"
"""Stands in a fallback's configuration for the CSC; its line is written once per CSC."""

EXTERNAL = "external/"
"""Before a path that is typed: it is in the queue's external directory, not in the standard one."""

ADD_SCRIPT = "script"
"""The offer to add a script."""

UNNAMED = ItemId("")
"""An item that is made here is named when it is added."""

_LONGEST_PATH = 200
TOWARDS = {
    SummaryState.OFFLINE: ("disable", "standby", "exitControl"),
    SummaryState.STANDBY: ("disable", "standby"),
    SummaryState.DISABLED: ("start",),
    SummaryState.ENABLED: ("start", "enable"),
}
"""The commands that may lead to a state, wherever a CSC starts from."""

_SELF = "cannot run the script that takes itself down: choose another queue"


@dataclass(frozen=True, slots=True)
class ScriptChecked:
    """What is known of a script that somebody wants to add, before any queue is asked.

    ``config``: as it would be sent. ``wrong``: why it must not go, in sentences. ``told``: what else to know before
    it does, such as that no schema is known here. ``effects``: what it does to CSCs, in order; ``opaque``: that is not
    known.
    """

    config: str
    wrong: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    effects: tuple[CscEffect, ...] = ()
    opaque: bool = True

    @property
    def downs(self) -> tuple[CscId, ...]:
        """The CSCs it sends to OFFLINE, in order."""
        return tuple(effect.csc for effect in self.effects if effect.target.state is SummaryState.OFFLINE)


def script_item(
    id: ItemId,  # noqa: A002 - as the item calls it
    queue: CscId,
    path: str,
    standard: bool,
    config: str,
    effects: tuple[CscEffect, ...] = (),
    opaque: bool = False,
    wave: int = 0,
) -> Item:
    """Return the item that is one script in a queue.

    ``standard`` tells the queue which of its two directories ``path`` is in; ``config`` is the YAML text that goes with
    it, or nothing.
    """
    spec = {"do": "script", "queue": str(queue), "path": path, "standard": standard, "config": config}
    by_hand = (f"# add to {queue}: {_directory(standard)} {path}", *config.splitlines())
    return Item(id, path, SAL, json.dumps(spec), effects, by_hand, wave, opaque, runs_in=(queue,))


def script_template(queue: CscId, path: str, config: str) -> str:
    """Return the template of a fallback by a standard script; :data:`ANY_CSC` stands for the CSC in ``config``."""
    return script_item(UNNAMED, queue, path, True, config).spec


def sal_lines(item: Item, subname: str) -> tuple[str, ...]:
    """Return the exact commands that may be sent for an item: what is passed already on the way is left out then."""
    spec = json.loads(item.spec)
    if spec["do"] == "script":
        return tuple(_script_lines(spec, subname))
    csc, override = CscId.parse(spec["csc"]), spec["override"]
    wanted = (spec["command"],) if spec["do"] == "command" else TOWARDS[Target.parse(spec["target"]).state]
    return tuple(command_text(csc, command, subname, override) for command in wanted)


def _script_lines(spec: dict[str, Any], subname: str) -> Iterator[str]:
    queue = CscId.parse(spec["queue"])
    standard = str(spec["standard"]).lower()
    yield f"{command_text(queue, 'add', subname)} isStandard={standard} path={spec['path']}"
    yield from spec["config"].splitlines()


class SalSteps:
    """What may be added of scripts, and how it would be sent. ``check`` says what is known of what was typed."""

    keys: frozenset[str] = frozenset()

    def __init__(self, roster: Roster, subname: str, check: Callable[[str, bool, str], ScriptChecked]) -> None:
        self._queues = tuple(spec.csc for spec in roster.cscs if spec.csc.name == SCRIPT_QUEUE)
        self._subname = subname
        self._check = check

    def problems(self, entry: Entry) -> Iterator[Wrong]:  # noqa: ARG002 - as all systems are asked
        """Yield nothing: what a runbook says of CSCs and scripts is read with the runbook itself."""
        yield from ()

    def items(self, entry: Entry) -> tuple[Item, ...]:  # noqa: ARG002 - as all systems are asked
        """Return nothing: what a runbook says of CSCs and scripts is read with the runbook itself."""
        return ()

    def fallbacks(self, entry: Entry) -> tuple[Fallback, ...]:  # noqa: ARG002 - as all systems are asked
        """Return nothing, as ``items``."""
        return ()

    def lines(self, item: Item) -> tuple[str, ...]:
        """Return the exact commands that may be sent for an item."""
        return sal_lines(item, self._subname)

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return the offer to add any script, where there is a queue."""
        if not self._queues:
            return ()
        body = (
            "Any script that the queue lists can be added at the end of it, whatever the runbook says.",
            "Nothing is sent yet: the next dialog shows exactly what would be.",
        )
        fields = (
            OfferField("queue", "ScriptQueue:1", str(self._queues[0])),
            OfferField("script", f"its path: maintel/point_azel.py, or {EXTERNAL}... for the external directory"),
            OfferField("configuration", "YAML in one line: {el: 80}; nothing if it needs none"),
        )
        return (ItemOffer(ADD_SCRIPT, SAL, "Add a script outside the runbook", body, fields),)

    def compose(self, offer_id: str, texts: Sequence[str]) -> Composed:
        """Return a script as it would be added, or why it must not be."""
        if offer_id != ADD_SCRIPT:
            return Composed(None, (f"nothing called {offer_id!r} is added here",))
        typed, script, config = texts
        queue = next((queue for queue in self._queues if str(queue) == typed.strip()), None)
        if queue is None:
            known = ", ".join(map(str, self._queues)) or "none"
            return Composed(None, (f"{typed.strip() or 'nothing'} is no ScriptQueue here: {known}",))
        path, standard = _path(script)
        if not path:
            return Composed(None, ("name the script by its path, as its queue lists it",))
        if len(path) > _LONGEST_PATH:
            return Composed(None, (f"a path has at most {_LONGEST_PATH} characters",))
        checked = self._check(path, standard, config)
        downs = checked.downs
        wrong = (*checked.wrong, *((f"{queue} {_SELF}",) if queue in downs else ()))
        if wrong:
            return Composed(None, wrong, checked.told)
        item = script_item(UNNAMED, queue, path, standard, checked.config, checked.effects, checked.opaque)
        where = f"{queue} {_directory(standard)} {path}{'' if checked.config else ', no configuration'}"
        told = (where, *checked.told, *((f"It sends to OFFLINE: {', '.join(map(str, downs))}",) if downs else ()))
        return Composed(item, (), told, self.lines(item))

    def fallback(self, fallback: Fallback, items: Sequence[Item]) -> Item:
        """Return the script that brings the CSCs of these items where they were to be, through the fallback's queue.

        Raises:
            ValueError: they are about no CSC, the script does not lead there, or its queue would take itself down.
        """
        spec = json.loads(fallback.template)
        queue = CscId.parse(spec["queue"])
        effects = tuple(dict.fromkeys(effect for item in items for effect in item.effects))
        if not effects:
            raise ValueError("none of these is about a CSC")
        reached = {target.state for target in fallback.reaches}
        for effect in effects:
            if effect.csc == queue:
                raise ValueError(f"{queue} {_SELF}")
            if effect.target.state not in reached:
                raise ValueError(f"this way does not lead {effect.csc} to {effect.target}")
        config = _for_each(spec["config"], tuple(dict.fromkeys(effect.csc for effect in effects)))
        return script_item(UNNAMED, queue, spec["path"], spec["standard"], config, effects)


def _for_each(config: str, cscs: tuple[CscId, ...]) -> str:
    """Return a configuration for these CSCs: each line that names any CSC once for each of them."""
    lines: list[str] = []
    for line in config.splitlines():
        lines += [line.replace(ANY_CSC, f"'{csc}'") for csc in cscs] if ANY_CSC in line else [line]
    return "\n".join(lines) + "\n"


def _path(text: str) -> tuple[str, bool]:
    path = text.strip()
    return path.removeprefix(EXTERNAL), not path.startswith(EXTERNAL)


def _directory(standard: bool) -> str:
    return "standard" if standard else "external"
