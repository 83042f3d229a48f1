"""As whom the scripts of a run command CSCs: those are no foreign hands."""

from __future__ import annotations

from deploydash.core.procedure.names import SAL
from deploydash.core.run.state import ItemStatus, RunState

_MAY_RUN = frozenset({ItemStatus.UNDER_WAY, ItemStatus.UNKNOWN})
_LATE_S = 30.0
"""So long after the end of a script what it commanded may still be acknowledged."""


def identities_of(state: RunState, utc: float) -> frozenset[str]:
    """Return as whom this run's scripts command CSCs at a UTC (ts_salobj: ``Script:100009``).

    A queue that starts anew counts its scripts anew, so an index belongs to ours only as long as ours may run.
    """
    return frozenset(
        progress.known_as
        for _, item, progress in state.work()
        if item.system == SAL and progress.known_as and (progress.status in _MAY_RUN or utc < progress.utc + _LATE_S)
    )
