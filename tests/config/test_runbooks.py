"""The three committed runbooks at the three sites hold every row of the upgrade procedure, in its order."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from deploydash.core.model import CscId, Phase, SummaryState, Target, TargetKind
from deploydash.core.procedure.items import CscEffect
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.preconditions import CscsDown, DebtsPaid, StepsSettled
from deploydash.core.procedure.runbook import Order, Runbook, Step, StepKind, Tier
from deploydash.core.run.placeholders import filled_item
from deploydash.systems.registry.steps import work_of
from tests.support.runbooks import lines, runbook

SUMMIT, TUCSON, BASE = NAMES = ("summit", "tucson-teststand", "base-teststand")
RUNBOOKS = ("full-cycle", "incremental", "recovery", "revert")
ROWS_EVERYWHERE = [
    *("tickets", "builds", "branches", "page", "page-announce", "principals", "square-ready", "nublado-image"),
    *("announce-day", "announce-hour", "preflight", "go-no-go", "announce-start", "watcher", "cscs"),
    *("stragglers", "queues", "bridges-stop", "stage-1", "k8s-clean", "nublado-clean", "phalanx-merge"),
    *("principals-config", "schema-none", "argo-science-platform", "argo-nublado", "argo-sasquatch"),
    *("argo-small", "argo-love", "argo-rest", "bridges-start", "stage-2", "standby", "enable", "report-broken"),
    *("minimal-testing", "versions", "schema-back", "announce-end", "nublado-open", "close"),
]
ROWS_OF_THE_SUMMIT = ["m2-request", "m2-closed-loop", "bare-metal-stop", "repos", "ess", "crio", "bare-metal-start"]
NOT_BY_HAND = {
    "preflight": "action",
    "watcher": "action",
    "cscs": "action",
    "queues": "action",
    "enable": "action",
    "enable-all": "action",
    "stragglers": "decide",
    "standby": "wait",
    "minimal-testing": "action",
    "k8s-clean": "action",
    "nublado-clean": "action",
    "close": "close",
    **dict.fromkeys(("schema-none", "schema-back"), "action"),
    **dict.fromkeys(("argo-science-platform", "argo-nublado", "argo-sasquatch"), "action"),
    **dict.fromkeys(("argo-small", "argo-love", "argo-rest", "versions"), "action"),
    **dict.fromkeys(("branches", "nublado-image", "phalanx-merge"), "action"),
}
MESSAGES = (
    *("page-announce", "square-ready", "m2-request", "announce-day", "announce-hour", "announce-start"),
    *("stage-1", "stage-2-message", "report-broken", "announce-end", "nublado-open"),
)
ON_CAMERA_HOSTS = ["bridges-stop", "bridges-start"]
ON_HOSTS = [
    *("bare-metal-stop", "vms-logger-stop", "love-stop", "repos", "ess", "crio", "vms-start", "bare-metal-start"),
    *("vms-logger-start", "love-start"),
]
"""What is done over SSH, at every site and at the Summit."""

WATCHER = CscId("Watcher")


def step(plan: Runbook, name: str) -> Step:
    return plan.step(StepId(name))


def commands(plan: Runbook, name: str) -> list[str]:
    return [line for item in step(plan, name).items if item.by_person for line in item.manual]


def by_hand(plan: Runbook, name: str) -> list[str]:
    """What a person would type for a step that a system carries out."""
    return [line for item in step(plan, name).items for line in item.manual]


def sent(site_name: str, plan: Runbook, name: str) -> list[str]:
    """Return what a step's system may send."""
    return [line for item in step(plan, name).items for line in lines(site_name)(item)]


def moves(plan: Runbook, name: str) -> dict[str, str]:
    found = step(plan, name)
    return {str(effect.csc): str(effect.target) for effect in (*found.awaits, *effects(found))}


def effects(one: Step) -> list[CscEffect]:
    return [effect for item in one.items if not item.by_person for effect in item.effects]


