"""The journal of a process that is killed by SIGKILL when a record is on disk, at that very moment or a while later."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence

from deploydash.core.run.records import RUN_RECORDS
from deploydash.journal.line import Entry
from deploydash.journal.write import JournalWriter


class DeadlyJournal(JournalWriter):
    """Kills its process after a record. ``left``: so many of the run's own, 0 for ever; ``late``: seconds later.

    With 0 seconds nothing of the record is folded, shown or sent. Where several records are written together, the rest
    of them is lost as a torn write loses them. Later, whatever is under way then is cut off in its middle.
    """

    left = 0
    late = 0.0

    def append_all(self, records: Sequence[object], utc: float, phase: str | None = "") -> list[Entry]:
        """Put records on disk, up to the last one that this process lives to see."""
        if not self.left:
            return super().append_all(records, utc, phase)
        own = [place for place, record in enumerate(records) if isinstance(record, RUN_RECORDS)]
        if len(own) < self.left:
            type(self).left -= len(own)
            return super().append_all(records, utc, phase)
        if self.late:
            type(self).left = 0
            timer = threading.Timer(self.late, os.kill, (os.getpid(), signal.SIGKILL))
            timer.daemon = True
            timer.start()
            return super().append_all(records, utc, phase)
        super().append_all(records[: own[self.left - 1] + 1], utc, phase)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody outlives SIGKILL")
