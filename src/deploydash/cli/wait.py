"""``wait``: until every CSC of a pattern is at its target, or the limit has passed."""

from __future__ import annotations

import asyncio
import json
import os
import sys

from deploydash.cli.exits import Exit
from deploydash.cli.headless import until
from deploydash.cli.places import places
from deploydash.cli.report import change_line, final_line, is_met
from deploydash.cli.sites import open_site
from deploydash.cli.status import kafka_state
from deploydash.config.pattern import parse_pattern, parse_target
from deploydash.core.model import CscId, FeedState
from deploydash.core.snapshot import CscView, Snapshot
from deploydash.errors import UserError
from deploydash.wiring.read_only import read_only


class Watcher:
    """Looks at every snapshot, tells each change once, and knows when all have arrived."""

    def __init__(self, waited: frozenset[CscId], *, as_json: bool) -> None:
        self.waited = waited
        self._as_json = as_json
        self._told: dict[CscId, tuple[str, str]] = {}

    def __call__(self, snapshot: Snapshot) -> bool:
        """Tell what changed since the last snapshot; answer whether all arrived."""
        views = [view for view in snapshot.cscs if view.csc in self.waited]
        for view in views:
            now = (view.effective.value, view.verdict.value)
            if self._told.get(view.csc) != now:
                self._told[view.csc] = now
                self._tell(view, snapshot)
        return snapshot.decided and kafka_state(snapshot) is FeedState.UP and all(is_met(view) for view in views)

    def _tell(self, view: CscView, snapshot: Snapshot) -> None:
        if self._as_json:
            print(json.dumps(change_line(view, snapshot), ensure_ascii=False), flush=True)
        elif snapshot.decided:
            sentence = f"{view.csc}: {view.effective}, {view.verdict} ({view.reason.render(snapshot.at)})"
            print(sentence, file=sys.stderr, flush=True)


def run(reference: str, target: str, only: str | None, *, limit_s: float, as_json: bool) -> Exit:
    """Wait and answer with the exit code; a table names those that are missing at the limit."""
    site = open_site(reference)
    reader = read_only(site, os.environ, places().cache, parse_target(target))
    wanted = parse_pattern(only) if only else None
    waited = frozenset(spec.csc for spec in site.roster.cscs if wanted is None or wanted(spec.csc))
    if not waited:
        raise UserError(f"no CSC of {site.roster.site} fits {only!r}", hint="deploydash status SITE lists them")
    watcher = Watcher(waited, as_json=as_json)
    snapshot = asyncio.run(until(reader, watcher, limit_s))
    code = outcome(snapshot, waited)
    if as_json:
        word = {Exit.YES: "arrived", Exit.NO: "limit"}.get(code, "cannot_tell")
        print(json.dumps(final_line(snapshot, word, waited)), flush=True)
    else:
        print(table(snapshot, waited))
    return code


def outcome(snapshot: Snapshot, waited: frozenset[CscId]) -> Exit:
    """Return 0 when all arrived, 3 when Kafka or an undecided liveness forbids an answer, else 1."""
    if kafka_state(snapshot) not in {FeedState.UP, FeedState.DEGRADED} or not snapshot.decided:
        return Exit.CANNOT_TELL
    return Exit.YES if all(is_met(view) for view in snapshot.cscs if view.csc in waited) else Exit.NO


def table(snapshot: Snapshot, waited: frozenset[CscId]) -> str:
    """Return one line per CSC that has not arrived, or one line that says all have."""
    missing = [view for view in snapshot.cscs if view.csc in waited and not is_met(view)]
    head = f"{len(waited) - len(missing)} of {len(waited)} at target {snapshot.target}"
    rows = [f"  {view.csc!s:<22} {view.effective:<9} {view.reason.render(snapshot.at)}" for view in missing]
    return "\n".join([head, *rows])
