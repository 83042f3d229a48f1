"""The truth table of CLI.md: what a CSC is taken to be in, and whether the phase wants that.

The rows stand in the table's order; the golden file ``tests/data/golden/effective.yaml`` holds every one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from deploydash.core.fleet.snapshot import Reason, seconds_text
from deploydash.core.model import CameraSubstate, CscId, Effective, Liveness, SummaryState, Target, Verdict

OFFLINE_GRACE = 5.0
"""Seconds a CSC may beat on after it told OFFLINE. Its process ends within 2.8 s (seen on ts_salobj 8.2)."""


class Looked(StrEnum):
    """Where a last state was looked for; ``NOT_YET`` while one of the places has not answered.

    ``KAFKA``: no EFD is configured. ``KAFKA_ALONE``: there is one, but it does not answer.
    """

    NOT_YET = ""
    KAFKA = "Kafka"
    KAFKA_AND_EFD = "Kafka or EFD"
    KAFKA_ALONE = "Kafka, the EFD is down"


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the truth table looks at, of one CSC. Times are monotonic seconds.

    ``listening``: unseen, and its limit has not passed since ``listening_since``. ``beat_at``: the last beat,
    or with ``beat_at_least`` a bound of it; ``has_beaten`` is False where only the bound is known.
    ``reported`` was told by the process that beats; ``told_before`` says that an earlier one told a state.
    ``unread``, ``state_unread``, ``substate_unread``: why its heartbeats, newest state, newest sub-state are not
    readable. ``told_at``: when ``reported`` was told live, None if it was read back; ``silence_due``: until when its
    heartbeats may go on, if that was OFFLINE; ``first_beat_due``: until when the process that told it after the last
    heartbeat may take to its own first. ``one_process_at``: until when a second process could beat unseen, None where
    none could. ``topic``: its heartbeat topic can be read. ``proved``: another CSC beats.
    ``before``: what it was when the feed was lost. ``back_at``: when the feed came back, if no beat followed yet;
    with ``stood_for`` when we ourselves went on after standing still for so many seconds. ``stopped_by``: the
    approved step that stopped it, and when, in words. ``moving``: a command of ours is under way and within its time.
    """

    csc: CscId
    liveness: Liveness
    listening: bool = False
    listening_since: float = 0.0
    beat_at: float | None = None
    beat_at_least: bool = False
    has_beaten: bool = False
    reported: SummaryState | None = None
    told_at: float | None = None
    silence_due: float | None = None
    first_beat_due: float | None = None
    told_before: bool = False
    looked: Looked = Looked.KAFKA_AND_EFD
    camera: bool = False
    substate: CameraSubstate | None = None
    error: int = 0
    duplicate: bool = False
    one_process_at: float | None = None
    unread: str = ""
    state_unread: str = ""
    substate_unread: str = ""
    topic: bool = True
    proved: bool = False
    lost_at: float = 0.0
    lost_why: str = ""
    back_at: float | None = None
    stood_for: float | None = None
    never_up: bool = False
    before: Effective = Effective.UNKNOWN
    before_inferred: bool = False
    stopped_by: str = ""
    moving: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """One row of the truth table applied."""

    effective: Effective
    inferred: bool
    verdict: Verdict
    reason: Reason


def effective_state(seen: Seen, target: Target | None, now: float) -> Judgement:
    """Return what a CSC is taken to be in and how that compares with ``target`` (None: the phase has none)."""
    judgement = _first_row_that_fits(seen, target, now)
    verdict = judgement.verdict
    if target is None:
        verdict = Verdict.NO_TARGET
    elif seen.moving and verdict is Verdict.OFF_TARGET:
        verdict = Verdict.MOVING
    if verdict is judgement.verdict:
        return judgement
    return Judgement(judgement.effective, judgement.inferred, verdict, judgement.reason)


