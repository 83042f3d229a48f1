"""``status``: one truthful snapshot, then exit."""

from __future__ import annotations

import asyncio
import json
import os
import shutil

from deploydash.cli.exits import Exit
from deploydash.cli.headless import until
from deploydash.cli.places import places
from deploydash.cli.report import is_met, status_document
from deploydash.cli.sites import open_site
from deploydash.config.pattern import parse_target
from deploydash.core.model import FeedName, FeedState
from deploydash.core.snapshot import Snapshot
from deploydash.ui.text import snapshot_text
from deploydash.wiring.read_only import read_only


def run(reference: str, target: str, *, as_json: bool, limit_s: float) -> Exit:
    """Print the snapshot of a site as soon as it is decided, and answer with the exit code."""
    site = open_site(reference)
    phase = parse_target(target)
    reader = read_only(site, os.environ, places().cache, phase)
    snapshot = asyncio.run(until(reader, is_answered, limit_s))
    if as_json:
        print(json.dumps(status_document(snapshot), indent=1, ensure_ascii=False))
    else:
        print(snapshot_text(snapshot, width=shutil.get_terminal_size((120, 40)).columns))
    return verdict(snapshot)


def is_answered(snapshot: Snapshot) -> bool:
    """Say whether looking longer would change nothing: all is decided, or Kafka cannot be read."""
    return snapshot.decided or kafka_state(snapshot) is FeedState.DOWN


def kafka_state(snapshot: Snapshot) -> FeedState:
    """Return the health of the Kafka feed."""
    states = [feed.state for feed in snapshot.feeds if feed.feed is FeedName.KAFKA]
    return states[0] if states else FeedState.CONNECTING


def verdict(snapshot: Snapshot) -> Exit:
    """Return 0 when all are at target or have none, 3 when that cannot be told, else 1."""
    if kafka_state(snapshot) not in {FeedState.UP, FeedState.DEGRADED} or not snapshot.decided:
        return Exit.CANNOT_TELL
    return Exit.YES if all(is_met(view) for view in snapshot.cscs if view.expected) else Exit.NO
