"""``check`` reads this user's own file of owners, too: better now than when somebody is to be called."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploydash.cli.check import owners
from deploydash.cli.sites import open_site
from deploydash.config.owners import FILE
from deploydash.wiring.tables import READING

SITE = str(Path(__file__).parents[2] / "sites" / "summit.yaml")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "deploydash").mkdir()
    return tmp_path / "deploydash" / FILE


def test_a_file_that_cannot_be_used_is_red_with_its_line(own: Path) -> None:
    own.write_text("owners:\n  - {owner: dome team, cscs: [MTDome], phone: 7}\n", encoding="utf-8")
    (found,) = owners(open_site(SITE))
    assert (found.level, found.subject) == ("red", "owners")
    assert f"{own}:2" in found.sentence


def test_a_good_file_says_of_how_many_the_owner_is_known_and_none_says_nothing(own: Path) -> None:
    site = open_site(SITE)
    assert owners(site) == []
    own.write_text('owners:\n  - {owner: dome team, cscs: [MTDome, "ESS:*"]}\n', encoding="utf-8")
    (found,) = owners(site)
    assert (found.level, found.sentence) == ("ok", "of 40 of 117 CSCs the owner is known")


def test_it_says_of_how_many_who_say_go_the_name_is_known_and_which_is_nearly_one(own: Path) -> None:
    site = open_site(SITE, table=READING)
    own.write_text(
        "owners:\n"
        "  - {owner: mirror team, person: Bo, says_go_for: [M1M3 and M2]}\n"
        "  - {owner: camera team, says_go_for: [camera, elsewhere at another site]}\n",
        encoding="utf-8",
    )
    assert [(found.level, found.sentence) for found in owners(site)] == [
        ("ok", "of 1 of 5 who say go the name is known"),
        ("warning", "'camera' is asked for nothing here: did you mean 'cameras'?"),
    ]
