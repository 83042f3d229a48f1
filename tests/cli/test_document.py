"""The JSON of ``status`` and ``wait``, key by key as CLI.md has it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema

from deploydash.cli.document import change_line, final_line, status_document, utc_text
from deploydash.core.fleet.snapshot import FeedView, Reason, Undecodable
from deploydash.core.model import (
    CameraSubstate,
    CscId,
    Effective,
    FeedName,
    FeedState,
    Liveness,
    Source,
    Target,
    Verdict,
)
from tests.support import snapshots
from tests.support.snapshots import NOW, UTC

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "status.json"
SCHEMA = Path(__file__).parents[1] / "data" / "golden" / "status.schema.json"

ESS = replace(
    snapshots.view(CscId("ESS", 104), "Envsys"),
    reported_utc=UTC - 371.308,
    liveness=Liveness.SILENT,
    beat_at=NOW - 41.04,
    effective=Effective.OFFLINE,
    inferred=True,
    verdict=Verdict.OFF_TARGET,
    reason=Reason("OFFLINE inferred: last state STANDBY, no beat for {age}", since=NOW - 41.04),
)
CAMERA = replace(
    snapshots.view(CscId("ATCamera")),
    camera=True,
    substate=CameraSubstate.AVAILABLE,
    effective=Effective.OFFLINE,
    target=Target.parse("OFFLINE/AVAILABLE"),
    reason=Reason("says OFFLINE/AVAILABLE"),
)
NEVER = replace(
    snapshots.view(CscId("CBP")),
    reported=None,
    reported_utc=None,
    source=Source.NONE,
    liveness=Liveness.UNSEEN,
    beat_at=NOW - 70,
    beat_at_least=True,
    effective=Effective.UNKNOWN,
    target=None,
    verdict=Verdict.NO_TARGET,
    reason=Reason("never seen"),
)
STRANGER = replace(
    snapshots.view(CscId("ESS", 999)),
    expected=False,
    target=None,
    verdict=Verdict.NO_TARGET,
    reason=Reason("says STANDBY; not in the site file"),
)
SNAPSHOT = snapshots.snapshot(
    [ESS, CAMERA, NEVER, STRANGER],
    feed_views=(
        FeedView(FeedName.KAFKA, FeedState.UP, "127.0.0.1:9094 (LSST_KAFKA_BROKER_ADDR)", NOW, 243.04, 0.2004, -0.5),
        FeedView(FeedName.SCHEMA_REGISTRY, FeedState.UP, "http://127.0.0.1:8081 (site file)", NOW),
        FeedView(FeedName.EFD, FeedState.OFF, "the site file names no EFD", NOW),
    ),
    undecodable=(Undecodable("lsst.sal.ESS.logevent_summaryState", 3, "schema 7 is unknown"),),
)


def test_the_document_is_the_golden_one() -> None:
    assert status_document(SNAPSHOT) == json.loads(GOLDEN.read_text())


def test_the_document_obeys_the_contracts_schema() -> None:
    jsonschema.validate(status_document(SNAPSHOT), json.loads(SCHEMA.read_text()))


def test_a_change_is_the_csc_as_status_has_it_with_its_time() -> None:
    line = change_line(ESS, SNAPSHOT)
    assert line == {"event": "change", "at": "2026-11-20T21:04:12.000Z", **status_document(SNAPSHOT)["cscs"][0]}


def test_the_final_line_names_who_is_missing_among_those_waited_for() -> None:
    waited = frozenset({ESS.csc, CAMERA.csc, NEVER.csc})
    assert final_line(SNAPSHOT, "limit", waited) == {
        "event": "final",
        "at": "2026-11-20T21:04:12.000Z",
        "result": "limit",
        "waited": 3,
        "missing": ["ESS:104"],
    }
    assert final_line(SNAPSHOT, "arrived", frozenset({CAMERA.csc}))["missing"] == []


def test_times_are_utc_with_milliseconds() -> None:
    assert utc_text(1_795_208_652.31) == "2026-11-20T21:04:12.310Z"
    assert utc_text(1_795_208_652.0) == "2026-11-20T21:04:12.000Z"
