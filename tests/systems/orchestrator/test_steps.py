"""Steps of a runbook on an orchestrator: what is wrong with them, and what the lead may add."""

from __future__ import annotations

from typing import Any

import pytest

from deploydash.core.model import Roster
from deploydash.core.procedure.names import ItemId, StepId
from deploydash.systems.orchestrator.settings import OrchestratorSettings
from deploydash.systems.orchestrator.specs import Do, read_spec
from deploydash.systems.orchestrator.steps import STOP, OrchestratorSteps
from deploydash.systems.table import Entry

STEPS = OrchestratorSteps()
SETTINGS = OrchestratorSettings.model_validate(
    {
        "url": "https://lab.example.org",
        "environment": "00000000-0000-1000-8000-000000000000",
        "agents": ["tel1", "tel2"],
    }
)


def entry(**own: Any) -> Entry:
    return Entry(StepId("x"), own, Roster("lab", False, (), ()), SETTINGS, later=(StepId("back"),))


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"do": "explode"}, "do is 'explode'"),
        ({"do": "deploy"}, "deploy needs version"),
        ({"do": "set", "settings": {"auto_deploy": False}}, "set needs paid_by"),
        ({"do": "set", "settings": {"auto_deploy": False}, "paid_by": ["gone"]}, "no later step is called 'gone'"),
        ({"do": "verify", "settings": "auto_deploy"}, "settings is no mapping"),
        ({"do": "force repair", "agents": ["tel9"]}, "the site has no agent 'tel9'"),
        ({"do": "deploy", "version": "the new one"}, "version is 'the new one'"),
        ({"do": "compare", "version": "<version>", "dry_runs": ["<dryrun>"]}, "dry_runs is ['<dryrun>']"),
        ({"do": "recompile", "wants": "luck"}, "wants is 'luck'"),
        ({"do": "inspect", "agents": "all"}, "inspect has no agents"),
    ],
)
def test_what_is_wrong_with_a_step_is_said(own: dict[str, Any], message: str) -> None:
    assert message in [wrong.message for wrong in STEPS.problems(entry(**own))]


def test_each_agent_is_an_item_that_waits_for_those_before_it() -> None:
    items = STEPS.items(entry(do="force repair", agents="rest"))
    assert [(read_spec(item.spec).agent, read_spec(item.spec).behind) for item in items] == [
        ("tel1", ()),
        ("tel2", ("tel1",)),
    ]
    assert STEPS.lines(items[0]) == ("POST /api/v1/deploy push_full_deploy on tel1",)


def test_the_way_back_of_a_comparison_deletes_the_version_that_was_compared() -> None:
    step = entry(do="compare", version="<version>", dry_runs=["<dryrun-before>", "<dryrun>"])
    assert list(STEPS.problems(step)) == []
    [way] = STEPS.fallbacks(step)
    open_ = STEPS.items(step)
    with pytest.raises(ValueError, match="is not known yet"):
        STEPS.fallback(way, open_)
    known = STEPS.items(entry(do="compare", version="7", dry_runs=["none", "7/x"]))
    assert STEPS.lines(STEPS.fallback(way, known)) == ("DELETE /api/v1/version/7",)


def test_only_the_emergency_stop_stops_and_what_is_typed_is_looked_at() -> None:
    assert [offer.id for offer in STEPS.offers() if offer.stops] == [STOP]
    stop = STEPS.compose(STOP, ()).item
    assert stop is not None
    assert (stop.id, read_spec(stop.spec).do) == (ItemId(""), Do.HALT)
    for offer in (offer for offer in STEPS.offers() if not offer.stops):
        assert STEPS.compose(offer.id, [""] * len(offer.fields)).item is None, offer.id
    added = STEPS.compose("orchestrator-agent", ["tel1", "repair"]).item
    assert added is not None
    assert added.label == "tel1"


def test_a_token_is_never_sent_in_clear_and_an_environment_has_an_id() -> None:
    plain = SETTINGS.model_copy(update={"url": "http://lab.example.org"})
    assert [message for _, message, _ in plain.contradictions(entry().roster)] == [
        "http://lab.example.org would be sent a token in clear"
    ]
    with pytest.raises(ValueError, match="is no id of an environment"):
        OrchestratorSettings.model_validate({"url": "https://x", "environment": "lab"})
