"""What two dry runs say beside the difference of two versions."""

from __future__ import annotations

from deploydash.systems.orchestrator.judging import bad, changes_words, compared, unlike, untold
from deploydash.systems.orchestrator.objects import Difference, Resource, agent_of, compiled, differences, settings
from deploydash.systems.orchestrator.specs import Do, Spec, made, read_spec
from deploydash.systems.orchestrator.values import same

A, B, C = (f"lab::Item[{agent},name={name}]" for agent, name in (("internal", "a"), ("tel1", "b"), ("tel2", "c")))


def change(name: str, old: str, new: str, status: str = "modified", attribute: str = "value") -> Difference:
    return Difference(name, status, {attribute: (old, new)})


def test_a_change_of_the_model_a_known_one_and_a_drift_are_told_apart() -> None:
    before = [change(B, "by hand", "1"), Difference(C, "unmodified")]
    after = [change(A, "1", "2"), change(B, "by hand", "1"), change(C, "by hand", "1")]
    found = compared(before, after, [change(A, "1", "2")])
    assert [one.id for one in found.own] == [A]
    assert [one.id for one in found.known] == [B]
    assert [one.id for one in found.unexpected] == [C]


def test_a_change_of_the_model_to_another_value_or_attribute_is_unexpected() -> None:
    model = [change(A, "1", "2")]
    assert compared([], [change(A, "1", "3")], model).unexpected
    assert compared([], [change(A, "x", "y", attribute="path")], model).unexpected
    assert compared([], [change(A, "by hand", "2")], model).own, "it ends where the model wants it"
    drifted = Difference(A, "modified", {"value": ("1", "2"), "path": ("x", "y")})
    assert compared([change(A, "x", "y", attribute="path")], [drifted], model).own, "one of before beside one of now"


def test_what_a_dry_run_does_not_list_and_what_it_cannot_tell_is_said() -> None:
    removed = Difference(C, "deleted", {"value": ("1", None)})
    found = compared([], [Difference(B, "agent_down")], [removed])
    assert [one.id for one in found.removed] == [C]
    assert [one.id for one in found.untold] == [B]
    assert untold([Difference(B, "agent_down")]) == ("tel1",)
    assert found.lines()[0].startswith("not told: ")
    assert compared([], [change(A, "", "1", "added")], [change(A, "", "1", "added")]).own


def test_equal_dry_runs_are_equal_whatever_their_order() -> None:
    one, two = change(A, "1", "2"), change(B, "1", "2")
    assert unlike([one, two, Difference(C, "unmodified")], [two, one]) == ()
    assert unlike([one], [two]) == (f"now {two.words()}", f"no more: {one.words()}")
    assert changes_words([Difference(A, "unmodified")]) == "nothing of 1 resource would change"


def test_only_deployed_is_good_and_what_waits_is_no_failure() -> None:
    states = ("deployed", "orphaned", "available", "deploying", "failed", "skipped", "unavailable", "cancelled", "new")
    found = [Resource(f"r{at}", "a", state) for at, state in enumerate(states)]
    assert [one.status for one in bad(found)] == ["failed", "skipped", "unavailable", "cancelled", "new"]
    assert agent_of(B) == "tel1"


def test_hostile_answers_are_read_as_nothing() -> None:
    assert settings(None) == {}
    assert settings({"definition": {"x": None}, "settings": []})["x"].value is None
    assert differences("no list") == ()
    assert compiled({"success": None, "reports": [3], "compile_data": "x"}).success is None
    killed = compiled({"success": False, "reports": [{"name": "Init", "returncode": 0}]})
    assert (killed.success, killed.why) == (False, "")


def test_values_of_settings_are_the_same_as_the_server_keeps_them() -> None:
    assert same("137", 137)
    assert not same(True, 1)
    assert not same("0", False)
    assert same({"a": 1}, {"a": 1})
    assert not same({"a": 1}, str({"a": 1}))


def test_an_item_holds_its_work() -> None:
    spec = Spec(Do.SET, setting="auto_deploy", value="false", back=("x",), behind=("internal",))
    assert read_spec(made("#1", spec).spec) == spec  # type: ignore[arg-type]
