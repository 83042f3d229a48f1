"""Looking sites up: a path, or a name in three places."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploydash.config.find import KnownSite, find_site, list_sites
from deploydash.errors import ConfigurationError


class Places:
    """The three directories of the look-up, and the keywords they are given as."""

    def __init__(self, root: Path) -> None:
        self.cwd, self.user, self.shipped = root / "cwd", root / "user", root / "shipped"
        self.keywords = {"cwd": self.cwd, "user_dir": self.user, "shipped_dir": self.shipped}

    def put(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    def find(self, reference: str) -> Path:
        return find_site(reference, **self.keywords)

    def list(self) -> list[KnownSite]:
        return list_sites(**self.keywords)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def test_a_name_is_looked_up_here_then_at_the_user_s_then_among_those_shipped(places: Places) -> None:
    shipped = places.put(places.shipped / "summit.yaml")
    assert places.find("summit") == shipped
    own = places.put(places.user / "sites" / "summit.yaml")
    assert places.find("summit") == own
    here = places.put(places.cwd / "sites" / "summit.yaml")
    assert places.find("summit") == here
    assert places.list() == [
        KnownSite("summit", here),
        KnownSite("summit", own, shadowed=True),
        KnownSite("summit", shipped, shadowed=True),
    ]


def test_only_yaml_files_beside_each_other_are_sites(places: Places) -> None:
    for name in ("b.yaml", "a.yml", "site.schema.json", "runbooks/cycle.yaml", "folder.yaml/x.txt"):
        places.put(places.shipped / name)
    assert [site.name for site in places.list()] == ["a", "b"]


def test_a_checkout_as_the_working_directory_is_not_listed_twice(places: Places) -> None:
    places.put(places.cwd / "sites" / "summit.yaml")
    places.shipped = places.cwd / "sites"
    places.keywords["shipped_dir"] = places.shipped
    assert [(site.name, site.shadowed) for site in places.list()] == [("summit", False)]


@pytest.mark.parametrize("reference", ["elsewhere/my.yaml", "./my.yaml", "my.yml", "my.yaml", "some/where"])
def test_a_path_is_taken_from_the_working_directory(places: Places, reference: str) -> None:
    assert places.find(reference) == places.cwd / reference


def test_an_absolute_path_and_a_home_are_paths(places: Places) -> None:
    assert places.find("/etc/site.yaml") == Path("/etc/site.yaml")
    assert places.find("~/site.yaml") == Path.home() / "site.yaml"


def test_an_unknown_name_says_which_there_are_and_the_nearest(places: Places) -> None:
    for name in ("summit", "tucson-teststand", "base-teststand"):
        places.put(places.shipped / f"{name}.yaml")
    with pytest.raises(ConfigurationError) as caught:
        places.find("Sumit")
    (problem,) = caught.value.problems
    assert problem.message == "'Sumit' is no known site"
    assert problem.hint == (
        "did you mean summit? known are base-teststand, summit, tucson-teststand; or give the path of a YAML file"
    )
    with pytest.raises(ConfigurationError, match=r"no known site .known are base-teststand, summit"):
        places.find("xyz")


@pytest.mark.parametrize("reference", ["summit", "", "..", "a\0b"])
def test_where_nothing_is_known_the_error_says_what_to_give(places: Places, reference: str) -> None:
    assert places.list() == []
    with pytest.raises(ConfigurationError, match=r"is no known site .give the path of a YAML file"):
        places.find(reference)
