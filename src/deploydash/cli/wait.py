"""``wait``: until every CSC of a pattern is at its target, or the limit has passed."""

from __future__ import annotations

import json
import os

from deploydash.cli import streams
from deploydash.cli.document import change_line, final_line, is_met
from deploydash.cli.exits import Exit
from deploydash.cli.headless import until
from deploydash.cli.places import places
from deploydash.cli.running import run as run_to_the_end
from deploydash.cli.sites import open_site_of_cscs
from deploydash.cli.status import READABLE, kafka_state, verdict_on
from deploydash.cli.telling import Telling
from deploydash.config.pattern import parse_pattern, parse_target
from deploydash.core.fleet.snapshot import CscView, Snapshot
from deploydash.core.model import CscId, FeedName, FeedState
from deploydash.errors import UserError
from deploydash.wiring.read_only import read_only


class Watcher:
    """Looks at every snapshot, tells each change once, and knows when there is nothing more to wait for.

    Nothing is told of a CSC before all are decided, so that no line says what a moment later is not true.
    """

    def __init__(self, waited: frozenset[CscId], telling: Telling, *, as_json: bool) -> None:
        self.waited = waited
        self._telling = telling
        self._as_json = as_json
        self._told: dict[CscId, tuple[str, str]] = {}
        self._was_readable = False
        self._kafka = ""

    def __call__(self, snapshot: Snapshot) -> bool:
        """Tell what changed since the last snapshot; answer whether all arrived or Kafka never could be read."""
        state = kafka_state(snapshot)
        self._tell_kafka(snapshot)
        self._was_readable |= state in READABLE
        if state is FeedState.DOWN and not self._was_readable:
            return True
        if not self._told and not snapshot.decided:
            return False
        views = [view for view in snapshot.cscs if view.csc in self.waited]
        for view in views:
            now = (view.effective.value, view.verdict.value)
            if self._told.get(view.csc) != now:
                self._tell(view, snapshot, first=view.csc not in self._told)
                self._told[view.csc] = now
        streams.look_for_readers()
        return snapshot.decided and state is FeedState.UP and all(is_met(view) for view in views)

    def _tell(self, view: CscView, snapshot: Snapshot, *, first: bool) -> None:
        if self._as_json:
            self._telling.out(json.dumps(change_line(view, snapshot)))
        elif not (first and is_met(view)):
            reason = view.reason.render(snapshot.at)
            self._telling.message(f"{view.csc}: {view.effective}, {view.verdict} ({reason})")

    def _tell_kafka(self, snapshot: Snapshot) -> None:
        [kafka] = [feed for feed in snapshot.feeds if feed.feed is FeedName.KAFKA]
        told = f"kafka {kafka.state}: {kafka.detail}"
        if kafka.state is not FeedState.CONNECTING and told != self._kafka:
            self._kafka = told
            self._telling.message(told)


def run(reference: str, target: str, only: str | None, *, limit_s: float, as_json: bool) -> Exit:
    """Wait and answer with the exit code; a table names those that are missing at the limit."""
    phase = parse_target(target)
    wanted = parse_pattern(only) if only else None
    site = open_site_of_cscs(reference)
    waited = frozenset(spec.csc for spec in site.roster.cscs if wanted is None or wanted(spec.csc))
    if not waited:
        raise UserError(f"no CSC of {site.roster.site} fits {only!r}", hint="deploydash status SITE lists them")
    reader = read_only(site, os.environ, places().cache, phase)
    telling = Telling()
    snapshot = run_to_the_end(until(reader, Watcher(waited, telling, as_json=as_json), limit_s))
    code = verdict_on([view for view in snapshot.cscs if view.csc in waited], snapshot)
    if as_json:
        word = {Exit.YES: "arrived", Exit.NO: "limit"}.get(code, "cannot_tell")
        telling.out(json.dumps(final_line(snapshot, word, waited)))
    else:
        telling.out(table(snapshot, waited))
    telling.finish()
    return code


def table(snapshot: Snapshot, waited: frozenset[CscId]) -> str:
    """Return one line per CSC that has not arrived, or one line that says all have."""
    missing = [view for view in snapshot.cscs if view.csc in waited and not is_met(view)]
    head = f"{len(waited) - len(missing)} of {len(waited)} at target {snapshot.target}"
    rows = [f"  {view.csc!s:<22} {view.effective:<9} {view.reason.render(snapshot.at)}" for view in missing]
    return "\n".join([head, *rows])
