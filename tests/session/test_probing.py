"""When it is looked at what is unknown after a resume."""

from __future__ import annotations

from deploydash.session.probing import AGAIN_S, PROBE_AFTER_S, Probing
from tests.support.clock import ManualClock


class Counting:
    """Notes each look. ``left``: whether something is left of which nobody can tell."""

    def __init__(self, *, left: bool = False) -> None:
        self.left = left
        self.looks: list[bool] = []

    def probe(self, *, again: bool = False) -> bool:
        self.looks.append(again)
        return self.left


def test_it_is_looked_once_every_csc_is_decided_and_at_the_latest_when_the_time_is_over() -> None:
    for decided, after in ((True, 1.0), (False, PROBE_AFTER_S)):
        clock, prober = ManualClock(), Counting()
        probing = Probing(prober, clock)
        probing.tend(decided=True)
        probing.resumed()
        probing.tend(decided=False)
        assert prober.looks == []
        clock.advance(after)
        probing.tend(decided=decided)
        assert prober.looks == [False]


def test_what_could_not_be_told_is_looked_at_again_and_again_until_nothing_is_left() -> None:
    clock, prober = ManualClock(), Counting(left=True)
    probing = Probing(prober, clock)
    probing.resumed()
    for _ in range(3):
        probing.tend(decided=True)
        probing.tend(decided=True)
        clock.advance(AGAIN_S)
    prober.left = False
    for _ in range(3):
        probing.tend(decided=True)
        clock.advance(AGAIN_S)
    assert prober.looks == [False, True, True, True]
