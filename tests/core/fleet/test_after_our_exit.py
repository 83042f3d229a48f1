"""After our exitControl was acknowledged, three seconds without a beat are enough; and foreign hands are told."""

from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import CommandSeen, ExitAcknowledged, FetchesResumed
from deploydash.core.model import CscId, Effective, Liveness, Phase, SummaryState, Target
from tests.support.builders import Watched, beat, roster, told

ATAOS = CscId("ATAOS")


def beating_in_standby() -> Watched:
    watched = Watched(Fleet(roster("ATAOS STANDBY"), 0.0, Phase(Target(SummaryState.OFFLINE))))
    watched.see(FetchesResumed(frozenset({"ATAOS"}), 0.0))
    watched.see(told("ATAOS", "STANDBY", 0.0, life="7/1"), beat("ATAOS", "7/1", 0.0))
    for second in range(1, 5):
        watched.until(float(second))
        watched.see(beat("ATAOS", f"7/{second + 1}", float(second)))
    watched.until(4.5)
    return watched


def test_three_seconds_after_the_acknowledgement_a_csc_that_never_tells_offline_is_offline() -> None:
    watched = beating_in_standby()
    watched.see(ExitAcknowledged(ATAOS, 4.5))
    watched.until(7.25)
    assert watched.view("ATAOS").liveness is Liveness.BEATING
    watched.until(7.75)
    view = watched.view("ATAOS")
    assert (view.liveness, view.effective, view.inferred) == (Liveness.SILENT, Effective.OFFLINE, True)


def test_without_our_acknowledgement_its_own_limit_counts() -> None:
    watched = beating_in_standby()
    watched.until(13.5)
    assert watched.view("ATAOS").liveness is Liveness.LATE
    watched.until(14.5)
    assert watched.view("ATAOS").liveness is Liveness.SILENT


def test_a_new_process_has_its_whole_limit_again() -> None:
    watched = beating_in_standby()
    watched.see(ExitAcknowledged(ATAOS, 4.5))
    watched.until(6.0)
    watched.see(beat("ATAOS", "8/1", 6.0))
    watched.until(10.0)
    assert watched.view("ATAOS").liveness is Liveness.BEATING
    watched.until(16.5)
    assert watched.view("ATAOS").liveness is Liveness.SILENT


def test_a_command_of_somebody_else_is_an_event_with_who_and_which_csc() -> None:
    watched = beating_in_standby()
    watched.see(CommandSeen(ATAOS, "somebody@elsewhere", "done", 4.5))
    line = watched.snapshot().events[-1]
    assert (line.subject, line.change) == ("ATAOS", "commanded by another")
    assert "somebody@elsewhere" in line.detail
    assert not line.calm
