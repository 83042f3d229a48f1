"""``status``: one truthful snapshot, then exit."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence

from deploydash.cli import began, streams
from deploydash.cli.document import is_met, status_document
from deploydash.cli.exits import Exit
from deploydash.cli.headless import until
from deploydash.cli.places import places
from deploydash.cli.running import run as run_to_the_end
from deploydash.cli.sites import open_site_of_cscs
from deploydash.cli.terminal import is_capable
from deploydash.config.pattern import parse_target
from deploydash.core.fleet.snapshot import CscView, Snapshot
from deploydash.core.model import FeedName, FeedState, Verdict
from deploydash.ui.draw import glyphs
from deploydash.ui.draw.text import snapshot_text
from deploydash.wiring.read_only import read_only

READABLE = frozenset({FeedState.UP, FeedState.DEGRADED})
"""The states of the Kafka feed in which what it says can be believed."""


def run(reference: str, target: str, *, as_json: bool, limit_s: float) -> Exit:
    """Print the snapshot of a site as soon as it is decided, and answer with the exit code."""
    site = open_site_of_cscs(reference)
    phase = parse_target(target)
    reader = read_only(site, os.environ, places().cache, phase, began.AT)
    snapshot = run_to_the_end(until(reader, is_answered, limit_s))
    if as_json:
        print(json.dumps(status_document(snapshot), indent=1))
    else:
        print_snapshot(snapshot)
    return verdict(snapshot)


def print_snapshot(snapshot: Snapshot) -> None:
    """Print a snapshot for the eye: in colour on a terminal that has any, in signs that the output can carry."""
    width = shutil.get_terminal_size((120, 40)).columns
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and is_capable(os.environ)
    signs = glyphs.choose(sys.stdout.encoding or "ascii", os.environ)
    streams.draw(snapshot_text(snapshot, width=width, colour=colour, glyphs=signs))


def is_answered(snapshot: Snapshot) -> bool:
    """Say whether looking longer would change nothing: all is decided by a feed that is read, or Kafka cannot be read.

    On a fast machine the last CSC is decided by the log some milliseconds before the feed itself says that it is up.
    """
    kafka = kafka_state(snapshot)
    return kafka is FeedState.DOWN or (snapshot.decided and kafka in READABLE)


def kafka_state(snapshot: Snapshot) -> FeedState:
    """Return the health of the Kafka feed."""
    states = [feed.state for feed in snapshot.feeds if feed.feed is FeedName.KAFKA]
    return states[0] if states else FeedState.CONNECTING


def verdict(snapshot: Snapshot) -> Exit:
    """Return 0 when all are at target or have none, 3 when that cannot be told, else 1."""
    return verdict_on([view for view in snapshot.cscs if view.expected], snapshot)


def verdict_on(views: Sequence[CscView], snapshot: Snapshot) -> Exit:
    """Return the exit code about these CSCs, as ``verdict``."""
    kafka = kafka_state(snapshot)
    if kafka not in READABLE or not snapshot.decided:
        return Exit.CANNOT_TELL
    if kafka is FeedState.DEGRADED and views and all(view.verdict is Verdict.UNKNOWN for view in views):
        # An account that may see no topic is answered by the broker and still learns nothing.
        return Exit.CANNOT_TELL
    return Exit.YES if all(is_met(view) for view in views) else Exit.NO
