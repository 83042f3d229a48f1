"""A site without CSCs: no Kafka, no registry, no roster; its runbooks are those that its systems carry."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploydash.config.connect import connections
from deploydash.config.load import Site, parse_site
from deploydash.config.runbook import load_runbook, runbook_problems
from deploydash.errors import ConfigurationError
from deploydash.systems.settings import NO_KAFKA, NO_REGISTRY
from deploydash.wiring.tables import READING

SITES = Path(__file__).parents[2] / "sites"
LAB = """\
site: lab
systems:
  orchestrator:
    url: https://lab.example.org
    environment: 00000000-0000-1000-8000-000000000000
    agents: [tel1, tel2]
"""


def lab(text: str = LAB) -> Site:
    return parse_site(text, Path("lab.yaml"), READING)


def test_it_reaches_no_kafka_whatever_the_shell_exports() -> None:
    site = lab()
    assert (site.kafka, site.schema_registry, site.roster.cscs) == (None, None, ())
    outside = connections(site, {"LSST_KAFKA_BROKER_ADDR": "elsewhere:9094"})
    assert (outside.kafka, outside.registry) == (NO_KAFKA, NO_REGISTRY)


def test_every_runbook_of_an_orchestrator_is_for_it_and_no_other() -> None:
    books = {path.stem for path in (SITES / "runbooks").glob("orchestrator-*.yaml")}
    assert books == {f"orchestrator-{name}" for name in ("release", "upgrade", "revert", "first", "careful")}
    assert runbook_problems(SITES, lab(), systems=READING) == ()
    for name in sorted(books):
        book = load_runbook(SITES / "runbooks" / f"{name}.yaml", lab(), SITES / "scripts", systems=READING)
        assert all(not step.cscs for step in book.steps())


def test_a_runbook_for_any_site_asks_for_the_sections_that_it_acts_on() -> None:
    path = SITES / "runbooks/orchestrator-first.yaml"
    bare = "site: lab\nsystems:\n  person: {owners: [me]}\n"
    with pytest.raises(ConfigurationError) as caught:
        load_runbook(path, lab(bare), SITES / "scripts", systems=READING)
    assert "sites: needs systems.orchestrator, which lab does not have" in str(caught.value)


def test_one_that_has_a_kafka_needs_all_that_goes_with_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        lab(LAB + "kafka: {bootstrap: 'kafka.example.org:9094'}\n")
    missing = {problem.message for problem in caught.value.problems}
    assert {"'schema_registry' is missing", "'groups' is missing", "'cscs' is missing"} <= missing