def _first_row_that_fits(seen: Seen, target: Target | None, now: float) -> Judgement:
    if seen.liveness is Liveness.FEED_DOWN:
        return _feed_down(seen)
    if seen.duplicate:
        last_told = Effective.UNKNOWN if seen.reported is None else Effective[seen.reported.name]
        return Judgement(last_told, False, Verdict.OFF_TARGET, Reason(f"two processes beat as {seen.csc}"))
    if seen.liveness is Liveness.UNREADABLE:
        return _unknown(Reason(f"heartbeats arrive and cannot be read ({seen.unread})"))
    if seen.liveness is Liveness.BEATING or seen.liveness is Liveness.LATE:
        return _as_one(seen, _beating(seen, target, now), now)
    if seen.liveness is Liveness.UNSEEN and seen.listening:
        return _unknown(Reason("listening for {age}", seen.listening_since))
    if not seen.topic:
        return _no_topic(seen)
    if seen.reported is not None and seen.first_beat_due is not None and now <= seen.first_beat_due:
        text = f"reports {seen.reported.name}, waiting for its first heartbeat for {{age}}"
        return _unknown(Reason(text, seen.told_at))
    if seen.reported is None:
        return _silent_without_a_state(seen, target)
    return _silent(seen, seen.reported, target)


def _feed_down(seen: Seen) -> Judgement:
    """Row 1."""
    known = seen.before is not Effective.UNKNOWN
    before = f"last seen {seen.before}" if known else "nothing known before"
    if seen.stood_for is not None and seen.back_at is not None:
        stood = seconds_text(max(1.0, round(seen.stood_for)))
        reason = Reason(f"deploydash stood still for {stood}; {before}", seen.back_at)
        return Judgement(seen.before, seen.before_inferred, Verdict.UNKNOWN, reason)
    if seen.never_up:
        text = (
            f"no answer for its heartbeats for {{age}} ({seen.lost_why})"
            if seen.lost_why
            else "Kafka not reached for {age}"
        )
        return _unknown(Reason(text, seen.lost_at))
    why = f" ({seen.lost_why})" if seen.lost_why else ""
    reason = Reason(f"Kafka lost {{age}} ago{why}; {before}", seen.lost_at)
    if seen.back_at is not None:
        reason = Reason(f"Kafka back for {{age}}, no beat since; {before}", seen.back_at)
    return Judgement(seen.before, seen.before_inferred, Verdict.UNKNOWN, reason)


def _as_one(seen: Seen, judgement: Judgement, now: float) -> Judgement:
    """Take nobody for at its target while a second process could beat as the same CSC unseen."""
    if judgement.verdict is not Verdict.AT_TARGET or seen.one_process_at is None or now > seen.one_process_at:
        return judgement
    reason = Reason(f"says {judgement.effective}; a second process could still show")
    return Judgement(judgement.effective, False, Verdict.UNKNOWN, reason)


def _beating(seen: Seen, target: Target | None, now: float) -> Judgement:
    """Rows 3 to 7."""
    state = seen.reported
    if state is None:
        return _unknown(Reason(_hidden(seen) or _unsaid(seen)))
    effective = Effective[state.name]
    if state is SummaryState.OFFLINE:
        if seen.camera:
            return _camera_offline(seen, target)
        if seen.silence_due is not None and now <= seen.silence_due:
            return Judgement(effective, False, Verdict.MOVING, Reason("says OFFLINE, waiting for silence"))
        return Judgement(effective, False, Verdict.OFF_TARGET, Reason("says OFFLINE and still beats"))
    says = f"says {state.name}"
    if state is SummaryState.FAULT and seen.error:
        says += f", error {seen.error}"
    met = target is not None and target.state is state
    return Judgement(effective, False, _compared(met), _says(says, seen))


def _hidden(seen: Seen) -> str:
    """Return why the last state that can be read is not the last one, or nothing where it is."""
    if not seen.state_unread:
        return ""
    which = "a newer" if seen.told_before else "its"
    return f"not known: {which} summaryState cannot be read ({seen.state_unread})"


def _unsaid(seen: Seen) -> str:
    if seen.looked is Looked.NOT_YET and not seen.told_before:
        return "beats, its last state is still being read"
    return "heartbeat received, no summaryState"


