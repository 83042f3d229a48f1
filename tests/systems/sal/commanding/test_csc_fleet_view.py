"""What may be believed of a CSC."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.fleet.snapshot import CscView, Reason
from deploydash.core.model import CameraSubstate, CscId, Effective, Liveness, SummaryState, Target, Verdict
from deploydash.core.run.sight import is_at
from deploydash.systems.sal.commanding.csc_fleet_view import is_decided, is_leaving, obstacle
from tests.support.runs import view

S, L = SummaryState, Liveness
ESS, CAMERA = CscId("ESS", 104), CscId("MTCamera")
OFFLINE, STANDBY = Target(S.OFFLINE), Target(S.STANDBY)
AVAILABLE = Target(S.OFFLINE, CameraSubstate.AVAILABLE)


def camera(state: SummaryState, liveness: Liveness = L.BEATING, substate: CameraSubstate | None = None) -> CscView:
    return replace(view(CAMERA, state, liveness), camera=True, substate=substate)


@pytest.mark.parametrize(
    ("seen", "target", "there"),
    [
        (view(ESS, S.STANDBY), STANDBY, True),
        (view(ESS, S.STANDBY, L.LATE), STANDBY, True),
        (view(ESS, S.DISABLED), STANDBY, False),
        (view(ESS, S.STANDBY, L.FEED_DOWN), STANDBY, False),
        (replace(view(ESS, S.STANDBY), duplicate=True), STANDBY, False),
        (view(ESS, S.ENABLED, L.SILENT, Effective.LOST), STANDBY, False),
        (view(ESS, S.OFFLINE), OFFLINE, False),
        (view(ESS, S.OFFLINE, L.LATE), OFFLINE, False),
        (view(ESS, S.OFFLINE, L.SILENT), OFFLINE, True),
        (view(ESS, S.STANDBY, L.SILENT, Effective.OFFLINE), OFFLINE, True),
        (replace(view(ESS, S.OFFLINE, L.UNSEEN), verdict=Verdict.UNKNOWN), OFFLINE, False),
        (camera(S.OFFLINE), OFFLINE, True),
        (camera(S.OFFLINE, substate=CameraSubstate.AVAILABLE), AVAILABLE, True),
        (camera(S.OFFLINE, L.SILENT, CameraSubstate.AVAILABLE), AVAILABLE, False),
        (camera(S.OFFLINE, substate=CameraSubstate.PUBLISH_ONLY), AVAILABLE, False),
        (None, OFFLINE, False),
    ],
)
def test_a_csc_is_there_only_by_what_lives_or_by_its_silence(seen: CscView | None, target: Target, there: bool) -> None:
    assert is_at(seen, target) is there


def test_only_a_csc_that_ends_its_process_is_waited_for() -> None:
    assert is_leaving(view(ESS, S.OFFLINE), OFFLINE)
    assert not is_leaving(view(ESS, S.OFFLINE), STANDBY)
    assert not is_leaving(camera(S.OFFLINE), OFFLINE)
    assert not is_leaving(view(ESS, S.STANDBY), OFFLINE)


def test_what_may_still_become_clear_is_not_decided() -> None:
    assert is_decided(view(ESS))
    assert is_decided(view(ESS, liveness=L.SILENT))
    assert not is_decided(replace(view(ESS), reported=None))
    assert not any(is_decided(view(ESS, liveness=how)) for how in (L.LATE, L.UNSEEN, L.FEED_DOWN, L.UNREADABLE))


@pytest.mark.parametrize(
    ("seen", "target", "why"),
    [
        (view(ESS), OFFLINE, None),
        (camera(S.OFFLINE), STANDBY, None),
        (None, OFFLINE, "nothing is known of it here"),
        (view(ESS), Target(S.FAULT), "no command leads to FAULT"),
        (view(ESS, liveness=L.FEED_DOWN), OFFLINE, "it cannot be seen: as told 7 s ago"),
        (replace(view(ESS), duplicate=True), OFFLINE, "as told 7 s ago"),
        (view(ESS, liveness=L.SILENT), OFFLINE, "no heartbeat: as told 7 s ago"),
        (view(ESS, liveness=L.LATE), OFFLINE, "no heartbeat: as told 7 s ago"),
        (view(ESS, liveness=L.UNREADABLE), OFFLINE, "it cannot be seen: as told 7 s ago"),
        (replace(view(ESS), reported=None), OFFLINE, "as told 7 s ago"),
        (view(ESS, S.OFFLINE), STANDBY, "says OFFLINE: its process ends and takes no command"),
        (
            camera(S.OFFLINE, substate=CameraSubstate.PUBLISH_ONLY),
            STANDBY,
            "is OFFLINE/PUBLISH_ONLY and takes commands only when it is AVAILABLE",
        ),
    ],
)
def test_why_a_csc_is_not_commanded_is_said(seen: CscView | None, target: Target, why: str | None) -> None:
    told = None if seen is None else replace(seen, reason=Reason("as told {age} ago", 3.0))
    assert obstacle(told, target, 10.0) == why
