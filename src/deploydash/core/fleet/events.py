"""The event list: what departs from the target one by one; what goes as planned, and bad topics, on one line."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from deploydash.core.fleet.snapshot import CscView, EventLine
from deploydash.core.model import Effective, Verdict

KEPT = 500
"""Lines; older ones are in the journal."""

_OPEN_FOR = 20.0
"""Seconds of quiet after which a line that grows is closed and the next change begins a new one."""

_NAMED = 8
"""Topics that a line names; the snapshot has them all."""

_LADDER = (Effective.OFFLINE, Effective.STANDBY, Effective.DISABLED, Effective.ENABLED)


COMMAND_TELLS_S = 5.0
"""Seconds between a change of state and the acknowledgement of a command of others that explains it, in either order:
a CSC tells its state before it acknowledges for good."""


class Plan(Enum):
    """Whose doing a change is: this run's, the phase's, of a phase that wants nothing, somebody else's, or nobody's."""

    OURS = "ours"
    WANTED = "wanted"
    UNJUDGED = "unjudged"
    OTHERS = "of others"
    DEPARTS = "departs"

    @property
    def said(self) -> str:
        """What is said of a change that goes along with others."""
        return "no target in this phase" if self is Plan.UNJUDGED else "as planned"


@dataclass(frozen=True, slots=True)
class _Change:
    """One CSC's part in a line, as of ``at`` (monotonic)."""

    at: float
    told: str
    plan: Plan


@dataclass(slots=True, eq=False)
class _Line:
    number: int
    at: float
    subject: str
    change: str
    detail: str
    calm: bool
    effective: Effective | None
    grown_at: float
    members: dict[str, _Change | None] = field(default_factory=dict)
    written: EventLine | None = None


