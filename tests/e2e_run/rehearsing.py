"""A lead in the shipped scenarios in which something goes wrong: waits, tries again, terminates, waives, goes away."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.e2e_run.whole import ANSWERS, Driven, Whole, drive
from tests.support.run_driver import OVER, READ_S, WAITING, Frame, Lead

TRIES = 6
"""So often a lead tries again before somebody else's word or a waiver is taken for it."""

PATIENCE_S = 20.0
"""So long a sync that does not end is looked at before it is terminated."""

PASSES_S = 60.0
"""So long what blocks a card is waited for before it is signed off by name."""

LATE_S = 100.0
"""So long the last of a wait are waited for before they are waived."""

AWAY_S = 45.0
"""So long nobody presses a key, of the lead who walks away."""

SCENARIOS = (
    "stragglers",
    "kafka-restart",
    "host-down",
    "argo-stuck",
    "wrong-context",
    "image-missing",
    "walks-away",
)


@dataclass
class Patient(Lead):
    """A lead who tries six times what fails, then takes another way: a sign-off by name, or a waiver.

    ``screens``: each kind of card that was met on the way and is not of a calm run, by its title and step.
    """

    screens: dict[str, str] = field(default_factory=dict)
    _tried: Counter[str] = field(default_factory=Counter)
    _since: dict[str, float] = field(default_factory=dict)

    def answer(self, frame: Frame) -> None:
        """Answer a frame; a sync that does not end is terminated."""
        if frame.title.endswith("a decision") or frame.title.startswith("Closed ·"):
            self.screens.setdefault(f"{frame.title} {frame.body[0]}", self.tmux.capture())
        if frame.title.startswith("Under way") and frame.has("Sync"):
            self._terminate(frame)
        elif frame.title.endswith("a decision"):
            self._decide_failed(frame)
        elif frame.title in {WAITING, OVER}:
            self._late(frame)
        elif frame.has("blocked") and self._may_pass(frame):
            return
        else:
            super().answer(frame)

    def _may_pass(self, frame: Frame) -> bool:
        """Say whether what blocks a card may pass yet: it is looked at for a while before anybody signs it off."""
        self.screens.setdefault(f"blocked {frame.body[0]}", self.tmux.capture())
        return time.monotonic() < self._since.setdefault(f"blocked {frame.body[0]}", time.monotonic()) + PASSES_S

    def _decide_failed(self, frame: Frame) -> None:
        about = frame.body[0]
        self._tried[about] += 1
        if self._tried[about] > 1:
            time.sleep(5)  # what is back in a while is worth a while
        if self._tried[about] <= TRIES:
            if frame.has("* mark all"):
                self.press("*")
            self.retry()
        elif frame.has("w waive"):
            if frame.has("* mark all"):
                self.press("*")
            self._waive_marked()
        else:
            self.dialog("d", "Sign off")
            self.fill("Sign off", self.name, "seen to by its owner")

    def _waive_marked(self) -> None:
        count = re.search(r"Waive (\d+) CSCs", self.dialog("w", "Waive").title)
        self.fill("Waive", "its owner knows", *([count[1]] if count else []))

    def _terminate(self, frame: Frame) -> None:
        began = self._since.setdefault(frame.body[0], time.monotonic())
        if time.monotonic() < began + PATIENCE_S:
            return
        self.screens.setdefault(f"{frame.title} {frame.body[0]}", self.tmux.capture())
        self.dialog("p", "Controls of an item")
        self.choose("Controls of an item", "terminate")
        self.send()
        self._since[frame.body[0]] = time.monotonic()

    def _late(self, frame: Frame) -> None:
        """Wait for a while; then waive who is still on the board."""
        began = self._since.setdefault(WAITING, time.monotonic())
        if time.monotonic() < began + LATE_S:
            return
        self.screens.setdefault("the wait", self.tmux.capture())
        self.press("*")
        time.sleep(READ_S)
        self._waive_marked()
        del frame


@dataclass
class Away(Patient):
    """A lead who goes away once the Watcher is down, and comes back to what has happened meanwhile."""

    _was: bool = False

    def answer(self, frame: Frame) -> None:
        """Answer a frame, or press no key for a while."""
        if not self._was and frame.has("ScriptQueues to OFFLINE"):
            self._was = True
            time.sleep(AWAY_S)
            self.screens["back"] = self.tmux.capture()
            self.press("W")
            time.sleep(READ_S)
            self.screens["what now"] = self.tmux.capture()
            self.press("Escape")
            return
        super().answer(frame)


def rehearse(scenario: str, folder: Path) -> tuple[Driven, dict[str, str]]:
    """Drive the Summit's full cycle in a scenario to *closed*; return it and the screens of what went wrong.

    Raises:
        AssertionError: it did not come to its end; the message holds the screen.
    """
    answers = {**ANSWERS, "sasquatch": "sync"} if scenario == "kafka-restart" else ANSWERS
    screens: dict[str, str] = {}

    kind = Away if scenario == "walks-away" else Patient
    lead = partial(kind, screens=screens)
    try:
        whole = Whole("full-cycle", scenario, answers=answers, lead=lead, seconds=600)
        return drive(whole, folder), screens
    finally:
        kept = folder / "screens"
        kept.mkdir(parents=True, exist_ok=True)
        for number, (name, screen) in enumerate(screens.items()):
            (kept / f"{number:02}.txt").write_text(f"{name}\n{screen}", encoding="utf-8")
