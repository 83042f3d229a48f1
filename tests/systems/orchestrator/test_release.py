"""A release of a project: by the real command and git, each thing that it does not check itself looked at."""

from __future__ import annotations

import json
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploydash.core.run.ports import End, Found
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.session.clock import SystemClock
from deploydash.systems.orchestrator.act import OrchestratorAction
from deploydash.systems.orchestrator.client import OrchestratorClient
from deploydash.systems.orchestrator.project import not_for_release, project_of, wrong_pins
from deploydash.systems.orchestrator.settings import OrchestratorSettings
from deploydash.systems.orchestrator.specs import Do, Spec
from tests.servers.fixtures import have
from tests.servers.inmanta import BRANCH, STD, LabItem, inmanta_install, make_project
from tests.systems.orchestrator.lab import Lab, nobody
from tests.systems.orchestrator.test_act import made_item

NOWHERE = "00000000-0000-1000-8000-000000000000"


@asynccontextmanager
async def releasing(folder: Path, inmanta: str, **modules: str) -> AsyncIterator[Lab]:
    """Work on a project in a checkout; no orchestrator is asked."""
    environment = make_project(folder, NOWHERE, [LabItem("a")])
    settings = OrchestratorSettings.model_validate(
        {
            "url": "http://127.0.0.1:1",
            "environment": NOWHERE,
            "branch": BRANCH,
            "checkout": str(environment.work),
            "inmanta": inmanta,
            "modules": modules,
        }
    )
    lab = Lab(environment, settings)
    client = OrchestratorClient(settings, {})
    lab.action = OrchestratorAction(client, settings, SystemClock(), lambda: lab.state)
    yield lab
    await lab.action.aclose()


async def test_install_mode_and_pre_releases_are_looked_at_for_the_freeze_checks_neither(tmp_path: Path) -> None:
    async with releasing(tmp_path, "false") as lab:
        assert (await lab.do(Spec(Do.CHECK_PROJECT))).outcome is Outcome.REACHED
        file = lab.environment.work / "project.yml"
        file.write_text(file.read_text().replace("install_mode: release", "install_mode: master") + "  pre: true\n")
        plan = await lab.plan(Spec(Do.CHECK_PROJECT))
        assert (plan.blocked, plan.why) == (True, "install_mode is master, not release; pip.pre is set (true)")
        file.write_text("]")
        assert (await lab.plan(Spec(Do.CHECK_PROJECT))).why.startswith("project.yml is no YAML")


@pytest.mark.server
async def test_a_project_is_frozen_compared_committed_and_pushed(tmp_path: Path) -> None:
    home = have("orchestrator", inmanta_install)
    command = shlex.join([str(home / "venv/bin/python"), "-m", "inmanta.app"])
    async with releasing(tmp_path, command, std=STD, lab="1.0.0") as lab:
        git = lab.environment.git
        before = await lab.do(Spec(Do.MODULES))
        assert (before.outcome, "lab is not frozen, expected 1.0.0" in before.why) == (Outcome.FAILED, True)
        frozen: End = await lab.do(Spec(Do.FREEZE))
        assert frozen.outcome is Outcome.REACHED, (frozen, lab.context.printed)
        assert lab.context.intended()[0].endswith("-vv -X project freeze --recursive --operator ==")
        assert (await lab.do(Spec(Do.MODULES))).outcome is Outcome.REACHED
        (lab.environment.work / "notes").write_text("not of the release")
        git("add", "notes")
        assert (await lab.do(Spec(Do.COMMIT))).outcome is Outcome.REACHED
        assert git("show", "--name-only", "--format=", "HEAD").split() == ["project.yml"], "project.yml alone"
        push = await lab.plan(Spec(Do.PUSH))
        assert push.approved == json.dumps(git("rev-parse", "HEAD").strip())
        assert (await lab.action.probe(made_item(Spec(Do.PUSH)), ItemProgress(), nobody)).found is Found.NOT_DONE
        assert (await lab.do(Spec(Do.PUSH))).outcome is Outcome.REACHED
        assert git("ls-remote", "origin", BRANCH).split()[0] == git("rev-parse", "HEAD").strip()
        assert (await lab.action.probe(made_item(Spec(Do.PUSH)), ItemProgress(), nobody)).found is Found.DONE
        (lab.environment.work / "libs/lab/module.yml").unlink()
        failed = await lab.do(Spec(Do.FREEZE))
        assert failed.outcome is Outcome.FAILED, "its last line says why"
        assert failed.why


def test_pins_are_held_against_the_expected_versions() -> None:
    project = project_of("requires: [std == 8.4.2, lab == 1.0.0, 'other ~= 2']\n")
    assert not_for_release(project) == []
    assert wrong_pins(project, {"std": "8.4.2", "lab": "1.1.0"}) == [
        "other ~= 2 is no exact version",
        "lab is 1.0.0, expected 1.1.0",
    ]
    assert wrong_pins(project_of("requires: [std == 8.4.2]"), {}) == ["std 8.4.2 is not among the expected modules"]
