"""The two dialogs by which any script is added by hand: what and where, then exactly what would go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import ScriptItem, StepId
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.items import refuses
from deploydash.core.run.order_rules import QUEUE
from deploydash.core.run.orders import AddScript, RunOrder
from deploydash.core.run.scripts import ScriptChecked
from deploydash.core.views.run_view import RunView
from deploydash.ui.draw.run.reading import listed
from deploydash.ui.screens.form import Field, Form, Option
from deploydash.ui.screens.script_dialogs import STAY, queues_of

EXTERNAL = "external/"
"""Before a path: it is in the queue's external directory, not in the standard one."""

CHECK_S = 5.0
"""Seconds within which a script is checked: a moment is usual."""

_LONGEST_PATH = 200


def add_refusal(run: RunView) -> str | None:
    """Return why nothing is added now, or None."""
    if run.closed:
        return "the run is closed"
    if run.held_by is not None:
        return f"the run is held by {run.held_by}; R lets it go on"
    return None if run.card is not None else "no step is left"


@dataclass(frozen=True, slots=True)
class AddDialog:
    """What both dialogs need.

    ``look`` gives what is seen at the moment of asking, ``check`` what is known of a script without asking outside;
    it runs beside the screen, for nobody knows how long what was typed takes to look at.
    """

    step: StepId
    look: Callable[[], FleetView]
    check: Callable[[str, bool, str], ScriptChecked]
    order: Callable[[RunOrder], object]
    ask: Callable[[Form], object]
    _found: dict[tuple[str, bool, str], ScriptChecked] = field(default_factory=dict)

    def form(self) -> Form:
        """Return the dialog that asks what is to be added, and where."""
        queues = queues_of(self.look())
        fields = (
            Field("queue", "ScriptQueue:1", str(queues[0]) if queues else ""),
            Field("script", f"its path: maintel/point_azel.py, or {EXTERNAL}... for the external directory"),
            Field("configuration", "YAML in one line: {el: 80}; nothing if it needs none"),
        )
        body = (
            "Any script that the queue lists can be added at the end of it, whatever the runbook says.",
            "Nothing is sent yet: the next dialog shows exactly what would be.",
        )
        return Form(
            "Add a script outside the runbook",
            body,
            fields=fields,
            done=self._typed,
            wrong=self._wrong,
            check=self._checked,
        )

    def _wrong(self, text: Sequence[str]) -> str:
        queue = _queue(text[0])
        fleet = self.look()
        known = ", ".join(map(str, queues_of(fleet)))
        if queue is None or queue.name != QUEUE or queue not in fleet.views:
            return f"{text[0].strip() or 'nothing'} is no ScriptQueue here: {known}"
        why = refuses(queue, "add", fleet)
        if why:
            return why
        path, _ = _path(text[1])
        if not path:
            return "name the script by its path, as its queue lists it"
        return "" if len(path) <= _LONGEST_PATH else f"a path has at most {_LONGEST_PATH} characters"

    async def _checked(self, text: Sequence[str]) -> str:
        what = (*_path(text[1]), text[2])
        try:
            async with asyncio.timeout(CHECK_S):
                self._found[what] = await asyncio.to_thread(self.check, *what)
        except TimeoutError:
            return f"the check takes longer than {CHECK_S:.0f} s: write a shorter configuration"
        return next(iter(self._found[what].wrong), "")

    def _typed(self, _: str, text: Sequence[str]) -> object:
        queue, (path, standard) = _queue(text[0]), _path(text[1])
        assert queue is not None  # noqa: S101 - ``_wrong`` has looked at it
        checked = self._found[path, standard, text[2]]
        script = ScriptItem(queue, path, standard, checked.config)
        return self.ask(self._last_look(script, checked))

    def _last_look(self, script: ScriptItem, checked: ScriptChecked) -> Form:
        def done(answer: str, _: Sequence[str]) -> object:
            return answer != STAY and self.order(AddScript(self.step, script, checked.downs))

        kind = "standard" if script.standard else "external"
        body = [f"{script.queue} {kind} {script.path}{'' if checked.config else ', no configuration'}", *checked.told]
        if checked.downs:
            body.append(f"It sends to OFFLINE: {listed(checked.downs)}")
        options = (Option(STAY, "back, nothing is added"), Option("add", f"add it at the end of {script.queue}"))
        config = checked.config.splitlines()
        return Form("Exactly this is added", body, exact=config, options=options, done=done)


def _queue(text: str) -> CscId | None:
    try:
        return CscId.parse(text.strip())
    except ValueError:
        return None


def _path(text: str) -> tuple[str, bool]:
    path = text.strip()
    return path.removeprefix(EXTERNAL), not path.startswith(EXTERNAL)
