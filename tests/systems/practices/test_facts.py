"""Whether an application may be deployed now: the okay by name, the notice long enough ago, the window."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from deploydash.config.load import load_site
from deploydash.config.practices import find_practices, load_practices, parse_practices
from deploydash.core.fleet.facts import Fact
from deploydash.errors import ConfigurationError
from deploydash.systems.practices.facts import ANYWHERE, Known, Wanted, facts_of
from deploydash.systems.practices.settings import PRACTICES as PRACTICES_SYSTEM
from deploydash.systems.practices.settings import PracticesSettings
from deploydash.systems.practices.windows import announced
from deploydash.wiring.practised import unknown_services, wanted
from deploydash.wiring.tables import READING

SITES = Path(__file__).parents[3] / "sites"
PRACTICES = load_practices(SITES / "practices.yaml")
SCIENCE = PracticesSettings.model_validate({"environment": "Prod", "applications": {"nublado": "rsp-science"}})
TELESCOPE = PracticesSettings.model_validate({"environment": "Prod", "applications": {"nublado": "rsp-telescope"}})
ALL = {ANYWHERE: datetime(2026, 12, 1, 22, tzinfo=UTC)}
TUESDAY, WINDOW = datetime(2026, 12, 1, 22, tzinfo=UTC), datetime(2026, 12, 2, 22, 30, tzinfo=UTC)


def told(settings: PracticesSettings, known: Known, now: datetime) -> dict[str, Fact]:
    asked = wanted(settings, PRACTICES)["nublado"]
    return {fact.name.split("/")[0]: fact for fact in facts_of("nublado", asked, known, now, "America/Santiago")}


def test_a_science_deployment_needs_the_release_manager_and_24_hours() -> None:
    nobody = told(SCIENCE, Known(), TUESDAY)
    assert nobody["practice-blessing"].sentence == "the release manager has not okayed it by name"
    assert nobody["practice-notice"].sentence == "no notice in #rsp-team; it is to be posted 24 h before"
    assert nobody["practice-window"].ok
    early = told(SCIENCE, Known("Ana", {"#rsp-team": TUESDAY - timedelta(hours=23)}), TUESDAY)
    assert early["practice-blessing"].ok
    assert not early["practice-notice"].ok
    assert "long enough ago from 2026-12-01 23:00Z" in early["practice-notice"].sentence
    assert all(
        fact.ok for fact in told(SCIENCE, Known("Ana", {"#rsp-team": TUESDAY - timedelta(hours=24)}), TUESDAY).values()
    )


def test_a_telescope_deployment_needs_a_notice_and_its_window() -> None:
    closed = told(TELESCOPE, Known("", ALL), TUESDAY)["practice-window"]
    assert not closed.ok
    assert "is next Wed 2026-12-02 19:00 America/Santiago (2026-12-02 22:00Z)" in closed.sentence
    assert all(fact.ok for fact in told(TELESCOPE, Known("", ALL), WINDOW).values())


def test_notice_counts_in_every_channel_of_the_chart_from_the_last_of_them() -> None:
    hour = timedelta(hours=1)
    half = told(TELESCOPE, Known("", {"#com-square": TUESDAY - hour, "#summit-announce": TUESDAY}), WINDOW)
    assert half["practice-notice"].sentence == "no notice in #summit-testing-announcements; it is to be posted"
    both = {"#com-square": TUESDAY - hour, "#summit-testing-announcements": TUESDAY}
    assert told(TELESCOPE, Known("", both), WINDOW)["practice-notice"].sentence == (
        "posted in #com-square and #summit-testing-announcements 2026-12-01 22:00Z"
    )


def test_a_channel_of_the_chart_may_have_another_name_at_a_site() -> None:
    site = load_site(SITES / "summit.yaml", READING)
    settings = site.sections[PRACTICES_SYSTEM]
    assert isinstance(settings, PracticesSettings)
    asked = wanted(settings, PRACTICES)["nublado"]
    assert asked is not None
    assert asked.channels == ("#com-square", "#summit-announce")


def test_a_cycle_whose_date_was_announced_and_confirmed_has_its_own_window() -> None:
    thursday = datetime(2026, 12, 3, 12, tzinfo=UTC)
    own = announced(thursday.date(), time(8, 30), "America/Santiago", timedelta(hours=1))
    assert told(TELESCOPE, Known("Ana", ALL, own), thursday)["practice-window"].ok
    later = told(TELESCOPE, Known("Ana", ALL, own), thursday + timedelta(days=1))["practice-window"]
    assert (later.ok, "the announced window: was Thu 2026-12-03" in later.sentence) == (False, True)


def test_where_no_practice_is_written_nothing_is_asked() -> None:
    assert all(fact.ok for fact in facts_of("x", None, Known(), TUESDAY, "UTC"))
    assert all(fact.ok for fact in facts_of("x", Wanted("at will"), Known(), TUESDAY, "UTC"))


@pytest.mark.parametrize("name", ["summit", "tucson-teststand", "base-teststand"])
def test_every_service_of_a_site_is_in_the_chart(name: str) -> None:
    site = load_site(SITES / f"{name}.yaml", READING)
    assert list(unknown_services(site, load_practices(find_practices(site.path)))) == []


def test_every_row_of_the_chart_is_there_and_nothing_formal_syncs_by_itself() -> None:
    assert [each.service for each in PRACTICES.services] == [
        "rsp-science",
        "rsp-telescope",
        "efd",
        "roundtable",
        "community",
    ]
    automatic = [
        (each.service, environment)
        for each in PRACTICES.services
        for environment in ("Bleed", "Dev", "Int", "Prod")
        if (practice := each.at(environment)) is not None and practice.automatic
    ]
    assert automatic == [("rsp-science", "Bleed")]


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("window: telescope", "window: tuesday", "services.1.Int", "no window is called 'tuesday'"),
        ("notice: 24h", "notice: soon", "services.0.Prod.notice", "'soon' is not a time"),
        ("day: Thursday", "day: Someday", "windows.others.day", "'Someday' is not a day"),
        ("{said: Automatic, automatic: true}\n    Dev: {", "{said: Automatic}\n    Dev: {", "", ""),
        (
            "      notice: 24h",
            "      notice: 24h\n      automatic: true",
            "services.0.Prod",
            "nothing syncs by itself in Prod",
        ),
        ("service: efd", "service: rsp-science", "services.2.service", "rsp-science stands twice"),
    ],
)
def test_what_is_wrong_with_practices_is_said_with_its_place(old: str, new: str, key: str, message: str) -> None:
    text = (SITES / "practices.yaml").read_text("utf-8")
    assert old in text
    if not message:
        assert parse_practices(text.replace(old, new, 1), "f")
        return
    with pytest.raises(ConfigurationError) as caught:
        parse_practices(text.replace(old, new, 1), "f")
    assert any(problem.key == key and message in problem.message for problem in caught.value.problems), caught.value
