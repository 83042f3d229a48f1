"""Working copies on the real sshd, sudo and git: edits shown, asked about, saved; a branch that was there before."""

from __future__ import annotations

import json

import pytest

from deploydash.core.run.ports import Found
from deploydash.core.run.records import Outcome
from deploydash.systems.ssh.specs import Checkout
from tests.servers.sshd import Sshd, SshWorld
from tests.systems.ssh.acting import acting, item, places
from tests.systems.ssh.programs import Programs, Repository

BRANCH = "c0045"


@pytest.fixture
def spec(world: SshWorld) -> Checkout:
    return Checkout(login="azar03.example.org", user=world.dco.name, directory="docker-compose-ops", branch=BRANCH)


async def test_a_clean_copy_is_brought_to_the_branch(
    world: SshWorld, server: Sshd, spec: Checkout, repository: Repository, programs: Programs
) -> None:
    head = repository.commit("setup.env", "CYCLE=c0045\n", BRANCH)
    async with acting(places(world, azar03=server)) as one:
        plan = await one.plan(item(spec))
        assert json.loads(plan.approved)["wanted"] == head
        assert len(plan.lines) == 2
        end = await one.run(item(spec))
        assert (end.outcome, end.values, end.left) == (Outcome.REACHED, (("commit", head),), "")
        assert (repository.head, programs.log) == (head, [f"update docker-compose-ops {BRANCH}"])
        again = await one.plan(item(spec))
        assert (again.lines, again.why[:13]) == ((), "nothing to do")
        assert (await one.probe(item(spec))).found is Found.DONE


async def test_a_branch_that_was_there_before_is_brought_up_by_a_second_update(
    world: SshWorld, server: Sshd, spec: Checkout, repository: Repository, programs: Programs
) -> None:
    repository.commit("setup.env", "CYCLE=c0044.5\n", BRANCH)
    repository.git(repository.copy, "fetch", "-q")
    repository.git(repository.copy, "checkout", "-q", BRANCH)
    head = repository.commit("setup.env", "CYCLE=c0045\n", BRANCH)
    async with acting(places(world, azar03=server)) as one:
        end = await one.run(item(spec))
    assert (end.outcome, repository.head) == (Outcome.REACHED, head)
    assert programs.log == [f"update docker-compose-ops {BRANCH}", "update docker-compose-ops"]


async def test_local_edits_are_shown_asked_about_and_saved(
    world: SshWorld, server: Sshd, spec: Checkout, repository: Repository, programs: Programs
) -> None:
    repository.commit("setup.env", "CYCLE=c0045\n", BRANCH)
    repository.edit("setup.env", "CYCLE=c0044 # by hand\n")
    async with acting(places(world, azar03=server)) as one:
        plan = await one.plan(item(spec))
        assert "# +CYCLE=c0044 # by hand" in plan.lines
        assert "local edits are saved to a patch" in plan.why
        question = "docker-compose-ops on azar03.example.org has local edits (M setup.env)."
        question += " update_repo saves them to a patch and resets the repository."
        one.context.answers = {question: "leave"}
        end = await one.run(item(spec))
        assert (end.outcome, programs.log) == (Outcome.FAILED, [])
        one.context.answers = {question: "reset"}
        end = await one.run(item(spec))
    assert end.outcome is Outcome.REACHED
    (patch,) = world.dco.home.glob("*.patch")
    assert end.left == f"local edits of azar03.example.org are in ~{world.dco.name}/{patch.name}"
    assert "+CYCLE=c0044 # by hand" in patch.read_text()


async def test_edits_that_no_patch_will_hold_are_named(
    world: SshWorld, server: Sshd, spec: Checkout, repository: Repository
) -> None:
    repository.commit("setup.env", "CYCLE=c0045\n", BRANCH)
    repository.edit("setup.env", "CYCLE=mine\n")
    repository.git(repository.copy, "add", "setup.env")
    async with acting(places(world, azar03=server)) as one:
        plan = await one.plan(item(spec))
    assert "STAGED edits are in no patch and are LOST: M setup.env." in plan.why


async def test_an_edit_that_came_after_the_approval_stops_it(
    world: SshWorld, server: Sshd, spec: Checkout, repository: Repository, programs: Programs
) -> None:
    repository.commit("setup.env", "CYCLE=c0045\n", BRANCH)
    async with acting(places(world, azar03=server)) as one:
        may = (await one.plan(item(spec))).approved
        repository.edit("setup.env", "CYCLE=mine\n")
        end = await one.run(item(spec), may)
    assert (end.outcome, programs.log) == (Outcome.FAILED, [])
    assert "retry shows what is there" in end.why


async def test_a_disk_that_is_full_leaves_the_commit_where_it_was_whatever_the_exit_status(
    world: SshWorld, server: Sshd, spec: Checkout, repository: Repository, programs: Programs
) -> None:
    repository.commit("setup.env", "CYCLE=c0045\n", BRANCH)
    programs.write("full", "")
    before = repository.head
    async with acting(places(world, azar03=server)) as one:
        end = await one.run(item(spec))
    assert (end.outcome, repository.head) == (Outcome.FAILED, before)
    assert "after update_repo: exit 0" in end.why


@pytest.mark.parametrize("branch", ["c0045;reboot", "$HOME", "a b", "../x", "-f", "a\nb", "x.lock", "'"])
async def test_a_branch_of_an_odd_name_is_not_sent_at_all(
    world: SshWorld, server: Sshd, spec: Checkout, branch: str, programs: Programs
) -> None:
    odd = spec.model_copy(update={"branch": branch})
    async with acting(places(world, azar03=server)) as one:
        plan = await one.plan(item(odd))
    assert (plan.lines, plan.blocked, "is not sent to a host as a branch" in plan.why) == ((), True, True)
    assert programs.log == []


async def test_a_branch_that_nobody_pushed_is_told(
    world: SshWorld, server: Sshd, spec: Checkout, repository: Repository
) -> None:
    del repository
    async with acting(places(world, azar03=server)) as one:
        plan = await one.plan(item(spec))
    assert (plan.blocked, plan.why) == (True, "origin has no branch c0045: push it first")
