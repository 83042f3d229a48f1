"""A lead under whom outside systems are lost and come back: while a step is idle, armed, or asking them something."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tests.e2e_run.switchboard import Switchboard
from tests.e2e_run.world import journals
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient
from tests.support.command_line import CommandLine
from tests.support.run_driver import READ_S, Frame, Lead

LOOK_S = 3.0
"""So long after a system was lost the screen is looked at: what watches it has had time to say so."""


class Moment(StrEnum):
    """When a system is lost: before its card is answered, once it is armed, once its first request is on disk."""

    IDLE = "idle"
    ARMED = "armed"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Loss:
    """A system that is lost at a moment of a step, for so many seconds, by a fault of its fake."""

    system: str
    step: str
    moment: Moment
    seconds: float = 8.0
    fault: str = "down"
    values: tuple[tuple[str, float | str], ...] = ()

    def __str__(self) -> str:
        return f"{self.system} {self.fault}, {self.step} {self.moment}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A screen while a system was lost, and once it was back."""

    loss: Loss
    lost: str
    back: str


@dataclass
class Trouble:
    """Loses systems as planned, each loss once, and keeps the screens. ``titles``: of the steps, to know cards by.

    ``around``: more of the screen while something was lost, by loss, size and what was looked at.
    """

    board: Switchboard
    losses: Sequence[Loss]
    titles: dict[str, str]
    tmux: Tmux
    seen: list[Seen] = field(default_factory=list)
    around: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _gone: set[Loss] = field(default_factory=set)
    away: int = 0

    def due(self, moment: Moment, text: str) -> Loss | None:
        """Return the loss that is to happen now that this text is shown, if any."""
        mine = (loss for loss in self.losses if loss.moment is moment and loss not in self._gone)
        return next((loss for loss in mine if self.titles[loss.step] in text), None)

    def asked(self, step: str) -> list[Loss]:
        """Return what is to be lost now that a request of this step is on disk."""
        with self._lock:
            mine = [loss for loss in self.losses if loss.step == step and loss.moment is Moment.ASKED]
            due = [loss for loss in mine if loss not in self._gone]
            self._gone |= set(due)
        return due

    @property
    def left(self) -> list[str]:
        """What was never lost."""
        return [str(loss) for loss in self.losses if loss not in self._gone]

    def happen(self, loss: Loss, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Lose a system, look at the screen, let ``meanwhile`` be done, bring it back and look again."""
        with self._lock:
            self._gone.add(loss)
            self.away += 1
            self.board.lose(loss.system, loss.fault, **dict(loss.values))
        began = time.monotonic()
        time.sleep(LOOK_S)  # what is waited for is that nothing wrong is shown
        lost = self.tmux.capture()
        meanwhile()
        time.sleep(max(0.0, began + loss.seconds - time.monotonic()))
        with self._lock:
            self.board.bring_back(loss.system, loss.fault)
            self.away -= 1
        time.sleep(LOOK_S)
        self.seen.append(Seen(loss, lost, self.tmux.capture()))


@dataclass
class Losing(Lead):
    """A lead who looks while a system is lost, presses on where a card is armed, and tries again what failed."""

    trouble: Trouble | None = None

    def answer(self, frame: Frame) -> None:
        """Answer a frame, unless something is to be lost at it first."""
        trouble = self.trouble
        assert trouble is not None
        armed = frame.title.startswith("Armed")
        loss = trouble.due(Moment.ARMED if armed else Moment.IDLE, frame.text)
        if loss is None:
            super().answer(frame)
        elif armed:
            trouble.happen(loss, lambda: self._press_on(frame))
        elif frame.title.startswith("Your turn"):
            trouble.happen(loss, lambda: self._look_around(str(loss)))
        else:
            super().answer(frame)

    def _look_around(self, name: str) -> None:
        """Keep what the screen and *what now* say at both sizes while a system is lost, in colours."""
        assert self.trouble is not None
        for columns, rows in ((80, 24), (120, 40)):
            self.trouble.tmux.resize(columns, rows)
            time.sleep(READ_S)
            self.trouble.around[f"{name} {columns}x{rows}"] = self.trouble.tmux.capture(colours=True)
            self.press("W")
            time.sleep(READ_S)
            self.trouble.around[f"{name} {columns}x{rows} W"] = self.trouble.tmux.capture(colours=True)
            self.press("Escape")
            time.sleep(READ_S)

    def _press_on(self, frame: Frame) -> None:
        """Fire what is still armed though its system is lost."""
        now = self.see()
        if now.title.startswith("Armed"):
            super().answer(now if now.title == frame.title else self.see())


def again(lead: Lead, frame: Frame) -> None:
    """Try once more what failed, when everything is back."""
    assert isinstance(lead, Losing)
    assert lead.trouble is not None
    if lead.trouble.away:
        return
    if frame.has("* mark all"):
        lead.press("*")
    lead.retry()


def follow(cli: CommandLine, trouble: Trouble, over: threading.Event) -> None:
    """Lose what is planned for the moment at which a step's first request is on disk."""
    for step in _intended(cli, over):
        for loss in trouble.asked(step):
            threading.Thread(target=trouble.happen, args=(loss,), name=str(loss), daemon=True).start()


def _intended(cli: CommandLine, over: threading.Event) -> Iterator[str]:
    """Yield the step of each request as it is written down."""
    path, offset = _journal(cli, over), 0
    while path is not None and not over.wait(0.01):
        with path.open("rb") as file:
            file.seek(offset)
            lines = file.read()
        whole = lines.rpartition(b"\n")[0]
        offset += len(whole) + 1 if whole else 0
        for line in whole.splitlines():
            if b'"kind":"RequestIntended"' in line:
                yield str(json.loads(line)["record"]["step"])


def _journal(cli: CommandLine, over: threading.Event) -> Path | None:
    end = time.monotonic() + patient(60)
    while not over.wait(0.05) and time.monotonic() < end:
        if found := journals(cli):
            return found[0]
    return None
