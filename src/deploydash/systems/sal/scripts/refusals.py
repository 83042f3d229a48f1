"""Why a ScriptQueue would not take a command or must not run a script, as far as that can be told before it is sent."""

from __future__ import annotations

import yaml

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Liveness, SummaryState
from deploydash.systems.sal.commanding.specs import ScriptSpec

_IN_ANY_STATE = frozenset({"pause", "showAvailableScripts"})
_SET_STATE = "set_summary_state.py"


def refuses(queue: CscId, command: str, view: CscView | None, now: float) -> str:
    """Return why a queue would not take a command as it is seen at ``now`` (monotonic), or nothing."""
    if view is None:
        return f"{queue} is not at this site"
    if view.liveness in {Liveness.UNREADABLE, Liveness.FEED_DOWN}:
        return f"{queue} cannot be seen: {view.reason.render(now)}"
    if view.liveness not in {Liveness.BEATING, Liveness.LATE}:
        return f"no heartbeat from {queue}, so it runs no script"
    if command not in _IN_ANY_STATE and view.reported is not SummaryState.ENABLED:
        told = view.reported.name if view.reported is not None else "in no known state"
        return f"{queue} is {told}: it takes scripts only when ENABLED"
    return ""


def itself(script: ScriptSpec) -> str:
    """Return why a queue must not run this script: it would take itself out of service; or nothing."""
    if script.path != _SET_STATE:
        return ""
    try:
        data = (yaml.safe_load(script.config) or {}).get("data") or []
        rows = [(str(row[0]).lower(), str(row[1]).upper()) for row in data]
    except (yaml.YAMLError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return f"the configuration of {_SET_STATE} is no list of CSCs and states"
    own = {str(script.queue).lower(), f"{script.queue.name}:*".lower()}
    if any(name in own and state != "ENABLED" for name, state in rows):
        return f"{script.queue} cannot run the script that takes itself down"
    return ""


def may_not_add(script: ScriptSpec, view: CscView | None, now: float) -> str:
    """Return why a script must not be added to its queue as that is seen at ``now`` (monotonic), or nothing."""
    return itself(script) or refuses(script.queue, "add", view, now)
