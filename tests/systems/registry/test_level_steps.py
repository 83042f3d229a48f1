"""A step that changes the level: what is refused, what stands on paper, and what nobody can type by mistake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from deploydash.core.model import Roster
from deploydash.core.procedure.names import StepId
from deploydash.systems.registry.compatibility import is_level
from deploydash.systems.registry.steps import RegistrySteps, work_of
from deploydash.systems.table import Entry

STEPS = RegistrySteps()
ROSTER = Roster("hill", rehearsal=False, cscs=(), groups=(), time_zone="UTC")
URL = "https://ana:secret@registry.example.org/schema-registry"


def entry(own: Mapping[str, Any], *, rehearsal: bool = False) -> Entry:
    later, words = (StepId("schema-back"),), {"schema_registry.url": URL}
    return Entry(StepId("schema-none"), own, ROSTER, rehearsal=rehearsal, later=later, words=words)


@pytest.mark.parametrize(
    ("own", "path", "message"),
    [
        ({"paid_by": ["schema-back"]}, ("set",), "None is no compatibility level"),
        ({"set": "none", "paid_by": ["schema-back"]}, ("set",), "'none' is no compatibility level"),
        ({"set": "unset", "paid_by": ["schema-back"]}, ("set",), "'unset' is no compatibility level"),
        ({"set": ["NONE"], "paid_by": ["schema-back"]}, ("set",), "['NONE'] is no compatibility level"),
        ({"set": "<branch>"}, ("set",), "'<branch>' is no compatibility level"),
        ({"set": "NONE"}, ("paid_by",), "no step restores the previous value"),
        ({"set": "NONE", "paid_by": "schema-back"}, ("paid_by",), "is no list of steps"),
        ({"set": "NONE", "paid_by": ["earlier"]}, ("paid_by", 0), "no step 'earlier' comes after this one"),
    ],
)
def test_a_step_that_would_leave_the_registry_changed_or_says_no_level_is_refused(
    own: dict[str, Any], path: tuple[str | int, ...], message: str
) -> None:
    assert [(wrong.path, wrong.message) for wrong in STEPS.problems(entry(own))][:1] == [(path, message)]


def test_what_is_sent_and_what_a_person_would_type_name_the_registry_and_no_password() -> None:
    own = {"set": "NONE", "paid_by": ["schema-back"]}
    assert not list(STEPS.problems(entry(own)))
    (item,) = STEPS.items(entry(own))
    address = "https://registry.example.org/schema-registry/config"
    assert STEPS.lines(item) == (f'PUT {address} {{"compatibility": "NONE"}}',)
    assert item.manual[0] == f"curl -s {address}   # note what it says"
    assert "secret" not in "".join((*item.manual, item.spec))
    (rehearsed,) = STEPS.items(entry(own, rehearsal=True))
    assert all(line.startswith("# rehearsal: ") for line in rehearsed.manual)
    (back,) = STEPS.items(entry({"set": "<compatibility>"}))
    assert STEPS.lines(back)[0].endswith(f", or DELETE {address} where none was set")
    assert work_of(back.spec).debt("NONE") is None


def test_levels_are_words_in_capitals_those_that_only_some_product_has_included() -> None:
    assert all(map(is_level, ("NONE", "FULL_TRANSITIVE", "FORWARD_ALL_NEW", "unset")))
    assert not any(map(is_level, ("", "none", "NONE; rm", "A" * 41, "<compatibility>", '"NONE"')))
