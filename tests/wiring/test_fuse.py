"""The fuse: one thing of another site anywhere in a site's file, or where it is led to, and nothing may be armed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploydash.cli.sites import shipped_sites
from deploydash.config.load import Site, load_site, parse_site
from deploydash.core.fleet.facts import FUSE
from deploydash.core.fleet.observations import FactRead, FeedChanged
from deploydash.core.model import FeedState
from deploydash.errors import ConfigurationError, UserError
from deploydash.systems.argocd.fuse import named_elsewhere, of_another
from deploydash.systems.argocd.login import ARGOCD
from deploydash.systems.argocd.settings import ArgocdSettings
from deploydash.wiring.fuse import SiteFuse, Stranger, claims, strangers
from deploydash.wiring.tables import READING
from tests.support.clock import ManualClock
from tests.support.runbooks import SITES

NAMES = ("summit", "tucson-teststand", "base-teststand")


@cache
def site(name: str) -> Site:
    return load_site(SITES / f"{name}.yaml", READING)


def found_at(name: str, document: dict[str, Any]) -> list[Stranger] | str:
    """What the fuse says of a changed file, or why the file is refused."""
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    try:
        ours = parse_site(text, SITES / f"{name}.yaml", READING)
    except ConfigurationError as error:
        return str(error)
    return list(strangers(claims(ours), [claims(site(other)) for other in NAMES if other != name]))


def places(name: str) -> Iterator[tuple[str, ...]]:
    """Every place of a site's file that names something of the site alone."""
    yield from (("kafka", "bootstrap"), ("kafka", "hosts", "0"), ("schema_registry", "url"), ("efd", "url"))
    for system, section in site(name).sections.items():
        for path, _ in (*section.names(), *section.hosts()):
            if "api" not in path:  # GitHub's own is everybody's
                yield ("systems", system, *map(str, path))


def inside(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document[int(key) if isinstance(document, list) else key]
    return document


def put(document: Any, path: tuple[str, ...], value: object) -> None:
    holder = inside(document, path[:-1])
    holder[int(path[-1]) if isinstance(holder, list) else path[-1]] = value


def loaded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((SITES / f"{name}.yaml").read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_sites_name_nothing_of_each_other(name: str) -> None:
    assert found_at(name, loaded(name)) == []


@pytest.mark.parametrize(("name", "other"), list(zip(NAMES, NAMES[1:] + NAMES[:1], strict=True)))
def test_whatever_place_names_something_of_another_site_it_is_found_and_named(name: str, other: str) -> None:
    theirs = loaded(other)
    hosts = [row["host"] for row in theirs["systems"]["ssh"]["cameras"]]
    seen: list[tuple[str, ...]] = []
    for path in places(name):
        try:
            value = inside(theirs, path)
        except (LookupError, TypeError, ValueError):
            value = hosts[0]
        document = loaded(name)
        put(document, path, value)
        told = found_at(name, document)
        assert told, f"{path} may be {value}"
        text = told if isinstance(told, str) else "; ".join(each.sentence for each in told)
        bare = str(value).rpartition("@")[2].removeprefix("https://").partition("/")[0].partition(":")[0]
        assert bare in text, f"{path}: {text} does not name {bare}"
        seen.append(path)
    assert {path[1] for path in seen if path[0] == "systems"} >= {"ssh", "kubernetes", "argocd", "github", "slack"}


async def test_where_a_system_is_led_to_is_a_fact_that_names_it_and_what_cannot_be_told_is_none() -> None:
    async def elsewhere() -> tuple[str, ...]:
        return ("the context leads to https://manke",)

    async def fine() -> tuple[str, ...]:
        return ()

    async def dark() -> tuple[str, ...]:
        raise UserError("it does not answer")

    asks = {"kubernetes": elsewhere, "ssh": fine, "argocd": dark}
    fuse = SiteFuse("summit", [Stranger("slack", "systems.slack.announce is #base")], asks, ManualClock())
    health, *told = await asyncio.wait_for(fuse.look(), 5)
    facts = {each.fact.name.removeprefix(FUSE): each.fact for each in told if isinstance(each, FactRead)}
    assert {name: fact.ok for name, fact in facts.items()} == {"slack": False, "kubernetes": False, "ssh": True}
    assert facts["kubernetes"].sentence == "the context leads to https://manke"
    assert isinstance(health, FeedChanged)
    assert (health.state, health.detail) == (FeedState.DEGRADED, "not of summit: slack, kubernetes")


def test_an_argo_cd_tells_by_its_environment_whose_it_is() -> None:
    files = ("values.yaml", "values-base.yaml")
    assert of_another("argo", "base", files) == ""
    assert "deploys the environment base, not summit" in of_another("argo", "summit", files)
    assert of_another("argo", "summit", ()) == "", "what cannot be told is no stranger"
    settings = site("summit").sections[ARGOCD]
    assert isinstance(settings, ArgocdSettings)
    told = named_elsewhere(settings, {"ARGOCD_SERVER": "base-lsp.lsst.codes:443"})
    assert told.startswith("ARGOCD_SERVER names base")
    assert named_elsewhere(settings, {"ARGOCD_SERVER": "summit-lsp.lsst.codes:443"}) == ""


def test_the_sites_of_the_package_are_where_the_fuse_looks_for_others() -> None:
    assert {path.stem for path in Path(shipped_sites()).glob("*.yaml")} >= set(NAMES)
