"""Who looks after which CSC: what the file may say, and every problem of it with its line."""

from pathlib import Path

import pytest

from deploydash.config.load import load_site
from deploydash.config.owners import load_me, load_owners, load_speakers, parse_owners
from deploydash.core.model import CscId
from deploydash.core.owners import Owner
from deploydash.errors import ConfigurationError

SITES = Path(__file__).parents[2] / "sites"
SUMMIT = load_site(SITES / "summit.yaml").roster
OWN = Path("owners.yaml")


def problems(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(ConfigurationError) as caught:
        parse_owners(text, OWN, SUMMIT)
    return [(problem.line, problem.key, problem.message) for problem in caught.value.problems]


def test_each_csc_has_the_owner_that_names_it_or_its_component() -> None:
    owners = parse_owners(
        """\
owners:
  - {owner: environment team, contact: "#environment", cscs: ["ESS:*", "DREAM", Test]}
  - {owner: dome team, cscs: [MTDome, "ESS:104"]}
""",
        OWN,
        SUMMIT,
    )
    assert owners[CscId("ESS", 105)] == Owner("environment team", "#environment")
    assert owners[CscId("ESS", 104)] == Owner("dome team")
    assert str(owners[CscId("ESS", 105)]) == "environment team (#environment)"
    assert CscId("MTMount") not in owners


def test_who_says_go_for_an_owner_of_the_site_is_the_person_named_or_else_the_team(tmp_path: Path) -> None:
    own = tmp_path / "owners.yaml"
    assert load_speakers(own) == {}
    own.write_text(
        """\
owners:
  - {owner: camera team, says_go_for: [cameras]}
  - {owner: mirror team, contact: "#mirror", person: Bo, says_go_for: [M1M3 and M2], cscs: [MTM1M3]}
""",
        "utf-8",
    )
    assert load_speakers(own) == {"cameras": Owner("camera team"), "M1M3 and M2": Owner("Bo", "#mirror")}
    assert load_owners(own, SUMMIT) == {CscId("MTM1M3"): Owner("mirror team", "#mirror")}


def test_no_file_means_no_owners(tmp_path: Path) -> None:
    assert load_owners(tmp_path / "owners.yaml", SUMMIT) == {}


def test_a_csc_of_another_site_is_no_problem() -> None:
    assert parse_owners("owners: [{owner: a team, cscs: [Elsewhere]}]", OWN, SUMMIT) == {}


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        ("", 0, "", "the file must be a mapping"),
        ("owners:\n", 1, "owners", "has no value"),
        ("owner: []\n", 1, "owner", "unknown key 'owner'"),
        ("owners:\n  - {owner: a, csc: [MTDome]}\n", 2, "owners.0.csc", "unknown key 'csc'"),
        ("owners:\n  - owner: a\n    cscs: []\n", 3, "owners.0.cscs", "must not be empty, not an empty list"),
        ("owners:\n  - owner: a\n    cscs: [MTDome, 104]\n", 3, "owners.0.cscs.1", "must be a CSC such as Watcher"),
        ("owners:\n  - owner: a\n    cscs: ['E S']\n", 3, "owners.0.cscs.0", "'E S' is not a CSC"),
        ("owners:\n  - owner: a\n    cscs: ['ESS:1:*']\n", 3, "owners.0.cscs.0", "is not a CSC"),
        (
            "owners:\n  - {owner: a, cscs: [MTDome]}\n  - {owner: b, cscs: [MTDome]}\n",
            3,
            "owners.1.cscs.0",
            "in line 2",
        ),
        ("owners:\n  - {owner: a}\n", 2, "owners.0", "a owns nothing"),
        (
            "owners:\n  - {owner: a, says_go_for: [DM]}\n  - {owner: b, says_go_for: [DM]}\n",
            3,
            "owners.1.says_go_for.0",
            "in line 2",
        ),
        ("owners:\n  - {owner: 7, cscs: [MTDome]}\n", 2, "owners.0.owner", "must be text, not 7"),
        ("owners: [\n", 2, "", "not YAML"),
    ],
)
def test_every_problem_has_its_line_and_key(text: str, line: int, key: str, message: str) -> None:
    found = problems(text)
    assert any((at, where) == (line, key) and message in said for at, where, said in found), found


def test_the_example_is_usable_and_names_teams_only() -> None:
    example = SITES / "examples" / "owners.yaml"
    owners = parse_owners(example.read_text("utf-8"), example, SUMMIT)
    assert owners
    assert all("team" in owner.name and owner.contact.startswith("#") for owner in owners.values())


def test_whose_file_it_is_is_named_in_it_or_is_not_known(tmp_path: Path) -> None:
    own = tmp_path / "owners.yaml"
    assert load_me(own) == ""
    own.write_text("me: Ana \n", encoding="utf-8")
    assert (load_me(own), load_speakers(own)) == ("Ana", {})
