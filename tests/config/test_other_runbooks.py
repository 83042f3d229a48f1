"""What the incremental, the recovery and the revert runbook are about, at the three sites."""

from __future__ import annotations

import dataclasses
import json

import pytest

from deploydash.config.runbook import load_runbook
from deploydash.core.model import CscId, Phase
from deploydash.core.procedure.names import SAL, StepId
from deploydash.core.procedure.runbook import StepKind
from deploydash.errors import ConfigurationError
from deploydash.wiring.tables import READING
from tests.config.test_runbooks import (
    NAMES,
    RUNBOOKS,
    SUMMIT,
    TUCSON,
    by_hand,
    commands,
    moves,
    settled_before,
    step,
)
from tests.support.runbooks import SCRIPTS, SITES, runbook, site


def test_an_incremental_run_is_about_the_named_cscs_the_watcher_and_the_queues() -> None:
    plan = runbook(TUCSON, "incremental", "ESS:104", "MTHexapod:1", "MTHexapod:2")
    assert {str(csc) for csc in plan.shutdown_set} == {"ESS:104", "MTHexapod:1", "MTHexapod:2"}
    assert {str(csc) for csc in plan.concerns} == {
        *("ESS:104", "MTHexapod:1", "MTHexapod:2"),
        *("ScriptQueue:1", "ScriptQueue:2", "ScriptQueue:3", "Watcher"),
    }
    assert set(moves(plan, "standby")) == {str(csc) for csc in plan.concerns}
    deleted = [line.partition(" -n ")[2] for line in by_hand(plan, "k8s-clean") if " delete job " in line]
    assert deleted == [
        "simonyitel delete job mtcamhexapod-sim mtm2hexapod-sim --cascade=background",
        "envsys delete job tma-ess104-sim --cascade=background",
        "obssys delete job mtqueue atqueue ocsqueue watcher --cascade=background",
    ]
    assert any(
        line.endswith(
            "app sync obssys --resource batch:Job:mtqueue --resource batch:Job:atqueue --resource batch:Job:ocsqueue"
            " --resource batch:Job:watcher"
        )
        for line in by_hand(plan, "argo-jobs")
    )


def test_an_incremental_run_goes_through_the_host_of_a_csc_without_a_job() -> None:
    plan = runbook("summit", "incremental", "ATCamera", "MTVMS:1", *(f"GenericCamera:{at}" for at in (101, 102, 103)))
    labels = {name: [item.label for item in step(plan, name).items] for name in ("bridges-stop", "bare-metal-stop")}
    assert labels == {
        "bridges-stop": ["ATCamera on auxtel-mcm.cp.lsst.org"],
        "bare-metal-stop": ["generic cameras", "M1M3 vibration monitoring"],
    }
    assert [item.label for item in step(plan, "bare-metal-start").items] == labels["bare-metal-stop"]
    assert "ssh -t azar03.cp.lsst.org sudo -iu dco ./shutdown_gc" in commands(plan, "bare-metal-stop")
    without = runbook("summit", "incremental", "ATAOS")
    assert not {each.id for each in without.steps()} & {*labels, "bridges-start", "bare-metal-start"}


def test_an_incremental_plan_may_leave_the_names_open() -> None:
    plan = runbook(SUMMIT, "incremental")
    assert plan.shutdown_set == ()
    assert {"cscs", "namespace", "jobs"} <= set(plan.blanks)
    assert moves(plan, "cscs") == {}


