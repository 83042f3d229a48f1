"""Work on a real orchestrator, and each thing that it does otherwise than the procedures say."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.observations import FactRead, Observation
from deploydash.core.model import Roster
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import numbered
from deploydash.core.run.ports import Found
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.session.clock import SystemClock
from deploydash.systems.orchestrator.check import check
from deploydash.systems.orchestrator.feed import feed
from deploydash.systems.orchestrator.specs import Do, Spec, made
from deploydash.systems.table import Place
from tests.servers.inmanta import LabItem, Orchestrator, changed
from tests.servers.waiting import wait_until
from tests.support.item_context import Answered, Intended
from tests.systems.orchestrator.lab import nobody, working

pytestmark = pytest.mark.server

DEPLOY_S, REPAIR_S = "autostart_agent_deploy_interval", "autostart_agent_repair_interval"
ITEMS = [LabItem("a"), LabItem("b", "tel1", after="a"), LabItem("c", "tel2")]
UPDATE, RECOMPILE = Spec(Do.UPDATE), Spec(Do.RECOMPILE)


async def test_settings_are_put_back_as_they_were_read_and_owed_before_they_are_changed(
    orchestrator: Orchestrator,
) -> None:
    environment = orchestrator.environment("settings", ITEMS)
    environment.set(REPAIR_S, "137")
    environment.set("auto_deploy", True)
    async with working(environment) as lab:
        assert (await lab.set(REPAIR_S, 0)).outcome is Outcome.REACHED
        intent, answer = lab.context.told[:2]
        assert isinstance(intent, Intended)
        assert intent.owes is not None
        assert (intent.owes.id, intent.owes.restore) == (f"orchestrator/{REPAIR_S}", '"137"')
        assert answer == Answered(True, "accepted")
        await lab.set(DEPLOY_S, 0)
        await lab.set("auto_deploy", False)
        assert environment.settings()[DEPLOY_S] == "0"
        again = await lab.set(DEPLOY_S, "0")
        assert again.why == f"{DEPLOY_S} is 0"
        assert lab.context.told == [], "what is so already is not asked for"
        plan = await lab.plan(Spec(Do.RESTORE, setting=REPAIR_S))
        assert "a full repair by themselves within 600 s" in plan.why
        for name in (REPAIR_S, DEPLOY_S, "auto_deploy"):
            end = await lab.do(Spec(Do.RESTORE, setting=name))
            assert end.outcome is Outcome.REACHED, end
        assert environment.settings()[REPAIR_S] == "137"
        assert environment.settings()[DEPLOY_S] == "600", "nobody had set it, so it is the default again"
        assert environment.settings()["auto_deploy"] is True


async def test_a_value_that_is_refused_and_a_setting_that_is_not_there_are_said_so(orchestrator: Orchestrator) -> None:
    async with working(orchestrator.environment("refused", ITEMS)) as lab:
        end = await lab.set(REPAIR_S, "x")
        assert (end.outcome, "Invalid value" in end.why) == (Outcome.FAILED, True), "500 is an answer here"
        plan = await lab.plan(Spec(Do.VERIFY, setting="no_such", value="1"))
        assert (plan.blocked, plan.why) == (True, "this server has no setting no_such")
        verified = await lab.do(Spec(Do.VERIFY, setting="protected_environment", value="true"))
        assert verified.why == "protected_environment is false, wanted true"


async def test_an_upgrade_is_compared_deployed_and_taken_back(orchestrator: Orchestrator) -> None:
    environment = orchestrator.environment("upgrade", ITEMS)
    async with working(environment) as lab:
        assert "auto_deploy is on" in (await lab.do(UPDATE)).why, "its version would deploy at once"
        await lab.set("auto_deploy", False)
        first = await lab.made(RECOMPILE)
        assert (await lab.do(Spec(Do.DEPLOY, version=str(first)))).outcome is Outcome.REACHED
        assert environment.value_of("b") == "1"
        assert (await lab.do(Spec(Do.INSPECT))).outcome is Outcome.REACHED
        before = await lab.dry_run(await lab.made(RECOMPILE))

        environment.commit(changed(ITEMS, "a", value="2")[:2], "another value, and c is not ours any more")
        second = await lab.made(UPDATE)
        after = await lab.dry_run(second)
        compare = Spec(Do.COMPARE, version=str(second), before=before, after=after)
        assert (await lab.do(compare, "not expected")).outcome is Outcome.FAILED
        [question] = lab.context.asked
        assert "1 not in the model any more, left on the device: lab::Item[tel2,name=c]" in question
        assert "1 changed by the upgrade: lab::Item[internal,name=a]" in question
        assert (await lab.do(compare)).outcome is Outcome.REACHED

        (environment.devices / "b.json").write_text('{"value": "by hand"}')
        drifted = Spec(Do.COMPARE, version=str(second), before=before, after=await lab.dry_run(second))
        end = await lab.do(drifted)
        assert (end.outcome, lab.context.asked) == (Outcome.FAILED, [])
        assert "unexpected: lab::Item[tel1,name=b] modified: value by hand -> 1" in end.why

        (environment.devices / "b.json").write_text('{"value": "1"}')
        assert (await lab.do(Spec(Do.DELETE, version=str(second)))).outcome is Outcome.REACHED
        blocked = await lab.plan(Spec(Do.DEPLOY, version=str(second)))
        assert (blocked.blocked, "was it deleted?" in blocked.why) == (True, True)
        assert (await lab.plan(Spec(Do.DELETE, version=str(first)))).blocked, "the active one"
        environment.git("revert", "--no-edit", "HEAD")
        environment.git("push", "-q", "origin", "HEAD")
        back = await lab.made(UPDATE)
        same = Spec(Do.SAME, version=str(back), before=before, after=await lab.dry_run(back))
        assert (await lab.do(same)).why == "equal to the dry run before the upgrade"
        older = await lab.plan(Spec(Do.DEPLOY, version="1"))
        assert older.blocked or not older.lines


async def test_what_fails_is_no_success_though_its_version_is_active(orchestrator: Orchestrator) -> None:
    environment = orchestrator.environment("failing", changed(ITEMS, "a", broken=True))
    async with working(environment) as lab:
        await lab.set("auto_deploy", False)
        version = await lab.made(RECOMPILE)
        end = await lab.do(Spec(Do.DEPLOY, version=str(version)))
        assert end.outcome is Outcome.FAILED
        assert "1 deployed, 1 failed, 1 skipped; lab::Item[internal,name=a] failed" in end.why
        assert environment.versions()[version] == "active"
        assert (await lab.do(Spec(Do.INSPECT))).outcome is Outcome.FAILED

        environment.set("autostart_agent_map", {"internal": "local:", "tel1": "local:"})
        silent = await lab.do(Spec(Do.DRY_RUN, version=str(version)))
        assert silent.outcome is Outcome.FAILED, "todo is 0 at once, and nothing would change"
        assert "tel2 did not answer: nothing is known of 1 resource (agent_down)" in silent.why

        environment.commit(ITEMS, "a bad model", more="this is no model")
        broken = await lab.do(UPDATE)
        assert broken.outcome is Outcome.FAILED
        assert broken.why.startswith("the compile failed in "), broken.why


async def test_a_stop_in_the_middle_of_a_deploy_ends_it_and_what_is_left_goes_on_after_the_resume(
    orchestrator: Orchestrator,
) -> None:
    slow = [LabItem("a", delay=1.0), LabItem("b", "tel1", after="a", delay=1.0), LabItem("c", "tel1", after="b")]
    environment = orchestrator.environment("halted", slow)
    async with working(environment) as lab:
        for name in (DEPLOY_S, REPAIR_S):
            await lab.set(name, 0)
        await lab.set("auto_deploy", False)
        version = await lab.made(RECOMPILE)
        deploying = asyncio.create_task(lab.do(Spec(Do.DEPLOY, version=str(version))))
        await asyncio.to_thread(wait_until, lambda: environment.value_of("a"), 20, "the first device")
        async with working(environment) as other:
            end = await other.do(Spec(Do.HALT))
            assert end.outcome is Outcome.REACHED, end
            [asked] = [one for one in other.context.told if isinstance(one, Intended)]
            assert asked.asks_only, "it goes while the run is held, too"
            stopped = await deploying
            assert (stopped.outcome, "halted in its middle" in stopped.why) == (Outcome.FAILED, True)
            assert environment.value_of("c") is None
            candidate = await lab.plan(Spec(Do.DEPLOY, version=str(version)))
            assert (candidate.blocked, "halted" in candidate.why) == (True, True), "a release would be taken"
            for refused in (UPDATE, Spec(Do.DRY_RUN, version=str(version)), Spec(Do.REPAIR, agent="tel1")):
                assert (await lab.plan(refused)).blocked
            [debt] = [name for name in other.debts if "halted" in name]
            resumed = await other.do(Spec(Do.RESUME))
            assert "the deploy interval is 0: nothing goes on by itself" in resumed.why
            assert debt not in other.debts
        goes_on = await lab.do(Spec(Do.DEPLOY, version=str(version)))
        assert goes_on.outcome is Outcome.REACHED, goes_on
        assert environment.value_of("c") == "1"


async def test_a_careful_deployment_engages_one_agent_after_the_other(orchestrator: Orchestrator) -> None:
    environment = orchestrator.environment("careful", [LabItem("a"), LabItem("b", "tel1"), LabItem("c", "tel2")])
    environment.set("autostart_agent_map", {"internal": "local:"})
    async with working(environment) as lab:
        still = Spec(Do.RECOMPILE, wants="still")
        for name in (DEPLOY_S, REPAIR_S):
            await lab.set(name, 0)
        assert "push_on_auto_deploy is not off" in (await lab.plan(still)).why
        await lab.set("push_on_auto_deploy", False)
        every = '{"internal": "local:", "tel1": "local:", "tel2": "local:"}'
        added = await lab.do(Spec(Do.ENGAGE, setting="autostart_agent_map", value=every))
        assert added.outcome is Outcome.REACHED, added
        version = await lab.made(still)
        assert environment.versions()[version] == "active"
        for at, (agent, device) in enumerate((("internal", "a"), ("tel1", "b"), ("tel2", "c"))):
            end = await lab.do(Spec(Do.REPAIR, agent=agent))
            assert end.outcome is Outcome.REACHED, end
            held = [environment.value_of(name) for name in "abc"]
            assert held == ["1" if place <= at else None for place in range(3)], f"{device} alone is deployed now"
            if agent == "internal":
                assert await lab.dry_run(version)
        repeated = await lab.do(Spec(Do.REPAIR, agent="tel1"))
        assert repeated.why == "tel1: 1 deployed", "a repair of what is deployed is followed to its end"


async def test_what_became_of_work_is_found_after_a_kill(orchestrator: Orchestrator) -> None:
    environment = orchestrator.environment("killed", ITEMS)
    async with working(environment) as lab:
        await lab.set("auto_deploy", False)
        probe = lab.action.probe
        version = await lab.made(RECOMPILE)
        [intent] = [one for one in lab.context.told if isinstance(one, Intended)]
        history = ItemProgress(key=intent.key)
        assert (await probe(made_item(RECOMPILE), history, nobody)).found is Found.UNDER_WAY
        followed = await lab.action.follow(made_item(RECOMPILE), history, lab.context)
        assert dict(followed.values)["version"] == str(version), "followed by its key, and no other compile made"
        assert (await probe(made_item(RECOMPILE), ItemProgress(key="no such"), nobody)).found is Found.NOT_DONE
        deploy = Spec(Do.DEPLOY, version=str(version))
        assert (await probe(made_item(deploy), ItemProgress(), nobody)).found is Found.NOT_DONE
        environment.call("POST", f"/api/v2/desiredstate/{version}/promote")
        assert (await probe(made_item(deploy), ItemProgress(), nobody)).found is Found.UNDER_WAY
        assert (await lab.action.follow(made_item(deploy), ItemProgress(), lab.context)).outcome is Outcome.REACHED
        off = Spec(Do.SET, setting="auto_deploy", value="false")
        assert (await probe(made_item(off), ItemProgress(), nobody)).found is Found.DONE


def made_item(spec: Spec) -> Item:
    return made(numbered(0), spec)


async def test_agents_and_resources_are_told_and_what_departs_until_it_is_right_again(
    orchestrator: Orchestrator,
) -> None:
    environment = orchestrator.environment("told", changed(ITEMS, "b", broken=True))
    async with working(environment) as lab:
        await lab.set("auto_deploy", False)
        version = await lab.made(RECOMPILE)
        await lab.do(Spec(Do.DEPLOY, version=str(version)))
        place = Place(lab.settings, Roster("lab", True, (), ()))
        told: dict[str, Fact] = {}
        found = asyncio.Event()

        class Inbox:
            async def put(self, observations: Sequence[Observation]) -> None:
                told.update({one.fact.name: one.fact for one in observations if isinstance(one, FactRead)})
                found.set()

        reading = asyncio.create_task(feed(place, SystemClock()).run(Inbox()))
        await found.wait()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert told["orchestrator-running"].ok
        assert (told["orchestrator/agent internal"].ok, told["orchestrator/agent tel1"].ok) == (True, False)
        failed = told["orchestrator/lab::Item[tel1,name=b]"]
        assert (failed.ok, failed.about, failed.sentence) == (False, "lab::Item[tel1,name=b]", "failed")
        checked = {finding.sentence: finding.level for finding in await check(place)}
        assert checked["protected_environment is false: the procedure wants it on always"] == "red"
        assert checked["its 3 agents are those of the site file"] == "ok"
        assert checked["2 deployed, 1 failed: lab::Item[tel1,name=b]"] == "warning"
