"""What ``plan`` prints: golden texts, and one JSON document that says the same.

``python -m tests.support.runbooks`` writes the golden texts anew; read the difference before committing it.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from deploydash.plan import plan_json, plan_text
from tests.support.runbooks import GOLDEN, SITES, WIDTH, golden, lines, runbook


@pytest.mark.parametrize(("site", "book", "only"), GOLDEN)
def test_the_text_of_a_plan_is_the_committed_one(site: str, book: str, only: tuple[str, ...]) -> None:
    assert plan_text(runbook(site, book, *only), WIDTH, lines(site)) == golden(site, book).read_text("utf-8")


def test_sentences_are_wrapped_and_commands_are_not() -> None:
    narrow = plan_text(runbook("summit", "full-cycle"), 60, lines("summit")).splitlines()
    wide = plan_text(runbook("summit", "full-cycle"), 200, lines("summit")).splitlines()
    command = next(line for line in wide if "PUT /repos/lsst-sqre/phalanx" in line)
    assert command in narrow
    assert len(command) > 60
    sentences = [line for line in narrow if line.lstrip().startswith(("ends when:", "note:", "waits until:", "asks:"))]
    assert sentences
    assert all(len(line) <= 60 for line in sentences)


def test_every_step_target_and_command_is_in_the_text() -> None:
    plan = runbook("summit", "full-cycle")
    text = plan_text(plan, 120, lines("summit"))
    flat = " ".join(text.split())
    for number, step in enumerate(plan.steps(), 1):
        assert f"{number}. {step.id}: {step.title}" in flat
        for item in step.items:
            exact = lines("summit")(item)
            assert exact or item.by_person
            assert exact == item.manual or not item.by_person
            assert all(f"    {line}\n" in text for line in exact)
        assert all(f"or: {way.label}" in text for way in step.fallbacks)


def test_the_json_says_every_step_with_its_items() -> None:
    plan = runbook("summit", "full-cycle")
    document: dict[str, Any] = json.loads(json.dumps(plan_json(plan, lines("summit"))))
    assert document["format"] == "deploydash.plan/1"
    assert (document["site"], document["runbook"], document["rehearsal"]) == ("summit", "full-cycle", False)
    steps = {step["id"]: step for phase in document["phases"] for step in phase["steps"]}
    assert list(steps) == [step.id for step in plan.steps()]
    assert steps["watcher"]["items"] == [
        {
            "id": "Watcher",
            "label": "Watcher",
            "system": "sal",
            "effects": [{"csc": "Watcher", "target": "OFFLINE"}],
            "opaque": False,
            "lines": [f"lsst.sal.Watcher.command_{command}" for command in ("disable", "standby", "exitControl")],
            "manual": [],
            "wave": 0,
        }
    ]
    assert steps["bridges-stop"]["items"][0] == {
        "id": "#1",
        "label": "ATCamera on auxtel-mcm",
        "system": "ssh",
        "effects": [{"csc": "ATCamera", "target": "OFFLINE"}],
        "opaque": False,
        "lines": ["auxtel-mcm.cp.lsst.org: sudo -n systemctl stop ats-ocs-bridge.service"],
        "manual": ["ssh -t auxtel-mcm.cp.lsst.org sudo systemctl stop ats-ocs-bridge.service"],
        "wave": 0,
    }
    by_hand = steps["m1m3-stop"]["items"][1]
    assert (by_hand["label"], by_hand["system"]) == ("M1M3 thermal", "person")
    assert (
        by_hand["lines"]
        == by_hand["manual"]
        == ["ssh -t admin@m1m3-crio-ts.cp.lsst.org /etc/init.d/ts-m1m3thermal stop"]
    )
    assert steps["minimal-testing"]["items"][0] == {
        "id": "#1",
        "label": "auxtel/enable_atcs.py",
        "system": "sal",
        "effects": [],
        "opaque": False,
        "lines": ["lsst.sal.ScriptQueue.command_add salIndex=2 isStandard=true path=auxtel/enable_atcs.py"],
        "manual": ["# add to ScriptQueue:2: standard auxtel/enable_atcs.py"],
        "wave": 0,
    }
    assert steps["stragglers"]["fallbacks"][2] == {
        "label": "set_summary_state.py by ScriptQueue:3",
        "system": "sal",
        "reaches": ["OFFLINE"],
        "lines": [
            "lsst.sal.ScriptQueue.command_add salIndex=3 isStandard=true path=set_summary_state.py",
            *("data:", "- [<csc>, OFFLINE]", "mute_alarms: false"),
        ],
    }
    assert [phase["target"] for phase in document["phases"]] == [
        *("none", "shutdown", "shutdown", "shutdown", "none", "startup", "end")
    ]
    stopped = next(choice for choice in document["choices"] if choice["choice"] == "m1m3")["options"][1]
    assert stopped["startup"] == {"MTM1M3": "STANDBY", "MTM1M3TS": "STANDBY"}
    assert steps["standby"]["limit_s"] == 1800
    assert steps["standby"]["items"] == []
    assert len(steps["standby"]["awaits"]) == 117


def test_a_rehearsal_is_called_one() -> None:
    plan = dataclasses.replace(runbook("summit", "full-cycle"), rehearsal=True)
    assert "REHEARSAL" in plan_text(plan, 100, lines("summit")).splitlines()[1]
    assert plan_json(plan, lines("summit"))["rehearsal"] is True
    assert "REHEARSAL" not in plan_text(runbook("summit", "full-cycle"), 100, lines("summit"))


def test_names_that_nobody_gave_yet_are_said_to_be_open() -> None:
    text = plan_text(runbook("tucson-teststand", "incremental"), 100, lines("tucson-teststand"))
    assert "to the CSCs named when the run opens" in text
    assert "<cscs>" in text


def test_the_site_of_a_plan_is_never_asked_for_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a plan opened a connection")

    monkeypatch.setattr("socket.socket.connect", refused)
    monkeypatch.setattr("socket.getaddrinfo", refused)
    for path in sorted((SITES / "runbooks").glob("*.yaml")):
        if path.stem.startswith("orchestrator-"):
            continue  # for sites with an orchestrator
        assert plan_text(runbook("base-teststand", path.stem), 100, lines("base-teststand"))
