"""What other systems report about a CSC: the likely reason of one that is off target, for as long as it departs."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.fleet.facts import Fact, is_old, newest_first
from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import FactRead, FeedChanged
from deploydash.core.fleet.records import FactNoted
from deploydash.core.model import CscId, FeedState, Phase
from tests.support.builders import Watched, roster
from tests.support.clock import START_UTC


def fact(sentence: str, *, about: str = "ESS:104", ok: bool = False, name: str = "cluster/envsys/ess104") -> Fact:
    return Fact("cluster", name, about, ok, "", sentence, START_UTC)


def watch() -> Watched:
    watched = Watched(Fleet(roster("ESS:104", "ESS:105"), 0.0, Phase()))
    watched.see(FeedChanged("cluster", FeedState.UP, "cluster.example.org", 0.0))
    return watched


def test_what_departs_is_the_likely_reason_of_its_csc_alone_until_it_is_right_again() -> None:
    watched = watch()
    assert watched.view("ESS:104").likely == ""
    watched.see(FactRead(fact("its pod cannot pull its image"), 0.0))
    assert watched.view("ESS:104").likely == "cluster: its pod cannot pull its image"
    assert watched.view("ESS:105").likely == ""
    watched.see(FactRead(fact("its pod runs", ok=True), 1.0))
    assert watched.view("ESS:104").likely == ""


def test_a_fact_about_no_csc_and_one_that_moved_to_another_csc_leave_none_behind() -> None:
    watched = watch()
    watched.see(FactRead(fact("nobody posted it", about="", name="notice"), 0.0))
    watched.see(FactRead(fact("a mount fails", about="ESS:105"), 0.0))
    watched.see(FactRead(fact("a mount fails"), 1.0))
    assert [watched.view(name).likely for name in ("ESS:104", "ESS:105")] == ["cluster: a mount fails", ""]


def test_several_are_told_and_the_rest_is_counted() -> None:
    watched = watch()
    for number in range(4):
        watched.see(FactRead(fact(f"pod {number} is wrong", name=f"pod{number}"), 0.0))
    assert watched.view("ESS:104").likely == "cluster: pod 0 is wrong; cluster: pod 1 is wrong; 2 more"


def test_what_is_no_longer_read_says_so() -> None:
    watched = watch()
    watched.see(FactRead(fact("a mount fails"), 0.0))
    watched.see(FeedChanged("cluster", FeedState.DOWN, "it does not answer", 1.0))
    assert watched.view("ESS:104").likely == "cluster: a mount fails (not read since its feed was lost)"
    watched.see(FeedChanged("cluster", FeedState.UP, "", 2.0))
    assert watched.view("ESS:104").likely == "cluster: a mount fails"


def test_a_reading_that_tells_nothing_new_changes_no_view_and_is_no_record() -> None:
    watched = watch()
    watched.see(FactRead(fact("a mount fails"), 0.0))
    before, records = watched.view("ESS:104"), len(watched.records)
    watched.see(FactRead(replace(fact("a mount fails"), read_utc=START_UTC + 5), 5.0))
    assert watched.view("ESS:104") is before
    assert len(watched.records) == records
    assert watched.snapshot().facts[0].read_utc == START_UTC + 5
    replayed = Fleet(roster("ESS:104"), 0.0, Phase(), live=False)
    for record in watched.records:
        replayed.apply(record)
    [view] = replayed.snapshot(1.0, START_UTC).cscs
    assert (view.csc, view.likely) == (CscId("ESS", 104), "cluster: a mount fails")
    assert sum(isinstance(record, FactNoted) for record in watched.records) == 1


def test_facts_stand_departing_first_and_an_old_one_is_marked() -> None:
    right = fact("fine", ok=True, name="a")
    wrong, older = fact("wrong", name="b"), replace(fact("wrong, too", name="c"), read_utc=START_UTC - 61)
    assert newest_first((right, older, wrong)) == (wrong, older, right)
    assert [is_old(each, START_UTC) for each in (wrong, older)] == [False, True]
