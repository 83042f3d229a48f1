"""A run over time, read from its journal when somebody looks at it. ``read`` is injected: nothing here knows a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deploydash.core.model import Roster
from deploydash.core.procedure.runbook import Runbook
from deploydash.core.views.timeline import Timeline
from deploydash.session.follow import Line


class JournalHistory:
    """Reads on in a journal (``ui.desk.History``)."""

    def __init__(self, runbook: Runbook, roster: Roster, read: Callable[[], Sequence[Line]]) -> None:
        self._timeline = Timeline(runbook, roster)
        self._read = read

    def read_on(self) -> Timeline:
        """Read what was written since the last call and return the run over time; waits for the disk.

        Raises:
            UserError: the journal is damaged.
            OSError: it cannot be read.
        """
        self._timeline.take([(line.utc, line.record) for line in self._read()])
        return self._timeline