class EventLog:
    """The last lines, numbered over the whole session."""

    def __init__(self) -> None:
        self._lines: deque[_Line] = deque(maxlen=KEPT)
        self._number = 0
        self._open: dict[tuple[str, Effective, str], _Line] = {}
        self._undecodable: _Line | None = None
        self._written: tuple[EventLine, ...] = ()
        self._changed = False

    def add(
        self,
        at: float,
        subject: str,
        change: str,
        detail: str,
        *,
        calm: bool = False,
        effective: Effective | None = None,
    ) -> None:
        """Add a line as of ``at`` (monotonic)."""
        self._append(at, subject, change, detail, calm, effective)

    def csc_changed(
        self, before: Effective, view: CscView, group_size: int, plan: Plan, now: float, by: str = ""
    ) -> None:
        """Tell a change of a CSC's effective state: on a line of its own where it departs from the plan.

        Whoever departs is counted no more among those it went with: their line is closed. ``by``: who else
        commanded it.
        """
        name = str(view.csc)
        change = _Change(now, f"{before} → {view.effective}", plan)
        if plan in (Plan.DEPARTS, Plan.OTHERS):
            self._open = {key: line for key, line in self._open.items() if name not in line.members}
            detail = view.reason.render(now) if plan is Plan.DEPARTS else _commanded(by)
            self._append(now, name, change.told, detail, False, view.effective)
            return
        key = (view.group, view.effective, plan.said)
        line = self._open.get(key)
        if line is None or name in line.members or self._is_closed(line, now):
            line = self._append(now, name, change.told, plan.said, True, view.effective)
            self._open[key] = line
        self._grow(line, name, now, change)
        if len(line.members) > 1:
            line.subject = view.group
            line.change = f"{len(line.members)} of {group_size} {view.effective}"

    def commanded(self, csc: str, by: str, at: float) -> None:
        """Take in that somebody else commanded a CSC: a change just before, which we did not make, is no plan's."""
        for key, line in self._open.items():
            change = line.members.get(csc)
            if change is None or change.plan is Plan.OURS or at - change.at > COMMAND_TELLS_S:
                continue
            if len(line.members) == 1:
                line.detail, line.calm, line.written, self._changed = _commanded(by), False, None, True
                del self._open[key]
            else:
                self._take_out(line, csc)
                self._append(change.at, csc, change.told, _commanded(by), False, line.effective)
            return

    def _take_out(self, line: _Line, csc: str) -> None:
        del line.members[csc]
        line.written = None
        line.change = f"{len(line.members)} {line.change.partition(' ')[2]}"
        if len(line.members) == 1:
            ((line.subject, left),) = line.members.items()
            line.change = left.told if left is not None else line.change

    def undecodable(self, topic: str, example: str, at: float) -> None:
        """Tell the first record of a topic that cannot be decoded, as of ``at`` (monotonic).

        What is wrong with one topic is mostly wrong with many at once: they share a line.
        """
        line = self._undecodable
        if line is None or self._is_closed(line, at):
            line = self._undecodable = self._append(at, topic, "undecodable", example, False, None)
        self._grow(line, ".".join(topic.split(".")[-2:]), at)
        if len(line.members) > 1:
            names = list(line.members)
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            line.subject, line.change = f"{len(names)} topics", "undecodable records"
            line.detail = ", ".join(names[:_NAMED]) + more

    def _is_closed(self, line: _Line, now: float) -> bool:
        return now - line.grown_at > _OPEN_FOR or line.number <= self._number - KEPT

    def _grow(self, line: _Line, member: str, now: float, change: _Change | None = None) -> None:
        """Take one more into a line; it is told when the last of them came, and stands where that belongs."""
        if line.members and member not in line.members:
            line.at = now
            self._lines.remove(line)
            self._lines.append(line)
        line.members[member] = change
        line.grown_at = now
        line.written = None
        self._changed = True

    def lines(self, now: float, utc: float) -> tuple[EventLine, ...]:
        """Return every kept line, oldest first; the same object while nothing changed."""
        if self._changed:
            self._changed = False
            for line in self._lines:
                if line.written is None:
                    line.written = EventLine(
                        line.number,
                        utc - (now - line.at),
                        line.subject,
                        line.change,
                        line.detail,
                        line.calm,
                        line.effective,
                    )
            self._written = tuple(line.written for line in self._lines if line.written is not None)
        return self._written

    def _append(
        self, at: float, subject: str, change: str, detail: str, calm: bool, effective: Effective | None
    ) -> _Line:
        self._number += 1
        line = _Line(self._number, at, subject, change, detail, calm, effective, at)
        self._lines.append(line)
        self._changed = True
        return line


def _commanded(by: str) -> str:
    return f"last commanded by {by}"


def plan_of(before: Effective, view: CscView, *, ours: bool, restarted: bool, by_others: bool = False) -> Plan:
    """Tell whether what this phase wants, or what this run does, explains a change.

    ``ours``: a command of this run is under way, or an approved step stopped it. ``restarted``: another process beats
    than in ``before``. A process that died is nobody's plan, wherever the next one ends up. ``by_others``: somebody
    else commanded it just before; what they do is not planned, even where the phase wants it.
    """
    if view.effective in (Effective.FAULT, Effective.LOST) and view.verdict is not Verdict.AT_TARGET:
        return Plan.DEPARTS
    if ours:
        return Plan.OURS
    if before is Effective.LOST or (restarted and before is not Effective.OFFLINE):
        return Plan.DEPARTS
    plan = _by_target(before, view)
    return Plan.OTHERS if by_others and plan is not Plan.DEPARTS else plan


def _by_target(before: Effective, view: CscView) -> Plan:
    if view.target is None:
        return Plan.UNJUDGED
    wanted = Effective[view.target.state.name]
    if view.verdict is Verdict.AT_TARGET or wanted is view.effective:
        return Plan.WANTED
    if wanted not in _LADDER or view.effective not in _LADDER or view.effective is Effective.OFFLINE:
        return Plan.DEPARTS
    if before not in _LADDER:
        return Plan.WANTED
    goal = _LADDER.index(wanted)
    nearer = abs(goal - _LADDER.index(view.effective)) < abs(goal - _LADDER.index(before))
    return Plan.WANTED if nearer else Plan.DEPARTS
