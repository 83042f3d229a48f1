"""Snapshot to the JSON of ``status`` (CLI.md, format ``deploydash.status/1``)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from deploydash.core.fleet.snapshot import CscView, FeedView, Snapshot
from deploydash.core.model import CscId

FORMAT = "deploydash.status/1"


def status_document(snapshot: Snapshot) -> dict[str, Any]:
    """Return the one document of ``status --json``."""
    return {
        "format": FORMAT,
        "site": snapshot.roster.site,
        "at": utc_text(snapshot.utc),
        "target": snapshot.target,
        "feeds": {str(feed.feed): _feed(feed) for feed in snapshot.feeds},
        "summary": _summary(snapshot),
        "undecodable": {
            "records": sum(entry.records for entry in snapshot.undecodable),
            "topics": {entry.topic: entry.records for entry in snapshot.undecodable},
        },
        "cscs": [_csc(view, snapshot.at) for view in snapshot.cscs],
    }


def change_line(view: CscView, snapshot: Snapshot) -> dict[str, Any]:
    """Return one line of ``wait --json``: a CSC as ``status`` has it, with the time."""
    return {"event": "change", "at": utc_text(snapshot.utc), **_csc(view, snapshot.at)}


def final_line(snapshot: Snapshot, result: str, waited: frozenset[CscId]) -> dict[str, Any]:
    """Return the last line of ``wait --json``: ``arrived``, ``limit`` or ``cannot_tell``, and who is missing."""
    missing = [str(view.csc) for view in snapshot.cscs if view.csc in waited and not is_met(view)]
    return {"event": "final", "at": utc_text(snapshot.utc), "result": result, "waited": len(waited), "missing": missing}


def is_met(view: CscView) -> bool:
    """Say whether a CSC is at its target or has none."""
    return view.verdict.value in {"at_target", "no_target"}


def utc_text(unix: float) -> str:
    """Return UTC unix seconds as ISO 8601 with milliseconds and Z."""
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _feed(feed: FeedView) -> dict[str, Any]:
    document: dict[str, Any] = {"state": feed.state.value, "detail": feed.detail}
    if feed.lag_s is not None:
        document["lag_s"] = round(feed.lag_s, 3)
    if feed.skew_s is not None:
        document["skew_s"] = round(feed.skew_s, 3)
    if feed.rate is not None:
        document["rate"] = round(feed.rate, 1)
    return document


def _summary(snapshot: Snapshot) -> dict[str, Any]:
    summary = snapshot.summary
    return {
        "expected": summary.expected,
        "at_target": summary.at_target,
        "moving": summary.moving,
        "off_target": summary.off_target,
        "unknown": summary.unknown,
        "no_target": summary.no_target,
        "unexpected": [str(csc) for csc in summary.unexpected],
    }


def _csc(view: CscView, now: float) -> dict[str, Any]:
    document: dict[str, Any] = {
        "csc": str(view.csc),
        "group": view.group,
        "reported": view.reported.name if view.reported is not None else None,
        "reported_at": utc_text(view.reported_utc) if view.reported_utc is not None else None,
        "source": view.source.value,
        "liveness": view.liveness.value,
        "beat_age_s": round(now - view.beat_at, 1) if view.beat_at is not None else None,
        "beat_age_at_least": view.beat_at_least,
        "effective": view.effective.value,
        "inferred": view.inferred,
        "target": str(view.target) if view.target is not None else None,
        "verdict": view.verdict.value,
        "reason": view.reason.render(now),
    }
    if view.camera:
        document["substate"] = view.substate.name if view.substate is not None else None
    return document
