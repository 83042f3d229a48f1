"""What CSCs run against what is wanted, and who is the odd one out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import FactRead, VersionsTold
from deploydash.core.fleet.versions import Running, compared, follows, running_of
from deploydash.core.model import CscId, Liveness, Phase
from tests.support.builders import Watched, roster
from tests.support.clock import START_UTC
from tests.support.snapshots import view

ATAOS, ESS, DOME, CAMERA = (CscId.parse(name) for name in ("ATAOS", "ESS:104", "MTDome", "MTCamera"))


@pytest.mark.parametrize(
    ("image", "same"),
    [
        ("c0046", True),
        ("c0046.003", True),
        ("c0046.3", False),
        ("c0046.0031", False),
        ("c00461", False),
        ("c0044.006", False),
        ("c0046-rc1", False),
        ("latest", False),
    ],
)
def test_a_tag_follows_its_cycle_with_or_without_a_revision(image: str, same: bool) -> None:
    assert follows(image, "c0046") is same


def test_each_departure_is_named_with_what_is_wanted() -> None:
    found = compared(
        [
            Running(ATAOS, "c0044.006", "28.0.1", "2.1.0"),
            Running(ESS, "c0046", "27.0.0"),
            Running(DOME, "c0046.001", "28.0.1"),
            Running(CAMERA, "", "28.0.1"),
        ],
        "c0046",
    )
    assert (found.of, found.tag, found.xml, found.untold) == (4, "c0046", "28.0.1", ())
    assert found.odd == {
        ATAOS: "runs image c0044.006, not c0046 (version 2.1.0)",
        ESS: "reports XML 27.0.0, not 28.0.1",
    }


def test_the_xml_of_those_with_the_right_image_counts_however_many_others_there_are() -> None:
    old = [Running(CscId("ESS", index), "c0044", "27.0.0") for index in range(1, 5)]
    found = compared([*old, Running(DOME, "c0046", "28.0.1")], "c0046")
    assert found.xml == "28.0.1"
    assert set(found.odd) == {one.csc for one in old}


def test_without_a_cycle_the_most_frequent_one_counts() -> None:
    found = compared([Running(ATAOS, "c0046.002"), Running(ESS, "c0046"), Running(DOME, "c0044.001")])
    assert found.tag == "c0046"
    assert found.odd == {DOME: "runs image c0044.001, not c0046"}


def test_of_whom_nothing_is_known_is_said_and_who_does_not_run_is_left() -> None:
    views = [
        view(ATAOS, image="c0046", xml_version="28.0.1"),
        view(ESS),
        view(DOME, image="c0044", liveness=Liveness.SILENT),
        replace(view(CAMERA, image="c0044"), expected=False),
    ]
    found = compared(running_of(views), "c0046")
    assert (found.of, found.odd, found.untold) == (2, {}, (ESS,))
    assert compared([], "c0046").odd == {}


def test_a_view_has_what_its_csc_reports_and_what_another_system_says_that_it_runs() -> None:
    watched = Watched(Fleet(roster("ESS:104"), 0.0, Phase()))
    watched.see(VersionsTold(ESS, "1.2.3", "28.0.1", START_UTC, 0.0, live=True))
    running = Fact("cluster", "cluster/ESS:104", "ESS:104", True, "running", "it runs", START_UTC, "c0046.003")
    watched.see(FactRead(running, 0.0))
    seen = watched.view("ESS:104")
    assert (seen.image, seen.xml_version, seen.csc_version) == ("c0046.003", "28.0.1", "1.2.3")
    watched.see(FactRead(replace(running, version=""), 1.0))
    assert watched.view("ESS:104").image == ""