@pytest.mark.parametrize(
    ("name", "book", "only", "message"),
    [
        (SUMMIT, "incremental", "MTM1M3", "MTM1M3: is protected: no bulk step touches it"),
        (SUMMIT, "incremental", "ESS:107", "ESS:107: is not in the roster"),
        (SUMMIT, "incremental", "MTVMS:3", "MTVMS:3: has no Job in Kubernetes and no service on a host"),
        (SUMMIT, "incremental", "GenericCamera:101", "is stopped and started with GenericCamera:102 and"),
        (SUMMIT, "full-cycle", "ESS:104", "is about the whole roster"),
    ],
)
def test_names_that_cannot_be_meant_are_refused(name: str, book: str, only: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        runbook(name, book, only)


def test_a_rehearsal_prints_no_command_that_a_shell_would_run() -> None:
    real = site(SUMMIT)
    demo = dataclasses.replace(real, roster=dataclasses.replace(real.roster, rehearsal=True))
    plan = load_runbook(SITES / "runbooks" / "full-cycle.yaml", demo, SCRIPTS, systems=READING)
    items = [item for one in plan.steps() for item in one.items if item.by_person or item.system == "ssh"]
    typed = [line for item in items for line in item.manual]
    assert len(typed) > 150
    assert all(line.startswith("# ") for line in typed)
    assert "# rehearsal: ssh -t azar03.cp.lsst.org sudo -iu dco ./shutdown_gc" in typed


def test_an_incremental_run_about_no_csc_at_all_is_refused() -> None:
    path = SITES / "runbooks" / "incremental.yaml"
    with pytest.raises(ConfigurationError, match="no CSC of summit is named"):
        load_runbook(path, site(SUMMIT), SCRIPTS, frozenset(), systems=READING)


def test_a_recovery_commands_nothing_before_the_jobs_are_deployed_again() -> None:
    plan = runbook(SUMMIT, "recovery")
    assert next(one.id for one in plan.steps() if one.kind is StepKind.ACTION and one.system == SAL) == "m2-enable"
    assert step(plan, "k8s-clean").cscs == ()  # a power cut took them down, in no order
    assert "standby" in settled_before(plan, "m2-enable")
    assert plan.phases[0].wanted == Phase(None)
    assert "m2-enable" in settled_before(plan, "azar02-reboot")
    assert "MTM2 is ENABLED" in [one.sentence for one in step(plan, "azar02-reboot").preconditions]
    assert set(step(plan, "crio-start").cscs) == {CscId("MTVMS", 1), CscId("MTVMS", 2)}
    assert set(step(plan, "m1m3-start").cscs) == set(plan.protected)
    cameras = {CscId("GenericCamera", index) for index in (101, 102, 103)}
    assert set(step(plan, "azar03-restart").cscs) == cameras | {CscId("FiberSpectrograph", at) for at in (3, 101, 102)}
    assert [phase.id for phase in runbook(TUCSON, "recovery").phases] == [
        *("look", "clean-up", "deploy", "wait", "finish")
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_way_back_deletes_the_new_jobs_merges_the_revert_and_sees_the_old_tag_first(name: str) -> None:
    plan = runbook(name, "revert")
    ids = [one.id for one in plan.steps()]
    order = ["queues", "k8s-clean", "revert-merge", "argo-science-platform", "argo-rest", "standby", "report-broken"]
    assert [ids.index(StepId(one)) for one in order] == sorted(ids.index(StepId(one)) for one in order)
    assert set(order[:4]) <= settled_before(plan, "argo-rest")


@pytest.mark.parametrize("name", NAMES)
def test_a_failed_deployment_names_a_way_back_that_is_shipped_and_no_other_run_takes_the_site_down(name: str) -> None:
    ways = {book: {p.id: p.way_back for p in runbook(name, book).phases if p.way_back} for book in RUNBOOKS}
    assert ways["full-cycle"] == {"deploy": "revert"}
    assert ways["incremental"] == ways["recovery"] == ways["revert"] == {}, "revert is about the whole roster"
    assert {way for found in ways.values() for way in found.values()} <= set(RUNBOOKS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("book", RUNBOOKS)
def test_no_step_of_the_cluster_or_of_argo_cd_waits_without_a_limit(name: str, book: str) -> None:
    found = [one for one in runbook(name, book).steps() if one.acts and one.system in {"argocd", "kubernetes"}]
    assert found
    assert [one.id for one in found if one.budget_s is None] == []
    for one in found:
        for item in one.items:
            told = json.loads(item.spec)
            assert (one.budget_s or 0.0) > told.get("within_s", 0.0) + told.get("beats", 0.0), one.id


@pytest.mark.parametrize("book", ["full-cycle", "revert"])
def test_nublado_is_synced_only_where_people_were_told(book: str) -> None:
    (condition,) = step(plan := runbook(SUMMIT, book), "argo-nublado").when
    assert (condition.choice, condition.answers) == ("nublado", ("told",))
    assert [option.answer for choice in plan.choices if choice.id == "nublado" for option in choice.options] == [
        *("untold", "told")
    ], "the safe answer stands first"