def _camera_offline(seen: Seen, target: Target | None) -> Judgement:
    """Row 6."""
    told = "" if seen.substate is None else f"/{seen.substate.name}"
    if target is None or target.state is not SummaryState.OFFLINE or target.substate is None:
        met = target is not None and target.state is SummaryState.OFFLINE
        return Judgement(Effective.OFFLINE, False, _compared(met), _says(f"says OFFLINE{told}", seen))
    if seen.substate is None:
        why = f"a newer substate cannot be read ({seen.substate_unread})" if seen.substate_unread else ""
        reason = Reason(f"says OFFLINE, {why or 'no substate reported'}")
        return Judgement(Effective.OFFLINE, False, Verdict.UNKNOWN, reason)
    met = seen.substate is target.substate
    return Judgement(Effective.OFFLINE, False, _compared(met), _says(f"says OFFLINE{told}", seen))


def _says(says: str, seen: Seen) -> Reason:
    if seen.liveness is Liveness.LATE:
        return Reason(f"{says}, late: no beat for {{age}}", seen.beat_at)
    return Reason(says)


def _no_topic(seen: Seen) -> Judgement:
    """Row 9 for a CSC whose beats cannot be heard, whatever the EFD holds of it: that is no silence."""
    text = "no topic: never started on this Kafka, or this account may not see it"
    if seen.reported is not None:
        text += f"; last state {seen.reported.name}"
    return _unknown(Reason(text))


def _silent_without_a_state(seen: Seen, target: Target | None) -> Judgement:
    """Row 9."""
    since, at_least = _silent_since(seen)
    if seen.state_unread:
        return _unknown(Reason(f"{_hidden(seen)}; no beat for {{age}}", since, at_least))
    if seen.looked is Looked.NOT_YET and not seen.told_before:
        return _unknown(Reason("no beat for {age}, its last state is still being read", since, at_least))
    record = f"no record in {seen.looked}"
    infer = (
        target == Target(SummaryState.OFFLINE)
        and seen.proved
        and not seen.told_before
        and seen.looked is not Looked.KAFKA_ALONE
    )
    if seen.has_beaten or seen.told_before:
        text = "beat, told no state, silent for {age}"
    elif infer:
        text = f"never seen, no beat for {{age}}, {record}"
    else:
        text = f"never seen: no beat for {{age}}, {record}"
    if not infer:
        return _unknown(Reason(text, since, at_least))
    return Judgement(Effective.OFFLINE, True, Verdict.AT_TARGET, Reason(f"OFFLINE inferred: {text}", since, at_least))


def _silent(seen: Seen, state: SummaryState, target: Target | None) -> Judgement:
    """Rows 10 to 13. A silent camera never meets ``OFFLINE/AVAILABLE``."""
    since, at_least = _silent_since(seen)
    met = target == Target(SummaryState.OFFLINE)
    if state is SummaryState.OFFLINE:
        reason = Reason("told OFFLINE, no beat for {age}", since, at_least)
        return Judgement(Effective.OFFLINE, False, _compared(met), reason)
    if state is SummaryState.STANDBY:
        reason = Reason("OFFLINE inferred: last state STANDBY, no beat for {age}", since, at_least)
        return Judgement(Effective.OFFLINE, True, _compared(met), reason)
    if seen.stopped_by:
        return Judgement(Effective.OFFLINE, True, _compared(met), Reason(f"stopped by {seen.stopped_by}"))
    text = f"LOST: was {state.name} when its beats stopped {{age}} ago; its hardware may not be safe"
    reason = Reason(text, since, at_least or not seen.has_beaten)
    return Judgement(Effective.LOST, True, Verdict.OFF_TARGET, reason)


def _silent_since(seen: Seen) -> tuple[float, bool]:
    """Return since when no beat is known of, and whether it may be longer."""
    if seen.beat_at is None:
        return seen.listening_since, False
    return seen.beat_at, seen.beat_at_least


def _unknown(reason: Reason) -> Judgement:
    return Judgement(Effective.UNKNOWN, False, Verdict.UNKNOWN, reason)


def _compared(met: bool) -> Verdict:
    return Verdict.AT_TARGET if met else Verdict.OFF_TARGET