def settled_before(plan: Runbook, name: str) -> set[str]:
    """Return every step that must be settled before a step may go."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for condition in step(plan, waiting.pop()).preconditions:
            if isinstance(condition, StepsSettled):
                waiting += [one for one in condition.steps if one not in found]
                found |= set(condition.steps)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_row_of_the_procedure_is_a_step_of_the_full_cycle(name: str) -> None:
    ids = {one.id for one in runbook(name, "full-cycle").steps()}
    assert set(ROWS_EVERYWHERE) - ids == set()
    assert set(ROWS_OF_THE_SUMMIT) & ids == (set(ROWS_OF_THE_SUMMIT) if name == SUMMIT else set())


def test_the_phases_follow_the_procedure_and_say_what_csc_are_compared_with() -> None:
    phases = {phase.id: phase.wanted for phase in runbook(SUMMIT, "full-cycle").phases}
    assert phases == {
        "prepare": Phase(None),
        "shutdown": Phase(TargetKind.SHUTDOWN),
        "clean-up": Phase(TargetKind.SHUTDOWN),
        "configure": Phase(TargetKind.SHUTDOWN),
        "deploy": Phase(None),
        "wait": Phase(TargetKind.STARTUP),
        "finish": Phase(TargetKind.END),
    }


@pytest.mark.parametrize("book", RUNBOOKS)
@pytest.mark.parametrize("name", NAMES)
def test_a_step_whose_system_is_not_built_is_by_hand_and_says_exactly_what_to_do(name: str, book: str) -> None:
    by_hand = [one for one in runbook(name, book).steps() if one.kind is StepKind.MANUAL]
    assert by_hand or book == "revert"
    for one in by_hand:
        assert one.items, one.id
        for item in one.items:
            assert item.by_person
            assert item.manual, (one.id, item.label)
            assert not any(re.search(r"\{[a-z][a-z0-9_.]*\}", line) for line in item.manual)


@pytest.mark.parametrize("name", NAMES)
def test_what_commands_cscs_or_runs_scripts_is_of_a_kind_of_its_own(name: str) -> None:
    plan = runbook(name, "full-cycle")
    steps = [one for one in plan.steps() if one.kind is not StepKind.MANUAL]
    on_hosts = [one.id for one in steps if one.system == "ssh"]
    assert sorted(on_hosts) == sorted(ON_CAMERA_HOSTS + (ON_HOSTS if name == SUMMIT else []))
    messages = [one.id for one in steps if one.system == "slack"]
    assert set(messages) == {each for each in MESSAGES if name == SUMMIT or each != "m2-request"}
    kinds = {one.id: one.kind.value for one in steps if one.system not in {"ssh", "slack"}}
    assert kinds == {key: kind for key, kind in NOT_BY_HAND.items() if key != "enable-all" or name != SUMMIT}


@pytest.mark.parametrize("book", ["full-cycle", "incremental", "revert"])
@pytest.mark.parametrize("name", NAMES)
def test_the_watcher_goes_down_first_and_the_queues_last(name: str, book: str) -> None:
    plan = runbook(name, book, *(["ESS:104"] if book == "incremental" else []))
    assert moves(plan, "watcher") == {"Watcher": "OFFLINE"}
    assert {"watcher"} <= settled_before(plan, "cscs")
    assert {"watcher", "cscs", "stragglers"} <= settled_before(plan, "queues")
    queues = [(str(item.csc), item.wave) for item in step(plan, "queues").items]
    assert queues == [("ScriptQueue:3", 0), ("ScriptQueue:2", 1), ("ScriptQueue:1", 2)]
    down = [one for one in step(plan, "queues").preconditions if isinstance(one, CscsDown)]
    assert plan.shutdown_set in [one.cscs for one in down]
    assert (WATCHER,) in [one.cscs for one in step(plan, "cscs").preconditions if isinstance(one, CscsDown)]


def test_the_summit_protects_m1m3_and_sends_everything_else_offline() -> None:
    plan = runbook(SUMMIT, "full-cycle")
    assert plan.protected == (CscId("MTM1M3"), CscId("MTM1M3TS"))
    assert len(plan.concerns) == 117
    assert len(plan.shutdown_set) == 117 - 2 - 1 - 3
    assert set(moves(plan, "cscs")) == {str(csc) for csc in plan.shutdown_set}
    commanded = {effect.csc for one in plan.steps() for effect in effects(one)}
    assert commanded & set(plan.protected) == set()


def test_the_wait_is_for_each_cscs_own_target_for_thirty_minutes_after_every_lane_of_deploy() -> None:
    plan = runbook(SUMMIT, "full-cycle")
    wait = step(plan, "standby")
    assert wait.limit_s == 1800
    targets = moves(plan, "standby")
    assert len(targets) == 117
    assert {key: targets[key] for key in ("ScriptQueue:1", "HVAC", "MTAirCompressor:1", "ATCamera", "MTM1M3")} == {
        "ScriptQueue:1": "ENABLED",
        "HVAC": "ENABLED",
        "MTAirCompressor:1": "DISABLED",
        "ATCamera": "OFFLINE/AVAILABLE",
        "MTM1M3": "DISABLED",
    }
    deploy = next(phase for phase in plan.phases if phase.id == "deploy")
    assert {one.id for one in deploy.steps} <= settled_before(plan, "standby")


def test_m1m3_is_stopped_only_after_a_question_and_then_comes_up_standby() -> None:
    plan = runbook(SUMMIT, "full-cycle")
    stop = step(plan, "m1m3-stop")
    assert stop.asks == ("m1m3",)
    assert stop.applies({}) is None
    assert stop.applies({"m1m3": "kept"}) is False
    assert stop.applies({"m1m3": "stopped"}) is True
    assert plan.startup_targets({"m1m3": "kept"}) == {}
    standby = Target(SummaryState.STANDBY)
    assert plan.startup_targets({"m1m3": "stopped"}) == {CscId("MTM1M3"): standby, CscId("MTM1M3TS"): standby}
    assert {CscId("MTM1M3"), CscId("MTM1M3TS")} == set(stop.cscs)
    assert {CscId("MTM1M3"), CscId("MTM1M3TS")} & set(step(plan, "bare-metal-stop").cscs) == set()


@pytest.mark.parametrize("name", NAMES)
def test_the_watcher_is_enabled_after_all_others(name: str) -> None:
    items = step(runbook(name, "full-cycle"), "enable").items
    last = max(item.wave for item in items)
    assert [item.csc for item in items if item.wave == last] == [WATCHER]
    assert len(items) > 20
    assert {str(effect.target) for item in items for effect in item.effects} == {"ENABLED"}


def test_a_test_stand_chooses_what_is_enabled_at_the_end() -> None:
    plan = runbook(TUCSON, "full-cycle")
    finish = plan.phases[-1]
    assert step(plan, "enable").applies({"enable-list": "nothing"}) is False
    assert plan.wanted(finish, {"enable-list": "nothing"}) == Phase(TargetKind.STARTUP)
    assert plan.wanted(finish, {"enable-list": "published"}) == Phase(TargetKind.END)
    assert plan.wanted(finish, {"enable-list": "everything"}) == Phase(Target(SummaryState.ENABLED))
    assert len(moves(plan, "enable-all")) == 105
    assert step(runbook(SUMMIT, "full-cycle"), "enable").when == ()


@pytest.mark.parametrize("name", NAMES)
def test_every_debt_is_paid_by_a_later_step_of_the_same_site_and_closing_wants_them_all_paid(name: str) -> None:
    for book in RUNBOOKS:
        plan = runbook(name, book)
        ids = [one.id for one in plan.steps()]
        debts = [(one.id, debt) for one in plan.steps() for debt in one.debts]
        assert debts
        assert len({debt.id for _, debt in debts}) == len(debts)
        for owner, debt in debts:
            assert debt.paid_by
            assert all(ids.index(payer) > ids.index(StepId(owner)) for payer in debt.paid_by), debt
        assert ids[-1] == "close"
        assert DebtsPaid() in step(plan, "close").preconditions


def test_each_stopped_service_is_a_debt_of_its_own() -> None:
    specs = [json.loads(item.spec) for item in step(runbook(SUMMIT, "full-cycle"), "bare-metal-stop").items]
    assert [spec["debt"] for spec in specs][:2] == [
        "ssh/azar03.cp.lsst.org/generic cameras",
        "ssh/auxtel-ill-control.cp.lsst.org/AuxTel illumination control",
    ]
    assert len({spec["debt"] for spec in specs}) == 6
    assert {tuple(spec["paid_by"]) for spec in specs} == {("bare-metal-start", "vms-start")}


def test_what_is_stopped_on_hosts_is_started_again_but_the_protected_alone() -> None:
    plan = runbook(SUMMIT, "full-cycle")

    def labels(*names: str) -> set[str]:
        return {item.label for name in names for item in step(plan, name).items}

    assert labels("bare-metal-stop") == labels("bare-metal-start", "vms-start")
    assert labels("bridges-stop") == labels("bridges-start")
    assert labels("m1m3-stop") == labels("m1m3-start")
    assert {csc for name in (*ON_CAMERA_HOSTS, *ON_HOSTS) for csc in step(plan, name).cscs} & set(
        plan.protected
    ) == set()
    assert {str(csc) for csc in step(plan, "crio-m1m3").cscs} == {"MTM1M3", "MTM1M3TS"}


def test_commands_are_exact_for_each_site() -> None:
    assert sent(BASE, runbook(BASE, "full-cycle"), "bridges-stop") == [
        "auxtel-mcm.ls.lsst.org: sudo -n systemctl stop ats-ocs-bridge.service",
        "lsstcam-mcm.ls.lsst.org: sudo -n systemctl stop lsstcam-ocs-bridge.service",
    ]
    assert (
        "argocd --server tucson-teststand.lsst.codes --grpc-web-root-path /argo-cd app sync science-platform"
        in by_hand(runbook(TUCSON, "full-cycle"), "argo-science-platform")
    )
    assert (
        "kubectl --kubeconfig ~/.kube/yagan.yaml --context yagan -n obssys delete job -l csc --cascade=background"
        in by_hand(runbook(SUMMIT, "full-cycle"), "k8s-clean")
    )
    assert "auxtel-ill-control.cp.lsst.org: sudo -n -iu dco ./shutdown_fiberspec" in sent(
        SUMMIT, runbook(SUMMIT, "full-cycle"), "bare-metal-stop"
    )


def test_a_working_copy_is_switched_first_and_then_brought_up_to_origin() -> None:
    plan = runbook(SUMMIT, "full-cycle")
    assert sent(SUMMIT, plan, "repos")[-2:] == [
        "love01.cp.lsst.org: sudo -n -iu dco ./update_repo LOVE-integration-tools '<branch>'",
        "love01.cp.lsst.org: sudo -n -iu dco ./update_repo LOVE-integration-tools",
    ]
    assert step(plan, "repos").tier is Tier.SEVERE


def test_deleting_jobs_spares_what_only_runs_for_a_while_and_takes_every_ocps() -> None:
    plan = runbook(SUMMIT, "full-cycle")
    deleted = [line for line in by_hand(plan, "k8s-clean") if " delete job " in line]
    assert len(deleted) == 8
    assert any("-n uws delete job -l csc-class=ocps " in line for line in deleted)
    assert any("-n love delete job -l csc=love-commander " in line for line in deleted)
    assert CscId("OCPS", 3) in step(plan, "k8s-clean").cscs


def test_schema_compatibility_is_set_back_to_what_was_read() -> None:
    plan = runbook(SUMMIT, "full-cycle")
    assert '"compatibility": "NONE"' in by_hand(plan, "schema-none")[1]
    assert '"compatibility": "<compatibility>"' in by_hand(plan, "schema-back")[1]
    (change,), (back,) = step(plan, "schema-none").items, step(plan, "schema-back").items
    assert (work_of(change.spec).level, work_of(change.spec).paid_by) == ("NONE", (StepId("schema-back"),))
    assert filled_item(back, {"compatibility": "unset"}).label == "schema compatibility unset"
    assert all("https://summit-lsp.lsst.codes/schema-registry/config" in line for line in by_hand(plan, "schema-back"))


@pytest.mark.parametrize("name", NAMES)
def test_no_command_of_one_site_reaches_another(name: str) -> None:
    domains = {SUMMIT: "cp.lsst.org", TUCSON: "tu.lsst.org", BASE: "ls.lsst.org"}
    servers = {SUMMIT: "summit-lsp", TUCSON: "tucson-teststand.lsst.codes", BASE: "base-lsp"}
    for book in RUNBOOKS:
        plan = runbook(name, book)
        text = " ".join(line for one in plan.steps() for line in (*by_hand(plan, one.id), *sent(name, plan, one.id)))
        assert servers[name] in text
        assert domains[name] in text or book in {"incremental", "revert"}
        assert not any(domain in text for other, domain in domains.items() if other != name)
        assert not any(server in text for other, server in servers.items() if other != name)


def test_tucson_tests_tracking_only() -> None:
    scripts = {
        name: [item.label for item in step(runbook(name, "full-cycle"), "minimal-testing").items if not item.by_person]
        for name in NAMES
    }
    assert "auxtel/take_image_latiss.py" in scripts[BASE]
    assert not any("image" in path or path == "run_command.py" for path in scripts[TUCSON])
    assert "auxtel/track_target.py" in scripts[TUCSON]
    assert "maintel/point_azel.py" in scripts[TUCSON]
    assert "maintel/point_azel.py" not in scripts[SUMMIT]


@pytest.mark.parametrize("book", ["incremental", "recovery"])
def test_minimal_testing_is_asked_at_the_summit_and_always_done_at_the_test_stands(book: str) -> None:
    named = ["ESS:104"] if book == "incremental" else []
    for name in NAMES:
        one = step(runbook(name, book, *named), "minimal-testing")
        assert one.applies({}) is (None if name == SUMMIT else True)
        assert one.applies({"testing": "skip"}) is (name != SUMMIT)
        assert len(one.items) > 10


def test_the_cameras_pass_to_their_team_in_a_cycle_and_are_ours_in_a_restart() -> None:
    for name in NAMES:
        plan = runbook(name, "full-cycle")
        handing = step(plan, "stage-2")
        assert (handing.passes_on, handing.passes_to) == ((StepId("bridges-stop"),), "the camera team")
        assert handing.applies({"cameras": "restart"}) is False
        owes = [json.loads(item.spec)["paid_by"] for item in step(plan, "bridges-stop").items]
        assert owes == [["bridges-start"]] * len(owes)


def test_the_fallback_is_a_valid_script_by_any_queue_that_does_not_ask_the_watcher() -> None:
    ways = step(runbook(SUMMIT, "full-cycle"), "stragglers").fallbacks
    assert [way.label for way in ways] == [f"set_summary_state.py by ScriptQueue:{index}" for index in (1, 2, 3)]
    for index, way in enumerate(ways, 1):
        spec = json.loads(way.template)
        assert (spec["queue"], spec["path"], spec["standard"]) == (f"ScriptQueue:{index}", "set_summary_state.py", True)
        assert yaml.safe_load(spec["config"]) == {"data": [["<csc>", "OFFLINE"]], "mute_alarms": False}
        assert way.reaches == (Target(SummaryState.OFFLINE),)


def test_scripts_and_what_stands_between_them_go_one_after_the_other() -> None:
    one = step(runbook(SUMMIT, "full-cycle"), "minimal-testing")
    assert one.order is Order.SEQUENCE
    assert [item.id for item in one.items] == [f"#{place}" for place in range(1, len(one.items) + 1)]
    by_hand = [item.label for item in one.items if item.by_person]
    assert by_hand[0] == "auxtel_housekeeping.py, from Nublado or argo-workflows"
    first = next(item for item in one.items if not item.by_person)
    assert first.runs_in == (CscId("ScriptQueue", 2),)
    assert first.manual[0] == f"# add to ScriptQueue:2: standard {first.label}"
    assert step(runbook(SUMMIT, "full-cycle"), "cscs").order is Order.WAVES


def test_what_people_stop_goes_offline_and_what_they_start_comes_up_as_the_roster_says() -> None:
    plan = runbook(SUMMIT, "full-cycle")

    def led(name: str) -> dict[str, str]:
        found = [effect for item in step(plan, name).items for effect in item.effects]
        return {str(effect.csc): str(effect.target) for effect in found}

    assert led("bridges-stop")["ATCamera"] == "OFFLINE"
    assert led("bridges-start")["ATCamera"] == "OFFLINE/AVAILABLE"
    assert led("argo-rest") == {}  # the wait judges who comes up
    assert led("m1m3-start") == {"MTM1M3": "STANDBY", "MTM1M3TS": "STANDBY"}
    assert led("ess") == {}


@pytest.mark.parametrize("name", NAMES)
def test_bulk_offline_clean_up_merge_and_compatibility_are_severe(name: str) -> None:
    plan = runbook(name, "full-cycle")
    severe = {one.id for one in plan.steps() if one.tier is Tier.SEVERE}
    assert {"cscs", "queues", "k8s-clean", "nublado-clean", "phalanx-merge", "schema-none", "schema-back"} <= severe
    assert not {"watcher", "announce-day", "standby", "bridges-stop"} & severe


def test_every_step_links_to_a_page_of_the_public_procedure() -> None:
    for name in NAMES:
        for book in RUNBOOKS:
            for one in runbook(name, book).steps():
                assert one.link.startswith("https://obs-controls.lsst.io/"), one.id
                assert "#" in one.link
