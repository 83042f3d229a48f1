"""What the sight of a CSC permits: whether it is where it should be, may be commanded, or has only to be waited for.

A last state proves nothing about a CSC without heartbeats: it stays on Kafka for ever. So nothing here believes a
state without its process.
"""

from __future__ import annotations

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CameraSubstate, Liveness, SummaryState, Target


def is_decided(view: CscView) -> bool:
    """Say whether it is known whether the CSC lives and, if so, what it says; two processes are known as well."""
    if view.liveness is Liveness.BEATING:
        return view.reported is not None or view.duplicate
    return view.liveness is Liveness.SILENT


def is_leaving(view: CscView | None, target: Target) -> bool:
    """Say whether nothing is left but to wait for silence: it reported OFFLINE and will end its process."""
    wanted = target.state is SummaryState.OFFLINE
    return view is not None and wanted and not view.camera and view.reported is SummaryState.OFFLINE


def obstacle(view: CscView | None, target: Target, now: float) -> str | None:
    """Return why a CSC must not be commanded towards ``target`` now (monotonic), or None."""
    if view is None:
        return "nothing is known of it here"
    if target.state is SummaryState.FAULT:
        return "no command leads to FAULT"
    seen = view.reason.render(now)
    if view.liveness in {Liveness.FEED_DOWN, Liveness.UNREADABLE}:
        return f"it cannot be seen: {seen}"
    if view.duplicate:
        return seen
    if view.liveness is not Liveness.BEATING:
        return f"no heartbeat: {seen}"
    if view.reported is None:
        return seen
    if view.reported is SummaryState.OFFLINE and not view.camera:
        return "says OFFLINE: its process ends and takes no command"
    wants_up = target.state is not SummaryState.OFFLINE
    if view.reported is SummaryState.OFFLINE and wants_up and view.substate is CameraSubstate.PUBLISH_ONLY:
        return "is OFFLINE/PUBLISH_ONLY and takes commands only when it is AVAILABLE"
    return None
